// The bytes behind a move, as a store has them: the remote says what everybody can fetch, and whatever is read is hashed.
import type { Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import type { Store } from '../store/store.ts';
import type { MoveStore } from './move-input.ts';
import { oneLine } from './one-line.ts';

/** Without a remote nobody else fetches anything: then what this machine has counts. */
export function openMoveStore(store: Store): MoveStore {
  return {
    hasBytes: async (roots) => (store.remoteUrl === null ? await hereOf(store, roots) : await remoteOf(store, roots)),
    pathOf: async (digest, within) => {
      store.remember(within);
      try {
        const path = await store.pathOf(digest);
        // what the cache has was hashed when it came in, which may be long ago
        return (await store.verify(digest)) ? { path } : { why: 'its bytes are damaged in the cache of this machine', unknown: true };
      } catch (error) {
        if (!isPlumbError(error)) throw error;
        return { why: oneLine(error.message, 300), unknown: error.code === 'REMOTE_FAILED' };
      }
    },
  };
}

async function hereOf(store: Store, roots: readonly Digest[]): Promise<Map<Digest, boolean>> {
  const found = new Map<Digest, boolean>();
  for (const root of roots) found.set(root, await store.has(root));
  return found;
}

async function remoteOf(store: Store, roots: readonly Digest[]): Promise<Map<Digest, boolean | 'unknown'>> {
  try {
    const there = await store.remoteHas(roots);
    return new Map(roots.map((root) => [root, there.has(root)]));
  } catch (error) {
    if (isPlumbError(error, 'REMOTE_FAILED')) return new Map(roots.map((root) => [root, 'unknown']));
    throw error;
  }
}
