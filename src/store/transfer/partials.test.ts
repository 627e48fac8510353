import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf, hexOf } from '../../base/digest.ts';
import type { Cache } from '../cache/cache.ts';
import { openCache } from '../cache/open.ts';
import { decodeChunks, encodeChunks } from '../pack/recipe.ts';
import { openPartial } from './partials.ts';

let top: string;
let cache: Cache;
let folder: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'plumb-partials-'));
  cache = openCache(join(top, 'cache'), { env: {} });
  folder = join(cache.root, 'remotes', 'partial');
});
afterEach(() => rmSync(top, { recursive: true }));

const pieces = [Buffer.alloc(1000, 'a'), Buffer.alloc(500, 'b')];
const bytes = Buffer.concat(pieces);
const object = {
  digest: digestOf(bytes),
  bytes: bytes.length,
  chunks: decodeChunks(encodeChunks(pieces.map((piece) => ({ digest: digestOf(piece), bytes: piece.length }))), bytes.length),
};

test('what an earlier fetch of this process gave up half is found by the next, and so is that of one that is gone', async () => {
  const first = await openPartial(cache, folder, object);
  expect(first.there.size).toBe(0);
  writeFileSync(first.path, Buffer.concat([pieces[0] as Buffer, Buffer.alloc(500)]));
  // one that is being filled is nobody else's
  const beside = await openPartial(cache, folder, object);
  expect(beside.there.size).toBe(0);
  expect(readdirSync(folder).length).toBe(2);
  await beside.abandon();
  rmSync(beside.path);
  await first.abandon();
  const second = await openPartial(cache, folder, object);
  expect([...second.there]).toEqual([0]);
  expect(readdirSync(folder).length).toBe(1);
  await second.abandon();
  // no process has such a number
  renameSync(second.path, join(folder, `${hexOf(object.digest)}-4194305-0a0b0c0d`));
  const third = await openPartial(cache, folder, object);
  expect([...third.there]).toEqual([0]);
  writeFileSync(third.path, bytes);
  await third.done();
  expect(readFileSync((await cache.path(object.digest)) ?? '')).toEqual(bytes);
  expect(readdirSync(folder)).toEqual([]);
});

test('one that is filled with wrong bytes comes in nowhere', async () => {
  const partial = await openPartial(cache, folder, object);
  writeFileSync(partial.path, Buffer.alloc(bytes.length, 'x'));
  await expect(partial.done()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect(await cache.has(object.digest)).toBe(false);
});
