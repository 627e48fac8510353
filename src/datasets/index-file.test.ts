import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { compareUtf8 } from '../store/tree/keys.ts';
import { noteCacheState, type IndexHead, type IndexRow } from './index-file.ts';
import { IndexReader } from './index-reader.ts';
import { differs, SpoiledIndex, type KnownRow } from './index-row.ts';
import { IndexWriter } from './index-writer.ts';

const folder = await mkdtemp(join(tmpdir(), 'plumb-index-'));

const somePath = fc
  .array(fc.constantFrom('a', 'ab', 'é', '\u{1f600}', '\ufffd', 'a.b', 'x y'), { minLength: 1, maxLength: 4 })
  .map((names) => names.join('/'));
const someState = fc.record({ digest: fc.string().map(digestOf), bytes: fc.maxSafeNat(), executable: fc.boolean() });
const time = fc.double({ min: 1, max: 4e12, noNaN: true });
const someStamp = fc.record({ mtimeMs: time, ctimeMs: time, ino: fc.maxSafeNat(), links: fc.constantFrom(1, 2) });
const someFound = fc.tuple(someState, fc.option(someStamp)).map(([file, times]) => {
  if (times === null) return { ...file, stamp: null };
  // the change time of a file of several names is not kept
  return { ...file, stamp: { ...times, bytes: file.bytes, ctimeMs: times.links === 1 ? times.ctimeMs : 0 } };
});
const row = fc
  .record({ path: somePath, version: fc.option(someState), found: fc.option(someFound), same: fc.boolean() })
  .map(({ same, ...parts }): IndexRow =>
    same && parts.version !== null && parts.found !== null
      ? { ...parts, version: { ...parts.version, digest: parts.found.digest, bytes: parts.found.bytes } }
      : parts,
  );
const rows = fc.uniqueArray(row, { selector: (one) => one.path, maxLength: 40 }).map((all) => all.toSorted((a, b) => compareUtf8(a.path, b.path)));
const head: IndexHead = { version: { tree: digestOf('tree'), files: 3, bytes: 2 ** 40 }, cacheState: null };

function write(all: readonly IndexRow[], file = join(folder, 'index')): string {
  const writer = new IndexWriter(file);
  for (const one of all) writer.add(one);
  writer.commit(head);
  return file;
}

function read(file: string): IndexRow[] | null {
  const reader = IndexReader.open(file);
  if (reader === null) return null;
  try {
    const all: IndexRow[] = [];
    while (reader.next()) all.push(reader.row());
    return all.map(({ path, version, found }) => ({ path, version, found }));
  } finally {
    reader.close();
  }
}

test('what is written is read back, over many blocks, too', () => {
  fc.assert(
    fc.property(rows, (all) => {
      expect(read(write(all))).toEqual(all);
    }),
    { numRuns: 200 },
  );
  const many = Array.from({ length: 5000 }, (_, at): IndexRow => {
    const file = { digest: digestOf(String(at)), bytes: at, executable: false };
    return { path: `folder/${String(at).padStart(5, '0')}`, version: file, found: { ...file, stamp: null } };
  });
  expect(read(write(many))).toEqual(many);
});

test('rows that are taken over as they are make the same file; what they are compared with is what they say', async () => {
  await fc.assert(
    fc.asyncProperty(rows, async (all) => {
      const known: KnownRow[] = [];
      const reader = IndexReader.open(write(all));
      while (reader?.next() === true) known.push(reader.row());
      reader?.close();
      const first = await readFile(join(folder, 'index'));
      expect(await readFile(write(known, join(folder, 'copy')))).toEqual(first);
      for (const [at, one] of known.entries()) {
        const plain = all[at] as IndexRow;
        expect(differs(one)).toBe(differs(plain));
        const { found } = plain;
        const mode = found?.executable === true ? 0o755 : 0o644;
        const stamp = found?.stamp ?? { bytes: 1, mtimeMs: 1, ctimeMs: 1, ino: 1, links: 1 };
        const facts = { size: stamp.bytes, mtimeMs: stamp.mtimeMs, ctimeMs: stamp.ctimeMs, ino: stamp.ino, nlink: stamp.links, mode };
        expect(one.isAsFound(facts)).toBe(found !== null && found.stamp !== null);
        for (const change of [{ size: -1 }, { mtimeMs: -1 }, { ino: -1 }, { mode: mode ^ 0o100 }])
          expect(one.isAsFound({ ...facts, ...change })).toBe(false);
        expect(one.isAsFound({ ...facts, ctimeMs: -1 })).toBe(found !== null && found.stamp !== null && stamp.links > 1);
      }
    }),
  );
});

test('a head is read back; the state of the cache can be noted later', () => {
  const file = write([]);
  noteCacheState(file, 'ab'.repeat(32));
  const reader = IndexReader.open(file);
  expect(reader?.head).toEqual({ ...head, cacheState: 'ab'.repeat(32) });
  reader?.close();
});

test('whatever happens to an index, what it says afterwards is true, or it says that it is spoiled', async () => {
  const all = fc.sample(rows, { numRuns: 20, seed: 5 }).toSorted((a, b) => b.length - a.length)[0] ?? [];
  const good = await readFile(write(all));
  const spoiled = join(folder, 'spoiled');
  const spoil = fc.oneof(
    fc.nat(good.length - 1).map((length) => good.subarray(0, length)),
    fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, change]) => good.with(at, (good[at] as number) ^ change)),
    fc.uint8Array({ minLength: 1, maxLength: 20 }).map((more) => Buffer.concat([good, more])),
  );
  await fc.assert(
    fc.asyncProperty(spoil, async (bytes) => {
      await writeFile(spoiled, bytes);
      let outcome: IndexRow[] | null = null;
      try {
        outcome = read(spoiled);
      } catch (error) {
        expect(error).toBeInstanceOf(SpoiledIndex);
      }
      expect(outcome).toBeNull();
    }),
    { numRuns: 300 },
  );
});
