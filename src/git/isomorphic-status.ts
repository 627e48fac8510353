// What differs from HEAD, without the git command. Files are hashed, always: the index that isomorphic-git writes knows seconds only,
// so a file that was edited within the second of a commit would pass for clean.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { WalkerEntry } from 'isomorphic-git';
import { byCodeUnit } from '../base/canonical.ts';
import { needWorkTree } from './failures.ts';
import type { Git, Oid } from './git.ts';
import { emptyTree, fromIsomorphic, type Place } from './isomorphic-objects.ts';
import { checkFolder, checkPath } from './names.ts';
import type { Repository } from './repository.ts';

interface Parts {
  readonly place: Place;
  readonly repository: Repository;
  readonly head: () => Promise<Oid | null>;
}

export function createStatus(parts: Parts): Pick<Git, 'dirtyPaths' | 'isIgnored' | 'isTracked'> {
  return {
    dirtyPaths: async (paths) => dirtyPaths(parts, paths),
    isIgnored: async (path) => {
      needWorkTree(parts.repository, 'look for ignored files');
      checkFolder(path);
      return !(await isTracked(parts, path.replace(/\/$/, ''))) && isIgnored(parts, path);
    },
    isTracked: async (path) => {
      needWorkTree(parts.repository, 'look for tracked files');
      return isTracked(parts, checkPath(path));
    },
  };
}

async function isTracked({ place: { git, fs, gitdir } }: Parts, path: string): Promise<boolean> {
  const files = await git.listFiles({ fs, gitdir, cache: {} }).catch((error: unknown) => Promise.reject(fromIsomorphic(error, 'read the index')));
  return files.some((file) => file === path || file.startsWith(`${path}/`));
}

async function isIgnored({ place: { git, fs, gitdir }, repository }: Parts, path: string): Promise<boolean> {
  return git.isIgnored({ fs, dir: repository.workTree ?? '', gitdir, filepath: path });
}

async function dirtyPaths(parts: Parts, paths: readonly string[]): Promise<string[]> {
  const dir = needWorkTree(parts.repository, 'look for changes');
  if (paths.length === 0) return [];
  const isWanted = filterOf(paths.map(checkFolder));
  const { git, fs, gitdir, cache } = parts.place;
  const found = new Set<string>();
  const trees = [git.TREE({ ref: (await parts.head()) ?? emptyTree }), git.STAGE(), git.WORKDIR({ refresh: false })];
  const map = async (path: string, entries: (WalkerEntry | null)[]): Promise<boolean | null> => {
    if (path === '.') return true;
    const wanted = isWanted(path);
    if (wanted === 'no' || path === '.git' || path.endsWith('/.git')) return null;
    const [head = null, stage = null, work = null] = entries;
    const look = await compare(parts, path, { dir, head, stage, work });
    if (look.dirty && wanted === 'yes') found.add(path);
    return look.into ? true : null;
  };
  // objects come from packs whose indexes are worth keeping; the index of the work tree is read anew each time
  await git.walk({ fs, dir, gitdir, cache: { ...cache }, trees, map }).catch((error: unknown) => {
    throw fromIsomorphic(error, 'compare the work tree with HEAD');
  });
  return [...found].toSorted(byCodeUnit);
}

/** 'above': a folder on the way to what is wanted. */
function filterOf(paths: readonly string[]): (path: string) => 'yes' | 'above' | 'no' {
  const exact = new Set(paths);
  const above = new Set(paths.flatMap((path) => foldersOf(path)));
  return (path) => {
    if (exact.has('') || exact.has(path) || foldersOf(path).some((folder) => exact.has(folder))) return 'yes';
    return above.has(path) ? 'above' : 'no';
  };
}

function foldersOf(path: string): string[] {
  const names = path.split('/');
  return names.slice(1).map((_, at) => names.slice(0, at + 1).join('/'));
}

interface Three {
  readonly dir: string;
  readonly head: WalkerEntry | null;
  readonly stage: WalkerEntry | null;
  readonly work: WalkerEntry | null;
}

async function compare(parts: Parts, path: string, { dir, head, stage, work }: Three): Promise<{ dirty: boolean; into: boolean }> {
  const [headType, stageType, workType] = await Promise.all([head?.type(), stage?.type(), work?.type()]);
  // of a submodule, only the commit that is recorded can be compared
  if (headType === 'commit' || stageType === 'commit') return { dirty: (await head?.oid()) !== (await stage?.oid()), into: false };
  if (head === null && stage === null && work !== null) {
    if (await isIgnored(parts, workType === 'tree' ? `${path}/` : path)) return { dirty: false, into: false };
    const nested = workType === 'tree' && (await lstat(join(dir, path, '.git')).catch(() => null)) !== null;
    return { dirty: nested || workType === 'blob', into: workType === 'tree' && !nested };
  }
  const into = [headType, stageType, workType].includes('tree');
  const [was, staged] = [await recorded(head), await recorded(stage)];
  if (was !== staged) return { dirty: true, into };
  return { dirty: was !== undefined && was !== (await current(dir, path, was)), into };
}

/** Mode and id of a file, undefined for a folder and for nothing. */
async function recorded(entry: WalkerEntry | null): Promise<string | undefined> {
  if (entry === null || (await entry.type()) !== 'blob') return undefined;
  return `${(await entry.mode()).toString(8)} ${await entry.oid()}`;
}

async function current(dir: string, path: string, was: string): Promise<string | undefined> {
  const file = join(dir, path);
  const facts = await lstat(file).catch(() => null);
  if (facts === null) return undefined;
  if (facts.isSymbolicLink()) return `120000 ${blobId(await readlink(file, { encoding: 'buffer' }))}`;
  if (!facts.isFile()) return undefined;
  // Windows keeps no executable bit: there the recorded one counts
  const mode = process.platform === 'win32' ? was.slice(0, 6) : (facts.mode & 0o100) === 0 ? '100644' : '100755';
  return `${mode} ${facts.size < wholeBytes ? blobId(await readFile(file)) : await streamedBlobId(file, facts.size)}`;
}

const wholeBytes = 16 * 1024 * 1024;

function blobId(bytes: Uint8Array): Oid {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

async function streamedBlobId(file: string, sizeBytes: number): Promise<Oid> {
  const hash = createHash('sha1').update(`blob ${sizeBytes}\0`);
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
