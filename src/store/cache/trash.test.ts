import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Digest } from '../../base/digest.ts';
import { objectPath } from '../layout.ts';
import { content, filesBelow, newPlace, options } from './cache.fixture.ts';
import { isSealed } from './seal.ts';
import { emptyTrash, listTrash, moveToTrash } from './trash.ts';

const now = new Date('2026-11-21T10:55:33.123Z');
const all = { now, mostlyDead: 0 };

/** A cache with two packs of three small objects, and two files. */
async function filled() {
  const place = newPlace();
  const cache = place.open();
  const digests: Digest[] = [];
  for (const start of [0, 3]) {
    const writer = await cache.openWriter();
    for (let at = start; at < start + 3; at += 1) digests.push(writer.addBytes(content(at, 1000), 'data'));
    await writer.close();
  }
  for (const number of [6, 7]) digests.push(await cache.putBytes(content(number, 20_000)));
  return { ...place, cache, digests, contentOf: (at: number) => content(at, at < 6 ? 1000 : 20_000) };
}

test('what goes is out of use, is listed by its time, and is deleted when that is long ago', async () => {
  const { root, open, digests } = await filled();
  expect(await moveToTrash(root, new Set([digests[0]!, digests[6]!]), all)).toEqual({ objects: 2, bytes: 21_000 });
  expect(listTrash(root)).toEqual([{ time: now, folder: join(root, 'trash/2026-11-21T10-55-33-123Z') }]);
  const listed = [];
  for await (const { digest } of open().list()) listed.push(digest);
  expect(listed.toSorted()).toEqual(digests.filter((_, at) => at !== 0 && at !== 6).toSorted());
  expect(emptyTrash(root, now)).toBe(0);
  expect(listTrash(root).length).toBe(1);
  expect(emptyTrash(root, new Date(now.getTime() + 1))).toBeGreaterThan(21_000);
  expect(listTrash(root)).toEqual([]);
  expect(await open().read(digests[6]!)).toBeNull();
  expect(await open().read(digests[0]!)).toBeNull();
  expect(await open().read(digests[1]!)).toEqual(content(1, 1000));
});

test('whoever misses something takes it back, whichever way it is asked for', async () => {
  const uses = ['has', 'read', 'path', 'sizeOf', 'copyTo', 'placeFiles'] as const;
  for (const use of uses) {
    const { folder, root, open, digests, contentOf } = await filled();
    await moveToTrash(root, new Set(digests), all);
    expect(filesBelow(root).every((path) => path.startsWith('trash/'))).toBe(true);
    const cache = open();
    for (const [at, digest] of digests.entries()) {
      const target = join(folder, `out-${at}`);
      if (use === 'copyTo') expect(await cache.copyTo(digest, target, 0o666)).toBe(true);
      else if (use === 'placeFiles')
        await cache.placeFiles([{ digest, bytes: contentOf(at).length, target, executable: false }], { link: true }, options);
      else expect((await cache[use](digest)) ?? false).not.toBe(false);
      expect(await cache.read(digest)).toEqual(contentOf(at));
    }
    const loose = digests[6] as Digest;
    expect(isSealed(statSync(objectPath(root, loose)).mtimeMs, loose)).toBe(true);
  }
});

test('the last of several heaps is asked first, and one that holds nothing of it is let be', async () => {
  const { root, open, digests } = await filled();
  await moveToTrash(root, new Set([digests[6]!]), all);
  await moveToTrash(root, new Set([digests[7]!]), { ...all, now: new Date(now.getTime() + 5000) });
  expect(await open().has(digests[6]!)).toBe(true);
  expect(existsSync(objectPath(root, digests[7]!))).toBe(false);
  expect(await open().has(digests[7]!)).toBe(true);
});

test('a pack that is mostly needed stays as it is; one that is mostly not is written anew', async () => {
  const { root, open, digests } = await filled();
  const before = readdirSync(join(root, 'packs')).toSorted();
  expect(await moveToTrash(root, new Set([digests[0]!]), { now, mostlyDead: 0.5 })).toEqual({ objects: 0, bytes: 0 });
  expect(readdirSync(join(root, 'packs')).toSorted()).toEqual(before);
  expect(await moveToTrash(root, new Set([digests[0]!, digests[1]!]), { now, mostlyDead: 0.5 })).toEqual({ objects: 2, bytes: 2000 });
  expect(readdirSync(join(root, 'packs')).toSorted()).not.toEqual(before);
  expect(await open().read(digests[2]!)).toEqual(content(2, 1000));
  expect(await open().read(digests[0]!)).toEqual(content(0, 1000));
});

test('trash of an unknown name is nobody’s business', async () => {
  const { root } = await filled();
  const { mkdirSync } = await import('node:fs');
  mkdirSync(join(root, 'trash/notes'), { recursive: true });
  expect(listTrash(root)).toEqual([]);
  emptyTrash(root, new Date());
  expect(readdirSync(join(root, 'trash'))).toEqual(['notes']);
});

test('an object that comes back by a second add need not be taken from the trash', async () => {
  const { root, open, digests } = await filled();
  await moveToTrash(root, new Set([digests[6]!]), all);
  await open().putBytes(content(6, 20_000));
  emptyTrash(root, new Date(now.getTime() + 1));
  expect(await open().read(digests[6]!)).toEqual(content(6, 20_000));
});
