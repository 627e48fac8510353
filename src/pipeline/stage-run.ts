// The life of one stage: ready -> from the cache, or executed -> outputs in the store -> record -> outputs in the work tree.
// The order of writing matters: bytes, then the record, then its name; a kill in between leaves a stage that simply runs again.
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { formatSeconds } from '../base/progress.ts';
import { isRunning } from '../base/atomic.ts';
import { isPlumbError, PlumbError, systemError } from '../base/errors.ts';
import { refuseWayOut } from '../datasets/paths.ts';
import { openCheckpoint, type OpenCheckpoint } from './checkpoint.ts';
import { describeMachine, passedDay, withoutKeys } from './environment.ts';
import { describeGpus } from './gpus.ts';
import { runProcess, type ProcessEnd } from './executors/local.ts';
import { flatten } from './why.ts';
import { commandOf, type ReadyStage } from './plan.ts';
import { differingOutputs, keepRecord, readRecord, type KeptRecord } from './records.ts';
import type { RunInput, RunOutput, RunRecord } from './run-record.ts';
import type { StageWorld } from './stage-world.ts';
import { StepListener, type StepOrder } from './step-process.ts';
import type { JsonValue } from '../base/schema.ts';
import type { StepOrigin } from '../base/step.ts';
import type { Json } from '../base/canonical.ts';

export type { StageWorld } from './stage-world.ts';

export interface StageOutcome {
  readonly state: 'ran' | 'cached' | 'frozen';
  readonly kept: KeptRecord;
  readonly why: readonly string[];
  readonly seconds: number;
  /** an earlier run with the same fingerprint had other outputs */
  readonly notReproducible?: { readonly earlier: KeptRecord; readonly outputs: readonly string[] };
}

/**
 * Executes a stage whose fingerprint nobody has run.
 * @param options.forced executed although the cache had it, or seemed to: then this run counts from now on, on this machine
 * @param options.restore put the outputs into the work tree; false for a run beside the pipeline, such as the evaluation of another model
 * @throws PlumbError STAGE_FAILED, STAGE_OUT_MISSING, or what the step itself said
 */
export async function executeStage(
  ready: ReadyStage,
  why: readonly string[],
  world: StageWorld,
  options: { restore: boolean; forced: boolean },
): Promise<StageOutcome> {
  for (const path of Object.values(ready.stage.outputs)) await world.workspace.claim(path);
  const code = await world.code();
  // of a stage that wants none, nobody asks: a program that is slow to answer would cost every stage its time
  const gpus = ready.stage.spec.resources.gpus > 0 ? await describeGpus({ ...world.env, ...ready.stage.spec.env }) : [];
  const started = world.now();
  const done = ready.stage.step === null ? await executeCommand(ready, world, { fresh: options.forced }) : await executeStep(ready, world);
  const finished = world.now();
  await checkUnchanged(ready, world, done.checkpoint);
  const record: RunRecord = {
    plumbline: 'run/1',
    stage: ready.stage.spec.name,
    fingerprint: ready.fingerprint,
    command: commandOf(ready),
    inputs: ready.inputs,
    after: ready.after,
    params: ready.stage.params,
    outputs: done.outputs,
    metrics: done.metrics,
    measured: { seconds: (finished.getTime() - started.getTime()) / 1000, ...done.measured },
    environment: { fingerprinted: ready.environment, ...describeMachine(world.version), ...(gpus.length > 0 ? { gpus } : {}) },
    seed: ready.stage.spec.seed,
    ...(done.recalled ? { recalled: true as const } : {}),
    started: started.toISOString(),
    finished: finished.toISOString(),
    exit: 0,
    code,
    builder: world.builder,
  };
  await done.checkpoint?.done();
  const { digest, earlier } = await keepRecord(world, record, { forced: options.forced });
  await done.checkpoint?.forget(digest);
  if (options.restore) for (const output of Object.values(record.outputs)) await world.workspace.restore(output);
  const outcome = { state: 'ran' as const, kept: { digest, record }, why, seconds: record.measured['seconds'] ?? 0 };
  const outputs = earlier === undefined ? [] : differingOutputs(earlier.record, record);
  return earlier === undefined || outputs.length === 0 ? outcome : { ...outcome, notReproducible: { earlier, outputs } };
}

