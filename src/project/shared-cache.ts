// A cache that several repositories use (PLUMB_CACHE) knows them by small files in it: its garbage collection keeps what any of them names. So a repository
// that is not known there would lose data, and nobody writes to a cache that cannot know him.
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { isTemporary, temporaryBeside } from '../base/atomic.ts';
import { errnoOf, PlumbError, systemError } from '../base/errors.ts';
import { isReadOnly, makeFolder } from '../store/cache/sharing.ts';

/**
 * Absolute paths of the projects that use a cache, sorted.
 * @throws PlumbError FILE_UNREADABLE where one of them could not write all of its path
 */
export function neighbours(cacheDir: string): string[] {
  const folder = join(cacheDir, 'repositories');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => !isTemporary(name))
    .map((name) => pathIn(join(folder, name)))
    .toSorted();
}

function pathIn(file: string): string {
  const text = readFileSync(file, 'utf8');
  if (text.endsWith('\n')) return text.slice(0, -1);
  throw new PlumbError('FILE_UNREADABLE', {
    what: `${file} does not say which project uses this cache, too: what that one names is not known`,
    where: { file },
    mend: 'run `plumb status` in each project that uses the cache; if it stays, take the file away',
  });
}

/**
 * A cache in the project's own folder has no neighbours.
 * @param root absolute path of the project
 * @throws PlumbError FILE_UNREADABLE where the cache may be written to and the project cannot be made known in it
 */
export function registerAt(cacheDir: string, root: string): void {
  const file = fileOf(cacheDir, root);
  if (cacheDir.startsWith(root + sep) || isRegistered(file, root)) return;
  const temporary = temporaryBeside(file);
  try {
    makeFolder(cacheDir, dirname(file));
    writeFileSync(temporary, `${root}\n`, { flag: 'wx', mode: 0o644 });
    renameSync(temporary, file);
  } catch (error) {
    if (existsSync(temporary)) rmSync(temporary);
    // on a full disk nothing else is kept either, and it must be possible to look and to let go; the next command makes it known
    if (errnoOf(error) === 'ENOSPC' || errnoOf(error) === 'EDQUOT') return;
    // a cache that can only be read keeps nothing of ours
    if (!isReadOnly(error) || mayWrite(cacheDir)) throw unknown(error, cacheDir, root);
  }
}

function unknown(error: unknown, cacheDir: string, root: string): PlumbError {
  return new PlumbError('FILE_UNREADABLE', {
    what: `${root} cannot be made known to the others who use the cache ${cacheDir}, and a gc of theirs would take what is added here`,
    where: { file: join(cacheDir, 'repositories') },
    mend: 'make that a folder which all who share the cache may write to (chmod 2775), as the cache itself is',
    cause: error,
  });
}

function isRegistered(file: string, root: string): boolean {
  try {
    return readFileSync(file, 'utf8') === `${root}\n`;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return false;
    throw systemError(error, 'read', file);
  }
}

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** @returns whether it was known */
export function forget(cacheDir: string, root: string): boolean {
  const file = fileOf(cacheDir, root);
  const known = existsSync(file);
  rmSync(file, { force: true });
  return known;
}

function fileOf(cacheDir: string, root: string): string {
  return join(cacheDir, 'repositories', createHash('sha256').update(root).digest('hex'));
}
