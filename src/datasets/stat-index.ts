// What was hashed before need not be hashed again: path -> (size, times, inode) -> digest. A cache of this machine: it may vanish at any time.
//
// A file that is written twice within one tick of the clock can keep its stamp. As git does, a stamp is trusted only when the file was already
// at rest when it was hashed: its ctime, which no program can set, lies well before that moment.
import { mkdirSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, relative, sep } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { digestOfFile, type Digest } from '../base/digest.ts';
import { errnoOf, PlumbError, systemError } from '../base/errors.ts';

/** The coarsest clock of a file system in use (FAT), and some skew of a file server. */
const restMs = 2000;

export interface StatIndex {
  /** absolute; paths are kept relative to it, so that a project may move */
  readonly root: string;
  find(path: string): IndexEntry | undefined;
  /** Kept in memory until `save`. */
  set(path: string, entry: IndexEntry): void;
  /** Writes what was set. What cannot be written is not: the next command hashes again. */
  save(): void;
}

export interface IndexEntry {
  readonly stamp: string;
  readonly digest: Digest;
  readonly bytes: number;
}

/** Hashed bytes of a file of the work tree. */
export interface FileDigest {
  readonly digest: Digest;
  readonly bytes: number;
}

/** The index of a project; `save` it at the end. */
export async function openStatIndex(project: { readonly root: string; readonly localDir: string }): Promise<StatIndex> {
  const { DatabaseSync: Database } = await import('node:sqlite');
  return new SqliteIndex(project.root, `${project.localDir}/stat.db`, Database);
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
  const facts = await stat(path, { bigint: true }).catch((error: unknown) => {
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
  if (known?.stamp === stamp) return known;
  const begun = Date.now();
  const hashed = await digestOfFile(path, options);
  const after = await stat(path, { bigint: true }).catch(() => null);
  if (after === null || stampOf(after) !== stamp) {
    throw new PlumbError('FILE_CHANGED', {
      what: `${path} was changed while it was being read`,
      where: { file: path },
      mend: 'run the command again when whoever writes the file has finished',
    });
  }
  if (Number(facts.ctimeMs) < begun - restMs) index.set(path, { stamp, ...hashed });
  return hashed;
}

type Facts = { readonly size: bigint; readonly mtimeNs: bigint; readonly ctimeNs: bigint; readonly ino: bigint };

function stampOf(facts: Facts): string {
  return `${facts.size}:${facts.mtimeNs}:${facts.ctimeNs}:${facts.ino}`;
}

class SqliteIndex implements StatIndex {
  readonly root: string;
  readonly #file: string;
  readonly #Database: typeof DatabaseSync;
  readonly #fresh = new Map<string, IndexEntry>();
  #reader: StatementSync | null | undefined;
  #database: DatabaseSync | undefined;

  constructor(root: string, file: string, Database: typeof DatabaseSync) {
    this.root = root;
    this.#file = file;
    this.#Database = Database;
  }

  find(path: string): IndexEntry | undefined {
    const key = this.#key(path);
    const fresh = this.#fresh.get(key);
    if (fresh !== undefined) return fresh;
    try {
      this.#reader ??= this.#open().prepare('SELECT stamp, digest, bytes FROM stat WHERE path = ?');
      return this.#reader.get(key) as IndexEntry | undefined;
    } catch {
      return undefined;
    }
  }

  set(path: string, entry: IndexEntry): void {
    this.#fresh.set(this.#key(path), { stamp: entry.stamp, digest: entry.digest, bytes: entry.bytes });
  }

  save(): void {
    try {
      if (this.#fresh.size > 0) this.#write();
    } catch {
      // somebody else writes, or the disk is full: it is a cache
    }
    this.#fresh.clear();
    this.#reader = undefined;
    this.#database?.close();
    this.#database = undefined;
  }

  #write(): void {
    const database = this.#open();
    const insert = database.prepare('INSERT OR REPLACE INTO stat (path, stamp, digest, bytes) VALUES (?, ?, ?, ?)');
    database.exec('BEGIN IMMEDIATE');
    for (const [path, entry] of this.#fresh) insert.run(path, entry.stamp, entry.digest, entry.bytes);
    database.exec('COMMIT');
  }

  #key(path: string): string {
    return relative(this.root, path).split(sep).join('/');
  }

  #open(): DatabaseSync {
    if (this.#database !== undefined) return this.#database;
    mkdirSync(dirname(this.#file), { recursive: true });
    try {
      this.#database = this.#make();
    } catch (error) {
      // 11 = SQLITE_CORRUPT, 26 = SQLITE_NOTADB: a power cut; begin anew
      const code = Number((error as { errcode?: number }).errcode) & 0xff;
      if (code !== 11 && code !== 26) throw error;
      rmSync(this.#file, { force: true });
      this.#database = this.#make();
    }
    return this.#database;
  }

  #make(): DatabaseSync {
    const database = new this.#Database(this.#file, { timeout: 1000 });
    try {
      database.exec(
        'PRAGMA synchronous = OFF; CREATE TABLE IF NOT EXISTS stat (path TEXT PRIMARY KEY, stamp TEXT, digest TEXT, bytes INTEGER) WITHOUT ROWID',
      );
    } catch (error) {
      database.close();
      throw error;
    }
    return database;
  }
}
