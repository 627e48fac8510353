// What would run, and why, without running anything: every stage's fingerprint as far as it can be known, and the record that it leads to.
import type { Digest } from '../base/digest.ts';
import { PlumbError, type PlumbError as PlumbErrorType } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import { fingerprintedEnvironment } from './environment.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { BoundStage } from './graph.ts';
import { canBeHad, claimsOf, readableRecord, readRecord, type KeptRecord, type LogEntry } from './records.ts';
import { refusalText, type RunNames } from './run-names.ts';
import type { RunInput, RunRecord } from './run-record.ts';
import type { Pipeline, SourceTree } from './source-tree.ts';
import { explainRun } from './why.ts';

/** A stage whose inputs are all known. */
export interface ReadyStage {
  readonly stage: BoundStage;
  readonly fingerprint: Digest;
  readonly inputs: Record<string, RunInput>;
  readonly environment: Record<string, string>;
  /** stage that had to end well before -> its run record */
  readonly after: Record<string, Digest>;
}

export type PlannedStage =
  | { readonly state: 'cached' | 'frozen'; readonly ready: ReadyStage | undefined; readonly kept: KeptRecord }
  | { readonly state: 'runs'; readonly ready: ReadyStage; readonly why: readonly string[] }
  | { readonly state: 'waits'; readonly on: readonly string[] };

export interface PlanContext {
  readonly store: Store;
  /** where earlier runs are looked for */
  readonly runs: RunNames;
  readonly tree: SourceTree;
  readonly pipeline: Pipeline;
  /** YYYY-MM-DD: today, by the clock of this machine */
  readonly day: string;
  /** this machine's log of runs, oldest first */
  readonly log: readonly LogEntry[];
}

/**
 * Ties a stage to the digests of what it reads.
 * @param produced records of the stages before it
 */
export async function readyStage(stage: BoundStage, produced: ReadonlyMap<string, KeptRecord>, context: PlanContext): Promise<ReadyStage> {
  const inputs: Record<string, RunInput> = {};
  for (const [name, input] of Object.entries(stage.inputs)) {
    if (input.kind === 'data') inputs[name] = { kind: 'data', ref: input.ref, digest: await context.tree.dataset(input.ref) };
    else if (input.kind === 'file') inputs[name] = { kind: 'file', ref: input.ref, digest: (await context.tree.facts(input.ref)).digest };
    else inputs[name] = outputInput(stage, input, produced);
  }
  const { pipeline, tree, day } = context;
  const environment = await fingerprintedEnvironment(stage, { config: pipeline.config, tree, day });
  const after = Object.fromEntries(
    stage.after.flatMap((before) => {
      const run = produced.get(before)?.digest;
      return run === undefined ? [] : [[before, run]];
    }),
  );
  return { stage, inputs, environment, after, fingerprint: fingerprintOf({ stage, inputs: digestsOf(inputs), environment }) };
}

function outputInput(stage: BoundStage, input: { ref: string; stage: string; output: string }, produced: ReadonlyMap<string, KeptRecord>): RunInput {
  const kept = produced.get(input.stage);
  const output = kept?.record.outputs[input.output];
  if (kept === undefined) throw new Error(`${stage.spec.name} is tied before ${input.stage} ended`);
  if (output === undefined) {
    throw new PlumbError('STAGE_OUT_MISSING', {
      what: `stage "${stage.spec.name}" reads ${input.ref}, which the run of "${input.stage}" did not write`,
      mend: `run \`plumb run --force ${input.stage}\``,
    });
  }
  return { kind: 'output', ref: `${input.stage}.${input.output}`, digest: output.digest, run: kept.digest };
}

export function digestsOf(inputs: Readonly<Record<string, RunInput>>): Record<string, Digest> {
  return Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.digest]));
}

/** Plans every stage given, in their order. Reads the cache and, for records that are not here, the remote. */
export async function planStages(
  stages: ReadonlyMap<string, BoundStage>,
  context: PlanContext,
  options: { force: boolean },
): Promise<Map<string, PlannedStage>> {
  const planned = new Map<string, PlannedStage>();
  const produced = new Map<string, KeptRecord>();
  for (const [name, stage] of stages) {
    const plan = await planStage(stage, { planned, produced, context, force: options.force });
    planned.set(name, plan);
    if (plan.state === 'cached' || plan.state === 'frozen') produced.set(name, plan.kept);
  }
  return planned;
}

interface PlanState {
  readonly planned: ReadonlyMap<string, PlannedStage>;
  readonly produced: ReadonlyMap<string, KeptRecord>;
  readonly context: PlanContext;
  readonly force: boolean;
}

async function planStage(stage: BoundStage, state: PlanState): Promise<PlannedStage> {
  const frozen = await frozenRecord(stage, state.context);
  if (frozen !== undefined) return { state: 'frozen', ready: undefined, kept: frozen };
  const on = stage.after.filter((before) => state.planned.has(before) && !state.produced.has(before));
  if (on.length > 0) return { state: 'waits', on };
  const ready = await readyStage(stage, state.produced, state.context);
  const kept = state.force || stage.spec.always ? undefined : await findUsable(ready, state.context);
  if (kept !== undefined) return { state: 'cached', ready, kept };
  return { state: 'runs', ready, why: await whyRuns(ready, state.context, state.force) };
}

