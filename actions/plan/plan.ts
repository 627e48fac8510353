// What is said where, from values alone: main.ts carries it out.
import type { CiContext } from '../../src/ci/context.ts';
import type { Job } from '../../src/ci/levels.ts';
import { matrixText } from '../../src/ci/matrix.ts';
import type { JobPlan } from '../../src/cli/ci-plan.ts';
import { code, prose } from '../../src/report/markdown-text.ts';

/** As many as the workflows have levels of jobs. */
const levelNames = ['level-1', 'level-2', 'level-3', 'level-4'] as const;

export interface Outcome {
  readonly outputs: Readonly<Record<string, string>>;
  /** Markdown */
  readonly summary: string;
  readonly notice: string | null;
}

/** What the outputs are until there is a plan, and where there is none: nothing starts. */
export function nothingPlanned(context: CiContext): Outcome['outputs'] {
  return {
    relevant: 'true',
    any: 'false',
    ...Object.fromEntries(levelNames.map((name) => [name, '[]'])),
    domain: '',
    head: context.commit,
    merged: '',
    estimate: '',
  };
}

export function describePlan(plan: JobPlan, context: CiContext, merged: string): Outcome {
  const { relevant, levels, minutes, domain } = plan;
  const outputs = {
    ...nothingPlanned(context),
    relevant: String(relevant),
    any: String(levels.length > 0),
    ...Object.fromEntries(levelNames.map((name, at) => [name, matrixText(levels[at] ?? [])])),
    domain,
    merged,
    estimate: minutes.estimate === null ? '' : String(minutes.estimate),
  };
  return { outputs, summary: summaryOf(plan), notice: null };
}

/** Code of a fork starts no job of this event, which somebody outside of the repository decides on. */
export function describeFork(context: CiContext): Outcome {
  const notice = `The pull request comes from a fork: nothing of it is run until somebody who may write here has read it and comments /plumb approve ${context.commit}`;
  return { outputs: nothingPlanned(context), summary: `## Waits for an approval\n\n${prose(notice)}\n`, notice };
}

/** Rows of the table; the log has all. */
const mostRows = 200;

function summaryOf(plan: JobPlan): string {
  if (!plan.relevant && plan.levels.length === 0)
    return '## Nothing to run\n\nThe change touches nothing that a model comes out of, or is judged by.\n';
  const jobs = plan.levels.flatMap((level, at) => level.map((job) => ({ job, level: at + 1 })));
  const { estimate, elapsed, known, of } = plan.minutes;
  const time = of === 0 ? '' : estimate === null ? `, time known of ${known} of them` : `, about ${elapsed} minutes (${estimate} of machines)`;
  const head = of === 0 ? '## Nothing to run: all from the cache' : `## ${of} ${of === 1 ? 'stage' : 'stages'} to run${time}`;
  const rows = jobs.slice(0, mostRows).map(({ job, level }) => rowOf(job, level));
  const more = jobs.length > mostRows ? [`| | | | *${jobs.length - mostRows} more* |`] : [];
  const table = rows.length === 0 ? [] : ['| Level | Job | Runner | About | Why |', '| --- | --- | --- | --- | --- |', ...rows, ...more, ''];
  const cached =
    plan.cached.length === 0
      ? []
      : [
          `From the cache: ${plan.cached
            .slice(0, mostRows)
            .map(({ stage }) => code(stage))
            .join(', ')}`,
          '',
        ];
  const warnings = plan.warnings.map((warning) => `⚠️ ${prose(warning)}\n`);
  return [head, '', ...table, ...cached, ...warnings, ''].join('\n');
}

function rowOf({ stages, estimate, why, 'runs-on': labels }: Job, level: number): string {
  const time = estimate === null ? '?' : `${estimate} min`;
  return `| ${level} | ${stages
    .slice(0, 5)
    .map((stage) => code(stage))
    .join(', ')}${stages.length > 5 ? ', …' : ''} | ${code(labels.join(' '))} | ${time} | ${prose(why, 300)} |`;
}
