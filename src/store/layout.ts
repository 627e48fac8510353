// How bytes lie in the cache of a machine.
//
//   objects/ab/cdef...   an object; its path is its SHA-256. Read-only, whole from the moment it is there.
//   packs/<hex>.pack     small objects that came many at once (pack/pack.ts); <hex> is the SHA-256 of the file.
//   names/runs/<hex>     a small text that holds a digest. Written once. names/trusted, names/pull7: those of CI, with a signature in a second line.
//   tmp/                 files being written; a killed writer leaves them, they are swept when an hour old.
//   bad/                 what was found to differ from its digest.
//   trash/<time>/        what a gc took out, laid out as the cache is, until it is emptied.
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder, temporaryBeside } from '../base/atomic.ts';
import { hexOf, type Digest } from '../base/digest.ts';
import { errnoOf } from '../base/errors.ts';
import { makeFolder } from './cache/sharing.ts';

export function objectPath(root: string, digest: Digest): string {
  const hex = hexOf(digest);
  return join(root, 'objects', hex.slice(0, 2), hex.slice(2));
}

export function packPath(root: string, hex: string): string {
  return join(root, 'packs', `${hex}.pack`);
}

/** A path in tmp/ that nobody else has; its folder is there. */
export async function temporaryIn(root: string, label: string): Promise<string> {
  const folder = join(root, 'tmp');
  makeFolder(root, folder);
  return temporaryBeside(join(folder, label));
}

/** Moves a finished temporary file to its place below a root, so that it lasts; what stands there already has the same bytes and is replaced. */
export async function moveIntoPlace(root: string, temporary: string, path: string): Promise<void> {
  try {
    await rename(temporary, path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    makeFolder(root, dirname(path));
    await rename(temporary, path);
  }
  await syncFolder(dirname(path));
}