/** As the run record says it. */
export function commandOf(ready: ReadyStage): RunRecord['command'] {
  const { step, spec } = ready.stage;
  if (step !== null) return { uses: step.uses, version: step.version, with: ready.stage.arguments };
  if (spec.action.kind !== 'cmd') throw new Error(`stage ${spec.name} has neither a step nor a command`);
  return { cmd: typeof spec.action.cmd === 'string' ? spec.action.cmd : [...spec.action.cmd] };
}

/** The record that an earlier run of exactly this left, here or in the remote. One that claims another command, inputs or outputs is foreign. */
async function recordFor(ready: ReadyStage, runs: RunNames): Promise<KeptRecord | undefined> {
  const kept = await runs.find(ready.fingerprint);
  return kept !== undefined && isRunOf(ready, kept.record) ? kept : undefined;
}

/** Does a record speak of exactly this? */
export function isRunOf(ready: ReadyStage, record: RunRecord): boolean {
  const { inputs, stage, fingerprint } = ready;
  const wanted = { command: commandOf(ready), inputs, params: stage.params, seed: stage.spec.seed, outputs: stage.outputs };
  return record.fingerprint === fingerprint && claimsOf(record) === claimsOf(wanted);
}

/** A record counts only when the bytes of all its outputs can be had. Of a folder only the manifest is looked for: who brings it back finds out. */
export async function findUsable(ready: ReadyStage, { store, runs }: Pick<PlanContext, 'store' | 'runs'>): Promise<KeptRecord | undefined> {
  const kept = await recordFor(ready, runs);
  return kept !== undefined && (await canBeHad(store, kept, { deep: false })) ? kept : undefined;
}

export async function whyRuns(ready: ReadyStage, context: Pick<PlanContext, 'store' | 'runs' | 'log'>, force: boolean): Promise<string[]> {
  if (force) return ['forced'];
  if (ready.stage.spec.always) return ['runs always'];
  const last = await lastRecord(ready.stage.spec.name, context);
  const why = explainRun({ stage: ready.stage, inputs: digestsOf(ready.inputs), environment: ready.environment }, last?.record);
  return [...why, ...refusalText(context.runs, ready.fingerprint)];
}

/** The record that a stage had last on this machine, as far as it is still here. */
export async function lastRecord(stage: string, context: Pick<PlanContext, 'store' | 'log'>): Promise<KeptRecord | undefined> {
  const entry = context.log.findLast((line) => line.stage === stage);
  return entry !== undefined && (await context.store.has(entry.run)) ? readableRecord(context.store, entry.run) : undefined;
}

/** @throws PlumbError RUN_MISSING when a frozen stage has nothing to stay with */
export async function frozenRecord(stage: BoundStage, context: PlanContext): Promise<KeptRecord | undefined> {
  const { frozen, name } = stage.spec;
  if (frozen === false) return undefined;
  const kept = frozen === true ? await lastRecord(name, context) : { digest: frozen, record: await readRecord(context.store, frozen) };
  if (kept !== undefined) return kept;
  throw new PlumbError('RUN_MISSING', {
    what: `stage "${name}" is frozen and has never run on this machine`,
    mend: `run it once without "frozen: true", or write \`frozen: <digest of a run record>\`; \`plumb runs\` lists them`,
  });
}

/**
 * The records of a pipeline as it stands: what `plumb report`, `gate` and `promote` speak about.
 * A stage that runs always answers with its last run here, when that had the same inputs.
 * @throws PlumbError RUN_MISSING naming the first stage that has not been run for these inputs
 */
export async function presentRecords(stages: ReadonlyMap<string, BoundStage>, context: PlanContext): Promise<Map<string, KeptRecord>> {
  const produced = new Map<string, KeptRecord>();
  for (const [name, stage] of stages) {
    const frozen = await frozenRecord(stage, context);
    const ready = frozen === undefined ? await readyStage(stage, produced, context) : undefined;
    const kept =
      frozen ?? (ready === undefined ? undefined : stage.spec.always ? await lastSame(ready, context) : await recordFor(ready, context.runs));
    if (kept === undefined) throw await notRunYet(name, ready, context);
    produced.set(name, kept);
  }
  return produced;
}

async function lastSame(ready: ReadyStage, context: PlanContext): Promise<KeptRecord | undefined> {
  const last = await lastRecord(ready.stage.spec.name, context);
  return last?.record.fingerprint === ready.fingerprint ? last : undefined;
}

async function notRunYet(name: string, ready: ReadyStage | undefined, context: PlanContext): Promise<PlumbErrorType> {
  const why = ready === undefined ? [] : await whyRuns(ready, context, false);
  return new PlumbError('RUN_MISSING', {
    what: `stage "${name}" of ${context.tree.name} has not been run with its present inputs${why.length > 0 ? ` (${why.join('; ')})` : ''}`,
    mend: 'run `plumb run` first; what somebody else ran and pushed is taken from the remote',
    details: { stage: name, why },
  });
}
