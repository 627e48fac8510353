// When two rows are the same, and how a cell looks as text.
import { byCodeUnit } from '../base/canonical.ts';

/**
 * What a row says, as one text: columns sorted, columns without a value left out (missing and null are one).
 * @param asText true: compare values by their text, for when one side is CSV, which has nothing else; then an empty text is no value
 */
export function rowText(value: Readonly<Record<string, unknown>>, asText: boolean, without?: string): string {
  const names = Object.keys(value).toSorted(byCodeUnit);
  let text = '';
  for (const name of names) {
    if (name === without) continue;
    const cell = valueText(value[name], asText);
    if (cell !== null) text += `${JSON.stringify(name)}:${cell},`;
  }
  return text;
}

/** One value, so that equal texts are equal values; null where there is none. */
export function valueText(value: unknown, asText: boolean): string | null {
  if (value === null || value === undefined) return null;
  if (asText) return value === '' ? null : JSON.stringify(cellText(value));
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' ? JSON.stringify(value) : sortedJson(value);
}

/** A value for people: text as it is, all else as JSON; no value is ''. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : sortedJson(value);
}

function sortedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).toSorted(([a], [b]) => byCodeUnit(a, b));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${sortedJson(item)}`).join(',')}}`;
}

const mostColumns = 50;
const mostText = 1000;

/** The cells of a row for a sample: at most 50 columns (these first: `first`), texts cut at 1,000 characters. */
export function sampleCells(value: Readonly<Record<string, unknown>>, first: readonly string[]): Record<string, string> {
  const names = [...new Set([...first.filter((name) => Object.hasOwn(value, name)), ...Object.keys(value)])].slice(0, mostColumns);
  return Object.fromEntries(names.map((name) => [name, cut(cellText(value[name]))]));
}

function cut(text: string): string {
  const whole = text.toWellFormed();
  return whole.length <= mostText ? whole : `${whole.slice(0, mostText - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
