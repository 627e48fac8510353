import { setTimeout as sleep } from 'node:timers/promises';
import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { digestOf, type Digest } from '../../base/digest.ts';
import { objectPath } from '../layout.ts';
import { content, newPlace } from './cache.fixture.ts';
import { moveToTrash } from './trash.ts';

/** Longer than a look is believed, and than a folder needs to be at rest. */
const aWhile = 150;

/** Digests that all begin with the same two digits: their files lie in one folder. */
function neighbours(count: number): { digest: Digest; bytes: Buffer }[] {
  const found: { digest: Digest; bytes: Buffer }[] = [];
  for (let number = 0; found.length < count; number += 1) {
    const bytes = content(number, 100);
    const digest = digestOf(bytes);
    if (digest.startsWith('sha256:ab')) found.push({ digest, bytes });
  }
  return found;
}

test('of many that are asked for, those are seen that are there: files, and small ones in packs', async () => {
  const { open } = newPlace();
  const all = neighbours(40);
  const other = open();
  for (const { bytes } of all.slice(0, 10)) await other.putBytes(bytes);
  const writer = await other.openWriter();
  for (const { bytes } of all.slice(10, 20)) writer.addBytes(bytes, 'data');
  await writer.close();
  const cache = open();
  for (const wait of [0, aWhile, aWhile]) {
    await sleep(wait);
    expect(all.map(({ digest }) => cache.seen(digest))).toEqual(all.map((_, at) => at < 20));
  }
});

test('what others bring in, and take away, is seen a moment later', async () => {
  const { root, open } = newPlace();
  const cache = open();
  const other = open();
  const all = neighbours(30);
  const seen = () => all.map(({ digest }, at) => (cache.seen(digest) ? at : -1)).filter((at) => at >= 0);
  expect(seen()).toEqual([]);
  for (const { bytes } of all.slice(0, 12)) await other.putBytes(bytes);
  await sleep(aWhile);
  expect(seen().length).toBe(12);
  const writer = await other.openWriter();
  writer.addBytes(all[20]!.bytes, 'data');
  await writer.close();
  await other.putBytes(all[25]!.bytes);
  await sleep(aWhile);
  expect(seen()).toEqual([...Array(12).keys(), 20, 25]);
  rmSync(objectPath(root, all[3]!.digest));
  // a file that is gone is never seen, however short a time ago
  expect(cache.seen(all[3]!.digest)).toBe(false);
});

test('what a gc has put into the trash is taken back when it is looked for', async () => {
  const { root, open } = newPlace();
  const cache = open();
  const all = neighbours(12);
  for (const { bytes } of all) await cache.putBytes(bytes);
  expect(all.every(({ digest }) => cache.seen(digest))).toBe(true);
  await moveToTrash(root, new Set(all.map(({ digest }) => digest)), { now: new Date('2026-11-21T10:55:33.123Z'), mostlyDead: 0 });
  await sleep(aWhile);
  for (const { digest, bytes } of all) {
    expect(cache.seen(digest)).toBe(true);
    expect(await cache.read(digest)).toEqual(bytes);
  }
});

test('a session sees at its end what it brought in', async () => {
  const { open } = newPlace();
  const cache = open();
  const [first, second] = neighbours(2);
  for (const { digest, bytes } of [first!, second!]) {
    expect(cache.seen(digest)).toBe(false);
    const writer = await cache.openWriter();
    writer.addBytes(bytes, 'data');
    await writer.close();
    expect(cache.seen(digest)).toBe(true);
  }
});
