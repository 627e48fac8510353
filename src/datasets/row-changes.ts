// Which rows one version has that another has not, as two bags of rows: what a check that knows a version must look at in the next one. Where the
// trees of both are known, only chunks that differ are read. A row that moved is not a change, and it is told where it stands now.
import { hash } from 'node:crypto';
import { DigestTable } from './digest-table.ts';
import { rowText } from './row-content.ts';
import { createSides, type RowDiffOptions, type Sides } from './row-sides.ts';
import type { RowSource } from './row-source.ts';
import type { Row } from './rows.ts';

export interface RowChanges {
  /** rows of the version after */
  readonly rows: number;
  /** rows that were read and compared, of both versions */
  readonly compared: number;
  readonly addedCount: number;
  readonly removedCount: number;
  /** Rows that only the version after has, in its order; of equal rows those that are too many. May be asked several times: chunks are read again. */
  added(): AsyncGenerator<Row[]>;
  /** The same of the version before. */
  removed(): AsyncGenerator<Row[]>;
  /** Where a row of the version before (number from 1) stands in the version after; null: it is one of `removed`. Cost: log of what changed. */
  numberAfter(row: number): number | null;
  /** All rows that both versions have, in the order of the version before. Cost: linear in what changed. */
  kept(): Iterable<KeptRows>;
}

/** Rows that follow each other in both versions; numbers from 1. */
export interface KeptRows {
  readonly before: number;
  readonly after: number;
  readonly count: number;
}

/**
 * Memory: about 50 bytes a row that is read.
 * @throws PlumbError as diffRows
 */
export async function findRowChanges(before: RowSource, after: RowSource, options: Omit<RowDiffOptions, 'limit'>): Promise<RowChanges> {
  const sides = (await createSides(before, after, { ...options, limit: 0 }))();
  const old = new ReadRows();
  const now = new ReadRows();
  const waiting = new Waiting();
  for await (const { rows, alike } of sides.readBefore()) for (const row of rows) waiting.add(nameOf(row, sides), old.add(row.row, alike));
  for await (const { rows, alike } of sides.readAfter()) {
    for (const row of rows) {
      const place = now.add(row.row, alike);
      const equal = waiting.take(nameOf(row, sides));
      if (equal !== null) pair(old, equal, now, place);
    }
  }
  return {
    rows: sides.alike + now.count,
    compared: old.count + now.count,
    addedCount: now.alone,
    removedCount: old.alone,
    added: () => lone(sides.readAfter(), now),
    removed: () => lone(sides.readBefore(), old),
    numberAfter: (row) => placeAfter(row, old, now),
    kept: () => joined(keptRows(old, now, sides.alike)),
  };
}

function nameOf(row: Row, { asText }: Sides): Buffer {
  return hash('sha256', rowText(row.value, asText), 'buffer');
}

async function* lone(batches: AsyncGenerator<{ readonly rows: readonly Row[] }>, read: ReadRows): AsyncGenerator<Row[]> {
  let place = 0;
  for await (const { rows } of batches) {
    const first = place;
    place += rows.length;
    const alone = rows.filter((_, at) => read.pairOf(first + at) === 0);
    if (alone.length > 0) yield alone;
  }
}

/** Rows of one version that were read, in its order: by place (from 0), beside their number and the rows before them that both versions have and nobody read. */
class ReadRows {
  #numbers = new Uint32Array(256);
  #alike = new Uint32Array(256);
  /** number of the equal row of the other version; 0: none */
  #pairs = new Uint32Array(256);
  #paired = 0;
  count = 0;

  add(number: number, alike: number): number {
    if (this.count === this.#numbers.length) {
      this.#numbers = doubled(this.#numbers);
      this.#alike = doubled(this.#alike);
      this.#pairs = doubled(this.#pairs);
    }
    this.#numbers[this.count] = number;
    this.#alike[this.count] = alike;
    return this.count++;
  }

  get alone(): number {
    return this.count - this.#paired;
  }

  numberOf(place: number): number {
    return this.#numbers[place] as number;
  }

  pairOf(place: number): number {
    return this.#pairs[place] as number;
  }

  setPair(place: number, number: number): void {
    this.#pairs[place] = number;
    this.#paired += 1;
  }

  /** Rows that both versions have and nobody read, before that place. */
  alikeBefore(place: number): number {
    return this.#alike[place] as number;
  }

  /** How many stand before that number. */
  before(number: number): number {
    return countBelow(this.#numbers, this.count, number);
  }

  /** How many stand before the unread row of that place among the unread ones (from 0). */
  beforeAlike(place: number): number {
    return countBelow(this.#alike, this.count, place + 1);
  }
}

function doubled(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** Of the first `count` numbers, which rise, those below `bound`. */
function countBelow(numbers: Uint32Array, count: number, bound: number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

function pair(old: ReadRows, placeBefore: number, now: ReadRows, placeNow: number): void {
  old.setPair(placeBefore, now.numberOf(placeNow));
  now.setPair(placeNow, old.numberOf(placeBefore));
}

function placeAfter(row: number, old: ReadRows, now: ReadRows): number | null {
  const place = old.before(row);
  if (place < old.count && old.numberOf(place) === row) return old.pairOf(place) || null;
  const unread = row - 1 - place;
  return unread + 1 + now.beforeAlike(unread);
}

/** @param alike rows of both versions that nobody read */
function* keptRows(old: ReadRows, now: ReadRows, alike: number): Generator<KeptRows> {
  let [unread, placeNow] = [0, 0];
  for (let place = 0; place <= old.count; place += 1) {
    const end = place < old.count ? old.numberOf(place) - 1 - place : alike;
    while (unread < end) {
      while (placeNow < now.count && now.alikeBefore(placeNow) <= unread) placeNow += 1;
      const upTo = placeNow < now.count ? Math.min(end, now.alikeBefore(placeNow)) : end;
      yield { before: unread + 1 + place, after: unread + 1 + placeNow, count: upTo - unread };
      unread = upTo;
    }
    if (place < old.count && old.pairOf(place) !== 0) yield { before: old.numberOf(place), after: old.pairOf(place), count: 1 };
  }
}

/** What goes on in both versions is told at once. */
function* joined(rows: Iterable<KeptRows>): Generator<KeptRows> {
  let last: KeptRows = { before: 1, after: 1, count: 0 };
  for (const next of rows) {
    const { before, after, count } = last;
    if (next.before === before + count && next.after === after + count) last = { before, after, count: count + next.count };
    else {
      if (count > 0) yield last;
      last = next;
    }
  }
  if (last.count > 0) yield last;
}

/** Places of rows that wait for an equal one, by content; of equal ones the first comes first. */
class Waiting {
  /** first and last place + 1 of those that wait */
  readonly #table = new DigestTable(2);
  /** place -> the next place + 1 of equal content */
  #next = new Uint32Array(256);

  add(name: Buffer, place: number): void {
    while (place >= this.#next.length) this.#next = doubled(this.#next);
    const { entry } = this.#table.add(name);
    if (this.#table.get(entry, 0) === 0) this.#table.set(entry, 0, place + 1);
    else this.#next[this.#table.get(entry, 1) - 1] = place + 1;
    this.#table.set(entry, 1, place + 1);
  }

  /** @returns the place of an equal row, which waits no more, or null */
  take(name: Buffer): number | null {
    const entry = this.#table.find(name);
    const first = entry === -1 ? 0 : this.#table.get(entry, 0);
    if (first === 0) return null;
    this.#table.set(entry, 0, this.#next[first - 1] as number);
    return first - 1;
  }
}
