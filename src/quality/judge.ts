// Rows against rules, in one pass: each check keeps a count, the keys of failing rows and a sample, so memory is bounded
// whatever comes in, except for `unique`, which must remember every value.
import { PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import { boundedPattern, type PatternTest } from './pattern.ts';
import { type CheckResult, keysKept, samplesKept, type Validation } from './report.ts';
import { type ColumnCheckName, columnCheckNames, type ColumnRule, type Rule, type Rules, type ValueType } from './rules.ts';

/** A row as it was read: its number from 1, and its columns. */
export interface JudgedRow {
  readonly number: number;
  readonly columns: Readonly<Record<string, unknown>>;
}

const patternBatch = 1000;
const patternLimitMs = 2000;

/** Where rules and rows come from. */
export interface JudgedFiles {
  /** name of the rules file, for errors */
  readonly rules: string;
  /** The format of the rows has no types (CSV): "12" is a number and "true" a boolean if a rule asks for one. */
  readonly untyped: boolean;
}

/**
 * @returns the report; a broken rule is a result, not an error
 * @throws PlumbError CONFIG_INVALID when a rule names a column that no row has, or a regex does not end in time
 */
export async function judgeRows(rules: Rules, rows: AsyncIterable<JudgedRow>, files: JudgedFiles): Promise<Validation> {
  const checks = rules.rules.flatMap((rule, at) => ('column' in rule ? columnChecks(rule, at + 1, files) : []));
  const columns = new Set<string>();
  let count = 0;
  for await (const row of rows) {
    count += 1;
    for (const column of Object.keys(row.columns)) columns.add(column);
    const place: Place = { number: row.number, key: keyOf(row, rules.key) };
    for (const check of checks) check.see(Object.hasOwn(row.columns, check.column) ? row.columns[check.column] : undefined, place);
  }
  for (const check of checks) check.finish();
  if (count > 0) requireColumns(rules, columns, files.rules);
  return summarize(count, rules.rules, checks);
}

interface Place {
  readonly number: number;
  readonly key: string;
}

function keyOf(row: JudgedRow, key: string | undefined): string {
  const value = key !== undefined && Object.hasOwn(row.columns, key) ? row.columns[key] : undefined;
  if (isMissing(value)) return `row ${row.number}`;
  return typeof value === 'string' ? value : showValue(value);
}

/** Absent, null, or an empty text: CSV has no other way to say that there is nothing. */
export function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/** One check of one rule, fed row by row. */
interface Check {
  readonly column: string;
  readonly result: CheckResult;
  see(value: unknown, place: Place): void;
  finish(): void;
}

function columnChecks(rule: ColumnRule, number: number, files: JudgedFiles): Check[] {
  return columnCheckNames.filter((name) => rule[name] !== undefined).map((name) => columnCheck(rule, name, number, files));
}

function columnCheck(rule: ColumnRule, name: ColumnCheckName, number: number, files: JudgedFiles): Check {
  const result: CheckResult = {
    rule: number,
    column: rule.column,
    check: name,
    expected: describeCheck(rule, name),
    ...(rule.desc === undefined ? {} : { desc: rule.desc }),
    severity: rule.severity,
    holds: true,
    checked: 0,
    failing: 0,
    keys: [],
    sample: [],
  };
  const fail = (value: unknown, place: Place, sameAs?: number): void => {
    result.failing += 1;
    if (result.keys.length < keysKept) result.keys.push(place.key);
    if (result.sample.length < samplesKept) {
      result.sample.push({ row: place.number, key: place.key, value: showValue(value), ...(sameAs === undefined ? {} : { same_as: sameAs }) });
    }
  };
  const judge = judgeFor(rule, name, files, fail);
  return {
    column: rule.column,
    result,
    see(value, place) {
      if (name !== 'not_missing' && isMissing(value)) return;
      result.checked += 1;
      judge.see(value, place);
    },
    finish() {
      judge.finish?.();
      result.holds = result.failing === 0;
    },
  };
}

interface Judge {
  see(value: unknown, place: Place): void;
  finish?(): void;
}

type Fail = (value: unknown, place: Place, sameAs?: number) => void;

function judgeFor(rule: ColumnRule, name: ColumnCheckName, files: JudgedFiles, fail: Fail): Judge {
  if (name === 'unique') return uniqueJudge(fail);
  if (name === 'regex') return regexJudge(rule.column, rule.regex ?? '', files.rules, fail);
  const plain = plainTest(rule, name);
  const holds = files.untyped ? (value: unknown) => plain(value) || plain(typed(value)) : plain;
  return {
    see(value, place) {
      if (!holds(value)) fail(value, place);
    },
  };
}

function plainTest(rule: ColumnRule, name: Exclude<ColumnCheckName, 'unique' | 'regex'>): (value: unknown) => boolean {
  const { type, min = 0, max = 0, min_length: least = 0, max_length: most = 0 } = rule;
  const allowed = new Set<unknown>(rule.allowed);
  switch (name) {
    case 'not_missing':
      return (value) => !isMissing(value);
    case 'type':
      return (value) => type !== undefined && hasType(value, type);
    case 'min':
      return (value) => typeof value === 'number' && value >= min;
    case 'max':
      return (value) => typeof value === 'number' && value <= max;
    case 'min_length':
      return (value) => (lengthOf(value) ?? -1) >= least;
    case 'max_length':
      return (value) => (lengthOf(value) ?? Number.POSITIVE_INFINITY) <= most;
    case 'allowed':
      return (value) => allowed.has(value);
  }
}

function uniqueJudge(fail: Fail): Judge {
  const first = new Map<unknown, number>();
  return {
    see(value, place) {
      // the NUL keeps the list [1] apart from the text "[1]"
      const name = typeof value === 'object' ? `\0${JSON.stringify(value)}` : value;
      const before = first.get(name);
      if (before === undefined) first.set(name, place.number);
      else fail(value, place, before);
    },
  };
}

function regexJudge(column: string, source: string, file: string, fail: Fail): Judge {
  const test: PatternTest = boundedPattern(source, patternLimitMs);
  let waiting: { value: string; place: Place }[] = [];
  const judgeWaiting = (): void => {
    const answer = test(waiting.map((entry) => entry.value));
    if ('stuckAt' in answer) throw stuckPattern(column, source, file, waiting[answer.stuckAt]?.place.number);
    for (const at of answer.failing) {
      const entry = waiting[at];
      if (entry !== undefined) fail(entry.value, entry.place);
    }
    waiting = [];
  };
  return {
    see(value, place) {
      if (typeof value === 'string') waiting.push({ value, place });
      // judged in order: what waits comes first
      else {
        judgeWaiting();
        fail(value, place);
      }
      if (waiting.length >= patternBatch) judgeWaiting();
    },
    finish: judgeWaiting,
  };
}

function stuckPattern(column: string, source: string, file: string, row: number | undefined): PlumbError {
  return new PlumbError('CONFIG_INVALID', {
    what: `the regex ${JSON.stringify(source)} of column "${column}" was not done within ${patternLimitMs / 1000} seconds`,
    where: { file, ...(row === undefined ? {} : { row }) },
    mend: 'write it without a repetition inside a repetition, such as (a+)+',
  });
}

/** What a text of CSV says if it is read as a number or a boolean; else the text. */
function typed(value: unknown): unknown {
  if (value === 'true' || value === 'false') return value === 'true';
  return typeof value === 'string' && /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value) ? Number(value) : value;
}

