// What the checks of a pipeline say of its data: from what a run wrote, else by running the check here and now. A check that does not hold leaves no
// run, and just then a reviewer wants to know which rows it is about. A check is known by its step: its output `report` is all that is read of it.
import { errorTable, isPlumbError, type PlumbError } from '../base/errors.ts';
import type { JsonValue } from '../base/schema.ts';
import type { PlannedStage } from '../pipeline/plan.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import { tryStep, type StageWorld } from '../pipeline/stage-run.ts';
import { driftSchema, type DriftReport } from '../quality/drift/schema.ts';
import { findingsSchema, type CheckName, type FindingsReport } from '../quality/findings.ts';
import type { BoundStage } from '../pipeline/graph.ts';
import type { Store } from '../store/store.ts';
import { checkWords } from './findings-words.ts';
import { withBrought, type BroughtRows } from './brought-rows.ts';
import type { ReportParts } from './parts.ts';
import type { DriftPart, FindingsPart, ValidationPart } from './schema.ts';
import { notValidated, unreadable, validationPart } from './validations.ts';

/** What one check said, in one of the forms that a report has. */
export type CheckPart =
  | { readonly kind: 'validation'; readonly part: ValidationPart }
  | { readonly kind: 'findings'; readonly part: FindingsPart }
  | { readonly kind: 'drift'; readonly part: DriftPart };

/** Steps that judge data. One that is to be in the report needs a line here, and an output `report` of findings/1. */
const checks: ReadonlyMap<string, CheckName | 'drift'> = new Map([
  ['plumb/validate', 'rules'],
  ['plumb/drift', 'drift'],
  ['plumb/pii', 'pii'],
  ['plumb/secrets', 'secrets'],
  ['plumb/dups', 'duplicates'],
  ['plumb/leakage', 'leakage'],
  ['plumb/code', 'code'],
  ['plumb/provenance', 'provenance'],
]);

/** Larger than any report of ours. */
const largestReport = 64_000_000;

/**
 * What a run of a check found; null: it is a run of something else, or what it wrote cannot be had.
 * @param brought what a branch brings, where the part is of its report
 */
export async function partOfRun({ command, outputs }: RunRecord, store: Store, brought?: BroughtRows): Promise<CheckPart | null> {
  const report = outputs['report'];
  const asked = 'uses' in command ? askedOf(command.uses, command.with) : null;
  if (asked === null) return null;
  const text = await textOf(report, store);
  const part = text === null ? null : readPart(asked, text);
  return part?.kind !== 'findings' || brought === undefined ? part : partBrought(part, await textOf(outputs['flagged'], store), brought);
}

/** null: it cannot be had, or is larger than any of ours */
async function textOf(output: RunRecord['outputs'][string] | undefined, store: Store): Promise<string | null> {
  if (output === undefined || output.kind !== 'file' || output.bytes > largestReport) return null;
  return store.readBytes(output.digest).then(String, (error: unknown) => {
    if (isPlumbError(error) && error.code !== 'INTERRUPTED') return null;
    throw error;
  });
}

function partBrought(part: Extract<CheckPart, { kind: 'findings' }>, flagged: string | null, brought: BroughtRows): CheckPart {
  return flagged === null ? part : { kind: 'findings', part: withBrought(part.part, flagged, brought) };
}

/** What a check says whose stage has no run: it is run again, for its report alone. null: the stage is no check. */
export async function partOfStage(
  stage: BoundStage,
  plan: PlannedStage | undefined,
  world: StageWorld,
  brought: BroughtRows,
): Promise<CheckPart | null> {
  const asked = stage.step === null ? null : askedOf(stage.step.uses, stage.arguments);
  if (asked === null || plan === undefined || 'kept' in plan) return null;
  if (plan.state === 'waits') return notLooked(asked, `it reads what ${plan.on.join(', ')} makes, which has no run`);
  try {
    const { texts, error } = await tryStep(plan.ready, world, ['report', 'flagged']);
    if (error?.code === 'INTERRUPTED') throw error;
    const part = texts.report === null ? null : readPart(asked, texts.report);
    if (part?.kind === 'findings') return partBrought(part, texts.flagged, brought);
    return part ?? (error === null ? null : withoutReport(asked, error));
  } catch (error) {
    if (!isPlumbError(error) || error.code === 'INTERRUPTED') throw error;
    return notLooked(asked, error.message);
  }
}

/** The branch wrote rows or a configuration that nobody can read: that is an answer. What a machine or a remote refuses is none. */
function withoutReport(asked: Asked, error: PlumbError): CheckPart {
  const [kind] = errorTable[error.code];
  return kind === 'input' || kind === 'no' ? broken(asked, error.message) : notLooked(asked, error.message);
}

