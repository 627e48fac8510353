// What a value is to a check: missing or there, of which type, how long, the same as which other, and how it is shown.
import { valueText } from '../../datasets/row-content.ts';

/** The types a rule can ask for; a missing value has none. */
export const valueTypes = ['string', 'integer', 'number', 'boolean', 'list', 'object'] as const;
export type ValueType = (typeof valueTypes)[number];

/** Absent, null, or an empty text: CSV has no other way to say that there is nothing. */
export function isMissing(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

/** Numbers as CSV and texts may write them; what is beyond the range of a double is none. */
export const numberPattern = '^[+-]?\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?$';
const numberForm = new RegExp(numberPattern);

/** @returns the number that a text is, or null */
export function numberOfText(text: string): number | null {
  if (!numberForm.test(text)) return null;
  const number = Number(text);
  return Number.isFinite(number) ? number : null;
}

/** What a cell of CSV says if it is read as a number or a boolean; else the text. */
export function typedCell(value: unknown): unknown {
  if (value === 'true' || value === 'false') return value === 'true';
  return typeof value === 'string' ? (numberOfText(value) ?? value) : value;
}

export function hasType(value: unknown, type: ValueType): boolean {
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

/** Unicode characters of a text, items of a list. */
export function lengthOf(value: unknown): number | undefined {
  if (Array.isArray(value)) return value.length;
  if (typeof value !== 'string') return undefined;
  let length = value.length;
  for (let at = 0; at < value.length; at += 1) if ((value.charCodeAt(at) & 0xfc00) === 0xd800) length -= 1;
  return length;
}

/** Equal texts are equal values: 1 and "1" are not, 1 and 1.0 are; of objects the order of keys does not count. A missing value is ''. */
export function valueName(value: unknown): string {
  return isMissing(value) ? '' : (valueText(value, false) ?? '');
}

/** By code points, as UTF-8 and DuckDB order texts. @returns below, at or above 0 */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    // a half of a character beyond the first plane comes after all of that plane
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** JSON of a value, at most 200 characters. */
export function showValue(value: unknown): string {
  if (isMissing(value)) return 'missing';
  const text = JSON.stringify(value);
  return text.length <= 200 ? text : `${text.slice(0, 197).toWellFormed()}...`;
}

/** What of a row is shown of a check: its value, or of several columns all of them. */
export function shownOf(value: Readonly<Record<string, unknown>>, columns: readonly string[]): string {
  const [only] = columns;
  if (columns.length === 1 && only !== undefined) return showValue(cell(value, only));
  return showValue(Object.fromEntries(columns.map((name) => [name, cell(value, name) ?? null])));
}

/** A column may be called as a member of Object is. */
export function cell(value: Readonly<Record<string, unknown>>, column: string): unknown {
  return Object.hasOwn(value, column) ? value[column] : undefined;
}

/** How reports name a row. */
export function keyOf(value: Readonly<Record<string, unknown>>, number: number, key: readonly string[]): string {
  const [first] = key;
  if (first === undefined) return `row ${number}`;
  if (key.length > 1)
    return key.every((name) => isMissing(cell(value, name))) ? `row ${number}` : key.map((name) => keyText(cell(value, name))).join(', ');
  const found = cell(value, first);
  return isMissing(found) ? `row ${number}` : keyText(found);
}

function keyText(value: unknown): string {
  return typeof value === 'string' ? value : showValue(value);
}