function hasType(value: unknown, type: ValueType): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value);
    case 'list':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

function lengthOf(value: unknown): number | undefined {
  if (Array.isArray(value)) return value.length;
  return typeof value === 'string' ? [...value].length : undefined;
}

/** JSON of a value, at most 200 characters. */
function showValue(value: unknown): string {
  if (isMissing(value)) return 'missing';
  const text = JSON.stringify(value);
  return text.length <= 200 ? text : `${text.slice(0, 197).toWellFormed()}...`;
}

/** The check in words: 'at least 3 characters or items'. */
function describeCheck(rule: ColumnRule, name: ColumnCheckName): string {
  switch (name) {
    case 'not_missing':
      return 'has a value';
    case 'type':
      return `is ${rule.type === 'integer' || rule.type === 'object' ? 'an' : 'a'} ${rule.type}`;
    case 'min':
      return `is at least ${rule.min}`;
    case 'max':
      return `is at most ${rule.max}`;
    case 'min_length':
      return `has at least ${rule.min_length} characters or items`;
    case 'max_length':
      return `has at most ${rule.max_length} characters or items`;
    case 'allowed':
      return `is one of ${listAllowed(rule.allowed ?? [])}`;
    case 'regex':
      return `matches ${rule.regex}`;
    case 'unique':
      return 'stands in one row only';
  }
}

function listAllowed(values: readonly (string | number | boolean)[]): string {
  const shown = values.slice(0, 5).map((value) => JSON.stringify(value));
  return shown.join(', ') + (values.length > 5 ? ` and ${values.length - 5} more` : '');
}

/** A rule about a column that no row has would hold for ever and say nothing. */
function requireColumns(rules: Rules, columns: ReadonlySet<string>, file: string): void {
  const named = [
    ...(rules.key === undefined ? [] : [{ column: rules.key, path: 'key' }]),
    ...rules.rules.flatMap((rule, at) => ('column' in rule ? [{ column: rule.column, path: `rules.${at}.column` }] : [])),
  ];
  const wrong = named.find(({ column }) => !columns.has(column));
  if (wrong === undefined) return;
  throw new PlumbError('CONFIG_INVALID', {
    what: `no row has the column "${wrong.column}".${didYouMean(wrong.column, columns)}`,
    where: { file, path: wrong.path },
    mend: `name a column of the data: ${[...columns].slice(0, 20).join(', ')}`,
  });
}

function summarize(rows: number, rules: readonly Rule[], checks: readonly Check[]): Validation {
  const results = rules.flatMap((rule, at) =>
    'column' in rule ? checks.map((check) => check.result).filter((result) => result.rule === at + 1) : [rowsResult(rule, at + 1, rows)],
  );
  const broken = (severity: string): number => results.filter((result) => !result.holds && result.severity === severity).length;
  return { plumbline: 'validation/1', rows, holds: broken('error') === 0, errors: broken('error'), warnings: broken('warning'), results };
}

function rowsResult(rule: Extract<Rule, { rows: unknown }>, number: number, rows: number): CheckResult {
  const { min, max } = rule.rows;
  const holds = rows >= (min ?? 0) && rows <= (max ?? Number.POSITIVE_INFINITY);
  const expected = [min === undefined ? '' : `at least ${min}`, max === undefined ? '' : `at most ${max}`]
    .filter((part) => part !== '')
    .join(' and ');
  return {
    rule: number,
    column: null,
    check: 'rows',
    expected: `${expected} rows`,
    ...(rule.desc === undefined ? {} : { desc: rule.desc }),
    severity: rule.severity,
    holds,
    checked: rows,
    failing: 0,
    keys: [],
    sample: [],
  };
}