/** What a stage read from the work tree must still be what its fingerprint says: else the cache would give these outputs for other inputs, for ever. */
async function checkUnchanged(ready: ReadyStage, world: StageWorld, checkpoint: OpenCheckpoint | null): Promise<void> {
  const input = await changedInput(ready, world);
  if (input === undefined) return;
  // no more does what it left for the next attempt
  await checkpoint?.forget(null);
  throw new PlumbError('FILE_CHANGED', {
    what: `${input.ref} was changed while stage "${ready.stage.spec.name}" read it: its outputs belong to neither version, and are not kept`,
    where: { file: input.ref },
    mend: 'run it again; do not edit what a running stage reads',
  });
}

async function changedInput(ready: ReadyStage, world: StageWorld): Promise<RunInput | undefined> {
  for (const input of Object.values(ready.inputs)) {
    // a built-in step reads data sets and outputs from the store, where nothing changes
    if (input.kind === 'output' || (input.kind === 'data' && ready.stage.step !== null)) continue;
    if (!(await world.workspace.isStill(input))) return input;
  }
  return undefined;
}

interface Done {
  readonly outputs: Record<string, RunOutput>;
  readonly metrics: Record<string, number>;
  readonly measured: Record<string, number>;
  readonly checkpoint: OpenCheckpoint | null;
  readonly recalled: boolean;
}

async function executeStep(ready: ReadyStage, world: StageWorld): Promise<Done> {
  return runStep(ready, world, async (order, { error, result, recalled }) => {
    if (error !== undefined) throw error;
    const kept: Record<string, RunOutput> = {};
    for (const [name, path] of Object.entries(ready.stage.outputs)) kept[name] = await keepOutput(ready, world, order.outputs[name] ?? '', path);
    return { outputs: kept, metrics: { ...result?.metrics }, measured: { ...result?.measured }, checkpoint: null, recalled };
  });
}

/**
 * Runs a built-in step for some of its outputs, and keeps nothing: a check that does not hold leaves no run, and what it found is wanted all the same.
 * @param outputs names of outputs, texts
 * @returns texts: null for one that was not written
 * @throws PlumbError STAGE_FAILED, BYTES_MISSING and the like; what the step itself said comes back as `error`
 */
export async function tryStep<Name extends string>(
  ready: ReadyStage,
  world: StageWorld,
  outputs: readonly Name[],
): Promise<{ texts: Record<Name, string | null>; error: PlumbError | null }> {
  return runStep(ready, world, async (order, { error }) => {
    const texts = {} as Record<Name, string | null>;
    for (const name of outputs) texts[name] = await readFile(order.outputs[name] ?? '', 'utf8').catch(() => null);
    return { texts, error: error ?? null };
  });
}

