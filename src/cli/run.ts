import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';
import { byCodeUnit } from '../base/canonical.ts';
import { withMutex } from '../base/mutex.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { formatSeconds } from '../base/progress.ts';
import { shortDigest } from '../base/digest.ts';
import { fingerprintValue } from '../pipeline/fingerprint.ts';
import { selectStages, type BoundStage } from '../pipeline/graph.ts';
import { parseSetting, writeSettings } from '../pipeline/params.ts';
import { digestsOf, planStages, type PlannedStage } from '../pipeline/plan.ts';
import { runStages } from '../pipeline/run.ts';
import type { Ending } from '../pipeline/scheduler.ts';
import { failureText, type StageOutcome } from '../pipeline/stage-run.ts';
import { openProject } from '../project/open.ts';
import { files } from '../project/layout.ts';
import type { Cli, Define } from './command.ts';
import { withPipeline, type OpenPipeline } from './open-pipeline.ts';

interface RunOptions {
  jobs?: string;
  set: string[];
  dry?: boolean;
  force?: boolean;
  keepGoing?: boolean;
  failFast?: boolean;
}

export const define: Define = (command, cli) => {
  command
    .argument('[stage...]', 'stages to run, with all that they need; without a name, all')
    .option('-j, --jobs <n>', 'how many stages at once (default: the number of processors)')
    .option(
      '--set <key=value>',
      'write a hyperparameter into params.yaml first; may be repeated',
      (value: string, all: string[]) => [...all, value],
      [] as string[],
    )
    .option('--dry', 'say what would run and why; run nothing')
    .option('--force', 'run the named stages (all, without a name) whatever the cache has')
    .option('--keep-going', 'go on with all that does not depend on a failed stage; this is the default, the option is for habits from make and dvc')
    .option('--fail-fast', 'start nothing new after a failure')
    .addHelpText('after', '\nExample:\n  $ plumb run --set train.epochs=5')
    .action(async (names: string[], options: RunOptions) => runCommand(names, options, cli));
};

async function runCommand(names: readonly string[], options: RunOptions, cli: Cli): Promise<void> {
  const jobs = options.jobs === undefined ? availableParallelism() : Number(options.jobs);
  if (!Number.isInteger(jobs) || jobs < 1)
    throw new PlumbError('USAGE', { what: `--jobs ${options.jobs}: expected a whole number from 1`, mend: 'write -j 2' });
  const project = await openProject(cli);
  // bound with what is set before anything is written: a setting that does not hold changes nothing
  const params = options.set.length === 0 ? null : await withPipeline(project, cli, (open) => settleParams(options.set, open));
  const texts = new Map(params === null ? [] : [[files.params, params]]);
  await withPipeline(project, cli, (open) => runOpened(open, { names, jobs, options, params }, cli), texts);
}

interface RunWish {
  readonly names: readonly string[];
  readonly jobs: number;
  readonly options: RunOptions;
  /** params.yaml with what is set, or null */
  readonly params: string | null;
}

async function runOpened(open: OpenPipeline, order: RunWish, cli: Cli): Promise<void> {
  const { names, jobs, options, params } = order;
  const stages = selectStages(open.pipeline.stages, names);
  if (options.dry === true)
    return showPlan(stages, await planStages(stages, open.context, { force: options.force === true && names.length === 0 }), cli);
  const started = performance.now();
  const forced = new Set(options.force === true ? (names.length === 0 ? stages.keys() : selectNamed(stages, names)) : []);
  const endings = await withMutex(
    join(open.project.localDir, 'run.db'),
    async () => {
      if (params !== null) await writeFileAtomic(join(open.project.root, files.params), params);
      return runStages({
        context: open.context,
        stages,
        world: open.world,
        log: open.log,
        jobs,
        failFast: options.failFast === true,
        forced,
        onStart: (stage, why) => cli.note(`${cli.paint.bold(stage)}  runs: ${why.join('; ')}`),
        onOutcome: (stage, outcome) => tellOutcome(stage, outcome, cli),
      });
    },
    { waitMs: 2000 },
  );
  conclude(endings, (performance.now() - started) / 1000, cli);
}

function selectNamed(stages: ReadonlyMap<string, BoundStage>, names: readonly string[]): string[] {
  return [...stages.keys()].filter((stage) => names.some((name) => stage === name || stage.startsWith(`${name}@`)));
}

/** The text of params.yaml with the settings in it. */
async function settleParams(texts: readonly string[], open: OpenPipeline): Promise<string> {
  const pipeline = (await open.project.readText(files.pipeline)) ?? '';
  const inTemplates = [...pipeline.matchAll(/\$\{\s*params\.([\w.-]+)\s*\}/g)].map((match) => match[1] ?? '');
  const known = new Set([...[...open.pipeline.stages.values()].flatMap((stage) => stage.spec.params), ...inTemplates]);
  return writeSettings((await open.project.readText(files.params)) ?? '', texts.map(parseSetting), [...known]);
}

