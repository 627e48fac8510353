// How the values of a column are compared: as numbers, as categories, as texts.
import { valueKinds, type ColumnCounts } from './column-counts.ts';
import { totalOf, type CategoryCounts } from './statistics/counts.ts';

export type ColumnKind = 'number' | 'category' | 'text' | 'other';

/** So few different numbers are categories: a 0 or 1, a star rating. */
const fewNumbers = 5;
/** So many different values may be categories whatever the rest says. */
const fewValues = 20;
/** More are none, whatever the rest says. */
const mostCategories = 1000;
/** A text has that many words on average. */
const wordsOfText = 3;

export interface BothSides {
  readonly before: ColumnCounts;
  readonly after: ColumnCounts;
}

export function kindOf({ before, after }: BothSides, isLabel: boolean): ColumnKind {
  const [old, now] = [before.kinds, after.kinds];
  const plain = old.number + now.number + old.boolean + now.boolean + old.text + now.text;
  if (plain === 0) return 'other';
  const onlyNumbers = old.text + now.text + old.boolean + now.boolean === 0;
  if (!isLabel && onlyNumbers && Math.max(before.numbers.values.length, after.numbers.values.length) > fewNumbers) return 'number';
  const different = Math.max(distinctOf(before), distinctOf(after));
  if (before.texts.values === null || after.texts.values === null) return 'text';
  if (isLabel || different <= fewValues) return isLong({ before, after }) && !isLabel && different * 2 > plainOf(after) ? 'text' : 'category';
  const repeated = different * 4 <= Math.max(plainOf(before), plainOf(after));
  return different <= mostCategories && repeated ? 'category' : 'text';
}

function plainOf({ kinds }: ColumnCounts): number {
  return kinds.number + kinds.text + kinds.boolean;
}

function isLong({ before, after }: BothSides): boolean {
  const rows = before.texts.rows + after.texts.rows;
  return rows > 0 && totalOf([...(before.texts.words?.values() ?? [])]) + totalOf([...(after.texts.words?.values() ?? [])]) >= wordsOfText * rows;
}

export function presentOf({ kinds }: ColumnCounts): number {
  return valueKinds.reduce((sum, kind) => sum + kinds[kind], 0);
}

/** Different values; lists and objects are not told apart. */
export function distinctOf({ kinds, trues, numbers, texts }: ColumnCounts): number {
  const booleans = (trues > 0 ? 1 : 0) + (kinds.boolean > trues ? 1 : 0);
  return numbers.values.length + (texts.values?.size ?? texts.digests.values.length) + booleans;
}

/** Numbers, booleans and texts as categories; a number and the text of its digits are one. null: too many texts */
export function categoriesOf({ kinds, trues, numbers, texts }: ColumnCounts): CategoryCounts | null {
  if (texts.values === null) return null;
  const counts = new Map(texts.values);
  const bump = (name: string, times: number): void => {
    if (times > 0) counts.set(name, (counts.get(name) ?? 0) + times);
  };
  numbers.values.forEach((value, at) => bump(String(value), numbers.counts[at] as number));
  bump('true', trues);
  bump('false', kinds.boolean - trues);
  return counts;
}
