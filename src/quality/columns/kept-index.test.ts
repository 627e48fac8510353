import { hash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blockBytes, type Blocks } from '../memory.ts';
import { encodeKeptIndex, KeptIndex } from './kept-index.ts';
import { duplicatesIn, ValueIndex } from './value-index.ts';

function nameOf(value: number | string): Buffer {
  return hash('sha256', String(value), 'buffer');
}

function indexOf(values: readonly (number | string)[]): ValueIndex {
  const index = new ValueIndex();
  values.forEach((value, at) => index.add(nameOf(value), at + 1));
  return index;
}

/** Blocks of several indexes, and which of them were read. */
function blocksOf(bytes: Buffer): Blocks & { readonly reads: Set<number> } {
  const reads = new Set<number>();
  return {
    bytes: bytes.length,
    reads,
    read(block) {
      reads.add(block);
      return bytes.subarray(block * blockBytes, (block + 1) * blockBytes);
    },
  };
}

test('a kept index says what the index says, whatever stands in it and however often', () => {
  const values = fc.array(fc.nat(300), { maxLength: 900 });
  fc.assert(
    fc.property(values, values, (one, other) => {
      const [a, b] = [indexOf(one), indexOf(other)].map((index) => ({ index, ...encodeKeptIndex(index) }));
      if (a === undefined || b === undefined) return;
      const blocks = blocksOf(Buffer.concat([a.entries, b.entries]));
      const first = new KeptIndex(a.head, blocks, 0);
      for (const [{ index }, kept] of [
        [a, first],
        [b, new KeptIndex(b.head, blocks, first.count)],
      ] as const) {
        expect([kept.size, kept.distinct]).toEqual([index.size, index.distinct]);
        expect([...kept.groups()]).toEqual([...index.groups()]);
        expect(duplicatesIn(kept)).toEqual(duplicatesIn(index));
        for (let value = 0; value <= 301; value += 1) expect(kept.rowsOf(nameOf(value))).toEqual(index.rowsOf(nameOf(value)));
      }
    }),
    { numRuns: 40 },
  );
});

test('a value that fills many blocks is found in all of them', () => {
  const index = indexOf(Array.from({ length: 2000 }, (_, at) => (at % 4 === 0 ? at : 'often')));
  const { head, entries } = encodeKeptIndex(index);
  const kept = new KeptIndex(head, blocksOf(entries), 0);
  expect(kept.rowsOf(nameOf('often'))).toHaveLength(1500);
  expect(kept.rowsOf(nameOf(400))).toEqual([401]);
});

test('a look-up reads a block or two of hundreds', () => {
  const index = indexOf(Array.from({ length: 50_000 }, (_, at) => at));
  const { head, entries } = encodeKeptIndex(index);
  const blocks = blocksOf(entries);
  const kept = new KeptIndex(head, blocks, 0);
  expect([kept.rowsOf(nameOf(777)), kept.rowsOf(nameOf('none'))]).toEqual([[778], []]);
  expect(kept.count).toBe(250);
  expect(blocks.reads.size).toBeLessThanOrEqual(4);
});

test('a head that was cut, or whose blocks are not there, is none', () => {
  const { head, entries } = encodeKeptIndex(indexOf(Array.from({ length: 500 }, (_, at) => at % 400)));
  for (const length of [0, 8, 20, head.length - 4])
    expect(() => new KeptIndex(head.subarray(0, length), blocksOf(entries), 0)).toThrow(/cut|outside|range|not there/);
  expect(() => new KeptIndex(head, blocksOf(entries.subarray(0, -blockBytes)), 0)).toThrow('not there');
  expect(() => new KeptIndex(head, blocksOf(entries), 1)).toThrow('not there');
});
