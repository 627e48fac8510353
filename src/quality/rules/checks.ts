// What a rules file asks, taken apart: tests of a row by itself, indexes of values (which stand twice, how many are there), bags of a column's values, and
// questions about all rows. Every engine works on this form, and knows nothing of YAML.
import type { JsonValue } from '../../base/schema.ts';
import type { DataReference } from './bounds.ts';
import type { ColumnCheckName } from './check-names.ts';
import type { ValueType } from './values.ts';
import type { Expression } from './expression.ts';
import type { ColumnRule, RowsRule, TableRule } from './schema.ts';

/** How a result is called in the report. */
export interface CheckAbout {
  /** from 1 */
  readonly rule: number;
  readonly name: string | undefined;
  /** null: of the row, or of all rows */
  readonly column: string | null;
  readonly check: string;
  readonly expected: string;
  readonly desc: string | undefined;
  readonly severity: 'error' | 'warning';
  readonly mostly: number | undefined;
}

export type Scalar = string | number | boolean;

/** A test of values that are there; `missing` and `expression` look at missing ones too. */
export type RowTest =
  | { readonly kind: 'missing'; readonly wanted: boolean }
  | { readonly kind: 'type'; readonly types: readonly ValueType[] }
  | { readonly kind: 'end'; readonly sign: '>=' | '<=' | '>' | '<'; readonly end: number | string }
  | { readonly kind: 'length'; readonly least: number; readonly most: number }
  | { readonly kind: 'set'; readonly values: readonly Scalar[]; readonly allowed: boolean }
  | { readonly kind: 'regex'; readonly sources: readonly string[]; readonly mode: 'any' | 'all' | 'none' }
  | { readonly kind: 'date'; readonly format: string }
  | { readonly kind: 'json'; readonly schema: JsonValue }
  /** place in `references` */
  | { readonly kind: 'member'; readonly reference: number }
  | { readonly kind: 'order'; readonly sign: '>=' | '<=' | '>' | '<' }
  | { readonly kind: 'z_score'; readonly max: number; readonly oneSided: boolean }
  | { readonly kind: 'between'; readonly least: number; readonly most: number }
  | { readonly kind: 'expression'; readonly expression: Expression }
  | { readonly kind: 'different' | 'equal' }
  | {
      readonly kind: 'sum';
      readonly bounds: { min?: number | undefined; max?: number | undefined; above?: number | undefined; below?: number | undefined };
    }
  | { readonly kind: 'combination'; readonly allowed: readonly (readonly (Scalar | null)[])[] };

/** Which rows are looked at: where the condition is true, and columns are not missing. */
export interface Looked {
  readonly columns: readonly string[];
  readonly when: Expression | null;
  readonly skip: 'any' | 'all' | 'never';
}

export interface RowCheck extends Looked {
  readonly test: RowTest;
}

export type ColumnAsk = { [Name in ColumnCheckName]: { readonly name: Name; readonly of: NonNullable<ColumnRule[Name]> } }[ColumnCheckName];

/** One line of the report, and where its answer comes from. */
export type Check =
  | { readonly kind: 'row'; readonly about: CheckAbout; readonly row: number }
  /** the share of rows that a row check passes, held against bounds */
  | { readonly kind: 'share'; readonly about: CheckAbout; readonly row: number; readonly ask: ColumnAsk }
  | { readonly kind: 'unique'; readonly about: CheckAbout; readonly index: number }
  | { readonly kind: 'distinct'; readonly about: CheckAbout; readonly index: number; readonly ask: ColumnAsk }
  | { readonly kind: 'bag'; readonly about: CheckAbout; readonly bag: number; readonly ask: ColumnAsk }
  | { readonly kind: 'drift'; readonly about: CheckAbout; readonly bag: number; readonly ask: ColumnAsk; readonly against: number }
  | { readonly kind: 'rows'; readonly about: CheckAbout; readonly rows: RowsRule['rows']; readonly against: number | null }
  | { readonly kind: 'table'; readonly about: CheckAbout; readonly ask: TableAsk };

export type TableAsk =
  | { readonly name: 'exists'; readonly column: string }
  | { readonly name: 'position'; readonly column: string; readonly of: number }
  | { [Name in keyof TableRule['table']]-?: { readonly name: Name; readonly of: NonNullable<TableRule['table'][Name]> } }[keyof TableRule['table']];

/** What is needed of other data: values that stand in columns, the bag of a column, or how many rows there are. */
export type Reference =
  | { readonly kind: 'members'; readonly data: DataReference; readonly columns: readonly string[] }
  | { readonly kind: 'bag'; readonly data: DataReference; readonly column: string; readonly when: Expression | null }
  | { readonly kind: 'rows'; readonly data: DataReference };

export interface Checks {
  /** columns that name a row */
  readonly key: readonly string[];
  readonly checks: readonly Check[];
  readonly rows: readonly RowCheck[];
  readonly indexes: readonly Looked[];
  /** one column each, of which missing values are passed by */
  readonly bags: readonly Looked[];
  readonly references: readonly Reference[];
  /** column -> path in the file: those that must be there */
  readonly named: ReadonlyMap<string, string>;
}

/** Rows of this file have an order that some check depends on, or a check of rows needs to know all of them first: they cannot be judged in parts. */
export function isWhole({ rows }: Checks): boolean {
  return rows.some(({ test }) => test.kind === 'order' || test.kind === 'z_score');
}

/** Rows have the name that their data set gives them where the rules give none. @param key column of the lock */
export function namedBy(checks: Checks, key: string | undefined): Checks {
  return checks.key.length > 0 || key === undefined ? checks : { ...checks, key: [key] };
}
