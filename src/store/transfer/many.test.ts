// More objects than are remembered at once, on their way out and in.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { digestOf, type Digest } from '../../base/digest.ts';
import type { Progress } from '../../base/progress.ts';
import { openCache } from '../cache/open.ts';
import { openFolderRemote } from '../remotes/folder.ts';
import type { ObjectRef, PushRoot } from '../store.ts';
import { RemoteStore } from './remote-store.ts';
import { options, temporaryFolder } from './versions.fixture.ts';

const count = 140_000;

function contentOf(at: number): Buffer {
  return Buffer.from(`object ${at}`);
}

/** Objects, a few of which stand at the beginning and at the end. */
function* refs(): Generator<ObjectRef> {
  for (let at = 0; at < count + 10; at += 1) {
    const bytes = contentOf(at % count);
    yield { digest: digestOf(bytes), bytes: bytes.length, role: 'data' };
  }
}

test('a version of very many objects goes and comes whole, in parts', { timeout: 60_000 }, async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const sides = ['a', 'b'].map((name) => {
    const cache = openCache(join(folder, name), { env: {} });
    return { cache, store: new RemoteStore(openFolderRemote(join(folder, 'remote')), cache) };
  });
  const [a, b] = sides as [(typeof sides)[0], (typeof sides)[0]];
  const writer = await a.cache.openWriter();
  for (let at = 0; at < count; at += 1) writer.addBytes(contentOf(at), 'data');
  const manifest = writer.addBytes(Buffer.from('many'), 'meta');
  await writer.close();
  let walks = 0;
  const root: PushRoot = {
    digest: manifest,
    bases: async () => [],
    async *objects() {
      walks += 1;
      yield { digest: manifest, bytes: 4, role: 'meta' };
      yield* refs();
    },
  };
  expect((await a.store.push({ roots: [root], names: [], repository: null }, options)).objects).toBe(count + 1);
  // too many to be remembered
  expect(walks).toBe(2);
  await b.store.openRoots([manifest], options);
  const lost = digestOf('nowhere');
  const wanted = function* (): Generator<ObjectRef | Digest> {
    yield lost;
    yield* refs();
  };
  const total = [...refs()].reduce((sum, { bytes }) => sum + bytes, 0);
  const bars: { label: string; total: number | undefined; done: number }[] = [];
  const progress: Progress = {
    start: (label, known) => {
      const bar = { label, total: known, done: 0 };
      bars.push(bar);
      return { advance: (amount) => void (bar.done += amount), end: () => undefined };
    },
  };
  const fetching = b.store.fetch(wanted(), { ...options, progress, within: [manifest], total });
  await expect(fetching).rejects.toMatchObject({ code: 'BYTES_MISSING', details: { missing: [lost] } });
  // what is left is known from the first part on
  const shown = bars.filter(({ label }) => label === 'fetch');
  expect(shown).toEqual([{ label: 'fetch', total, done: expect.closeTo(total, -3) }]);
  for (let at = 0; at < count; at += 997) expect(await b.cache.read(digestOf(contentOf(at)))).toEqual(contentOf(at));
  expect([...refs()].every(({ digest }) => b.cache.seen(digest))).toBe(true);
  expect((await b.store.fetch(refs(), { ...options, within: [manifest] })).objects).toBe(0);
});