function tellOutcome(stage: string, outcome: StageOutcome, cli: Cli): void {
  const { record, digest } = outcome.kept;
  const metrics = Object.entries(record.metrics)
    .toSorted(([a], [b]) => byCodeUnit(a, b))
    .slice(0, 5)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(5))}`)
    .join('  ');
  if (outcome.state === 'ran')
    cli.print(
      `${cli.paint.green('ran')}     ${cli.paint.bold(stage)}  ${formatSeconds(outcome.seconds)}  ${metrics}  ${cli.paint.dim(shortDigest(digest))}`,
    );
  else cli.print(`${cli.paint.dim(outcome.state.padEnd(7))} ${cli.paint.bold(stage)}  ${metrics}  ${cli.paint.dim(shortDigest(digest))}`);
  if (outcome.notReproducible === undefined) return;
  const { earlier, outputs } = outcome.notReproducible;
  cli.note(
    cli.paint.yellow(
      `${stage} is not reproducible: with the same fingerprint, run ${shortDigest(earlier.digest)} of ${earlier.record.started} had another ${outputs.join(', ')}`,
    ),
  );
}

function conclude(endings: ReadonlyMap<string, Ending<StageOutcome>>, seconds: number, cli: Cli): void {
  const all = [...endings];
  const failed = all.flatMap(([stage, ending]) => (ending.state === 'failed' ? [{ stage, error: ending.error }] : []));
  const skipped = all.flatMap(([stage, ending]) => (ending.state === 'skipped' ? [{ stage, because: ending.because }] : []));
  const count = (state: StageOutcome['state']): number => all.filter(([, ending]) => ending.state === 'done' && ending.value.state === state).length;
  const [first] = failed;
  if (first !== undefined) {
    for (const { stage, because } of skipped) cli.note(`skipped ${stage}: ${because}`);
    const stages = all.map(([stage, ending]) => describeEnding(stage, ending));
    if (failed.length === 1 || cli.signal.aborted) throw withDetails(first.error, { stages });
    // stages that one cause stopped before they began are one mistake, with its own mend
    const { error } = first;
    if (isPlumbError(error) && error.code !== 'STAGE_FAILED' && failed.every((one) => isPlumbError(one.error, error.code)))
      throw withDetails(error, { stages });
    throw new PlumbError('STAGE_FAILED', {
      what: `${failed.length} stages failed: ${failed.map((one) => `${one.stage} (${firstLine(failureText(one.error))})`).join('; ')}`,
      mend: 'see .plumb/logs for the whole output of each; what ended well is kept',
      details: { failed: failed.map((one) => one.stage), skipped, stages },
    });
  }
  cli.emit({ seconds, stages: all.map(([stage, ending]) => describeEnding(stage, ending)) });
  if (all.length === 0) return cli.print(`${files.pipeline} has no stages yet: nothing to run`);
  cli.print(
    `${all.length} ${all.length === 1 ? 'stage' : 'stages'}: ${count('ran')} ran, ${count('cached')} from the cache${count('frozen') > 0 ? `, ${count('frozen')} frozen` : ''}, ${formatSeconds(seconds)}`,
  );
}

/** Without what the stage printed: of several failures, that is in the logs. */
function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/; it printed last:$/, '');
}

/** For --json: how every stage ended, beside what went wrong. */
function withDetails(error: unknown, details: Readonly<Record<string, unknown>>): unknown {
  if (!isPlumbError(error)) return error;
  const { code, message, mend, where } = error;
  return new PlumbError(code, {
    what: message,
    mend,
    ...(where === undefined ? {} : { where }),
    cause: error,
    details: { ...error.details, ...details },
  });
}

function describeEnding(stage: string, ending: Ending<StageOutcome>): unknown {
  if (ending.state !== 'done') return { stage, state: ending.state };
  const { state, kept, why, seconds, notReproducible } = ending.value;
  return {
    stage,
    state,
    run: kept.digest,
    fingerprint: kept.record.fingerprint,
    why,
    seconds,
    metrics: kept.record.metrics,
    outputs: kept.record.outputs,
    ...(notReproducible === undefined ? {} : { notReproducible: { earlier: notReproducible.earlier.digest, outputs: notReproducible.outputs } }),
  };
}

function showPlan(stages: ReadonlyMap<string, BoundStage>, plan: ReadonlyMap<string, PlannedStage>, cli: Cli): void {
  for (const [name, planned] of plan) {
    const text =
      planned.state === 'runs'
        ? planned.why.join('; ')
        : planned.state === 'waits'
          ? `for ${planned.on.join(', ')}`
          : shortDigest(planned.kept.digest);
    cli.print(`${planned.state.padEnd(7)} ${cli.paint.bold(name)}  ${text}`);
  }
  cli.emit({
    stages: [...plan].map(([name, planned]) => {
      if (planned.state === 'waits') return { stage: name, state: planned.state, on: planned.on };
      const ready = planned.ready;
      const stage = stages.get(name);
      return {
        stage: name,
        state: planned.state,
        ...(planned.state === 'runs' ? { why: planned.why } : { run: planned.kept.digest }),
        ...(ready === undefined || stage === undefined
          ? {}
          : { fingerprint: ready.fingerprint, of: fingerprintValue({ stage, inputs: digestsOf(ready.inputs), environment: ready.environment }) }),
      };
    }),
  });
}
