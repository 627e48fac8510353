// Very large objects on their way in. Their file is kept from one fetch to the next: what a killed fetch had brought is found there, chunk by chunk,
// by its digest.
import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isRunning } from '../../base/atomic.ts';
import { hexOf, type Digest } from '../../base/digest.ts';
import type { Cache } from '../cache/cache.ts';
import { makeFolder } from '../cache/sharing.ts';
import type { ChunkList } from '../pack/recipe.ts';
import { isObject, type ArrivingFile } from './intake.ts';

/** From here on a file is worth keeping half. */
export const partialBytes: number = 64 * 1024 * 1024;
const weekMs = 7 * 24 * 3_600_000;

export interface PartialFile extends ArrivingFile {
  /** numbers of the chunks that are there already */
  readonly there: ReadonlySet<number>;
}

/**
 * Opens the file of an object, with what an earlier fetch had written.
 * @param folder of the cache's file system, for this and nothing else
 */
export async function openPartial(cache: Cache, folder: string, object: { digest: Digest; bytes: number; chunks: ChunkList }): Promise<PartialFile> {
  makeFolder(cache.root, folder);
  const path = join(folder, `${hexOf(object.digest)}-${process.pid}-${randomBytes(4).toString('hex')}`);
  atWork.add(path);
  const isFound = await claim(folder, object.digest, path);
  const file = await open(path, isFound ? 'r+' : 'wx+');
  try {
    if ((await file.stat()).size !== object.bytes) await file.truncate(object.bytes);
    const there = isFound ? await findChunks(file, object.chunks) : new Set<number>();
    return {
      path,
      there,
      done: async (verified) => {
        const moved = async (temporary: string): Promise<typeof verified> => {
          await rename(path, temporary);
          return verified;
        };
        await cache.admit(object.digest, path, moved).finally(() => atWork.delete(path));
      },
      // what is there may be of use the next time
      abandon: async () => void atWork.delete(path),
    };
  } finally {
    await file.close();
  }
}

/** Files that this process is filling. */
const atWork = new Set<string>();

/** Takes over the file of a fetch that is gone: a rename gives it to one of all who try. Files that nobody came back for are taken away. */
async function claim(folder: string, digest: Digest, path: string): Promise<boolean> {
  let isFound = false;
  for (const name of await readdir(folder)) {
    const [hex, pid] = name.split('-');
    const left = join(folder, name);
    // an earlier fetch of this process, or one that had its number: in containers they all have
    if (Number(pid) === process.pid ? atWork.has(left) : isRunning(Number(pid))) continue;
    // what somebody else who shares the cache had begun we could not go on with
    const facts = await stat(left).catch(() => null);
    if (hex === hexOf(digest) && !isFound && facts?.uid === process.geteuid?.()) {
      isFound = await rename(left, path).then(
        () => true,
        () => false,
      );
    } else if (facts !== null && Date.now() - facts.mtimeMs > weekMs) {
      await rm(left, { force: true });
    }
  }
  return isFound;
}

async function findChunks(file: FileHandle, chunks: ChunkList): Promise<Set<number>> {
  const there = new Set<number>();
  let offset = 0;
  let number = 0;
  for (const { digest, bytes } of chunks) {
    const piece = Buffer.allocUnsafe(bytes);
    const { bytesRead } = await file.read(piece, 0, bytes, offset);
    if (bytesRead === bytes && (await isObject(digest, piece))) there.add(number);
    offset += bytes;
    number += 1;
  }
  return there;
}
