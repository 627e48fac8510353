import { expect, test } from 'vitest';
import { NumberList } from '../text/number-list.ts';
import { RowIndex } from '../text/row-index.ts';
import { candidatePairs, pairCode } from './candidates.ts';
import { entriesOf, record } from '../text/entries.ts';

const bands = 4;

/** @param keys of the bands of each row */
function indexOf(keys: readonly (readonly number[])[]): RowIndex {
  const index = new RowIndex(record.own + bands);
  for (const [row, ofBands] of keys.entries()) index.add(Uint32Array.from([row + 1, 0, 0, 0, 9, ...ofBands]), new NumberList());
  return index;
}

test('all pairs that share a band, and no other', () => {
  const index = indexOf([
    [1, 2, 3, 4],
    [1, 20, 30, 40],
    [5, 6, 3, 8],
    [50, 60, 70, 80],
  ]);
  const entries = entriesOf(index);
  const { pairs, shared } = candidatePairs(index, entries, bands, null);
  expect([...pairs]).toEqual([pairCode(1, 0, entries), pairCode(2, 0, entries)]);
  expect([...shared]).toEqual([1, 1, 1, 0]);
});

test('one bucket of all rows gives a few pairs a row, each row with the first, and those most alike with each other', () => {
  const count = 50_000;
  const twin = 31_234;
  const index = indexOf(Array.from({ length: count }, (_, row) => [7, row === twin ? 17 : row, row * 3 + 1, row * 5 + 2]));
  const entries = entriesOf(index);
  const { pairs } = candidatePairs(index, entries, bands, null);
  expect(pairs.length).toBeLessThan(count * 20);
  const found = new Set(pairs);
  expect(Array.from({ length: count - 1 }, (_, at) => at + 1).filter((row) => !found.has(pairCode(row, 0, entries)))).toEqual([]);
  expect(found.has(pairCode(twin, 17, entries))).toBe(true);
});

test('rows of equal names are one entry, and rows that say nothing none', () => {
  const index = indexOf([]);
  for (const [name, size] of [
    [1, 3],
    [2, 3],
    [1, 3],
    [9, 0],
  ] as const)
    index.add(Uint32Array.from([name, 0, 0, 0, size, 1, 2, 3, 4]), new NumberList());
  const { of, first, count } = entriesOf(index);
  expect([[...of], [...first], count]).toEqual([[0, 1, 0, -1], [0, 1], 2]);
});
