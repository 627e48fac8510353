// A remote of somebody who means harm: packs whose form is right and which say what is not so. What it costs to find that out is little.
import { statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf, type Digest } from '../../base/digest.ts';
import { openCache } from '../cache/open.ts';
import { filesBelow } from '../cache/cache.fixture.ts';
import type { Cache } from '../cache/cache.ts';
import { forms, type PackSummary, type PackWriter } from '../pack/pack.ts';
import { encodeChunks, encodeLines, GrowingRuns } from '../pack/recipe.ts';
import { createPack } from '../pack/writer.ts';
import { openFolderRemote } from '../remotes/folder.ts';
import { writeReceipt } from './receipts.ts';
import { RemoteStore } from './remote-store.ts';
import { makeVersion, options, temporaryFolder } from './versions.fixture.ts';

const root = digestOf('the version');

interface BuiltPack {
  readonly path: string;
  readonly summary: PackSummary;
}

async function createPackOf(fill: (pack: PackWriter) => void): Promise<BuiltPack> {
  const path = join(await temporaryFolder(), 'pack');
  const pack = createPack(path, { compress: true });
  fill(pack);
  return { path, summary: pack.finish() };
}

/** A remote with one version, in these packs. */
async function remoteOf(packs: readonly BuiltPack[]): Promise<{ cache: Cache; store: RemoteStore }> {
  const folder = await temporaryFolder();
  const remote = openFolderRemote(join(folder, 'remote'));
  for (const { path, summary } of packs) await remote.writePack(summary.digest, { path, bytes: summary.bytes }, options);
  const refs = packs.map(({ summary: { digest, bytes, tail } }) => ({ digest, bytes, tail }));
  await writeReceipt(remote, { plumbline: 'receipt/1', root, objects: 1, bytes: 1, packs: refs, repositories: [] }, options);
  const cache = openCache(join(folder, 'cache'), { env: {} });
  return { cache, store: new RemoteStore(remote, cache) };
}

const hostileRemote = async (fill: (pack: PackWriter) => void): ReturnType<typeof remoteOf> => remoteOf([await createPackOf(fill)]);

const sizeOf = (folder: string): number => filesBelow(folder).reduce((sum, path) => sum + statSync(join(folder, path)).blocks * 512, 0);

const mebibyte = 1 << 20;
const zeros = Buffer.alloc(mebibyte);
const zeroChunk = { digest: digestOf(zeros), bytes: mebibyte };

test.each([10, 100])('a file that a recipe of a few bytes makes %i MiB, and that has three, costs no disk', async (chunks) => {
  const digest = digestOf('abc');
  const { cache, store } = await hostileRemote((pack) => {
    pack.add({ ...zeroChunk, role: 'data', form: forms.bytes }, zeros);
    pack.add({ digest, bytes: chunks * mebibyte, role: 'meta', form: forms.chunks }, encodeChunks(Array.from({ length: chunks }, () => zeroChunk)));
  });
  const wanted = [{ digest, bytes: 3, role: 'data' }] as const;
  await expect(store.fetch(wanted, { ...options, within: [root] })).rejects.toMatchObject({ code: 'BYTES_MISSING', details: { missing: [digest] } });
  expect(sizeOf(cache.root)).toBeLessThan(mebibyte);
});

test('an object of unknown size for which there is no room here is refused before anything is written', async ({ skip }) => {
  const chunks = 460_000;
  const bytes = chunks * zeroChunk.bytes;
  const { bavail, bsize } = statfsSync(tmpdir());
  skip(bavail * bsize > bytes, 'this disk has room for it');
  const digest = digestOf('abc');
  const { cache, store } = await hostileRemote((pack) => {
    pack.add({ ...zeroChunk, role: 'data', form: forms.bytes }, zeros);
    pack.add({ digest, bytes, role: 'meta', form: forms.chunks }, encodeChunks(Array.from({ length: chunks }, () => zeroChunk)));
  });
  await expect(store.fetch([digest], { ...options, within: [root] })).rejects.toMatchObject({ code: 'DISK_FULL', details: { digest, bytes } });
  expect(sizeOf(cache.root)).toBeLessThan(mebibyte);
});

