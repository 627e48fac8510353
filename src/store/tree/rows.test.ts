import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Digest } from '../../base/digest.ts';
import { compareUtf8, cutKey } from './keys.ts';
import { decodeRowNode } from './node.ts';
import { createRowTreeBuilder } from './row-builder.ts';
import { diffRowTrees, type ComparedChunk } from './row-diff.ts';
import { chunksOfKey, chunksOfRows, walkChunks } from './row-walk.ts';
import { chunkOf, listOf, manyChunks, Nodes, place } from './tree.fixture.ts';
import type { PlacedChunk, RowChunk } from './tree.ts';

const key = fc.string({ unit: 'binary', maxLength: 12 }).map(cutKey);
const keys = fc.option(fc.tuple(key, key).map(([a, b]) => (compareUtf8(a, b) <= 0 ? { first: a, last: b } : { first: b, last: a })));
const chunk = fc.record({ content: fc.nat(300), keys }).map((of) => chunkOf(of.content, of.keys));

/** What a comparison tells of chunks: all but their keys. */
function compared(chunks: readonly (PlacedChunk | undefined)[]): ComparedChunk[] {
  return chunks.map((one) => {
    const { keys: _, ...rest } = one as PlacedChunk;
    return rest;
  });
}

/** The first list with the groups of the difference put in: it must be the second. */
async function patched(nodes: Nodes, a: readonly RowChunk[], b: readonly RowChunk[]): Promise<{ list: Digest[]; moved: number }> {
  const [before, after] = [place(a), place(b)];
  const list: Digest[] = [];
  let [x, y, moved] = [0, 0, 0];
  for await (const group of diffRowTrees(nodes.read, nodes.rows(a).root, nodes.rows(b).root)) {
    expect(group.before.length + group.after.length).toBeGreaterThan(0);
    const start = group.before[0]?.offset ?? null;
    // what lies between the groups is alike on both sides
    while (start === null ? after[y]?.offset !== group.after[0]?.offset : before[x]?.offset !== start) {
      if (before[x]?.digest !== after[y]?.digest) throw new Error('what is in no group differs');
      list.push(before[x]?.digest as Digest);
      x += 1;
      y += 1;
    }
    expect(JSON.stringify(group.before)).toBe(JSON.stringify(compared(before.slice(x, x + group.before.length))));
    expect(JSON.stringify(group.after)).toBe(JSON.stringify(compared(after.slice(y, y + group.after.length))));
    list.push(...group.after.map(({ digest }) => digest));
    x += group.before.length;
    y += group.after.length;
    moved += group.before.length + group.after.length;
  }
  expect(before.slice(x).map(({ digest }) => digest)).toEqual(after.slice(y).map(({ digest }) => digest));
  return { list: [...list, ...after.slice(y).map(({ digest }) => digest)], moved };
}

const digests = (chunks: readonly RowChunk[]): Digest[] => chunks.map(({ digest }) => digest);

