// What differs from HEAD, without the git command. Files are hashed, always: the index that isomorphic-git writes knows seconds only,
// so a file that was edited within the second of a commit would pass for clean.
import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { byCodeUnit } from '../base/canonical.ts';
import { errnoOf } from '../base/errors.ts';
import { needWorkTree } from './failures.ts';
import type { Git, Oid } from './git.ts';
import { parseIndex, type IndexEntry } from './index-file.ts';
import type { Objects, Place } from './isomorphic-objects.ts';
import { checkFolder, checkPath } from './names.ts';
import type { Repository } from './repository.ts';

interface Parts {
  readonly place: Place;
  readonly repository: Repository;
  readonly objects: Objects;
  readonly head: () => Promise<Oid | null>;
}

export interface Status extends Pick<Git, 'dirtyPaths' | 'isIgnored' | 'isTracked'> {
  readIndex(): Promise<IndexEntry[]>;
}

export function createStatus(parts: Parts): Status {
  const readIndex = (): Promise<IndexEntry[]> => readIndexOf(parts.repository);
  const isTracked = async (path: string): Promise<boolean> =>
    (await readIndex()).some((entry) => entry.path === path || entry.path.startsWith(`${path}/`));
  return {
    readIndex,
    dirtyPaths: (paths) => dirtyPaths(parts, paths),
    isIgnored: async (path) => {
      needWorkTree(parts.repository, 'look for ignored files');
      return !(await isTracked(checkFolder(path))) && isIgnored(parts, path);
    },
    isTracked: async (path) => {
      needWorkTree(parts.repository, 'look for tracked files');
      return isTracked(checkPath(path));
    },
  };
}

async function readIndexOf({ headDir }: Repository): Promise<IndexEntry[]> {
  try {
    return parseIndex(await readFile(join(headDir, 'index')));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function isIgnored({ place: { git, fs, gitdir }, repository }: Parts, path: string): Promise<boolean> {
  return git.isIgnored({ fs, dir: repository.workTree ?? '', gitdir, filepath: path });
}

async function dirtyPaths(parts: Parts, paths: readonly string[]): Promise<string[]> {
  const top = needWorkTree(parts.repository, 'look for changes');
  const wanted = paths.map(checkFolder);
  if (wanted.length === 0) return [];
  const isWanted = belowAnyOf(wanted);
  const index = (await readIndexOf(parts.repository)).filter((entry) => isWanted(entry.path));
  const committed = await filesBelow(parts, wanted);
  const found = new Set<string>();
  for (const path of committed.keys()) found.add(path);
  for (const entry of index) {
    const { path } = entry;
    const staged = `${entry.mode} ${entry.oid}`;
    const isStaged = entry.stage !== 0 || entry.intentToAdd || committed.get(path) !== staged;
    if (isStaged || !(await isAsStaged(top, entry, staged))) found.add(path);
    else found.delete(path);
  }
  const known = namesOf(index);
  for (const path of wanted) await findUntracked(parts, { top, path, known, found });
  return [...found].toSorted(byCodeUnit);
}

function belowAnyOf(folders: readonly string[]): (path: string) => boolean {
  const exact = new Set(folders);
  return (path) => exact.has('') || exact.has(path) || foldersOf(path).some((folder) => exact.has(folder));
}

function foldersOf(path: string): string[] {
  const folders: string[] = [];
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) folders.push(path.slice(0, slash));
  return folders;
}

/** path -> mode and id of the files of HEAD at or below these paths. */
async function filesBelow({ objects, head }: Parts, wanted: readonly string[]): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const oid = await head();
  if (oid === null) return files;
  const { tree } = await objects.commit(oid);
  for (const path of wanted) {
    const entry = path === '' ? { oid: tree, mode: '40000', isFolder: true } : await objects.entryAt(tree, path);
    if (entry === null) continue;
    if (!entry.isFolder) files.set(path, `${entry.mode} ${entry.oid}`);
    else for await (const file of objects.files(entry.oid, path === '' ? '' : `${path}/`)) files.set(file.path, `${file.mode} ${file.oid}`);
  }
  return files;
}

async function isAsStaged(top: string, entry: IndexEntry, staged: string): Promise<boolean> {
  // what is in a submodule is for the git of the submodule to say
  if (entry.notLookedAt || entry.mode === '160000') return true;
  return staged === (await describePath(top, entry.path, entry.mode));
}

async function factsOf(file: string): Promise<Stats | null> {
  return lstat(file).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  });
}

/** Mode and id that a file of the work tree would have in a commit; undefined where there is none. */
export async function describePath(top: string, path: string, recordedMode: string): Promise<string | undefined> {
  const facts = await factsOf(join(top, path));
  return facts === null ? undefined : describeFile(join(top, path), facts, recordedMode);
}

async function describeFile(file: string, facts: Stats, recordedMode: string): Promise<string | undefined> {
  if (facts.isSymbolicLink()) return `120000 ${blobId(await readlink(file, { encoding: 'buffer' }))}`;
  if (!facts.isFile()) return undefined;
  // Windows keeps no executable bit: there the recorded one counts
  const mode = process.platform === 'win32' ? recordedMode : (facts.mode & 0o100) === 0 ? '100644' : '100755';
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

interface Known {
  readonly files: ReadonlySet<string>;
  readonly folders: ReadonlySet<string>;
}

function namesOf(index: readonly IndexEntry[]): Known {
  return { files: new Set(index.map((entry) => entry.path)), folders: new Set(index.flatMap((entry) => foldersOf(entry.path))) };
}

interface Search {
  readonly top: string;
  readonly path: string;
  readonly known: Known;
  readonly found: Set<string>;
}

/** Adds files that the index does not know and no pattern ignores. A folder without known files may be ignored as a whole. */
async function findUntracked(parts: Parts, search: Search): Promise<void> {
  const { top, path, known, found } = search;
  const facts = await factsOf(join(top, path));
  if (facts === null || (known.files.has(path) && !facts.isDirectory())) return;
  if (!facts.isDirectory()) {
    if ((facts.isFile() || facts.isSymbolicLink()) && !(await isIgnored(parts, path))) found.add(path);
    return;
  }
  if (path !== '' && !known.folders.has(path)) {
    // a submodule
    if (known.files.has(path) && (await factsOf(join(top, path, '.git'))) !== null) return;
    if (await isIgnored(parts, `${path}/`)) return;
    if ((await factsOf(join(top, path, '.git'))) !== null) {
      found.add(path);
      return;
    }
  }
  for (const name of await readdir(join(top, path))) {
    if (name !== '.git') await findUntracked(parts, { ...search, path: path === '' ? name : `${path}/${name}` });
  }
}
