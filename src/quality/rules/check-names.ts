// What the checks of a column are called, in the order of the report, and the forms that a text may be asked for; column-checks.ts says what each may be given.

/** Judged value by value. */
export const rowCheckNames = [
  'not_missing',
  'missing',
  'type',
  'min',
  'max',
  'above',
  'below',
  'length',
  'min_length',
  'max_length',
  'allowed',
  'forbidden',
  'regex',
  'not_regex',
  'like',
  'not_like',
  'format',
  'date_format',
  'json_schema',
  'in',
  'increasing',
  'decreasing',
  'z_score',
  'unique',
] as const;
export type RowCheckName = (typeof rowCheckNames)[number];

/** Judged of all values together. */
export const columnCheckNames = [
  'least',
  'greatest',
  'mean',
  'median',
  'sum',
  'stdev',
  'quantiles',
  'distinct',
  'distinct_share',
  'not_missing_share',
  'distinct_within',
  'distinct_equal',
  'distinct_contain',
  'most_common',
  'newest',
  'position',
  'exists',
  'kl',
  'psi',
  'ks',
  'cramers_v',
] as const;
export type ColumnCheckName = (typeof columnCheckNames)[number];

/** Texts of a known form. */
export const textFormats = ['date', 'time', 'datetime', 'json', 'uuid', 'email', 'ipv4', 'uri'] as const;
export type TextFormat = (typeof textFormats)[number];
