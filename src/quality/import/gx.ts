// Suites of Great Expectations: `expectation_type` as up to 0.18, `type` as from 1.0.
import { nearest } from '../../base/names.ts';
import { checkRule } from './check-rule.ts';
import { Arguments } from './gx-arguments.ts';
import { conditionOf } from './gx-condition.ts';
import { expectations, type Expectation } from './gx-expectations.ts';
import { Gathering, isMapping, notOfForm, refuse, type Imported, type Mapping } from './imported.ts';
import type { RuleInput } from './rules-text.ts';

export function isSuite(value: unknown): boolean {
  return isMapping(value) && Array.isArray(value['expectations']);
}

/**
 * @param file for messages
 * @throws PlumbError CONFIG_INVALID for what is no suite
 */
export function importSuite(value: unknown, file: string): Imported {
  if (!isMapping(value) || !Array.isArray(value['expectations'])) throw notOfForm(file, 'has no list "expectations"', 'export the suite as JSON');
  const found = new Gathering();
  for (const [at, entry] of value['expectations'].entries()) {
    const type = isMapping(entry) ? (entry['type'] ?? entry['expectation_type']) : undefined;
    if (!isMapping(entry) || typeof type !== 'string')
      throw notOfForm(file, `: expectation ${at + 1} has neither "type" nor "expectation_type"`, 'export the suite again, as JSON');
    const kwargs = isMapping(entry['kwargs']) ? entry['kwargs'] : {};
    const column = typeof kwargs['column'] === 'string' ? kwargs['column'] : null;
    found.attempt(type, column, () => importOne(type, kwargs, entry, found));
  }
  return found;
}

function importOne(written: string, kwargs: Mapping, entry: Mapping, found: Gathering): void {
  const name = snakeCase(written);
  const expectation = Object.hasOwn(expectations, name) ? expectations[name] : undefined;
  if (expectation === undefined) {
    const near = nearest(name, Object.keys(expectations));
    refuse(`it is no core expectation: its code is elsewhere${near === undefined ? '' : `. Did you mean ${near}?`}`);
  }
  if (expectation.kind === 'none') refuse(expectation.reason);
  const args = new Arguments(kwargs);
  const body = expectation.kind === 'column' ? { column: args.text('column'), ...expectation.checks(args) } : oneOf(expectation.rule(args));
  const rule = { ...body, ...aboutOf(entry, kwargs), ...rowsOf(expectation, args) } as RuleInput;
  args.finish();
  checkRule(rule);
  const column = 'column' in rule ? rule.column : null;
  if (expectation.note !== undefined) found.note(written, column, expectation.note);
  found.rule(rule);
}

/** ExpectColumnValuesToBeUnique, as Python names the class. */
function snakeCase(name: string): string {
  if (!/^[A-Z]/.test(name)) return name.toLowerCase();
  return name
    .replace('KLDivergence', 'KlDivergence')
    .replace('ZScores', '_z_scores')
    .replace(/(?<!^)(?<!_)([A-Z])/g, '_$1')
    .toLowerCase();
}

/** A list of one column is a rule of that column. */
function oneOf(rule: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { columns, skip_missing: _, ...rest } = rule;
  if (!Array.isArray(columns) || columns.length > 1) return rule;
  return rest['unique'] === true ? { column: columns[0], ...rest } : refuse('it names one column only');
}

/** Share and condition. */
function rowsOf(expectation: Exclude<Expectation, { kind: 'none' }>, args: Arguments): Readonly<Record<string, unknown>> {
  const [condition, mostly] = [args.get('row_condition'), args.get('mostly') ?? 1];
  const ofRows = expectation.kind === 'column' || expectation.ofRows;
  if (condition !== undefined && !ofRows) refuse('a rule about all rows has no condition here (row_condition)');
  if (typeof mostly !== 'number' || mostly < 0 || mostly > 1) return refuse('mostly is no share');
  if (mostly === 0) return refuse('with mostly 0 it always holds');
  const share = expectation.kind === 'column' ? expectation.share : expectation.ofRows;
  return {
    ...(condition === undefined ? {} : { when: conditionOf(condition, args.get('condition_parser')) }),
    ...(mostly === 1 || !share ? {} : { mostly }),
  };
}

/** Severity, and why the rule is there. */
function aboutOf(entry: Mapping, kwargs: Mapping): { severity?: 'warning'; desc?: string } {
  const severity = entry['severity'] ?? kwargs['severity'];
  const notes =
    entry['description'] ??
    kwargs['description'] ??
    entry['notes'] ??
    kwargs['notes'] ??
    (isMapping(entry['meta']) ? entry['meta']['notes'] : undefined);
  const desc = notesText(notes);
  return { ...(severity === 'warning' || severity === 'info' ? { severity: 'warning' } : {}), ...(desc === '' ? {} : { desc }) };
}

function notesText(notes: unknown): string {
  if (typeof notes === 'string') return notes.trim();
  if (Array.isArray(notes))
    return notes
      .map(notesText)
      .filter((line) => line !== '')
      .join(' ');
  return isMapping(notes) ? notesText(notes['content']) : '';
}
