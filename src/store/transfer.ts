// Moving many objects between cache and remote: what is there is not sent again, so a transfer that was cut goes on where it was.
import { stat } from 'node:fs/promises';
import { isPlumbError } from '../base/errors.ts';
import type { Digest } from '../base/digest.ts';
import type { Cache } from './cache.ts';
import { bytesMissing } from './faults.ts';
import { objectPath, readNameFile, namePath } from './layout.ts';
import { eachInParallel } from './parallel.ts';
import type { NameSpace, Remote, TransferOptions, TransferResult } from './store.ts';

/** Objects under way at once. */
const width = 8;

/** Sends what the remote lacks, then the names: a name is never there before the object that it names. */
export async function pushTo(
  remote: Remote,
  cache: Cache,
  what: { readonly objects: readonly Digest[]; readonly names: readonly NameSpace[] },
  options: TransferOptions,
): Promise<TransferResult> {
  const objects = [...new Set(what.objects)];
  const there = await remote.has(objects);
  const wanted = await Promise.all(
    objects.filter((digest) => !there.has(digest)).map(async (digest) => ({ digest, bytes: await sizeOf(cache, digest) })),
  );
  const missing = wanted.filter((object) => object.bytes === null).map((object) => object.digest);
  if (missing.length > 0) throw bytesMissing(missing, remote.url);
  const total = wanted.reduce((sum, object) => sum + (object.bytes ?? 0), 0);
  const bar = options.progress.start('push', total, 'bytes');
  try {
    await eachInParallel(wanted, { width, signal: options.signal }, async ({ digest, bytes }) => {
      await remote.put(digest, objectPath(cache.root, digest)).catch(async (error: unknown) => {
        if (isPlumbError(error, 'DIGEST_MISMATCH')) await cache.setAside(digest);
        throw error;
      });
      bar.advance(bytes ?? 0);
    });
    await eachInParallel(what.names, { width, signal: options.signal }, async (name) => {
      const digest = await readNameFile(namePath(cache.root, name));
      if (digest !== null) await remote.writeName(name, digest);
    });
  } finally {
    bar.end();
  }
  return { objects: wanted.length, bytes: total };
}

async function sizeOf(cache: Cache, digest: Digest): Promise<number | null> {
  return stat(objectPath(cache.root, digest)).then(
    (facts) => facts.size,
    () => null,
  );
}

/**
 * Brings objects that the cache lacks. What the remote lacks, too, is said at the end, when all else is there.
 * @param sizes bytes of objects where they are known, for progress
 */
export async function fetchFrom(remote: Remote, cache: Cache, wanted: readonly Digest[], options: TransferOptions): Promise<TransferResult> {
  const missing: Digest[] = [];
  let objects = 0;
  let bytes = 0;
  const bar = options.progress.start('fetch', undefined, 'bytes');
  try {
    await eachInParallel(wanted, { width, signal: options.signal }, async (digest) => {
      try {
        const size = await cache.admit(digest, remote.url, (temporary) => remote.get(digest, temporary));
        objects += 1;
        bytes += size;
        bar.advance(size);
      } catch (error) {
        if (!isPlumbError(error, 'BYTES_MISSING')) throw error;
        missing.push(digest);
      }
    });
  } finally {
    bar.end();
  }
  if (missing.length > 0) throw bytesMissing(missing.toSorted(), remote.url);
  return { objects, bytes };
}
