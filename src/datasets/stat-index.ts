// What was hashed before need not be hashed again. A cache of this machine, below .plumb/stat: it may vanish at any time. Single files (rows, what
// stages read and write) are in one small list; each folder has a file of its own (index-file.ts), which is merged with a walk through the folder.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { sweepKilled, temporaryBeside } from '../base/atomic.ts';
import { digestOf, digestOfFile, hexOf, isDigest, type Digest } from '../base/digest.ts';
import { errnoOf, PlumbError, systemError } from '../base/errors.ts';
import type { Cache, FileStamp } from '../store/cache/cache.ts';
import { isSameStamp, stampOf, wasAtRest } from './file-stamp.ts';

export interface StatIndex {
  /** absolute; paths are kept relative to it, so that a project may move */
  readonly root: string;
  find(path: string): IndexEntry | undefined;
  /** Kept in memory until `save`. */
  set(path: string, entry: IndexEntry): void;
  /** Where the index of a folder is. @param folder absolute, and so is what comes back */
  fileOf(folder: string): string;
  /** Of many files at once; nothing is kept. */
  readonly hashFiles: Cache['hashFiles'];
  /** Writes what was set. What cannot be written is not: the next command hashes again. */
  save(): void;
}

export interface IndexEntry {
  readonly stamp: FileStamp;
  readonly digest: Digest;
}

/** Hashed bytes of a file of the work tree. */
export interface FileDigest {
  readonly digest: Digest;
  readonly bytes: number;
}

/** The index of a project; `save` it at the end. What killed writers left of it goes: that of a million files is large. */
export async function openStatIndex(project: {
  readonly root: string;
  readonly localDir: string;
  readonly store: { readonly cache: Pick<Cache, 'hashFiles'> };
}): Promise<StatIndex> {
  const { root, localDir, store } = project;
  const folder = join(localDir, 'stat');
  // where nothing can be taken away, it stays
  await sweepKilled(folder).catch(() => undefined);
  return new FileIndex(root, folder, (files, options) => store.cache.hashFiles(files, options));
}

/**
 * Digest of a file, from the index when the file is as it was, else by hashing it: one stat when nothing changed.
 * @param path absolute; a symlink is followed
 * @returns null when nothing is there
 * @throws PlumbError FILE_KIND for a folder or special file, FILE_UNREADABLE, FILE_CHANGED when it is being written right now
 */
export async function digestOfPath(
  index: StatIndex,
  path: string,
  options: { signal?: AbortSignal; onBytes?: (bytes: number) => void } = {},
): Promise<FileDigest | null> {
  const facts = await stat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw systemError(error, 'read', path);
  });
  if (facts === null) return null;
  if (!facts.isFile()) {
    throw new PlumbError('FILE_KIND', {
      what: `${path} is a folder or a special file where a file is expected`,
      where: { file: path },
      mend: 'put a file there',
    });
  }
  const stamp = stampOf(facts);
  const known = index.find(path);
  if (known !== undefined && isSameStamp(known.stamp, stamp)) return { digest: known.digest, bytes: stamp.bytes };
  const begun = Date.now();
  const hashed = await digestOfFile(path, options);
  const after = await stat(path).catch(() => null);
  if (after === null || hashed.bytes !== stamp.bytes || !isSameStamp(stamp, stampOf(after))) {
    throw new PlumbError('FILE_CHANGED', {
      what: `${path} was changed while it was being read`,
      where: { file: path },
      mend: 'run the command again when whoever writes the file has finished',
    });
  }
  if (wasAtRest(stamp, begun)) index.set(path, { stamp, digest: hashed.digest });
  return hashed;
}

/**
 * The time by the clock that stamps files there, ms: that of a file server may be ahead of ours, or behind.
 * @param folder that may be written to; where it may not, it is our own clock
 * @param aside a folder to try it in instead, if it is on the same disk: a process that is killed leaves the file of the try
 */
export function fileClock(folder: string, aside: string = folder): number {
  let probe = temporaryBeside(join(folder, 'clock'));
  try {
    if (statSync(aside).dev === statSync(folder).dev) probe = temporaryBeside(join(aside, 'clock'));
    writeFileSync(probe, '');
    return statSync(probe).mtimeMs;
  } catch {
    return Date.now();
  } finally {
    rmSync(probe, { force: true });
  }
}

/** Single files that are kept, at most: those that were set last. */
const mostFiles = 10_000;

type Line = readonly [path: string, digest: Digest, bytes: number, mtimeMs: number, ctimeMs: number, ino: number, links: number];

class FileIndex implements StatIndex {
  readonly root: string;
  readonly #folder: string;
  readonly #fresh = new Map<string, IndexEntry>();
  readonly hashFiles: Cache['hashFiles'];
  #known: Map<string, IndexEntry> | undefined;

  constructor(root: string, folder: string, hashFiles: Cache['hashFiles']) {
    this.root = root;
    this.#folder = folder;
    this.hashFiles = hashFiles;
  }

  find(path: string): IndexEntry | undefined {
    const key = this.#key(path);
    return this.#fresh.get(key) ?? (this.#known ??= this.#read()).get(key);
  }

  set(path: string, entry: IndexEntry): void {
    this.#fresh.set(this.#key(path), entry);
  }

  fileOf(folder: string): string {
    return join(this.#folder, `${hexOf(digestOf(this.#key(folder))).slice(0, 32)}.folder`);
  }

  save(): void {
    if (this.#fresh.size === 0) return;
    const temporary = temporaryBeside(this.#file);
    try {
      mkdirSync(dirname(this.#file), { recursive: true });
      // another command may have saved since we read
      const all = [...new Map([...this.#read(), ...this.#fresh])].slice(-mostFiles);
      const lines = all.map(([path, { digest, stamp }]): Line => [path, digest, stamp.bytes, stamp.mtimeMs, stamp.ctimeMs, stamp.ino, stamp.links]);
      writeFileSync(temporary, JSON.stringify(lines));
      renameSync(temporary, this.#file);
    } catch {
      // somebody may not write here, or the disk is full: it is a cache
      rmSync(temporary, { force: true });
    }
    this.#known = undefined;
    this.#fresh.clear();
  }

  get #file(): string {
    return join(this.#folder, 'files.json');
  }

  #read(): Map<string, IndexEntry> {
    try {
      const lines = JSON.parse(readFileSync(this.#file, 'utf8')) as Line[];
      return new Map(
        lines
          .filter(isLine)
          .map(([path, digest, bytes, mtimeMs, ctimeMs, ino, links]) => [path, { digest, stamp: { bytes, mtimeMs, ctimeMs, ino, links } }]),
      );
    } catch {
      return new Map();
    }
  }

  #key(path: string): string {
    return relative(this.root, path).split(sep).join('/');
  }
}

function isLine(line: unknown): line is Line {
  return (
    Array.isArray(line) && typeof line[0] === 'string' && isDigest(line[1]) && line.slice(2).length === 5 && line.slice(2).every(Number.isFinite)
  );
}
