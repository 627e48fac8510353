import { PlumbError } from '../base/errors.ts';
import type { CiPlan, PlanWish } from '../ci/job-plan.ts';
import { requireCommit } from '../datasets/revision.ts';
import { files } from '../project/layout.ts';
import { openProject, type Project } from '../project/open.ts';
import type { Cli, Define } from './command.ts';
import { withPipeline } from './open-pipeline.ts';
import { steps } from './steps.ts';

interface Options {
  readonly levels: string;
  readonly runner: string[];
  readonly base?: string;
  readonly force: string[];
}

const several = (value: string, all: string[]): string[] => [...all, value];

export const define: Define = (command, cli) => {
  command
    .option('--base <revision>', 'what the change is compared with; without it, all counts as changed')
    .option('--levels <n>', 'how many jobs may come one after the other; what is deeper runs in the last of them', '4')
    .option('--runner <label>', 'runner of stages that name no labels; may be repeated (default: ubuntu-24.04)', several, [])
    .option('--force <stage>', 'a stage that runs whatever the cache has; may be repeated', several, [])
    .addHelpText(
      'after',
      '\nRuns nothing. --json has the jobs of each level as a matrix of GitHub Actions takes them.\n\nExample:\n  $ plumb ci plan --base origin/main',
    )
    .action(async ({ levels, runner, base, force }: Options) => {
      const project = await openProject(cli);
      const commit = base === undefined ? null : await requireCommit(project.git, base);
      const { changesSince } = await import('../ci/changes.ts');
      const changes = commit === null ? null : await changesSince(project, commit);
      const wish = { levels: levelsOf(levels), runner: runnerOf(runner), base: changes?.from ?? null, changed: changes?.paths ?? null, force };
      const plan = await planProject(project, wish, cli);
      cli.emit(plan);
      for (const line of planLines(plan, cli)) cli.print(line);
    });
};

export interface JobPlan extends CiPlan {
  /** whose signature on a run of CI counts, by policy.yaml of the base; null: it has no `trust:`, or this is no job of CI */
  readonly trusted: { readonly repository: string; readonly workflows: readonly string[] } | null;
}

/** What the action `plan` does, too. @throws PlumbError CI_BUDGET for a pull request that would cost more than the policy of its base allows */
export async function planProject(project: Project, wish: PlanWish, cli: Cli): Promise<JobPlan> {
  const [{ planJobs }, { openTrustBase }, { budgetOf, checkBudget }] = await Promise.all([
    import('../ci/job-plan.ts'),
    import('./open-run-names.ts'),
    import('../ci/budget.ts'),
  ]);
  return withPipeline(project, cli, async ({ context }) => {
    const plan = await planJobs({ project, context, steps }, wish);
    const { domain } = context.runs;
    if (domain.kind === 'laptop') return { ...plan, trusted: null };
    const base = await openTrustBase(project, cli.env, domain);
    if ('number' in domain) checkBudget(plan.levels, await budgetOf(base === null ? undefined : await project.readTextAt(base.commit, files.policy)));
    const trust = base?.trust ?? null;
    if (trust === null) return { ...plan, trusted: null, warnings: [...plan.warnings, noTrust] };
    return { ...plan, trusted: { repository: trust.repository, workflows: trust.workflows } };
  });
}

const noTrust = `${files.policy} of the base has no trust: section, so the main branch runs again what a pull request ran before its merge`;

/** @throws PlumbError USAGE */
export function levelsOf(text: string): number {
  const levels = Number(text);
  if (Number.isInteger(levels) && levels >= 1 && levels <= 20) return levels;
  throw new PlumbError('USAGE', { what: `${text.slice(0, 40)} levels: expected a whole number from 1 to 20`, mend: 'write --levels 4' });
}

export function runnerOf(labels: readonly string[]): readonly string[] {
  return labels.length === 0 ? ['ubuntu-24.04'] : labels;
}

function* planLines(plan: CiPlan, { paint }: Cli): Generator<string> {
  if (!plan.relevant) yield 'the change touches nothing that a model comes out of, or is judged by';
  for (const why of plan.why) yield why;
  for (const [at, jobs] of plan.levels.entries()) {
    yield paint.bold(`level ${at + 1}`);
    for (const job of jobs) {
      const time = job.estimate === null ? 'time unknown' : `about ${job.estimate} min`;
      yield `  ${job.name}  [${job['runs-on'].join(', ')}]  ${time}  ${paint.dim(job.why)}`;
    }
  }
  const { known, of, estimate } = plan.minutes;
  const time = of === 0 ? '' : estimate === null ? `, time known of ${known} of ${of} stages` : `, about ${estimate} minutes of machines`;
  yield `${of} ${of === 1 ? 'stage' : 'stages'} to run, ${plan.cached.length} from the cache${time}`;
  for (const warning of plan.warnings) yield paint.yellow(`warning: ${warning}`);
}
