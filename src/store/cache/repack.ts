// Packs of the cache written anew: without objects that nobody needs, without bad ones, or many small ones as one. The new packs are on the disk before
// an old one goes, so at every instant each object is in one of them.
import { renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { digestOf, type Digest } from '../../base/digest.ts';
import { errnoOf, isPlumbError, systemError } from '../../base/errors.ts';
import { temporaryIn } from '../layout.ts';
import { forms } from '../pack/pack.ts';
import { objectsOf, openPackFile, type PackFile } from '../pack/reader.ts';
import { packsIn, type LocalPack, type LocalPacks } from './local-packs.ts';
import { NewPacks } from './new-packs.ts';
import { makeFolder } from './sharing.ts';
import { flush } from './sync.ts';

export interface Rewritten {
  /** kept, in packs that were written anew */
  readonly objects: number;
  readonly bytes: number;
}

/**
 * Writes the objects of packs into new packs.
 * @param how keeps: which of the objects; old: where an old pack goes, by its path; null: away
 * Packs in which an object turned out to be bad go to bad/, whatever `old` says
 * @throws PlumbError DISK_FULL: all is as it was
 */
export async function rewritePacks(
  root: string,
  packs: readonly LocalPack[],
  how: { keeps(digest: Digest): boolean; old(pack: LocalPack): string | null },
): Promise<Rewritten> {
  const first = await temporaryIn(root, 'pack');
  let made = 0;
  const written = new NewPacks(() => `${first}-${(made += 1)}`);
  const spoiled = new Set<LocalPack>();
  let objects = 0;
  let bytes = 0;
  try {
    for (const pack of packs) {
      for (const { digest, role, stored } of goodObjects(pack, () => spoiled.add(pack))) {
        if (!how.keeps(digest) || written.has(digest)) continue;
        written.add(digest, role, stored);
        objects += 1;
        bytes += stored.length;
      }
    }
    const paths = written.finish();
    await flush(root, paths);
    const names = new Set(written.publish(root));
    await flush(root, [join(root, 'packs')]);
    for (const pack of packs) {
      if (names.has(pack.hex)) continue;
      takeAway(root, pack, spoiled.has(pack) ? join(root, 'bad', `${pack.hex}-${Date.now().toString(36)}.pack`) : how.old(pack));
    }
    return { objects, bytes };
  } catch (error) {
    written.abandon();
    throw systemError(error, 'write', root);
  }
}

/** Moves a pack out of use. Another process may have done so before. */
function takeAway(root: string, pack: LocalPack, to: string | null): void {
  if (to === null) {
    rmSync(pack.path, { force: true });
    return;
  }
  makeFolder(root, dirname(to));
  try {
    renameSync(pack.path, to);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** The objects of a pack that are what they should be, in the order of the file. A pack that is gone has none: who took it away has written them elsewhere. */
function* goodObjects(pack: LocalPack, foundBad: () => void): Generator<{ digest: Digest; role: 'meta' | 'data'; stored: Buffer }> {
  let file: PackFile;
  try {
    file = openPackFile(pack.path);
  } catch (error) {
    if (isPlumbError(error, 'FILE_MISSING')) return;
    throw error;
  }
  const { index } = file;
  try {
    for (let frame = 0; frame < index.frames; frame += 1) {
      const raw = readable(() => file.readFrame(frame));
      if (raw === null) foundBad();
      const role = index.frameAt(frame).offset >= index.tail ? 'meta' : 'data';
      for (const { entry, digest, stored } of raw === null ? [] : objectsOf(index, { frame, raw })) {
        if (index.locationAt(entry).form === forms.bytes && digestOf(stored) === digest) yield { digest, role, stored };
        else foundBad();
      }
    }
  } finally {
    file.close();
  }
}

function readable(read: () => Buffer): Buffer | null {
  try {
    return read();
  } catch (error) {
    if (isPlumbError(error, 'PACK_INVALID')) return null;
    throw error;
  }
}

/** More packs than this make every look-up slow. */
const manyPacks = 64;
/** What is larger is not written again for the sake of order. */
const largePack = 16 * 1024 * 1024;

/** Makes one pack of the small ones where there are many. @returns how many packs were merged */
export async function mergeSmallPacks(root: string, packs: LocalPacks): Promise<number> {
  // names cost nothing, indexes do
  if (packsIn(packs.folder).length <= manyPacks) return 0;
  const small = packs.all().filter((pack) => (statSync(pack.path, { throwIfNoEntry: false })?.size ?? largePack) < largePack);
  if (small.length < 2) return 0;
  await rewritePacks(root, small, { keeps: () => true, old: () => null });
  return small.length;
}
