import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';
import { shortDigest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { checkName } from '../base/names.ts';
import { formatSeconds } from '../base/progress.ts';
import { openProject, type Project } from '../project/open.ts';
import type { Stage } from '../registry/schema.ts';
import type { Cli, Define } from './command.ts';
import type { Drill, DrilledModel } from './drill-report.ts';
import { stageOption } from './stage-option.ts';

interface Options {
  readonly model?: string;
  readonly stage: Stage;
  readonly objective: string;
  readonly out?: string;
  readonly keep?: true;
}

export const define: Define = (command, cli) => {
  command
    .option('--model <name>', 'rehearse this model only; default: every one that is in the stage')
    .addOption(stageOption('the stage to rehearse').default('production'))
    .option('--objective <time>', 'longest time from the word to the old model answering', '5 minutes')
    .option('--out <file>', 'also write the report to this file: .md, or .html')
    .option('--keep', 'leave the scratch folder, to look at it')
    .addHelpText(
      'after',
      '\nRehearses the way back for real: `plumb rollback`, merge, push, reconcile and a server that answers, each timed, in a scratch clone with an origin of\n' +
        'its own. Nothing of production is touched: no push to origin, no word to the forge, no key of yours. Model files come from the remote, by reading.\n\n' +
        'Example:\n  $ plumb drill --objective "2 minutes" --out drill.md',
    )
    .action(async (options: Options) => drill(options, cli));
};

async function drill(options: Options, cli: Cli): Promise<void> {
  const { drillHolds, drillHtml, drillMarkdown, parseObjective } = await import('./drill-report.ts');
  const objectiveSeconds = parseObjective(options.objective);
  const { out } = options;
  if (out !== undefined && !/\.(md|html)$/.test(out))
    throw new PlumbError('USAGE', { what: `--out ${out} is neither .md nor .html`, mend: 'name it drill.md or drill.html' });
  const project = await openProject(cli);
  const models: DrilledModel[] = [];
  const skipped: Drill['skipped'][number][] = [];
  let log = false;
  for (const model of await modelsOf(project, options)) {
    if (models.some((one) => one.with.includes(model))) continue;
    try {
      const found = await drillModel(project, { model, stage: options.stage }, { objectiveSeconds, keep: options.keep === true, cli });
      models.push(found.drilled);
      log ||= found.log;
    } catch (error) {
      if (!isPlumbError(error, 'NOTHING_TO_ROLL_BACK') || options.model !== undefined) throw error;
      skipped.push({ model, why: error.message });
    }
  }
  const result: Drill = {
    plumbline: 'drill/1',
    at: cli.now().toISOString(),
    objectiveSeconds,
    log,
    models,
    skipped,
    holds: drillHolds(models, objectiveSeconds),
  };
  if (out !== undefined) await writeFileAtomic(resolve(cli.cwd, out), out.endsWith('.md') ? drillMarkdown(result) : drillHtml(result));
  await tell(result, cli);
  if (!result.holds) cli.exitCode = 1;
}

async function modelsOf({ git, prefix, config }: Project, { model, stage }: Options): Promise<string[]> {
  if (model !== undefined) return [checkName('model', model)];
  const [{ findBranch }, { listPointers }, { commitTree }] = await Promise.all([
    import('../registry/decision-log.ts'),
    import('../registry/pointer.ts'),
    import('../registry/tree.ts'),
  ]);
  const ref = await findBranch(git, config.main);
  const tip = ref === null ? null : await git.resolve(ref);
  const places = tip === null ? [] : await listPointers(commitTree(git, prefix, tip));
  const found = places.filter((place) => place.stage === stage).map((place) => place.model);
  if (found.length > 0) return found;
  throw new PlumbError('NOTHING_TO_ROLL_BACK', {
    what: `no model is in ${stage} on ${config.main}`,
    mend: 'there is nothing to rehearse before the first promotion',
  });
}

async function drillModel(
  project: Project,
  place: { readonly model: string; readonly stage: Stage },
  { objectiveSeconds, keep, cli }: { readonly objectiveSeconds: number; readonly keep: boolean; readonly cli: Cli },
): Promise<{ drilled: DrilledModel; log: boolean }> {
  const [{ makeScratch }, { rehearse }] = await Promise.all([import('./drill-scratch.ts'), import('./drill-run.ts')]);
  const folder = await mkdtemp(join(tmpdir(), 'plumb-drill-'));
  try {
    const env = drillEnvironment(cli.env, project, folder);
    const scratch = await makeScratch(project, place, { folder, env });
    const tellStep = (step: string): void => cli.note(cli.paint.dim(`${place.model}: ${step}`));
    const drilled = await rehearse(scratch, place, { folder, prefix: project.prefix, env, signal: cli.signal, objectiveSeconds, tell: tellStep });
    return { drilled, log: scratch.signingKey !== null };
  } finally {
    if (keep) cli.note(`the scratch folder: ${folder}`);
    else await rm(folder, { recursive: true, force: true });
  }
}

/** Names of what leads to a forge, to production's log, or into the job that this may be. */
const foreign = /^(GITHUB_|GITEA_|FORGEJO_|ACTIONS_|RUNNER_|GIT_|CI$|PLUMB_(FORGE|AUDIT|WEBHOOK|SIGNING|RUN_DOMAIN|GIT|CACHE))/;

/** The children know nothing but how to read the store. Where there is a remote they begin with an empty cache, as a new server does. */
function drillEnvironment(env: Cli['env'], project: Project, folder: string): NodeJS.ProcessEnv {
  const kept = Object.fromEntries(Object.entries(env).filter(([name, value]) => value !== undefined && !foreign.test(name)));
  const cache = project.config.remote === undefined ? (env['PLUMB_CACHE'] ?? join(project.localDir, 'cache')) : join(folder, 'cache');
  return {
    ...kept,
    PLUMB_CACHE: cache,
    PLUMB_RUN_DOMAIN: 'laptop',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'plumb drill',
    GIT_AUTHOR_EMAIL: 'drill@localhost',
    GIT_COMMITTER_NAME: 'plumb drill',
    GIT_COMMITTER_EMAIL: 'drill@localhost',
  };
}

async function tell(result: Drill, cli: Cli): Promise<void> {
  cli.emit(result);
  const { stepText } = await import('./drill-report.ts');
  const { bold, green, red, yellow } = cli.paint;
  for (const one of result.models) {
    const name = (digest: DrilledModel['from']): string => (digest === null ? 'nothing' : shortDigest(digest));
    cli.print(
      `${bold(one.model)} in ${one.stage}: ${name(one.from)} -> ${name(one.to)}${one.with.length === 0 ? '' : `, with ${one.with.join(', ')}`}`,
    );
    for (const { step, seconds } of one.steps) cli.print(`  ${formatSeconds(seconds).padStart(8)}  ${stepText(step)}`);
    const all =
      one.secondsInAll === null
        ? red('not in time')
        : `${formatSeconds(one.secondsInAll)}, ${formatSeconds(one.secondsFromMerge ?? 0)} of it from the merge`;
    cli.print(`  in all ${all}; ${one.asked} predictions asked for meanwhile, ${one.unanswered} without an answer`);
    for (const note of one.notes) cli.note(yellow(`! ${note}`));
  }
  for (const { model, why } of result.skipped) cli.print(`${yellow('not rehearsed')} ${model}: ${why}`);
  const why = result.models.length === 0 ? 'nothing has an earlier model to fall back on' : `objective ${formatSeconds(result.objectiveSeconds)}`;
  cli.print(`${result.holds ? green('the way back holds') : red('THE WAY BACK DOES NOT HOLD')}: ${why}`);
}