/** 'personal data in tickets'; null: the stage is no check */
export function checkInWords(stage: BoundStage): string | null {
  const asked = stage.step === null ? null : askedOf(stage.step.uses, stage.arguments);
  return asked === null ? null : `${asked.check === 'drift' ? 'drift' : checkWords[asked.check]} in ${asked.dataset}`;
}

interface Asked {
  readonly check: CheckName | 'drift';
  /** data set, or stage.output */
  readonly dataset: string;
  readonly rules: string;
  readonly against: string;
}

function askedOf(uses: string, args: JsonValue): Asked | null {
  const check = checks.get(uses);
  if (check === undefined || args === null || typeof args !== 'object' || Array.isArray(args)) return null;
  const [dataset, rules, against] = [wordsOf(args['data'] ?? args['train']), wordsOf(args['rules']), wordsOf(args['against'])];
  return { check, dataset, rules, against };
}

function wordsOf(value: JsonValue | undefined): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value)
    ? value
        .map(wordsOf)
        .filter((word) => word !== '')
        .join(', ')
    : '';
}

/** null: it is in no form that is known, as a later version's may be */
function readPart(asked: Asked, text: string): CheckPart | null {
  const value = parsed(text);
  if (asked.check === 'rules') {
    const part = validationPart({ dataset: asked.dataset, rules: asked.rules }, value);
    if (part !== null) return { kind: 'validation', part };
  }
  if (asked.check === 'drift') {
    const found = driftSchema.safeParse(value);
    return found.success ? { kind: 'drift', part: driftPart(found.data) } : null;
  }
  const found = findingsSchema.safeParse(value);
  return found.success ? { kind: 'findings', part: findingsPart(found.data) } : null;
}

function findingsPart({ check, data, rows, holds, flagged, kinds, notes }: FindingsReport): FindingsPart {
  return {
    check,
    dataset: data,
    state: holds ? 'holds' : 'broken',
    rows,
    flagged,
    kinds: kinds.map(({ kind, severity, column, rows: many, sample }) => ({
      kind,
      severity,
      column,
      rows: many,
      sample: sample.map(({ key, message, other }) => ({
        key,
        message,
        ...(other === undefined ? {} : { other: { data: other.data, key: other.key } }),
      })),
    })),
    notes,
  };
}

export function driftPart({ data, against, severity, rows, drifted, columns }: DriftReport): DriftPart {
  const told = columns.filter(({ state }) => state !== 'same');
  return { dataset: data, against, state: drifted > 0 ? 'drifted' : 'same', severity, rows, compared: columns.length, columns: told };
}

function notLooked(asked: Asked, note: string): CheckPart {
  const { check, dataset, rules, against } = asked;
  if (check === 'rules') return { kind: 'validation', part: notValidated({ dataset, rules }, note) };
  if (check !== 'drift')
    return { kind: 'findings', part: { check, dataset, state: 'not looked at', rows: 0, flagged: 0, kinds: [], notes: [], note } };
  const rows = { before: 0, after: 0 };
  return { kind: 'drift', part: { dataset, against: [against], state: 'not looked at', severity: 'warning', rows, compared: 0, columns: [], note } };
}

function broken(asked: Asked, note: string): CheckPart {
  const { check, dataset, rules } = asked;
  if (check === 'rules') return { kind: 'validation', part: unreadable({ dataset, rules }, note) };
  const not = notLooked(asked, note);
  return not.kind === 'findings' ? { kind: 'findings', part: { ...not.part, state: 'broken' } } : not;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Parts by their form; a form that no check has is left out. */
export function gathered(parts: readonly CheckPart[]): Pick<ReportParts, 'validation' | 'findings' | 'drift'> {
  const validation = parts.flatMap((one) => (one.kind === 'validation' ? [one.part] : []));
  const findings = parts.flatMap((one) => (one.kind === 'findings' ? [one.part] : []));
  const drift = parts.flatMap((one) => (one.kind === 'drift' ? [one.part] : []));
  return {
    ...(validation.length === 0 ? {} : { validation }),
    ...(findings.length === 0 ? {} : { findings }),
    ...(drift.length === 0 ? {} : { drift }),
  };
}

/** Does this part say that the data do not hold? A drift that is no error is told, and no more. */
export function isBroken({ kind, part }: CheckPart): boolean {
  return kind === 'drift' ? part.state === 'drifted' && part.severity === 'error' : part.state === 'broken';
}
