// What `plumb run` and `plumb ci run` have in common: the stages are run, one process at a time, and how each ended is told.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { byCodeUnit } from '../base/canonical.ts';
import { shortDigest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { withMutex } from '../base/mutex.ts';
import { formatSeconds } from '../base/progress.ts';
import type { BoundStage } from '../pipeline/graph.ts';
import { runStages } from '../pipeline/run.ts';
import type { Ending } from '../pipeline/scheduler.ts';
import { failureText, type StageOutcome } from '../pipeline/stage-run.ts';
import { files } from '../project/layout.ts';
import type { Cli } from './command.ts';
import type { OpenPipeline } from './open-pipeline.ts';

export interface RunWish {
  readonly stages: ReadonlyMap<string, BoundStage>;
  readonly jobs: number;
  readonly failFast: boolean;
  readonly forced: ReadonlySet<string>;
  /** false: only what commands read comes into the work tree */
  readonly restore: boolean;
  /** once no other run is at work */
  before?(): Promise<void>;
}

/** @throws PlumbError STAGE_FAILED, or what the only stage that failed said; its details have how every stage ended, as --json has it of a run that ends well */
export async function runAndTell(open: OpenPipeline, { before, ...wish }: RunWish, cli: Cli): Promise<void> {
  const started = performance.now();
  const endings = await withMutex(
    join(open.project.localDir, 'run.db'),
    async () => {
      await before?.();
      return runStages({
        ...wish,
        context: open.context,
        world: open.world,
        log: open.log,
        onStart: (stage, why) => cli.note(`${cli.paint.bold(stage)}  runs: ${why.join('; ')}`),
        onOutcome: (stage, outcome) => tellOutcome(stage, outcome, cli),
      });
    },
    { waitMs: 2000 },
  );
  conclude(endings, (performance.now() - started) / 1000, cli);
}

/** How many stages at once. @throws PlumbError USAGE */
export function jobsOf(text: string | undefined): number {
  const jobs = text === undefined ? availableParallelism() : Number(text);
  if (Number.isInteger(jobs) && jobs >= 1) return jobs;
  throw new PlumbError('USAGE', { what: `--jobs ${text}: expected a whole number from 1`, mend: 'write -j 2' });
}

/** Stages that are named themselves, without those that they need. */
export function selectNamed(stages: ReadonlyMap<string, BoundStage>, names: readonly string[]): string[] {
  return [...stages.keys()].filter((stage) => names.some((name) => stage === name || stage.startsWith(`${name}@`)));
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
      what: `${failed.length} stages failed: ${failed.map(({ stage }) => stage).join(', ')}${failed.map((one) => `\n  ${one.stage}: ${firstLine(failureText(one.error))}`).join('')}`,
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

/** Of what each of several stages failed with; it was told in full when it did. */
const mostOfFailure = 160;

/** Without what the stage printed: of several failures, that is in the logs. */
function firstLine(text: string): string {
  const line = (text.split('\n')[0] ?? '').replace(/; it printed last:$/, '');
  return line.length > mostOfFailure ? `${line.slice(0, mostOfFailure).trimEnd()}...` : line;
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
