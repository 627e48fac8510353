// How bytes lie in the cache of a machine.
//
//   objects/ab/cdef...   an object; its path is its SHA-256. Read-only, whole from the moment it is there.
//   packs/<hex>.pack     small objects that came many at once (pack/pack.ts); <hex> is the SHA-256 of the file.
//   names/runs/<hex>     a small text that holds a digest. Written once.
//   tmp/                 files being written; a killed writer leaves them, they are swept when an hour old.
//   bad/                 what was found to differ from its digest.
//   trash/<time>/        what a gc took out, laid out as the cache is, until it is emptied.
import { readFileSync } from 'node:fs';
import { link, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder, temporaryBeside, writeFileAtomic } from '../base/atomic.ts';
import { hexOf, isDigest, type Digest } from '../base/digest.ts';
import { errnoOf, PlumbError } from '../base/errors.ts';
import { makeFolder } from './cache/shared.ts';
import type { NameSpace } from './store.ts';

export function objectPath(root: string, digest: Digest): string {
  const hex = hexOf(digest);
  return join(root, 'objects', hex.slice(0, 2), hex.slice(2));
}

export function packPath(root: string, hex: string): string {
  return join(root, 'packs', `${hex}.pack`);
}

export function namePath(root: string, name: NameSpace): string {
  if (!/^[0-9a-f]{64}$/.test(name.key)) throw new Error(`a key of names is 64 hex digits, not ${name.key}`);
  return join(root, 'names', name.kind, name.key);
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

/** @returns the digest that a name has, or null. @throws PlumbError DIGEST_INVALID for a file that holds none */
export async function readNameFile(path: string): Promise<Digest | null> {
  let text: string;
  try {
    // a digest in a file: handing it to another thread and back costs several times the reading
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
  if (isDigest(text)) return text;
  throw new PlumbError('DIGEST_INVALID', {
    what: `${path} should hold a digest and holds ${JSON.stringify(text.slice(0, 80))}`,
    where: { file: path },
    mend: 'remove this file: it is written again by the next run',
  });
}

/**
 * Gives a name its digest, once for ever: a hard link to a finished file is made or it is not, on NFS too.
 * @returns the digest that the name has now: ours, or that of whoever was first
 */
export async function writeNameFile(root: string, name: NameSpace, digest: Digest): Promise<Digest> {
  const path = namePath(root, name);
  const first = await readNameFile(path);
  if (first !== null) return first;
  const temporary = await temporaryIn(root, name.key.slice(0, 8));
  await writeFileAtomic(temporary, `${digest}\n`, { mode: 0o444 });
  try {
    makeFolder(root, dirname(path));
    await link(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    const errno = errnoOf(error);
    // a file system without links: the last of several writers at one instant wins, and all read back the same
    if (errno === 'EPERM' || errno === 'ENOTSUP' || errno === 'EOPNOTSUPP' || errno === 'ENOSYS') await moveIntoPlace(root, temporary, path);
    else if (errno !== 'EEXIST') throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return (await readNameFile(path)) ?? digest;
}

/** Gives a name another digest. Only for the cache of a machine: in a remote, a name is written once. */
export async function moveNameFile(root: string, name: NameSpace, digest: Digest): Promise<void> {
  const temporary = await temporaryIn(root, name.key.slice(0, 8));
  await writeFileAtomic(temporary, `${digest}\n`, { mode: 0o444 });
  await moveIntoPlace(root, temporary, namePath(root, name));
}
