// All values of a column, each once with how often it is there. Sums go over sorted values, so that what is said of a bag depends on nothing but the bag:
// a bag that was changed row by row says the same, to the last bit, as one that was counted anew.
import { valueText } from '../../datasets/row-content.ts';
import type { NumberCounts } from '../drift/statistics/counts.ts';

/** A bag that is not changed any more. Missing values are in none. */
export interface ColumnBag {
  readonly numbers: NumberCounts;
  readonly texts: ReadonlyMap<string, number>;
  /** booleans, lists and objects, by their JSON with sorted keys */
  readonly others: ReadonlyMap<string, number>;
}

/** Counts of a bag while it is counted, or what changes in one: counts may be below 0. */
export class BagCounter {
  readonly numbers = new Map<number, number>();
  readonly texts = new Map<string, number>();
  readonly others = new Map<string, number>();

  /** @param value not missing */
  add(value: unknown, count: number): void {
    if (typeof value === 'string') bump(this.texts, value, count);
    // of 0 and -0 there is one
    else if (typeof value === 'number') bump(this.numbers, value === 0 ? 0 : value, count);
    else bump(this.others, valueText(value, false) ?? '', count);
  }

  join(bag: ColumnBag): void {
    bag.numbers.values.forEach((value, at) => bump(this.numbers, value, bag.numbers.counts[at] as number));
    for (const [text, count] of bag.texts) bump(this.texts, text, count);
    for (const [text, count] of bag.others) bump(this.others, text, count);
  }

  bag(): ColumnBag {
    return changedBag(emptyBag, this);
  }
}

function bump<K>(map: Map<K, number>, key: K, count: number): void {
  const now = (map.get(key) ?? 0) + count;
  if (now === 0) map.delete(key);
  else map.set(key, now);
}

export const emptyBag: ColumnBag = { numbers: { values: new Float64Array(), counts: new Uint32Array() }, texts: new Map(), others: new Map() };

/** A bag with what came and went. */
export function changedBag(bag: ColumnBag, changes: Pick<BagCounter, 'numbers' | 'texts' | 'others'>): ColumnBag {
  return {
    numbers: changedNumbers(bag.numbers, changes.numbers),
    texts: changedTexts(bag.texts, changes.texts),
    others: changedTexts(bag.others, changes.others),
  };
}

function changedTexts(texts: ReadonlyMap<string, number>, changes: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  if (changes.size === 0) return texts;
  const changed = new Map(texts);
  for (const [text, count] of changes) bump(changed, text, count);
  return changed;
}

function changedNumbers(before: NumberCounts, changes: ReadonlyMap<number, number>): NumberCounts {
  if (changes.size === 0) return before;
  const come = Float64Array.from(changes.keys()).toSorted();
  const values = new Float64Array(before.values.length + come.length);
  const counts = new Uint32Array(values.length);
  let [size, at, to] = [0, 0, 0];
  while (at < before.values.length || to < come.length) {
    const [old, now] = [before.values[at] ?? Number.POSITIVE_INFINITY, come[to] ?? Number.POSITIVE_INFINITY];
    const isOld = at < before.values.length && (to >= come.length || old <= now);
    const isNew = to < come.length && (at >= before.values.length || now <= old);
    const value = isOld ? old : now;
    const count = (isOld ? (before.counts[at++] as number) : 0) + (isNew ? (changes.get(come[to++] as number) ?? 0) : 0);
    if (count <= 0) continue;
    values[size] = value;
    counts[size++] = count;
  }
  return { values: values.slice(0, size), counts: counts.slice(0, size) };
}

/** Rows that a bag holds. */
export function rowsOfBag({ numbers, texts, others }: ColumnBag): number {
  let rows = 0;
  for (const count of numbers.counts) rows += count;
  for (const count of texts.values()) rows += count;
  for (const count of others.values()) rows += count;
  return rows;
}

/** A bag as bytes: numbers in place, texts as JSON. Equal bags, equal bytes. */
export function encodeBag({ numbers, texts, others }: ColumnBag): Buffer {
  const json = Buffer.from(JSON.stringify([sortedEntries(texts), sortedEntries(others)]));
  const head = Buffer.alloc(16);
  head.writeUInt32LE(numbers.values.length, 0);
  head.writeUInt32LE(json.length, 4);
  const bytes = (array: Float64Array | Uint32Array): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return Buffer.concat([head, bytes(numbers.values), bytes(numbers.counts), json]);
}

export function decodeBag(bytes: Buffer): ColumnBag {
  const length = bytes.readUInt32LE(0);
  const end = 16 + length * 12;
  const [texts, others] = JSON.parse(bytes.toString('utf8', end, end + bytes.readUInt32LE(4))) as [[string, number][], [string, number][]];
  const copy = new Uint8Array(bytes.subarray(16, end));
  const values = new Float64Array(copy.buffer, 0, length);
  return { numbers: { values, counts: new Uint32Array(copy.buffer, length * 8, length) }, texts: new Map(texts), others: new Map(others) };
}

function sortedEntries(map: ReadonlyMap<string, number>): [string, number][] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
