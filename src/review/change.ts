// What an edit changes in a row. Values come from people's hands: texts of a terminal, a page, another tool.
import type { JsonValue } from '../base/schema.ts';
import { PlumbError } from '../base/errors.ts';
import { didYouMean, listed } from '../base/names.ts';
import { cellText, valueText } from '../datasets/row-content.ts';
import { rowDigest } from '../datasets/row-digest.ts';
import type { RowFormat } from '../datasets/schema.ts';
import type { Decision } from './schema.ts';

export type RowValue = Readonly<Record<string, unknown>>;
export type RowEdit = Readonly<Record<string, JsonValue>>;

/** What a row can be: whoever edits it cannot give it a column that its data set has not. */
export interface RowShape {
  readonly format: RowFormat;
  /** null: not known */
  readonly columns: readonly string[] | null;
  readonly label: string | null;
}

/** The row with the edit in it: columns in their order, new ones behind; a column that is null goes, in a CSV its cell is empty. */
export function withEdit(value: RowValue, edit: RowEdit, format: RowFormat): Record<string, unknown> {
  const entries = Object.entries(value).map(([name, cell]): [string, unknown] => [name, Object.hasOwn(edit, name) ? edit[name] : cell]);
  for (const name of Object.keys(edit)) if (!Object.hasOwn(value, name)) entries.push([name, edit[name]]);
  if (format === 'csv') return Object.fromEntries(entries.map(([name, cell]) => [name, cellText(cell)]));
  return Object.fromEntries(entries.filter(([name, cell]) => !(cell === null && Object.hasOwn(edit, name))));
}

/**
 * The decision that makes one row of another.
 * @returns null: nothing changes
 * @throws PlumbError DATASET_COLUMN, ROW_ENCODING
 */
export function editDecision(value: RowValue, edit: RowEdit, shape: RowShape): Pick<Decision, 'edit' | 'becomes' | 'label'> | null {
  const changed: Record<string, JsonValue> = {};
  for (const [name, cell] of Object.entries(edit)) {
    const next = shape.format === 'csv' ? cellText(cell) : cell;
    if (valueText(next, false) === valueText(value[name], false)) continue;
    checkColumn(name, value, shape);
    checkText(name, next);
    Object.defineProperty(changed, name, { value: next, enumerable: true });
  }
  if (Object.keys(changed).length === 0) return null;
  const row = withEdit(value, changed, shape.format);
  return { edit: changed, becomes: rowDigest(row), ...labelOf(row, shape) };
}

/** What differs between a row and what somebody made of it: a column that is gone is null. */
export function editBetween(before: RowValue, after: RowValue): RowEdit {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = names.filter((name) => valueText(before[name], false) !== valueText(after[name], false));
  return Object.fromEntries(changed.map((name) => [name, (after[name] ?? null) as JsonValue]));
}

/** The label of a row, as text, for counting agreement. */
export function labelOf(row: RowValue, { label }: RowShape): { label?: string } {
  return label === null ? {} : { label: cellText(row[label]).toWellFormed().slice(0, 10_000) };
}

function checkColumn(name: string, value: RowValue, { columns }: RowShape): void {
  const known = [...new Set([...(columns ?? []), ...Object.keys(value)])];
  if (known.includes(name) || columns === null) return;
  throw new PlumbError('DATASET_COLUMN', {
    what: `the rows have no column ${JSON.stringify(name).slice(0, 120)}.${didYouMean(name, known)}`,
    mend: `columns are: ${listed(known)}`,
  });
}

function checkText(name: string, value: unknown): void {
  if (JSON.stringify(value) === undefined || isWellFormed(value)) return;
  throw new PlumbError('ROW_ENCODING', {
    what: `the new value of ${JSON.stringify(name).slice(0, 120)} holds half a character`,
    mend: 'write it anew',
  });
}

function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (value === null || typeof value !== 'object') return true;
  return Object.entries(value).every(([key, item]) => key.isWellFormed() && isWellFormed(item));
}
