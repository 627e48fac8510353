// Rows with equal normal forms are one entry: what follows compares entries, so that a million equal rows cost no more than one.
import { RepeatFilter } from './repeats.ts';
import type { RowIndex } from './row-index.ts';

/** What every record of a row begins with: 128 bits of its name, and how much it says (0: nothing). */
export const record = { name: 0, size: 4, own: 5 } as const;

export interface Entries {
  readonly count: number;
  /** row (from 0) -> entry; -1: it says nothing */
  readonly of: Int32Array;
  /** entry -> its first row; ascending */
  readonly first: Uint32Array;
}

/** Of a row that says something and has its name for itself; of one that others may have the name of. */
const [alone, perhaps] = [0, -2];

export function entriesOf(index: RowIndex): Entries {
  const { records, width, rows } = index;
  const of = new Int32Array(rows);
  const first = new Uint32Array(rows);
  const table = new NameTable(records, width, first, markRepeats(index, of));
  let count = 0;
  for (let row = 0; row < rows; row += 1) {
    if (of[row] === -1) continue;
    const entry = of[row] === alone ? count : table.entryOf(row, count);
    of[row] = entry;
    if (entry === count) first[count++] = row;
  }
  return { count, of, first: first.subarray(0, count) };
}

/** Says of each row: -1, `alone` or `perhaps`. @returns how many are the latter */
function markRepeats({ records, width, rows }: RowIndex, of: Int32Array): number {
  const names = new RepeatFilter(rows);
  for (let at = 0; at < records.length; at += width) if (records[at + record.size] !== 0) names.count(records[at] as number);
  let repeats = 0;
  for (let row = 0, at = 0; row < rows; row += 1, at += width) {
    if (records[at + record.size] === 0) of[row] = -1;
    else if (names.mayRepeat(records[at] as number)) {
      of[row] = perhaps;
      repeats += 1;
    } else of[row] = alone;
  }
  return repeats;
}

/** Entries by the names of their rows. */
class NameTable {
  readonly #records: Uint32Array;
  readonly #width: number;
  readonly #first: Uint32Array;
  readonly #mask: number;
  /** entry + 1; 0: free */
  readonly #slots: Int32Array;

  constructor(records: Uint32Array, width: number, first: Uint32Array, most: number) {
    this.#records = records;
    this.#width = width;
    this.#first = first;
    this.#mask = 2 ** Math.ceil(Math.log2(most * 2 + 2)) - 1;
    this.#slots = new Int32Array(this.#mask + 1);
  }

  /** @param next the entry that the row is where nobody before has its name */
  entryOf(row: number, next: number): number {
    const [records, slots, mask, at] = [this.#records, this.#slots, this.#mask, row * this.#width];
    let slot = (records[at] as number) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const entry = (slots[slot] as number) - 1;
      if (entry === -1) {
        slots[slot] = next + 1;
        return next;
      }
      if (sameName(records, (this.#first[entry] as number) * this.#width, at)) return entry;
    }
  }
}

function sameName(records: Uint32Array, a: number, b: number): boolean {
  return records[a] === records[b] && records[a + 1] === records[b + 1] && records[a + 2] === records[b + 2] && records[a + 3] === records[b + 3];
}
