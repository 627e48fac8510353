// Rows with equal normal forms are one entry: what follows compares entries, so that a million equal rows cost no more than one.
import { EqualNumbers } from './equal-numbers.ts';
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
  // of what has its name from an earlier row: that row + 1
  const earlier = earlierRows(index);
  let count = 0;
  for (let row = 0; row < rows; row += 1) {
    const before = earlier[row] as number;
    if (before > 0) of[row] = of[before - 1] as number;
    else if (records[row * width + record.size] === 0) of[row] = -1;
    else {
      of[row] = count;
      first[count++] = row;
    }
  }
  return { count, of, first: first.subarray(0, count) };
}

/** Row -> the first row of its name + 1, if that is another; 0 else. */
function earlierRows({ records, width, rows }: RowIndex): Uint32Array {
  const earlier = new Uint32Array(rows);
  const names = new EqualNumbers(rows);
  const words = names.numbers;
  for (let row = 0, at = 0; row < rows; row += 1, at += width) words[row] = records[at] as number;
  for (const equal of names.search()) {
    /** rows of different names that begin alike: nearly always one */
    const firsts: number[] = [];
    for (const row of equal) {
      if (records[row * width + record.size] === 0) continue;
      const same = firsts.find((one) => sameName(records, one * width, row * width));
      if (same === undefined) firsts.push(row);
      else earlier[row] = same + 1;
    }
  }
  return earlier;
}

function sameName(records: Uint32Array, a: number, b: number): boolean {
  return records[a] === records[b] && records[a + 1] === records[b + 1] && records[a + 2] === records[b + 2] && records[a + 3] === records[b + 3];
}
