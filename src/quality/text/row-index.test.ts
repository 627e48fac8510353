import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KeptRows } from '../../datasets/row-changes.ts';
import { NumberList } from './number-list.ts';
import { nextIndex, RowIndex } from './row-index.ts';

const width = 3;

/** A row of a number: its record, and a list of as many numbers as it says. */
function addRow(index: RowIndex, value: number): void {
  const list = new NumberList();
  for (let at = 0; at < value % 4; at += 1) list.push(value * 10 + at);
  index.add(Uint32Array.of(value, value + 1, value + 2), list);
}

function indexOf(values: readonly number[]): RowIndex {
  const index = new RowIndex(width);
  for (const value of values) addRow(index, value);
  return index;
}

const told = (index: RowIndex): unknown => ({
  rows: index.rows,
  records: [...index.records],
  starts: Array.from({ length: index.rows + 1 }, (_, row) => index.startOf(row)),
  tail: [...index.tail],
});

/** Bytes that begin at a multiple of four, or do not. */
function placed(bytes: Buffer, shift: number): Buffer {
  const all = new Uint8Array(bytes.length + 8);
  all.set(bytes, shift);
  return Buffer.from(all.buffer, shift, bytes.length);
}

test('an index comes back from its bytes, wherever they stand, with what is kept behind it', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50)), fc.nat(5), (values, shift) => {
      const index = indexOf(values);
      const decoded = RowIndex.decode(placed(index.encode(Buffer.from('rest')), shift), width);
      expect(decoded?.rest.toString()).toBe('rest');
      expect(told(decoded?.index as RowIndex)).toEqual(told(index));
      expect(RowIndex.decode(index.encode(Buffer.alloc(0)), width + 1)).toBe(null);
    }),
  );
});

test('the index of the next version is that of its rows: some went, came, moved', () => {
  const edit = fc.record({ at: fc.nat(40), take: fc.nat(3), put: fc.array(fc.nat(90), { maxLength: 4 }), back: fc.nat(40) });
  const cases = fc.tuple(fc.array(fc.nat(90), { maxLength: 40 }), fc.array(edit, { maxLength: 4 }), fc.nat(5), fc.boolean());
  let isSame = 0;
  fc.assert(
    fc.property(cases, ([values, edits, shift, isReplaced]) => {
      const after: { value: number; before: number }[] = values.map((value, at) => ({ value, before: at + 1 }));
      for (const { at, take, put, back } of edits) {
        const place = Math.min(at, after.length);
        const news = put.map((value) => ({ value, before: 0 }));
        if (isReplaced) after.splice(place, Math.min(news.length, after.length - place), ...news.slice(0, after.length - place));
        else after.splice(Math.min(back, after.length), 0, ...after.splice(place, take, ...news));
      }
      const kept: KeptRows[] = [];
      for (const [at, { before }] of after.entries()) {
        const last = kept.at(-1);
        if (before === 0) continue;
        if (last !== undefined && last.before + last.count === before && last.after + last.count === at + 1)
          kept[kept.length - 1] = { ...last, count: last.count + 1 };
        else kept.push({ before, after: at + 1, count: 1 });
      }
      const numbers = after.flatMap(({ before }, at) => (before === 0 ? [at + 1] : []));
      const added = indexOf(numbers.map((number) => after[number - 1]?.value ?? 0));
      if (kept.every(({ before, after: number }) => before === number) && numbers.length > 0) isSame += 1;
      const decoded = RowIndex.decode(placed(indexOf(values).encode(Buffer.alloc(0)), shift), width) as { index: RowIndex };
      const changes = { rows: after.length, kept: () => kept.toSorted((a, b) => a.before - b.before).values() };
      const next = nextIndex(decoded.index, changes, added, numbers);
      expect(told(next)).toEqual(told(indexOf(after.map(({ value }) => value))));
      // and grows as any other
      addRow(next, 7);
      expect(told(next)).toEqual(told(indexOf([...after.map(({ value }) => value), 7])));
    }),
    { numRuns: 500 },
  );
  expect(isSame).toBeGreaterThan(20);
});

test('a row that is neither old nor new is a mistake of ours', () => {
  const changes = { rows: 3, kept: () => [{ before: 1, after: 1, count: 2 }].values() };
  expect(() => nextIndex(indexOf([1, 2]), changes, indexOf([]), [])).toThrow('neither old nor new');
});
