// Names: files of the cache that hold a digest, found by a derived name. The first writer wins, on this machine and in the remote.
import { readFileSync } from 'node:fs';
import { link, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder, writeFileAtomic } from '../../base/atomic.ts';
import { isDigest, type Digest } from '../../base/digest.ts';
import { errnoOf, PlumbError } from '../../base/errors.ts';
import { makeFolder } from '../cache/sharing.ts';
import { temporaryIn } from '../layout.ts';
import type { Remote, RequestOptions } from '../remote.ts';
import type { Named, NameSpace } from '../store.ts';

/** Key of a name in a remote, and its path below names/ of the cache: 'runs/<hex>'. */
export function keyOf(name: NameSpace): string {
  if (!/^[0-9a-f]{64}$/.test(name.key)) throw new Error(`a key of names is 64 hex digits, not ${name.key}`);
  return `${name.kind}/${name.key}`;
}

function namePath(cacheDir: string, name: NameSpace): string {
  return join(cacheDir, 'names', keyOf(name));
}

/** @returns the digest that a name has on this machine, or null. @throws PlumbError DIGEST_INVALID for a file that holds none */
export function readLocalName(cacheDir: string, name: NameSpace): Digest | null {
  return readLocalNamed(cacheDir, name)?.digest ?? null;
}

/** The same with what vouches for it. */
export function readLocalNamed(cacheDir: string, name: NameSpace): Named | null {
  const path = namePath(cacheDir, name);
  try {
    // a digest in a file: handing it to another thread and back costs several times the reading
    return parseName(readFileSync(path, 'utf8'), path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function parseName(text: string, place: string): Named {
  const named = namedIn(text);
  if (named !== null) return named;
  const digest = text.trim();
  throw new PlumbError('DIGEST_INVALID', {
    what: `${place} should hold a digest and holds ${JSON.stringify(digest.slice(0, 80))}`,
    where: { file: place },
    mend: 'remove this file: it is written again by the next run',
  });
}

/** A digest, and in a second line, where there is one, what vouches for it. */
function namedIn(text: string): Named | null {
  const [digest = '', note] = text.trim().split('\n');
  return isDigest(digest) ? { digest, note: note ?? null } : null;
}

function textOf({ digest, note }: Named): string {
  return note === null ? `${digest}\n` : `${digest}\n${note}\n`;
}

/** A name that was spoiled on this machine is as good as none: it is only a cache. */
export async function forgetLocalName(cacheDir: string, name: NameSpace): Promise<void> {
  await rm(namePath(cacheDir, name), { force: true });
}

/**
 * Gives a name its digest, once for ever: a hard link to a finished file is made or it is not, on NFS too.
 * @returns the digest that the name has now: ours, or that of whoever was first
 */
export async function writeLocalName(cacheDir: string, name: NameSpace, digest: Digest): Promise<Digest> {
  const first = readLocalName(cacheDir, name);
  if (first !== null) return first;
  const path = namePath(cacheDir, name);
  const temporary = await writeTemporary(cacheDir, name, { digest, note: null });
  try {
    makeFolder(cacheDir, dirname(path));
    await link(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    const errno = errnoOf(error);
    // a file system without links: the last of several writers at one instant wins, and all read back the same
    if (errno === 'EPERM' || errno === 'ENOTSUP' || errno === 'EOPNOTSUPP' || errno === 'ENOSYS') await rename(temporary, path);
    else if (errno !== 'EEXIST') throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return readLocalName(cacheDir, name) ?? digest;
}

/** Gives a name of this machine another digest. */
export async function moveLocalName(cacheDir: string, name: NameSpace, named: Named): Promise<void> {
  const path = namePath(cacheDir, name);
  const temporary = await writeTemporary(cacheDir, name, named);
  makeFolder(cacheDir, dirname(path));
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

async function writeTemporary(cacheDir: string, name: NameSpace, named: Named): Promise<string> {
  const temporary = await temporaryIn(cacheDir, name.key.slice(0, 8));
  await writeFileAtomic(temporary, textOf(named), { mode: 0o444 });
  return temporary;
}

/** null where the remote has no such name, or something that is no digest. */
export async function readRemoteName(remote: Remote, name: NameSpace, options: RequestOptions): Promise<Named | null> {
  const bytes = await remote.read('names', keyOf(name), options);
  return bytes === null ? null : namedIn(bytes.toString('utf8'));
}

/** @param how ifAbsent: the first writer wins, and a name that is there stays as it is */
export async function writeRemoteName(
  remote: Remote,
  name: NameSpace,
  named: Named,
  how: RequestOptions & { readonly ifAbsent: boolean },
): Promise<void> {
  await remote.write('names', keyOf(name), Buffer.from(textOf(named)), { ifAbsent: how.ifAbsent, packs: [] }, how);
}
