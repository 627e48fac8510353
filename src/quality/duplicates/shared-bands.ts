// Which rows share a band with another, kept beside the index. In the next version only these can share one with a row that stayed, beside what came and
// what shares a band with that: nothing else is looked at, and the candidates are those of a full run.
//
//   For a row that stayed, shared nothing, and has no band of a row that came: whoever shares a band with it now stayed as well, or came. Who stayed
//   shared it before; who came has the band.
import type { RowChanges } from '../../datasets/row-changes.ts';
import { record, type Entries } from '../text/entries.ts';
import { NumberFilter } from '../text/number-filter.ts';
import type { RowIndex } from '../text/row-index.ts';

/** One bit a row, from 0. */
export type SharedRows = Uint8Array;

/** @param shared entry -> 1: it shares a band with another entry */
export function sharedRows(shared: Uint8Array, { of }: Entries): SharedRows {
  const bits = new Uint8Array(Math.ceil(of.length / 8));
  for (let row = 0; row < of.length; row += 1) {
    const entry = of[row] as number;
    if (entry !== -1 && shared[entry] === 1) bits[row >>> 3] = (bits[row >>> 3] as number) | (1 << (row & 7));
  }
  return bits;
}

/** What a version came from. */
export interface SharedBefore {
  readonly rows: SharedRows;
  readonly changes: Pick<RowChanges, 'kept'>;
  /** numbers of the rows that came, from 1 */
  readonly added: readonly number[];
}

/** @returns entries that may share a band with another, ascending */
export function mayShare(index: RowIndex, entries: Entries, bands: number, { rows, changes, added }: SharedBefore): Uint32Array {
  const may = new Uint8Array(entries.count);
  for (const { before, after, count } of changes.kept())
    for (let at = 0, row = before - 1; at < count; at += 1, row += 1) {
      if (((rows[row >>> 3] as number) & (1 << (row & 7))) === 0) continue;
      const entry = entries.of[after - 1 + at] as number;
      if (entry !== -1) may[entry] = 1;
    }
  takeAlike(may, index, entries, bands, added);
  let some = 0;
  const found = new Uint32Array(may.reduce((sum, one) => sum + one, 0));
  for (let entry = 0; entry < may.length; entry += 1) if (may[entry] === 1) found[some++] = entry;
  return found;
}

/** Those with a band of a row that came, that row among them. */
function takeAlike(may: Uint8Array, { records, width }: RowIndex, { first }: Entries, bands: number, added: readonly number[]): void {
  const keys = new Set<number>();
  const filter = new NumberFilter(added.length * bands);
  for (const number of added) {
    const at = (number - 1) * width + record.own;
    for (let band = 0; band < bands; band += 1) {
      const key = keyOf(records[at + band] as number, band);
      keys.add(key);
      filter.add(key);
    }
  }
  for (let entry = 0; entry < may.length; entry += 1) {
    const at = (first[entry] as number) * width + record.own;
    for (let band = 0; band < bands; band += 1) {
      const key = keyOf(records[at + band] as number, band);
      if (filter.mayHave(key) && keys.has(key)) may[entry] = 1;
    }
  }
}

/** Bands of another place are others. */
function keyOf(key: number, band: number): number {
  return key ^ Math.imul(band + 1, 0x85ebca6b);
}
