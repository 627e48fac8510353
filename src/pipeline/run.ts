// `plumb run`: every stage that is asked for, from the cache where its fingerprint was run before, else executed.
import { shortDigest, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { BoundStage } from './graph.ts';
import { findUsable, frozenRecord, readyStage, whyRuns, type PlanContext, type ReadyStage } from './plan.ts';
import { isLoss, readableRecord, type KeptRecord, type LogEntry, type RunLog } from './records.ts';
import type { RunInput } from './run-record.ts';
import { schedule, type Ending } from './scheduler.ts';
import { executeStage, type StageOutcome, type StageWorld } from './stage-run.ts';

export interface RunOrder {
  readonly context: PlanContext;
  readonly stages: ReadonlyMap<string, BoundStage>;
  readonly world: StageWorld;
  readonly log: RunLog;
  readonly jobs: number;
  readonly failFast: boolean;
  /** false: outputs come into the work tree only where a command that is executed reads them. That is all that a job of CI needs. */
  readonly restore: boolean;
  /** stages to execute whatever the cache has */
  readonly forced: ReadonlySet<string>;
  /** told before a stage is executed */
  onStart(stage: string, why: readonly string[]): void;
  /** told as each stage ends well */
  onOutcome(stage: string, outcome: StageOutcome): void;
}

/** @returns how each stage ended, in their order. Failures are endings, not exceptions. */
export async function runStages(order: RunOrder): Promise<Map<string, Ending<StageOutcome>>> {
  const produced = new Map<string, KeptRecord>();
  const graph = new Map([...order.stages].map(([name, stage]) => [name, { after: stage.after, exclusive: stage.spec.resources.gpus > 0 }]));
  const used: LogEntry[] = [];
  const endings = await schedule(
    graph,
    async (name) => {
      const stage = order.stages.get(name);
      if (stage === undefined) throw new Error(`no stage ${name}`);
      const outcome = await runStage(stage, produced, order);
      produced.set(name, outcome.kept);
      if (outcome.state === 'ran') await order.log.append([entryOf(name, outcome, order)]);
      else if (isNews(name, outcome, order)) used.push(entryOf(name, outcome, order));
      order.onOutcome(name, outcome);
      return outcome;
    },
    { jobs: order.jobs, failFast: order.failFast, signal: order.world.signal },
  );
  await order.log.append(used);
  return endings;
}

async function runStage(stage: BoundStage, produced: ReadonlyMap<string, KeptRecord>, order: RunOrder): Promise<StageOutcome> {
  const { context, world } = order;
  const force = order.forced.has(stage.spec.name);
  const frozen = await frozenRecord(stage, context);
  if (frozen !== undefined) return bringBack(stage, { state: 'frozen', kept: frozen, why: [], seconds: 0 }, order);
  const ready = await readyStage(stage, produced, context);
  let isLost = false;
  if (!force && !stage.spec.always) {
    const kept = await findUsable(ready, context);
    const cached = kept === undefined ? undefined : await bringBackOrLose(stage, { state: 'cached', kept, why: [], seconds: 0 }, order);
    if (cached !== undefined) return cached;
    // the remote said that it has the run, and lacks its bytes
    isLost = kept !== undefined;
  }
  const why = await whyRuns(ready, context, force);
  order.onStart(stage.spec.name, why);
  if (!order.restore) await bringInputs(stage, produced, order);
  await checkBaseModels(ready, order);
  return executeStage(ready, why, world, { restore: order.restore, forced: force || isLost });
}

/**
 * What pipeline.yaml calls a part of a model (its base, an adapter, a tokenizer) is opened by nobody before it is known to hold no code.
 * @throws PlumbError MODEL_FILE_REFUSED
 */
async function checkBaseModels({ stage, inputs }: ReadyStage, { context, world }: RunOrder): Promise<void> {
  const parts = new Set(Object.values(context.pipeline.config.models).flatMap((model) => Object.values(model.parts ?? {})));
  for (const [name, input] of Object.entries(inputs)) {
    const bound = stage.inputs[name];
    const output = bound?.kind === 'output' ? context.pipeline.stages.get(bound.stage)?.outputs[bound.output] : undefined;
    if (!parts.has(input.ref) && !(output !== undefined && parts.has(output))) continue;
    const { checkModelTree } = await import('../quality/base-model-tree.ts');
    const kind = input.kind === 'data' || (await isFolder(input, world)) ? 'folder' : 'file';
    await checkModelTree(world.store, { digest: input.digest, kind, name: output ?? input.ref });
  }
}

async function isFolder({ run, digest }: RunInput, { store }: StageWorld): Promise<boolean> {
  const record = run === undefined ? undefined : await readableRecord(store, run);
  return Object.values(record?.record.outputs ?? {}).some((output) => output.digest === digest && output.kind === 'folder');
}

/** What a command reads of other stages, as far as it is not there. A built-in step reads from the store. */
async function bringInputs(stage: BoundStage, produced: ReadonlyMap<string, KeptRecord>, order: RunOrder): Promise<void> {
  if (stage.step !== null) return;
  for (const input of Object.values(stage.inputs)) {
    if (input.kind !== 'output') continue;
    const output = produced.get(input.stage)?.record.outputs[input.output];
    const path = order.stages.get(input.stage)?.outputs[input.output];
    if (output !== undefined && path !== undefined) await order.world.workspace.restore({ ...output, path });
  }
}

/** Where outputs go is for the pipeline to say: a record may come from a stage of another name, or from somebody who can write to the remote. */
async function bringBack(stage: BoundStage, outcome: StageOutcome, order: RunOrder): Promise<StageOutcome> {
  for (const [name, path] of Object.entries(stage.outputs)) {
    const output = outcome.kept.record.outputs[name];
    if (output === undefined) throw lacksOutput(stage.spec.name, name, outcome.kept.digest);
    if (order.restore) await order.world.workspace.restore({ ...output, path });
  }
  return outcome;
}

function lacksOutput(stage: string, output: string, run: Digest): PlumbError {
  return new PlumbError('RUN_RECORD_INVALID', {
    what: `run ${shortDigest(run)} has no output "${output}", which stage "${stage}" writes`,
    mend: 'name a run of this stage under `frozen`, or take `frozen` out',
  });
}

/** @returns undefined when bytes of the outputs turn out to be lost: then the stage runs, which makes them again */
async function bringBackOrLose(stage: BoundStage, outcome: StageOutcome, order: RunOrder): Promise<StageOutcome | undefined> {
  try {
    return await bringBack(stage, outcome, order);
  } catch (error) {
    if (isLoss(error)) return undefined;
    throw error;
  }
}

function entryOf(stage: string, outcome: StageOutcome, order: RunOrder): LogEntry {
  return {
    at: order.world.now().toISOString(),
    stage,
    run: outcome.kept.digest,
    state: outcome.state === 'ran' ? 'ran' : 'cached',
    ...(outcome.notReproducible === undefined ? {} : { differsFrom: outcome.notReproducible.earlier.digest }),
  };
}

/** A cache hit is logged only when the stage had another record before: no-op runs write nothing. */
function isNews(stage: string, outcome: StageOutcome, order: RunOrder): boolean {
  return order.context.log.findLast((entry) => entry.stage === stage)?.run !== outcome.kept.digest;
}
