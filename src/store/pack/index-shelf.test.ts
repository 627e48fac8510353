import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../base/digest.ts';
import { IndexShelf } from './index-shelf.ts';
import { Prefixes, prefixOf } from './prefixes.ts';
import { openPackFile } from './reader.ts';
import { createPack } from './writer.ts';

/** An index of so many objects, and how often it was read. */
function indexOf(name: string, objects: number) {
  const folder = mkdtempSync(join(tmpdir(), 'plumb-shelf-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const writer = createPack(join(folder, 'pack'), { compress: false });
  const digests = Array.from({ length: objects }, (_, at) => digestOf(`${name} ${at}`));
  for (const [at, digest] of digests.entries()) {
    const bytes = Buffer.from(`${name} ${at}`);
    writer.add({ digest, bytes: bytes.length, role: 'data', form: 0 }, bytes);
  }
  writer.finish();
  const file = openPackFile(join(folder, 'pack'));
  onTestFinished(() => file.close());
  const read = { times: 0 };
  return {
    digests,
    index: file.index,
    read,
    again: () => {
      read.times += 1;
      return file.index;
    },
  };
}

test('prefixes have what they were made of, however many there are, and next to nothing else', () => {
  for (const count of [0, 1, 2, 31, 1000, 5000]) {
    const digests = Array.from({ length: count }, (_, at) => digestOf(`digest ${at}`));
    const prefixes = new Prefixes(Float64Array.from(digests, prefixOf));
    expect(digests.every((digest) => prefixes.has(prefixOf(digest)))).toBe(true);
    for (let at = 0; at < 5000; at += 1) expect(prefixes.has(prefixOf(digestOf(`other ${at}`)))).toBe(false);
    expect([prefixes.has(0), prefixes.has(2 ** 48 - 1)]).toEqual([false, false]);
  }
  const edges = new Prefixes(Float64Array.of(0, 2 ** 48 - 1));
  expect([edges.has(0), edges.has(1), edges.has(2 ** 48 - 1)]).toEqual([true, false, true]);
});

test('an index that is not needed is let go, and read again when it is', () => {
  const shelf = new IndexShelf(150);
  const packs = ['a', 'b', 'c'].map((name) => indexOf(name, 100));
  const shelved = packs.map(({ index, again }) => shelf.add(index, again));
  for (const [at, { digests }] of packs.entries()) {
    for (const digest of digests) expect(shelved.map((one) => one.mayHave(prefixOf(digest)))).toEqual([0, 1, 2].map((other) => other === at));
    // one after the other: each is read once more at most
    for (const digest of digests) expect(shelved[at]!.take().find(digest)).not.toBe(-1);
    expect(packs[at]!.read.times).toBeLessThanOrEqual(1);
  }
});

test('indexes that are needed in turn stay in memory, though they are more than should', () => {
  const shelf = new IndexShelf(150);
  const packs = ['a', 'b', 'c'].map((name) => indexOf(name, 100));
  const shelved = packs.map(({ index, again }) => shelf.add(index, again));
  for (let turn = 0; turn < 10_000; turn += 1) for (const one of shelved) one.take();
  for (const { read } of packs) expect(read.times).toBeLessThanOrEqual(1);
});

test('an index that cannot be read again stays', () => {
  const shelf = new IndexShelf(1);
  const packs = ['a', 'b'].map((name) => indexOf(name, 50));
  const shelved = packs.map(({ index }) => shelf.add(index, null));
  for (const [at, { digests }] of packs.entries()) expect(shelved[at]!.take().find(digests[0]!)).not.toBe(-1);
});
