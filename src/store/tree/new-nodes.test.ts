import { describe, expect, test } from 'vitest';
import type { Digest } from '../../base/digest.ts';
import { Cursor } from './cursor.ts';
import { newObjects, nodesOf } from './new-nodes.ts';
import { NodeReader, rowShape } from './node-reader.ts';
import { NodeWriter } from './node-writer.ts';
import { chunkOf, fileOf, listOf, manyChunks, manyFiles, Nodes } from './tree.fixture.ts';
import type { TreeSummary } from './tree.ts';

/** Both trees, and the digests that only the second reaches. */
async function setsOf(nodes: Nodes, base: TreeSummary, tree: TreeSummary): Promise<{ had: Set<Digest>; has: Set<Digest> }> {
  const [had, has] = await Promise.all([base, tree].map(async ({ root }) => new Set(await listOf(nodesOf(nodes.read, root)))));
  return { had: had as Set<Digest>, has: has as Set<Digest> };
}

const files = manyFiles(8000);
const chunks = manyChunks(8000);
const cases = [
  { kind: 'files', make: (nodes: Nodes, edited: boolean) => nodes.files(edited ? [...files.slice(2, 5000), fileOf(files[5000]?.path ?? '', 'new'), ...files.slice(5001), fileOf('zzz')] : files) },
  { kind: 'rows', make: (nodes: Nodes, edited: boolean) => nodes.rows(edited ? [chunkOf('first'), ...chunks.slice(2, 5000), chunkOf('new'), ...chunks.slice(5001), chunkOf('last')] : chunks) },
] as const; // prettier-ignore

describe.each(cases)('objects of a tree of $kind', ({ kind, make }) => {
  test('without a base are all nodes and all that the leaves name, nodes first', async () => {
    const nodes = new Nodes();
    const { root, count } = make(nodes, false);
    const objects = await listOf(newObjects(nodes.read, root, null, kind));
    expect(objects[0]).toEqual({ digest: root, bytes: nodes.byDigest.get(root)?.length, role: 'meta' });
    const meta = objects.filter(({ role }) => role === 'meta');
    expect(new Set(meta.map(({ digest }) => digest))).toEqual(new Set(nodes.byDigest.keys()));
    expect(meta.length).toBe(nodes.byDigest.size);
    for (const { digest, bytes } of meta) expect(bytes).toBe(nodes.byDigest.get(digest)?.length);
    expect(objects.length - meta.length).toBe(kind === 'files' ? count : chunks.length);
    expect(new Set(await listOf(nodesOf(nodes.read, root)))).toEqual(new Set(nodes.byDigest.keys()));
  });

  test('with a base are all that it lacks, and few more', async () => {
    const nodes = new Nodes();
    const [base, tree] = [make(nodes, false), make(nodes, true)];
    const { had, has } = await setsOf(nodes, base, tree);
    const lacking = [...has].filter((digest) => !had.has(digest));
    nodes.reads = [];
    const objects = await listOf(newObjects(nodes.read, tree.root, base.root, kind));
    expect(nodes.reads.length).toBeLessThan(40);
    const meta = objects.filter(({ role }) => role === 'meta').map(({ digest }) => digest);
    expect(new Set(meta)).toEqual(new Set([...meta, ...lacking]));
    expect(meta.length).toBeLessThan(lacking.length + 4);
    const data = objects.filter(({ role }) => role === 'data');
    if (kind === 'rows')
      expect(data.map(({ digest }) => digest)).toEqual([chunkOf('first'), chunkOf('new'), chunkOf('last')].map(({ digest }) => digest));
    else {
      const edited = fileOf(files[5000]?.path ?? '', 'new');
      expect(data).toEqual([
        { digest: edited.digest, bytes: edited.bytes, role: 'data', like: files[5000]?.digest },
        { digest: fileOf('zzz').digest, bytes: fileOf('zzz').bytes, role: 'data' },
      ]);
    }
    expect(await listOf(newObjects(nodes.read, tree.root, tree.root, kind))).toEqual([]);
  });
});

/** Nodes that name one child three times, 25 levels high. */
function bomb(nodes: Nodes): Digest {
  let { digest, bytes, rows } = { ...chunkOf('a'), digest: nodes.rows([chunkOf('a')]).root };
  for (let level = 1; level < 25; level += 1) {
    const writer = new NodeWriter('rows', level);
    for (let at = 0; at < 3; at += 1) {
      writer.add(digest, rows, bytes);
      writer.flag(0);
    }
    bytes *= 3;
    rows *= 3;
    digest = nodes.keep(writer.finish());
  }
  return digest;
}

test('nodes that name one child over and over are walked once', async () => {
  const nodes = new Nodes();
  const digest = bomb(nodes);
  expect(new Set(await listOf(nodesOf(nodes.read, digest))).size).toBe(25);
  expect(nodes.reads.length).toBeLessThan(30);
});

test('of 3^24 chunks in such nodes a walk ends; rows that repeat are walked to their end', async () => {
  const nodes = new Nodes();
  const walk = async (root: Digest, most: number): Promise<number> => {
    const cursor = await Cursor.open(new NodeReader(nodes.read, rowShape, most), root);
    let passed = 0;
    while (!cursor.done) {
      if (cursor.child !== null) await cursor.enter();
      else {
        cursor.skip();
        passed += 1;
      }
    }
    return passed;
  };
  await expect(walk(bomb(nodes), 1000)).rejects.toMatchObject({ code: 'MANIFEST_INVALID', message: expect.stringContaining('too often') });
  expect(nodes.reads.length).toBeLessThan(2000);
  const block = manyChunks(300);
  expect(await walk(nodes.rows([...block, ...block, ...block]).root, 1000)).toBe(900);
});
