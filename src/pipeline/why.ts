// Why a stage runs: its fingerprint's parts beside those of its last run, in words.
import { canonicalJson } from '../base/canonical.ts';
import { shortDigest, type Digest } from '../base/digest.ts';
import type { JsonValue } from '../base/schema.ts';
import { passedDay } from './environment.ts';
import type { BoundStage } from './graph.ts';
import type { RunRecord } from './run-record.ts';

/** What the fingerprint is made of, in the terms of a run record. */
export interface Present {
  readonly stage: BoundStage;
  readonly inputs: Readonly<Record<string, Digest>>;
  readonly environment: Readonly<Record<string, string>>;
}

/** The parts of a run that its fingerprint is made of. */
export type LastRun = Pick<RunRecord, 'command' | 'inputs' | 'params' | 'seed'> & {
  readonly environment: Pick<RunRecord['environment'], 'fingerprinted'>;
};

/** @returns sentences, never none: 'never run here' when there is no last run */
export function explainRun(present: Present, last: LastRun | undefined): string[] {
  if (last === undefined) return ['never run here'];
  const { stage } = present;
  const why = [...commandChanges(stage, last), ...inputChanges(present, last)];
  for (const change of paramChanges(last.params, stage.params)) why.push(`${change.key}: ${text(change.before)} -> ${text(change.after)}`);
  for (const [name, value] of Object.entries(present.environment)) {
    const before = last.environment.fingerprinted[name];
    if (before === value) continue;
    if (name === passedDay) why.push(`what counted until ${value} counts no more`);
    else why.push(`environment ${name} ${before === undefined ? 'is new' : 'changed'}`);
  }
  if (last.seed !== stage.spec.seed) why.push(`seed: ${last.seed} -> ${stage.spec.seed}`);
  return why.length > 0 ? why : ['its last run is not in the cache'];
}

function commandChanges(stage: BoundStage, last: LastRun): string[] {
  if (stage.step === null) {
    const now = stage.spec.action.kind === 'cmd' ? stage.spec.action.cmd : '';
    return 'cmd' in last.command && canonicalJson(last.command.cmd) === canonicalJson(now) ? [] : ['the command changed'];
  }
  if (!('uses' in last.command)) return ['the command became a built-in step'];
  if (last.command.uses !== stage.step.uses) return [`${last.command.uses} -> ${stage.step.uses}`];
  if (last.command.version !== stage.step.version) return [`${stage.step.uses} version ${last.command.version} -> ${stage.step.version}`];
  return canonicalJson(last.command.with) === canonicalJson(stage.arguments) ? [] : ['its arguments (with) changed'];
}

function inputChanges(present: Present, last: LastRun): string[] {
  const why: string[] = [];
  for (const [name, digest] of Object.entries(present.inputs)) {
    const before = last.inputs[name];
    const ref = present.stage.inputs[name]?.ref ?? name;
    if (before === undefined) why.push(`reads ${ref}, new`);
    else if (before.digest !== digest) why.push(`${ref} changed: ${shortDigest(before.digest)} -> ${shortDigest(digest)}`);
  }
  for (const name of Object.keys(last.inputs)) if (!(name in present.inputs)) why.push(`reads ${name} no more`);
  return why;
}

export interface ParamChange {
  readonly key: string;
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

/** Hyperparameters in which two runs differ, by dotted key, sorted. */
export function paramChanges(before: Readonly<Record<string, JsonValue>>, after: Readonly<Record<string, JsonValue>>): ParamChange[] {
  const old = flatten(before);
  const now = flatten(after);
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => canonicalJson(old.get(key) ?? null) !== canonicalJson(now.get(key) ?? null))
    .toSorted()
    .map((key) => ({ key, before: old.get(key), after: now.get(key) }));
}

/** { a: { b: 1 } } -> a.b = 1; lists stay whole. */
export function flatten(value: Readonly<Record<string, JsonValue>>, prefix = ''): Map<string, JsonValue> {
  const flat = new Map<string, JsonValue>();
  for (const [name, inner] of Object.entries(value)) {
    if (inner !== null && typeof inner === 'object' && !Array.isArray(inner))
      for (const [key, leaf] of flatten(inner, `${prefix}${name}.`)) flat.set(key, leaf);
    else flat.set(prefix + name, inner);
  }
  return flat;
}

function text(value: JsonValue | undefined): string {
  return value === undefined ? '(default)' : JSON.stringify(value);
}
