import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KeptRows } from '../../datasets/row-changes.ts';
import { entriesOf } from '../text/entries.ts';
import { NumberList } from '../text/number-list.ts';
import { RowIndex } from '../text/row-index.ts';
import { candidatePairs } from './candidates.ts';
import { mayShare, sharedRows } from './shared-bands.ts';

const bands = 3;

/** A row of some text has its own bands; few bands, so that texts meet. Text 0 says nothing. */
function indexOf(texts: readonly number[]): RowIndex {
  const index = new RowIndex(5 + bands);
  for (const text of texts) index.add(Uint32Array.of(text * 0x9e3779b1, text, 0, 0, text, text % 19, (text >>> 1) % 23, text % 29), new NumberList());
  return index;
}

test('what may share a band, from what did before and what came, gives the pairs and the rows of a search through all', () => {
  const text = fc.nat(120);
  const edit = fc.record({ at: fc.nat(60), take: fc.nat(5), put: fc.array(text, { maxLength: 3 }), to: fc.nat(60) });
  let [left, all] = [0, 0];
  fc.assert(
    fc.property(fc.array(text, { maxLength: 60 }), fc.array(edit, { maxLength: 5 }), (texts, edits) => {
      const after = texts.map((one, at) => ({ text: one, before: at + 1 }));
      for (const { at, take, put, to } of edits) {
        // some go, some come, some move
        const gone = after.splice(Math.min(at, after.length), take, ...put.map((one) => ({ text: one, before: 0 })));
        after.splice(Math.min(to, after.length), 0, ...gone.slice(1));
      }
      const kept = after.flatMap(({ before }, at): KeptRows[] => (before === 0 ? [] : [{ before, after: at + 1, count: 1 }]));
      const old = indexOf(texts);
      const rows = sharedRows(candidatePairs(old, entriesOf(old), bands, null).shared, entriesOf(old));
      const index = indexOf(after.map((row) => row.text));
      const entries = entriesOf(index);
      const added = after.flatMap(({ before }, at) => (before === 0 ? [at + 1] : []));
      const among = mayShare(index, entries, bands, { rows, changes: { kept: () => kept.toSorted((a, b) => a.before - b.before) }, added });
      expect(candidatePairs(index, entries, bands, among)).toEqual(candidatePairs(index, entries, bands, null));
      left += entries.count - among.length;
      all += entries.count;
    }),
    { numRuns: 200 },
  );
  // it leaves some out
  expect(left).toBeGreaterThan(all / 100);
});
