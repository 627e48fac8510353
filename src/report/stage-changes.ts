// What a branch does to the stages of a pipeline: which of them are others than where it left its base, which input made them so, whose runs
// count, and what that cost. From two plans, as values.
import type { JsonValue } from '../base/schema.ts';
import type { BoundStage } from '../pipeline/graph.ts';
import { commandOf, digestsOf, type PlannedStage } from '../pipeline/plan.ts';
import type { KeptRecord } from '../pipeline/records.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import { explainRun, flatten, paramChanges, type LastRun } from '../pipeline/why.ts';
import type { ReportParts } from './parts.ts';
import type { Report } from './schema.ts';

/** One revision's pipeline, and what is known of its runs. Both empty: it does not hold together. */
export interface PlannedSide {
  readonly stages: ReadonlyMap<string, BoundStage>;
  readonly planned: ReadonlyMap<string, PlannedStage>;
}

export interface StageChanges {
  readonly before: PlannedSide;
  readonly after: PlannedSide;
  /** run id of the CI job that asks: what it ran counts as run, all else as from the cache. null: what the branch changed counts as run */
  readonly ciRun: string | null;
  /** stages that are known to fail */
  readonly failed: ReadonlySet<string>;
}

/** @returns a line a stage, in the order of the pipeline, and what the runs cost */
export function describeStages(changes: StageChanges): { stages: Report['stages']; cost: Report['cost'] } {
  const { stages: bound, planned } = changes.after;
  const stages: Report['stages'] = [];
  const changed = new Set<string>();
  for (const [name, plan] of planned) {
    const why = whyChanged(name, plan, changes, changed);
    if (why.length > 0) changed.add(name);
    stages.push(stageLine(name, plan, why, changes));
  }
  const ran = stages.filter(({ state }) => state === 'ran');
  const gpuSeconds = ran.reduce((sum, { stage, seconds }) => sum + seconds * (bound.get(stage)?.spec.resources.gpus ?? 0), 0);
  return {
    stages,
    cost: {
      seconds: sumSeconds(ran),
      savedSeconds: sumSeconds(stages.filter(({ state }) => state === 'cached' || state === 'frozen')),
      ...(gpuSeconds > 0 ? { gpuMinutes: Math.round(gpuSeconds / 6) / 10 } : {}),
      measured: {},
    },
  };
}

function sumSeconds(stages: Report['stages']): number {
  return stages.reduce((sum, { seconds }) => sum + seconds, 0);
}

function stageLine(name: string, plan: PlannedStage, why: string[], { ciRun, failed }: StageChanges): Report['stages'][number] {
  if (!('kept' in plan)) {
    const waits = plan.state === 'waits' ? plan.on : [];
    const own = why.filter((reason) => !waits.some((before) => reason === `${before} changed`));
    const all = waits.length === 0 ? own : [`waits for ${waits.join(', ')}`, ...own];
    return { stage: name, state: failed.has(name) ? 'failed' : 'not run', why: all, seconds: 0 };
  }
  const { record } = plan.kept;
  const seconds = secondsOf(record);
  if (plan.state === 'frozen') return { stage: name, state: 'frozen', why, seconds, origin: originOf(record) };
  const ran = ciRun === null ? why.length > 0 : record.builder.runId === ciRun;
  return ran ? { stage: name, state: 'ran', why, seconds } : { stage: name, state: 'cached', why, seconds, origin: originOf(record) };
}

/** From the first to the last second of its process; `measured.seconds` may be what a step says of itself. */
export function secondsOf(record: RunRecord): number {
  return Math.max(0, Date.parse(record.finished) - Date.parse(record.started)) / 1000;
}

/** 'the main branch, run 120' */
function originOf({ builder }: RunRecord): string {
  if (builder.kind === 'laptop') return 'a laptop';
  const [, kind, number] = /^(pull|fork)-(\d+)$/.exec(builder.domain ?? '') ?? [];
  const whose =
    builder.domain === undefined
      ? 'a job of CI'
      : kind === undefined
        ? 'the main branch'
        : `${kind === 'fork' ? 'the fork of ' : ''}pull request ${number}`;
  return builder.runId === undefined ? whose : `${whose}, run ${builder.runId}`;
}

/** @param changed stages before it that are others than they were @returns none when it is what it was */
function whyChanged(name: string, plan: PlannedStage, { before, after }: StageChanges, changed: ReadonlySet<string>): string[] {
  const was = before.planned.get(name);
  if (was === undefined) return [before.planned.size === 0 ? 'there is no pipeline to compare with' : 'new'];
  const [now, then] = [fingerprintOf(plan), fingerprintOf(was)];
  if (now !== undefined && now === then) return [];
  const ready = 'ready' in plan ? plan.ready : undefined;
  const last = lastOf(was);
  if (ready !== undefined && last !== undefined)
    return explainRun({ stage: ready.stage, inputs: digestsOf(ready.inputs), environment: ready.environment }, last);
  // one of the two cannot be told before others have run: then what can be told
  const [new_, old] = [after.stages.get(name), before.stages.get(name)];
  const params = paramChanges(old?.params ?? {}, new_?.params ?? {}).map(
    ({ key, before: from, after: to }) => `${key}: ${JSON.stringify(from) ?? '(default)'} -> ${JSON.stringify(to) ?? '(default)'}`,
  );
  const upstream = (new_?.after ?? []).filter((one) => changed.has(one)).map((one) => `${one} changed`);
  if (params.length + upstream.length > 0) return [...params, ...upstream];
  return 'kept' in plan || 'kept' in was ? ['what it read at the base is not known any more'] : [];
}

function fingerprintOf(plan: PlannedStage): string | undefined {
  if ('kept' in plan) return plan.kept.record.fingerprint;
  return 'ready' in plan ? plan.ready.fingerprint : undefined;
}

/** What the stage was at the base, whether it ever ran there or not. */
function lastOf(plan: PlannedStage): LastRun | undefined {
  if ('kept' in plan) return plan.kept.record;
  if (!('ready' in plan)) return undefined;
  const { stage, inputs, environment } = plan.ready;
  return { command: commandOf(plan.ready), inputs, params: stage.params, seed: stage.spec.seed, environment: { fingerprinted: environment } };
}

/** Hyperparameters of both pipelines, as people find them in params.yaml; a built-in step's with the stage's name in front. */
export function describeParams(before: PlannedSide, after: PlannedSide): ReportParts['params'] {
  const [old, now] = [paramsOf(before), paramsOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].map((key) => ({ key, before: old.get(key), after: now.get(key) }));
}

function paramsOf({ stages }: PlannedSide): Map<string, JsonValue> {
  const all = new Map<string, JsonValue>();
  for (const { spec, step, params } of stages.values()) {
    const prefix = step === null ? '' : `${spec.name}.`;
    for (const [key, value] of flatten(params)) all.set(prefix + key, value);
  }
  return all;
}

/** The run that a stage's plan leads to. */
export function keptOf(plan: PlannedStage | undefined): KeptRecord | undefined {
  return plan !== undefined && 'kept' in plan ? plan.kept : undefined;
}
