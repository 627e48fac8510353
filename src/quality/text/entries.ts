// Rows with equal normal forms are one entry: what follows compares entries, so that a million equal rows cost no more than one.
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

export function entriesOf(index: RowIndex): Entries {
  const { records, width, rows } = index;
  const of = new Int32Array(rows);
  const first = new Uint32Array(rows);
  const mask = 2 ** Math.ceil(Math.log2(rows * 2 + 2)) - 1;
  const slots = new Int32Array(mask + 1);
  let count = 0;
  for (let row = 0; row < rows; row += 1) {
    const at = row * width;
    if (records[at + record.size] === 0) {
      of[row] = -1;
      continue;
    }
    let slot = (records[at] as number) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const entry = (slots[slot] as number) - 1;
      if (entry === -1) {
        first[count] = row;
        slots[slot] = count + 1;
        of[row] = count++;
        break;
      }
      if (sameName(records, (first[entry] as number) * width, at)) {
        of[row] = entry;
        break;
      }
    }
  }
  return { count, of, first: first.slice(0, count) };
}

function sameName(records: Uint32Array, a: number, b: number): boolean {
  return records[a] === records[b] && records[a + 1] === records[b + 1] && records[a + 2] === records[b + 2] && records[a + 3] === records[b + 3];
}
