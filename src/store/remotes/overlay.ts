// A remote of one's own over one that is only read: what a fork's code writes stands apart, and what everybody has is still found. The remote below
// is never written to, whatever is asked.
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hexOf } from '../../base/digest.ts';
import { isPlumbError } from '../../base/errors.ts';
import type { PackRef, Remote, RequestOptions } from '../remote.ts';
import { schemeOf } from './address.ts';

/**
 * Where a fork's runs go unless plumbline.yaml says so: beside a folder or a repository of a registry, below the prefix in a bucket.
 * @returns null for a remote that cannot be written to anyway
 */
export function untrustedAddress(remote: string): string | null {
  switch (schemeOf(remote)) {
    case 'http':
    case 'https':
      return null;
    case 's3': {
      const [path = '', query] = remote.split(/\?(.*)/s);
      return `${path.replace(/\/+$/, '')}/untrusted${query === undefined ? '' : `?${query}`}`;
    }
    default:
      return `${remote.replace(/\/+$/, '')}-untrusted`;
  }
}

/** @param below asked for what `own` does not have */
export function openOverlay(own: Remote, below: Remote): Remote {
  const { url, canWrite, canList, dropsPacks } = own;
  return {
    url,
    canWrite,
    canList,
    ...(dropsPacks === undefined ? {} : { dropsPacks }),
    read: async (kind, key, options) => (await own.read(kind, key, options)) ?? below.read(kind, key, options),
    has: async (kind, key, options) => (await own.has(kind, key, options)) || below.has(kind, key, options),
    write: async (kind, key, bytes, what, options) => {
      // a registry takes a receipt only with its packs
      if (dropsPacks === true) for (const pack of what.packs) await copyPack(pack, below, own, options);
      return own.write(kind, key, bytes, what, options);
    },
    writePack: (...asked) => own.writePack(...asked),
    async *readPack(digest, range, options) {
      let hasBegun = false;
      try {
        for await (const piece of own.readPack(digest, range, options)) {
          hasBegun = true;
          yield piece;
        }
      } catch (error) {
        if (hasBegun || !isPlumbError(error, 'BYTES_MISSING')) throw error;
        yield* below.readPack(digest, range, options);
      }
    },
    list: (...asked) => own.list(...asked),
    remove: (...asked) => own.remove(...asked),
    movePack: (...asked) => own.movePack(...asked),
  };
}

async function copyPack({ digest, bytes }: PackRef, from: Remote, to: Remote, options: RequestOptions): Promise<void> {
  if (await to.has('packs', hexOf(digest), options)) return;
  const folder = await mkdtemp(join(tmpdir(), 'plumb-pack-'));
  try {
    const path = join(folder, 'pack');
    const file = await open(path, 'wx');
    try {
      for await (const piece of from.readPack(digest, null, options)) await file.write(piece);
    } finally {
      await file.close();
    }
    await to.writePack(digest, { path, bytes, disposable: true }, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