describe('a tree of rows', () => {
  test('gives back its chunks and where they lie, those that stand several times, too', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { maxLength: 600 }), async (chunks) => {
        const nodes = new Nodes();
        const tree = nodes.rows(chunks);
        const placed = place(chunks);
        expect(await listOf(walkChunks(nodes.read, tree.root))).toEqual(placed);
        expect(tree.count).toBe((placed.at(-1)?.row ?? 0) + (placed.at(-1)?.rows ?? 0));
        expect(tree.bytes).toBe((placed.at(-1)?.offset ?? 0) + (placed.at(-1)?.bytes ?? 0));
      }),
      { numRuns: 50 },
    );
  });

  test('finds the chunks of rows', async () => {
    const nodes = new Nodes();
    const chunks = place([...manyChunks(500), { ...chunkOf('a comment'), rows: 0 }, ...manyChunks(500, 'more')]);
    const { root, count } = nodes.rows(chunks);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -5, max: count + 5 }), fc.nat(300), async (start, length) => {
        const end = start + length;
        const expected = length === 0 ? [] : chunks.filter((item) => item.rows > 0 && item.row < end && item.row + item.rows > start);
        expect(await listOf(chunksOfRows(nodes.read, root, { start, end }))).toEqual(expected);
      }),
    );
    nodes.reads = [];
    await listOf(chunksOfRows(nodes.read, root, { start: 20_000, end: 20_001 }));
    expect(nodes.reads.length).toBe(2);
  });

  test('finds the chunks in which a key may stand', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { maxLength: 400 }), key, async (chunks, wanted) => {
        const nodes = new Nodes();
        const expected = place(chunks).filter(
          (item) => item.keys !== null && compareUtf8(item.keys.first, wanted) <= 0 && compareUtf8(item.keys.last, wanted) >= 0,
        );
        expect(await listOf(chunksOfKey(nodes.read, nodes.rows(chunks).root, wanted))).toEqual(expected);
      }),
      { numRuns: 50 },
    );
    const nodes = new Nodes();
    const { root } = nodes.rows(manyChunks(5000));
    nodes.reads = [];
    expect((await listOf(chunksOfKey(nodes.read, root, 'key-000100010'))).map(({ row }) => row).length).toBe(1);
    expect(nodes.reads.length).toBeLessThanOrEqual(4);
  });

  test('keys are cut to whole characters', () => {
    expect(cutKey('x'.repeat(40))).toBe('x'.repeat(32));
    expect(cutKey(`${'x'.repeat(31)}ä`)).toBe('x'.repeat(31));
    expect(cutKey('\u{1f600}'.repeat(9))).toBe('\u{1f600}'.repeat(8));
    expect(cutKey('\ud800')).toBe('\ufffd');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const cut = cutKey(text);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(32);
        expect(text.toWellFormed().startsWith(cut)).toBe(true);
        expect(cutKey(cut)).toBe(cut);
      }),
    );
  });

  test('refuses what is no chunk', () => {
    const add = (of: Partial<RowChunk>): void => createRowTreeBuilder(new Nodes().keep).add({ ...chunkOf(1), ...of });
    expect(() => add({ bytes: 0 })).toThrow('no bytes');
    expect(() => add({ bytes: 1.5 })).toThrow('no counts');
    expect(() => add({ rows: -1 })).toThrow('no counts');
    expect(() => add({ digest: 'sha256:abc' })).toThrow('no digest');
    expect(() => add({ keys: { first: 'b', last: 'a' } })).toThrow('no range');
    expect(() => add({ keys: { first: 'a', last: 'b'.repeat(33) } })).toThrow('no range');
  });

  test('an edit of one of 50,000 chunks rewrites about a node a level, and its diff reads those', async () => {
    const nodes = new Nodes();
    const chunks = manyChunks(50_000);
    const before = nodes.rows(chunks);
    const height = decodeRowNode(await nodes.read(before.root)).level + 1;
    for (const at of [0, 777, 25_000, 49_999]) {
      const had = nodes.byDigest.size;
      const edited = chunks.with(at, chunkOf(`edited ${at}`, chunks[at]?.keys ?? null));
      const after = nodes.rows(edited);
      expect(nodes.byDigest.size - had).toBeLessThanOrEqual(height + 2);
      nodes.reads = [];
      const groups = await listOf(diffRowTrees(nodes.read, before.root, after.root));
      expect(groups).toEqual([{ before: compared([place(chunks)[at]]), after: compared([place(edited)[at]]) }]);
      expect(nodes.reads.length).toBeLessThanOrEqual(2 * height + 4);
    }
  });

  test('rows that repeat themselves make a tree, too', async () => {
    const nodes = new Nodes();
    const chunks = Array.from({ length: 20_000 }, () => chunkOf('again'));
    const tree = nodes.rows(chunks);
    expect(nodes.byDigest.size).toBeLessThan(20);
    expect((await listOf(walkChunks(nodes.read, tree.root))).length).toBe(20_000);
    expect((await patched(nodes, chunks, chunks.toSpliced(300, 700))).list).toEqual(digests(chunks.slice(700)));
  });
});

describe('the difference of two trees of rows', () => {
  test('turns the one into the other', async () => {
    const edit = fc.record({ at: fc.nat(900), out: fc.nat(30), put: fc.array(chunk, { maxLength: 20 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { maxLength: 900 }), fc.array(edit, { maxLength: 8 }), async (chunks, edits) => {
        let edited = chunks;
        for (const { at, out, put } of edits) edited = edited.toSpliced(at, out, ...put);
        expect((await patched(new Nodes(), chunks, edited)).list).toEqual(digests(edited));
        expect((await patched(new Nodes(), edited, chunks)).list).toEqual(digests(chunks));
      }),
      { numRuns: 60 },
    );
  });

  test('is as small as the change, wherever it is and whatever it shifts', async () => {
    const chunks = manyChunks(6000);
    const fresh = manyChunks(2000, 'fresh');
    for (const [edited, moved] of [
      [chunks, 0],
      [fresh.slice(0, 1).concat(chunks), 1],
      [fresh.concat(chunks), 2000],
      [chunks.concat(fresh), 2000],
      [chunks.toSpliced(3000, 0, ...fresh), 2000],
      [chunks.toSpliced(1000, 3000), 3000],
      [chunks.slice(0, 3), 5997],
      [[], 6000],
      [chunks.map((item, at) => (at % 100 === 7 ? (fresh[(at / 100) | 0] as RowChunk) : item)), 120],
      [fresh.slice(0, 500).concat(chunks.map((item, at) => (at % 40 === 7 ? chunkOf(`edited ${at}`) : item))), 800],
    ] as const) {
      const nodes = new Nodes();
      expect(await patched(nodes, chunks, edited)).toEqual({ list: digests(edited), moved });
      expect(await patched(nodes, edited, chunks)).toEqual({ list: digests(chunks), moved });
    }
  });

  test('of rows that were sorted anew has all chunks, in groups of a bounded size', async () => {
    const nodes = new Nodes();
    const chunks = manyChunks(20_000);
    const resorted = chunks.map((_, at) => chunks[(at * 7919) % chunks.length] as RowChunk);
    const groups = await listOf(diffRowTrees(nodes.read, nodes.rows(chunks).root, nodes.rows(resorted).root));
    expect(Math.max(...groups.map(({ before, after }) => Math.max(before.length, after.length)))).toBeLessThanOrEqual(4096);
    expect((await patched(nodes, chunks, resorted)).list).toEqual(digests(resorted));
  });
});