test('chunks and sources that are larger than their recipe says are not taken', async () => {
  const [cut, rows] = [digestOf('abc'), digestOf('a\n')];
  const { cache, store } = await hostileRemote((pack) => {
    pack.add({ ...zeroChunk, role: 'data', form: forms.bytes }, zeros);
    pack.add({ digest: cut, bytes: 3, role: 'meta', form: forms.chunks }, encodeChunks([{ digest: zeroChunk.digest, bytes: 3 }]));
    pack.add({ digest: rows, bytes: 2, role: 'meta', form: forms.lines }, linesOf(zeroChunk.digest));
  });
  const wanted = [cut, rows].map((digest) => ({ digest, bytes: digest === cut ? 3 : 2, role: 'data' }) as const);
  await expect(store.fetch(wanted, { ...options, within: [root] })).rejects.toMatchObject({
    code: 'BYTES_MISSING',
    details: { missing: [cut, rows] },
  });
  expect(sizeOf(cache.root)).toBeLessThan(mebibyte);
});

test('a truthful pack is read where a lying one comes first', async () => {
  const digest = digestOf('abc');
  const lie = createPackOf((pack) => pack.add({ digest, bytes: mebibyte, role: 'meta', form: forms.chunks }, encodeChunks([zeroChunk])));
  const truth = createPackOf((pack) => pack.add({ digest, bytes: 3, role: 'data', form: forms.bytes }, Buffer.from('abc')));
  const { cache, store } = await remoteOf([await lie, await truth]);
  await store.fetch([{ digest, bytes: 3, role: 'data' }], { ...options, within: [root] });
  expect((await cache.read(digest))?.toString()).toBe('abc');
});

const a = digestOf('a');
const b = digestOf('b');

function linesOf(source: Digest): Buffer {
  const runs = new GrowingRuns();
  runs.append(0, 0, 1);
  return encodeLines({ sources: [{ digest: source, bytes: 1 }], runs }) as Buffer;
}

test.each<[string, (pack: PackWriter) => void]>([
  ['chunks of itself', (pack) => pack.add({ digest: a, bytes: 1, role: 'meta', form: forms.chunks }, encodeChunks([{ digest: a, bytes: 1 }]))],
  ['lines of itself', (pack) => pack.add({ digest: a, bytes: 1, role: 'meta', form: forms.lines }, linesOf(a))],
  [
    'chunks of one that is chunks of it',
    (pack) => {
      pack.add({ digest: a, bytes: 1, role: 'meta', form: forms.chunks }, encodeChunks([{ digest: b, bytes: 1 }]));
      pack.add({ digest: b, bytes: 1, role: 'meta', form: forms.chunks }, encodeChunks([{ digest: a, bytes: 1 }]));
    },
  ],
  [
    'lines of one that is lines of it',
    (pack) => {
      pack.add({ digest: a, bytes: 1, role: 'meta', form: forms.lines }, linesOf(b));
      pack.add({ digest: b, bytes: 1, role: 'meta', form: forms.lines }, linesOf(a));
    },
  ],
  ['lines of nothing that is there', (pack) => pack.add({ digest: a, bytes: 1, role: 'meta', form: forms.lines }, linesOf(b))],
  ['no chunks', (pack) => pack.add({ digest: a, bytes: 0, role: 'meta', form: forms.chunks }, encodeChunks([]))],
])('an object that is %s does not come, and the fetch ends', async (_, fill) => {
  const { cache, store } = await hostileRemote(fill);
  await expect(store.fetch([a, b], { ...options, within: [root] })).rejects.toMatchObject({
    code: expect.stringMatching(/^(BYTES_MISSING|DIGEST_MISMATCH|PACK_INVALID)$/),
  });
  expect([await cache.has(a), await cache.has(b)]).toEqual([false, false]);
});

test('a receipt of a version that names no packs is none: a fetch says so, and a push writes it anew', async () => {
  const folder = await temporaryFolder();
  const remote = openFolderRemote(join(folder, 'remote'));
  const cache = openCache(join(folder, 'a'), { env: {} });
  const version = await makeVersion((bytes) => cache.putBytes(bytes), ['one', 'two']);
  await writeReceipt(remote, { plumbline: 'receipt/1', root: version.digest, objects: 3, bytes: 9, packs: [], repositories: [] }, options);
  const there = openCache(join(folder, 'b'), { env: {} });
  await expect(new RemoteStore(remote, there).openRoots([version.digest], options)).rejects.toMatchObject({ code: 'RECEIPT_INVALID' });
  expect(await new RemoteStore(remote, cache).push({ roots: [version], names: [], repository: null }, options)).toMatchObject({ objects: 3 });
  const fresh = new RemoteStore(remote, there);
  await fresh.openRoots([version.digest], options);
  expect(await fresh.fetch(version.refs, { ...options, within: [version.digest] })).toMatchObject({ objects: 2 });
});
