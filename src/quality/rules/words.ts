// Checks in words, for reports and errors.
import { boundsText } from './bounds.ts';
import type { ColumnAsk, Scalar } from './checks.ts';
import type { RowCheckName } from './check-names.ts';
import type { ColumnRule } from './schema.ts';

type Given<Name extends keyof ColumnRule> = NonNullable<ColumnRule[Name]>;

const words: { [Name in RowCheckName]: (of: Given<Name>) => string } = {
  not_missing: () => 'has a value',
  missing: () => 'has no value',
  type: (of) =>
    `is ${[of]
      .flat()
      .map((type) => `${type === 'integer' || type === 'object' ? 'an' : 'a'} ${type}`)
      .join(' or ')}`,
  min: (of) => `is at least ${of}`,
  max: (of) => `is at most ${of}`,
  above: (of) => `is greater than ${of}`,
  below: (of) => `is less than ${of}`,
  length: (of) => `has ${of} characters or items`,
  min_length: (of) => `has at least ${of} characters or items`,
  max_length: (of) => `has at most ${of} characters or items`,
  allowed: (of) => `is one of ${listText(of)}`,
  forbidden: (of) => `is none of ${listText(of)}`,
  regex: (of) => `matches ${patternText(of)}`,
  not_regex: (of) => `does not match ${[of].flat().join(' nor ')}`,
  like: (of) => `is like ${patternText(of)}`,
  not_like: (of) => `is not like ${[of].flat().join(' nor ')}`,
  format: (of) => `is a text of the form ${of}`,
  date_format: (of) => `is a date of the form ${of}`,
  json_schema: () => 'fits its JSON Schema',
  in: (of) => `stands in ${[of.column].flat().join(', ')} of ${of.data}${of.rev === undefined ? '' : ` at ${of.rev}`}`,
  increasing: (of) => (of === 'strictly' ? 'is greater than the value before' : 'is not less than the value before'),
  decreasing: (of) => (of === 'strictly' ? 'is less than the value before' : 'is not greater than the value before'),
  z_score: (of) =>
    typeof of === 'object' && of.one_sided
      ? `lies at most ${of.max} standard deviations above the mean`
      : `lies within ${typeof of === 'object' ? of.max : of} standard deviations of the mean`,
  unique: () => 'stands in one row only',
};

/** 'is at least 3', of a check of rows */
export function rowCheckText(rule: ColumnRule, name: RowCheckName): string {
  return (words[name] as (of: unknown) => string)(rule[name]);
}

function patternText(of: string | { readonly any: readonly string[] } | { readonly all: readonly string[] }): string {
  if (typeof of === 'string') return of;
  return 'any' in of ? of.any.join(' or ') : of.all.join(' and ');
}

export function listText(values: readonly (Scalar | null)[]): string {
  const shown = values.slice(0, 5).map((value) => JSON.stringify(value));
  return shown.join(', ') + (values.length > 5 ? ` and ${values.length - 5} more` : '');
}

/** 'has a mean of at least 3', of a check of a column */
export function columnCheckText({ name, of }: ColumnAsk): string {
  switch (name) {
    case 'least':
    case 'greatest':
    case 'mean':
    case 'median':
    case 'sum':
    case 'stdev':
      return `has a ${numberNames[name]} of ${boundsText(of)}`;
    case 'quantiles':
      return `has quantiles: ${of.map(({ at, within }) => `${at} ${boundsText(within)}`).join(', ')}`;
    case 'distinct':
      return `has ${boundsText(of)} different values`;
    case 'distinct_share':
      return `has a share of different values of ${boundsText(of)}`;
    case 'not_missing_share':
      return `has a share of rows with a value of ${boundsText(of)}`;
    case 'distinct_within':
      return `has no values but ${listText(of)}`;
    case 'distinct_equal':
      return `has the values ${listText(of)} and no others`;
    case 'distinct_contain':
      return `has each of ${listText(of)}`;
    case 'most_common':
      return `has as its most frequent value one of ${listText(of)}`;
    case 'newest':
      return `has a value of the last ${of.within_days} days${of.of === undefined ? '' : ` before ${of.of}`}`;
    case 'position':
      return `is column ${of}`;
    case 'exists':
      return 'is there';
    case 'kl':
      return `differs from what is expected by a divergence of at most ${of.max}`;
    case 'psi':
    case 'ks':
    case 'cramers_v':
      return `has a ${driftNames[name]} of at most ${typeof of === 'number' ? of : of.max}`;
  }
}

const numberNames = {
  least: 'least value',
  greatest: 'greatest value',
  mean: 'mean',
  median: 'median',
  sum: 'sum',
  stdev: 'standard deviation',
} as const;
const driftNames = { psi: 'stability index', ks: 'Kolmogorov-Smirnov distance', cramers_v: "Cramer's V" } as const;
