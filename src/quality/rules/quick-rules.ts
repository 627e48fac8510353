// Most rules files ask of their columns for types, ranges, lengths, lists of values and patterns. Those are read without zod, whose loading takes longer than
// judging what changed in a million rows; a property test holds the two readers together.
import { notCrossed } from './bounds.ts';
import { rowCheckNames, textFormats, type RowCheckName } from './check-names.ts';
import { patternProblem } from './pattern.ts';
import type { Rules } from './schema.ts';
import { valueTypes } from './values.ts';

type Mapping = Partial<Record<string, unknown>>;

/** @param value of the YAML @returns null where the schema has to decide: other keys, other types, anything wrong */
export function quickRules(value: unknown): Rules | null {
  if (!isMapping(value) || !hasOnly(value, ['version', 'key', 'rules'])) return null;
  const { version, key, rules } = value;
  if (version !== 1 || (key !== undefined && !isText(key) && !isListOf(key, isText)) || !isListOf(rules, isMapping)) return null;
  const read = rules.map((rule) => ('rows' in rule ? rowsRule(rule) : columnRule(rule)));
  if (read.includes(null)) return null;
  return { version, ...(key === undefined ? {} : { key }), rules: read } as Rules;
}

const aboutAll = ['name', 'desc', 'severity'];

/** Keys in the order in which the schema has them, for what is said of rules does not depend on who read them. */
function columnRule(rule: Mapping): Mapping | null {
  if (!hasOnly(rule, ['column', ...Object.keys(quickChecks), ...aboutAll, 'mostly']) || !isText(rule['column'])) return null;
  const about = aboutOf(rule);
  const { mostly, min, max, above, below, min_length: least = 0, max_length: most = Number.POSITIVE_INFINITY } = rule;
  if (about === null || (mostly !== undefined && !(isNumber(mostly) && mostly > 0 && mostly <= 1))) return null;
  const checks: Mapping = {};
  for (const name of rowCheckNames) {
    if (rule[name] === undefined) continue;
    if (quickChecks[name]?.(rule[name]) !== true) return null;
    checks[name] = rule[name];
  }
  if (Object.keys(checks).length === 0 || (least as number) > (most as number)) return null;
  // each is a number or a text by now
  if (!notCrossed({ min, max, above, below } as Parameters<typeof notCrossed>[0])) return null;
  return { column: rule['column'], ...checks, ...about, ...(mostly === undefined ? {} : { mostly }) };
}

function rowsRule(rule: Mapping): Mapping | null {
  const { rows } = rule;
  const about = aboutOf(rule);
  if (!hasOnly(rule, ['rows', ...aboutAll]) || about === null || !isMapping(rows) || !hasOnly(rows, ['min', 'max'])) return null;
  const { min, max } = rows;
  if ((min === undefined && max === undefined) || ![min, max].every((end) => end === undefined || isCount(end))) return null;
  if (((min ?? 0) as number) > ((max ?? Number.POSITIVE_INFINITY) as number)) return null;
  return { rows: { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) }, ...about };
}

function aboutOf({ name, desc, severity = 'error' }: Mapping): Mapping | null {
  if ((name !== undefined && !isText(name)) || (desc !== undefined && typeof desc !== 'string')) return null;
  if (severity !== 'error' && severity !== 'warning') return null;
  return { ...(name === undefined ? {} : { name }), ...(desc === undefined ? {} : { desc }), severity };
}

type Test = (value: unknown) => boolean;

const isTrue: Test = (value) => value === true;
const isEnd: Test = (value) => isNumber(value) || isText(value);
const isCount: Test = (value) => isNumber(value) && Number.isSafeInteger(value) && value >= 0;
const isScalar: Test = (value) => isNumber(value) || typeof value === 'string' || typeof value === 'boolean';
const isScalars: Test = (value) => isListOf(value, isScalar);
const isOneOf =
  (words: readonly string[]): Test =>
  (value) =>
    typeof value === 'string' && words.includes(value);
const isType = isOneOf(valueTypes);

const quickChecks: Partial<Record<RowCheckName, Test>> = {
  not_missing: isTrue,
  missing: isTrue,
  type: (value) => isType(value) || isListOf(value, isType),
  min: isEnd,
  max: isEnd,
  above: isEnd,
  below: isEnd,
  length: isCount,
  min_length: isCount,
  max_length: isCount,
  allowed: isScalars,
  forbidden: isScalars,
  regex: (value) => isText(value) && patternProblem(value) === undefined,
  format: isOneOf(textFormats),
  unique: isTrue,
};

function isMapping(value: unknown): value is Mapping {
  return value !== null && typeof value === 'object' && !Array.isArray(value) && Object.getPrototypeOf(value) === Object.prototype;
}

function hasOnly(value: Mapping, names: readonly string[]): boolean {
  return Object.keys(value).every((name) => names.includes(name));
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

function isListOf<T>(value: unknown, is: ((item: unknown) => item is T) | Test): value is T[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => is(item));
}
