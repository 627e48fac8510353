// What the rules say of the data: from the validation that a run wrote, else judged here and now. A stage whose rules are broken leaves no run, and
// just then a reviewer wants to know which rows break which rule.
import { parseYaml } from '../base/config.ts';
import { isPlumbError, type ErrorCode } from '../base/errors.ts';
import { readLockedManifest } from '../datasets/manifest.ts';
import type { LockEntry } from '../datasets/schema.ts';
import { readRows } from '../datasets/rows.ts';
import type { BoundStage } from '../pipeline/graph.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import { judgeRows, type JudgedRow } from '../quality/judge.ts';
import { validationSchema, type CheckResult, type Validation } from '../quality/report.ts';
import { rulesSchema } from '../quality/rules.ts';
import { validate, validateArguments, type ValidateArguments } from '../quality/step.ts';
import type { Store } from '../store/store.ts';
import type { ValidationPart } from './schema.ts';

export interface RuleWorld {
  readonly store: Store;
  /** of the work tree */
  readText(path: string): Promise<string | undefined>;
  readonly signal: AbortSignal;
}

/** What a run of plumb/validate found; null: it is a run of something else, or what it wrote cannot be had. */
export async function validationOfRun(record: RunRecord, store: Store): Promise<ValidationPart | null> {
  const { command, outputs } = record;
  const report = outputs['report'];
  if (!('uses' in command) || command.uses !== validate.uses || report === undefined) return null;
  const args = validateArguments.safeParse(command.with);
  if (!args.success) return null;
  const text = await store.readBytes(report.digest).then(String, nullIfLost);
  const parsed = text === null ? null : validationSchema.safeParse(parseJson(text));
  return parsed?.success === true ? partOf(args.data, parsed.data) : null;
}

/** Judges the rows of a stage that has no run. @param entries data sets of the work tree's lock */
export async function validationOfStage(
  stage: BoundStage,
  entries: Readonly<Record<string, LockEntry>>,
  world: RuleWorld,
): Promise<ValidationPart | null> {
  const input = stage.inputs['data'];
  const args = validateArguments.safeParse(stage.arguments);
  if (stage.step?.uses !== validate.uses || input === undefined || !args.success) return null;
  const entry = input.kind === 'data' && Object.hasOwn(entries, input.ref) ? entries[input.ref] : undefined;
  if (entry === undefined || entry.format === 'files') return unknown(args.data, `it reads ${input.ref}, which has no run`);
  try {
    const rules = await parseYaml((await world.readText(args.data.rules)) ?? '', args.data.rules, rulesSchema);
    // its manifest says which packs the rows are in
    await readLockedManifest(world.store, input.ref, entry);
    const path = await world.store.pathOf(entry.content);
    const rows = judgedRows(path, entry.format, { name: input.ref, signal: world.signal });
    return partOf(args.data, await judgeRows(rules, rows, { rules: args.data.rules, untyped: entry.format === 'csv' }));
  } catch (error) {
    if (!isPlumbError(error) || error.code === 'INTERRUPTED') throw error;
    return unreadable.has(error.code) ? unread(args.data, error.message) : unknown(args.data, error.message);
  }
}

async function* judgedRows(
  path: string,
  format: 'jsonl' | 'csv' | 'parquet',
  options: { name: string; signal: AbortSignal },
): AsyncGenerator<JudgedRow> {
  for await (const row of readRows(path, format, options)) yield { number: row.row, columns: row.value };
}

/** The branch wrote rows or rules that nobody can read: that is an answer. What a machine or a remote refuses is none. */
const unreadable: ReadonlySet<ErrorCode> = new Set(['CONFIG_INVALID', 'YAML_SYNTAX', 'ROW_SYNTAX']);

function unknown(args: ValidateArguments, note: string): ValidationPart {
  return { dataset: args.data, rules: args.rules, state: 'not looked at', rows: 0, errors: 0, warnings: 0, checks: [], note };
}

function unread(args: ValidateArguments, what: string): ValidationPart {
  const check = { rule: 0, what, severity: 'error' as const, failing: 0, rows: [] };
  return { dataset: args.data, rules: args.rules, state: 'broken', rows: 0, errors: 1, warnings: 0, checks: [check] };
}

function partOf(args: ValidateArguments, validation: Validation): ValidationPart {
  const broken = validation.results.filter((result) => !result.holds);
  const checks = [...broken.filter((one) => one.severity === 'error'), ...broken.filter((one) => one.severity === 'warning')];
  return {
    dataset: args.data,
    rules: args.rules,
    state: validation.holds ? 'holds' : 'broken',
    rows: validation.rows,
    errors: validation.errors,
    warnings: validation.warnings,
    checks: checks.map(checkOf),
  };
}

function checkOf(result: CheckResult): ValidationPart['checks'][number] {
  const subject = result.column === null ? result.expected : `${result.column} ${result.expected}`;
  return {
    rule: result.rule,
    what: result.desc === undefined ? subject : `${subject} (${result.desc})`,
    severity: result.severity,
    failing: result.failing,
    rows: result.sample.map(({ key, value }) => ({ key, value })),
  };
}

function nullIfLost(error: unknown): null {
  if (isPlumbError(error) && error.code !== 'INTERRUPTED') return null;
  throw error;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
