// What the checks of the data come to, in one answer: what does not hold, what nobody looked at, what is to be looked at all the same.
import type { ErrorCode } from '../base/errors.ts';
import { count, counted } from './figures.ts';
import { checkWords } from './findings-words.ts';
import type { DriftPart, FindingsPart, Report, ValidationPart } from './schema.ts';

/** What checks said, as reports and their parts have it. */
export interface Checked {
  readonly validation?: readonly ValidationPart[] | undefined;
  readonly findings?: readonly FindingsPart[] | undefined;
  readonly drift?: readonly DriftPart[] | undefined;
}

type Problem = NonNullable<Report['problem']>;

/** As the steps say it. */
const codes: Readonly<Record<FindingsPart['check'] | 'drift', ErrorCode>> = {
  rules: 'RULES_BROKEN',
  pii: 'PII_FOUND',
  secrets: 'SECRETS_FOUND',
  duplicates: 'DUPLICATES_FOUND',
  leakage: 'LEAKS_FOUND',
  code: 'CODE_FINDINGS',
  provenance: 'PROVENANCE_LACKING',
  drift: 'DATA_DRIFTED',
};

/** Does this code say that data do not hold? All others say that there is no answer. */
export function saysBroken(code: string): boolean {
  return Object.values<string>(codes).includes(code);
}

/** What does not hold, with its figures; null: nothing. */
export function brokenData(checked: Checked): Problem | null {
  const { rules, found, drifted } = brokenOf(checked);
  const what = brokenInList(checked).join('; ');
  if (rules.length > 0) return { code: codes.rules, what, mend: 'correct the rows, or the rule when the rows are right' };
  const mend = 'look at the rows below: correct them or take them out, or say in the stage why they may stay';
  const [first] = found;
  if (first !== undefined) return { code: codes[first.check], what, mend };
  return drifted.length === 0 ? null : { code: codes.drift, what, mend };
}

/** The same, one by one. */
export function brokenInList(checked: Checked): string[] {
  const { rules, found, drifted } = brokenOf(checked);
  return [...rules.map(brokenInWords), ...found.map(foundInWords), ...drifted.map(driftedInWords)];
}

function brokenOf({ validation = [], findings = [], drift = [] }: Checked): { rules: ValidationPart[]; found: FindingsPart[]; drifted: DriftPart[] } {
  return {
    rules: validation.filter(({ state }) => state === 'broken'),
    found: findings.filter(({ state }) => state === 'broken'),
    drifted: drift.filter(({ state, severity }) => state === 'drifted' && severity === 'error'),
  };
}

/** That a check has no answer is none: what is not known never counts as yes. null: all were looked at. */
function unseenData({ validation = [], findings = [], drift = [] }: Checked): Problem | null {
  const unseen = [
    ...validation.map(({ state, dataset, note }) => ({ state, check: checkWords.rules, dataset, note })),
    ...findings.map(({ state, check, dataset, note }) => ({ state, check: checkWords[check], dataset, note })),
    ...drift.map(({ state, dataset, note }) => ({ state, check: 'drift', dataset, note })),
  ].filter(({ state }) => state === 'not looked at');
  const [first, ...more] = unseen;
  if (first === undefined) return null;
  const others = more.length === 0 ? '' : ` (and ${counted(more.length, 'more check')})`;
  return {
    code: 'RUN_MISSING',
    what: `${first.dataset} was not looked through for ${first.check}: ${first.note ?? 'the check has no run'}${others}`,
    mend: '`plumb run` runs what is missing',
  };
}

/** Of a report of data alone: why its checks do not hold, or are no answer; null: they hold, or there are none. */
export function problemOfData(checked: Checked): Problem | null {
  return brokenData(checked) ?? unseenData(checked);
}

export function checksOf({ validation = [], findings = [], drift = [] }: Checked): { readonly check: string; readonly dataset: string }[] {
  return [
    ...validation.map(({ dataset }) => ({ check: checkWords.rules, dataset })),
    ...findings.map(({ check, dataset }) => ({ check: checkWords[check], dataset })),
    ...drift.map(({ dataset }) => ({ check: 'drift', dataset })),
  ];
}

/** '5 checks of tickets hold; to be looked at: near-duplicate in 2 rows of tickets' */
export function heldInWords(checked: Checked): string {
  const checks = checksOf(checked);
  const sets = [...new Set(checks.map(({ dataset }) => dataset))];
  const names = sets.length > 3 ? `${sets.length} data sets` : sets.join(' and ');
  const told = warningsOf(checked);
  const shown = told.length > 3 ? [...told.slice(0, 3), `${told.length - 3} more`] : told;
  const warned = shown.length === 0 ? '' : `; to be looked at: ${shown.join(', ')}`;
  return `${counted(checks.length, 'check')} of ${names} ${checks.length === 1 ? 'holds' : 'hold'}${warned}`;
}

function warningsOf({ validation = [], findings = [], drift = [] }: Checked): string[] {
  return [
    ...validation.flatMap(({ dataset, checks }) =>
      checks
        .filter(({ severity }) => severity === 'warning')
        .map(({ what, failing }) => `${counted(failing, 'row')} of ${dataset} against "${what}"`),
    ),
    ...findings.flatMap(({ dataset, kinds }) =>
      kinds.filter(({ severity }) => severity === 'warning').map(({ kind, rows }) => `${kind} in ${counted(rows, 'row')} of ${dataset}`),
    ),
    ...drift.filter(({ state, severity }) => state === 'drifted' && severity === 'warning').map(driftedInWords),
  ];
}

function foundInWords({ check, dataset, rows, kinds, note }: FindingsPart): string {
  if (note !== undefined) return `${dataset}, to be looked through for ${checkWords[check]}: ${note}`;
  const errors = kinds.filter(({ severity }) => severity === 'error');
  const shown = errors.slice(0, 3).map(({ kind, rows: many }) => `${kind} in ${count(many)} of ${counted(rows, 'row')}`);
  const more = errors.length > 3 ? ` and ${counted(errors.length - 3, 'more kind')}` : '';
  return `${dataset}, ${checkWords[check]}: ${shown.join(', ')}${more}`;
}

function driftedInWords({ dataset, against, columns }: DriftPart): string {
  return `${dataset} drifted from ${against.join(', ')} in ${columns
    .slice(0, 3)
    .map(({ column }) => column)
    .join(', ')}`;
}

function brokenInWords({ dataset, rules, rows, checks }: ValidationPart): string {
  const [first, ...more] = checks.filter(({ severity }) => severity === 'error');
  if (first === undefined || first.rule === 0) return `${dataset}, to be judged by ${rules}: ${first?.what ?? ''}`;
  const others = more.length === 0 ? '' : ` (and ${counted(more.length, 'more rule')})`;
  return `${counted(first.failing, 'row')} of ${count(rows)} in ${dataset} against rule ${first.rule} of ${rules}: ${first.what}${others}`;
}
