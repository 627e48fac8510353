// A remote of somebody who means harm: packs whose form is right and which say what is not so. What it costs to find that out is little.
import { statSync } from 'node:fs';
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
import { options, temporaryFolder } from './versions.fixture.ts';

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