/** @param use is told what the step said, while what it wrote is there */
async function runStep<T>(
  ready: ReadyStage,
  world: StageWorld,
  use: (order: StepOrder, said: Pick<StepListener, 'error' | 'result' | 'recalled'>) => Promise<T>,
): Promise<T> {
  const { spec } = ready.stage;
  const rooms = join(world.workspace.localDir, 'work');
  await sweepRooms(rooms);
  const room = join(rooms, `${process.pid}-${randomBytes(6).toString('hex')}`);
  try {
    const order = await layOut(ready, world, room);
    const listener = new StepListener(spec.name, world.progress);
    const end = await runProcess({
      command: world.stepCommand,
      cwd: world.workspace.root,
      env: world.env,
      firstLine: JSON.stringify(order),
      logFile: logFileOf(world, spec.name),
      onLine: (line) => world.onLine(spec.name, line),
      onEvent: (line) => listener.onEvent(line),
      signal: world.signal,
      limitMs: limitOf(ready),
    });
    listener.close();
    if (world.signal.aborted) throw world.signal.reason;
    if (listener.error === undefined && (!endedWell(end) || listener.result === undefined)) throw stageFailed(ready, world, end);
    return await use(order, listener);
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

/** A room is named after the process that made it: those of killed ones go. */
async function sweepRooms(rooms: string): Promise<void> {
  for (const name of await readdir(rooms).catch(() => [])) {
    // a step of the killed one may still be writing there for a moment: then the room goes with the next stage
    if (!isRunning(Number.parseInt(name, 10))) await rm(join(rooms, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

/** A room with the inputs laid out to read, and an empty place for each output. */
async function layOut(ready: ReadyStage, world: StageWorld, room: string): Promise<StepOrder> {
  const { stage } = ready;
  const inputs: Record<string, string> = {};
  const origins: Record<string, StepOrigin> = {};
  await mkdir(join(room, 'in'), { recursive: true }).catch((error: unknown) => Promise.reject(systemError(error, 'make', room)));
  await mkdir(join(room, 'out'));
  for (const [name, input] of Object.entries(ready.inputs)) {
    const target = join(room, 'in', name.replaceAll(/[^\w-]/g, '_'));
    const bound = stage.inputs[name];
    if (input.kind !== 'file') origins[name] = { kind: input.kind, ref: input.ref, digest: input.digest };
    if (input.kind === 'file') {
      inputs[name] = `${target}${extname(input.ref)}`;
      await symlink(join(world.workspace.root, input.ref), inputs[name]);
    } else if (bound?.kind === 'output')
      inputs[name] = await world.workspace.place(input.digest, 'file', `${target}${extname(await outputPath(input, world))}`);
    else inputs[name] = await world.workspace.place(input.digest, 'dataset', target);
  }
  const outputs = Object.fromEntries(Object.entries(stage.outputs).map(([name, path]) => [name, join(room, 'out', path.split('/').at(-1) ?? name)]));
  const passed = ready.environment[passedDay];
  const places = {
    inputs,
    origins,
    cacheDir: world.store.cacheDir,
    memoryDir: world.memoryDir,
    ...(world.recalls ? {} : { recalls: false as const }),
    outputs,
    ...(passed === undefined ? {} : { passed }),
  };
  return { uses: stage.step?.uses ?? '', with: stage.arguments, params: stage.params as JsonValue, seed: stage.spec.seed, ...places };
}

async function outputPath(input: { run?: RunRecord['fingerprint'] | undefined; ref: string }, world: StageWorld): Promise<string> {
  if (input.run === undefined) return input.ref;
  const record = await readRecord(world.store, input.run);
  return record.outputs[input.ref.slice(record.stage.length + 1)]?.path ?? input.ref;
}

async function executeCommand(ready: ReadyStage, world: StageWorld, options: { fresh: boolean }): Promise<Done> {
  const { spec, outputs, inputs, params } = ready.stage;
  if (spec.action.kind !== 'cmd') throw new Error(`stage ${spec.name} is no command`);
  for (const input of Object.values(inputs)) if (input.kind === 'data') await world.workspace.materialise(input.ref);
  for (const path of Object.values(outputs)) {
    // what stands there is removed: not through a symlink of somebody else's
    await refuseWayOut(world.workspace.root, dirname(path));
    await rm(join(world.workspace.root, path), { recursive: true, force: true });
    await mkdir(dirname(join(world.workspace.root, path)), { recursive: true });
  }
  const checkpoint = await openCheckpoint(ready, world, options);
  const own = { PLUMB_STAGE: spec.name, PLUMB_SEED: String(spec.seed), PLUMB_PARAMS: JSON.stringify(params), ...checkpoint?.environment };
  const end = await runProcess({
    command: spec.action.cmd,
    cwd: world.workspace.root,
    env: { ...withoutKeys(world.env), ...spec.env, ...own },
    logFile: logFileOf(world, spec.name),
    onLine: (line) => world.onLine(spec.name, line),
    signal: world.signal,
    limitMs: limitOf(ready),
  });
  if (!endedWell(end) && checkpoint !== null && (await changedInput(ready, world)) !== undefined) await checkpoint.forget(null);
  else await checkpoint?.over(end);
  if (world.signal.aborted) throw world.signal.reason;
  if (!endedWell(end)) throw stageFailed(ready, world, end);
  const kept: Record<string, RunOutput> = {};
  for (const [name, path] of Object.entries(outputs)) kept[name] = await keepOutput(ready, world, join(world.workspace.root, path), path);
  return { outputs: kept, metrics: await readMetrics(ready, world), measured: { ...checkpoint?.measured }, checkpoint, recalled: false };
}

/** Who is stopped may still end with 0: what it wrote is not all then. */
function endedWell({ exit, timedOut }: ProcessEnd): boolean {
  return exit === 0 && !timedOut;
}

async function keepOutput(ready: ReadyStage, world: StageWorld, path: string, projectPath: string): Promise<RunOutput> {
  const facts = await lstat(path).catch(() => null);
  if (facts !== null) return world.workspace.keep(path, projectPath);
  throw new PlumbError('STAGE_OUT_MISSING', {
    what: `stage "${ready.stage.spec.name}" ended well but did not write ${projectPath}`,
    mend: 'let the command write it, or take it out of the stage in pipeline.yaml',
  });
}

/** Numbers of a command's metric files, flattened: { a: { b: 1 } } -> a.b. */
async function readMetrics(ready: ReadyStage, world: StageWorld): Promise<Record<string, number>> {
  const metrics: Record<string, number> = {};
  for (const path of ready.stage.spec.metrics) {
    let value: Json;
    try {
      value = JSON.parse(await readFile(join(world.workspace.root, path), 'utf8')) as Json;
    } catch (error) {
      throw new PlumbError('JSON_SYNTAX', {
        what: `stage "${ready.stage.spec.name}" wrote metrics that are not JSON`,
        where: { file: path },
        mend: 'write one JSON object of numbers',
        cause: error,
      });
    }
    for (const [key, number] of flatten(value as Record<string, JsonValue>)) if (typeof number === 'number') metrics[key] = number;
  }
  return metrics;
}

function stageFailed(ready: ReadyStage, world: StageWorld, end: ProcessEnd): PlumbError {
  const name = ready.stage.spec.name;
  const how = end.timedOut
    ? `ran past its limit of ${formatSeconds((limitOf(ready) ?? 0) / 1000)}`
    : end.signal !== null
      ? `was ended by ${end.signal}`
      : `ended with exit code ${end.exit}`;
  return new PlumbError('STAGE_FAILED', {
    what: `stage "${name}" ${how}${end.tail.length > 0 ? `; it printed last:\n    ${end.tail.slice(-8).join('\n    ')}` : ''}`,
    where: { file: logFileOf(world, name) },
    mend: 'the whole output is in the log named above; stages that ended well are kept, so the next `plumb run` goes on from here',
    details: { stage: name, exit: end.exit, signal: end.signal, timedOut: end.timedOut },
  });
}

function logFileOf(world: StageWorld, stage: string): string {
  return join(world.workspace.localDir, 'logs', `${stage}.log`);
}

function limitOf(ready: ReadyStage): number | undefined {
  const { minutes } = ready.stage.spec.resources;
  return minutes === undefined ? undefined : minutes * 60_000;
}

/** For those who want one sentence out of whatever a stage threw. */
export function failureText(error: unknown): string {
  return isPlumbError(error) || error instanceof Error ? error.message : String(error);
}
