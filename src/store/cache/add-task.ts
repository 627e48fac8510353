// Files of the work tree on their way into the cache. Small ones are handed back as bytes, for the session's pack. Large ones go into the folder of the
// session under their digest, sealed: it is on the disk before it becomes objects/, so a seal never says more than is true.
//
// By hard link the work tree's file and the cache's are one. Its time gets the seal here and now, so the stamp that the caller keeps is the last one.
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fchmodSync,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { digestOf, hexOf, type Digest } from '../../base/digest.ts';
import { errnoOf, systemError } from '../../base/errors.ts';
import { isTrusted } from './loose.ts';
import { pump } from './pump.ts';
import { seal } from './seal.ts';
import { isShared, makeFolder, objectMode } from './sharing.ts';
import { hashOpen, fileChanged, isAsItWas, oneRead, readWhole, stampOf, untilSteady, withFile, type OpenFile } from './steady.ts';
import type { AddResult, AddTask, Control, HashedFile } from './task.ts';

/** Up to here an object lies in a pack when many come at once. */
export const smallBytes = 8192;

/** Where a session keeps a large object until it closes. */
export function waitingPath(session: string, digest: Digest): string {
  const hex = hexOf(digest);
  return join(session, hex.slice(0, 2), hex.slice(2));
}

/** @throws PlumbError FILE_CHANGED, FILE_KIND, FILE_UNREADABLE, DISK_FULL */
export async function addFiles(task: AddTask, control: Control): Promise<AddResult> {
  const files: (HashedFile | null)[] = [];
  const small: Buffer[] = [];
  const smallAt: number[] = [];
  const adding = new Adding(task, control);
  for (const path of task.paths) {
    control.throwIfAborted();
    const added = await untilSteady(path, () => adding.add(path));
    if (added?.content !== undefined) {
      smallAt.push(files.length);
      small.push(added.content);
    }
    files.push(added?.file ?? null);
  }
  return { files, small: oneBehindTheOther(small), smallAt };
}

interface Added {
  readonly file: HashedFile;
  /** of a small file */
  readonly content?: Buffer;
}

class Adding {
  readonly #task: AddTask;
  readonly #control: Control;
  readonly #shared: boolean;

  constructor(task: AddTask, control: Control) {
    this.#task = task;
    this.#control = control;
    this.#shared = isShared(task.root);
  }

  /** Null: there is no such file. */
  add(path: string): Promise<Added | null | 'changed'> {
    return withFile(path, async (opened) => {
      if (opened.facts.size <= smallBytes) return this.#small(opened);
      try {
        const file = (await this.#linked(path, opened)) ?? (await this.#copied(path, opened));
        return file === 'changed' ? file : { file };
      } catch (error) {
        throw systemError(error, 'store', path);
      }
    });
  }

  #small(opened: OpenFile): Added | 'changed' {
    const bytes = readWhole(opened);
    if (bytes === null) return 'changed';
    this.#control.told(bytes.length);
    return { file: { digest: digestOf(bytes), stamp: stampOf(opened.facts) }, content: Buffer.from(bytes) };
  }

  /** The file becomes the cache's, too. Null: it cannot, and has to be copied. */
  async #linked(path: string, opened: OpenFile): Promise<HashedFile | null | 'changed'> {
    const { fd, facts } = opened;
    if (this.#task.link !== 'hardlink' || !this.#mayBeLinked(facts)) return null;
    const digest = await hashOpen(opened, path, this.#control);
    if (digest === null || !isAsItWas(opened)) return 'changed';
    if (this.#isHere(digest)) return { digest, stamp: stampOf(facts) };
    // only its owner may do both, and only a file to which both were done is safe as an object: so the link, which others see, comes last
    if (!isAllowed(() => fchmodSync(fd, facts.mode & objectMode)) || !seal(fd, digest, facts)) return null;
    const waiting = waitingPath(this.#task.session, digest);
    const link = this.#linkedTo(path, waiting);
    if (link !== 'made') {
      fchmodSync(fd, facts.mode & 0o777);
      return link === 'refused' ? null : { digest, stamp: stampOf(fstatSync(fd)) };
    }
    const stamp = stampOf(lstatSync(waiting));
    if (stamp.ino === facts.ino) return { digest, stamp };
    // what was linked is another file that the path has by now, or a symlink: it must not stay, but other threads may count on the name
    fchmodSync(fd, facts.mode & 0o777);
    await this.#replaced(waiting, digest, opened);
    return { digest, stamp: stampOf(fstatSync(fd)) };
  }

  /** 'there': another thread has found the same bytes a moment ago. */
  #linkedTo(path: string, waiting: string): 'made' | 'refused' | 'there' {
    try {
      return this.#made(waiting, () => linkSync(path, waiting)) ? 'made' : 'refused';
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return 'there';
      throw error;
    }
  }

  /** A copy of an open file takes the place of what waits under its digest. @throws PlumbError FILE_CHANGED */
  async #replaced(waiting: string, digest: Digest, opened: OpenFile): Promise<void> {
    const temporary = this.#temporary();
    const copied = await this.#intoFile(temporary, (sink) => pump(opened.fd, sink, silent));
    if (copied.digest !== digest) throw fileChanged(waiting);
    this.#finish(temporary, digest);
    renameSync(temporary, waiting);
  }

  /**
   * A file that has other names, or is run, or is somebody's secret in a cache of many, cannot be both. Nor can one that was written this
   * very moment: its time would not tell whether it was written once more while it was hashed.
   */
  #mayBeLinked(facts: Stats): boolean {
    const readable = (facts.mode & objectMode) === objectMode || !this.#shared;
    return facts.nlink === 1 && (facts.mode & 0o7111) === 0 && readable && Math.abs(Date.now() - facts.mtimeMs) > restMs;
  }

  async #copied(path: string, opened: OpenFile): Promise<HashedFile | 'changed'> {
    const temporary = this.#temporary();
    try {
      const digest = await this.#copyTo(temporary, path, opened);
      const isKept = digest !== 'changed' && !this.#isHere(digest);
      if (isKept) {
        this.#finish(temporary, digest);
        const waiting = waitingPath(this.#task.session, digest);
        this.#inFolder(waiting, () => renameSync(temporary, waiting));
      } else {
        rmSync(temporary, { force: true });
      }
      return digest === 'changed' ? digest : { digest, stamp: stampOf(opened.facts) };
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  /** Permissions and seal of a copy. A clone has the permissions of its source, and the umask knows nothing of who shares a cache. */
  #finish(copy: string, digest: Digest): void {
    const facts = lstatSync(copy);
    const mode = this.#shared ? objectMode : facts.mode & objectMode;
    if ((facts.mode & 0o777) !== mode) chmodSync(copy, mode);
    seal(copy, digest, facts);
  }

  /** @returns digest of the copy; no copy is made of bytes that are here already */
  async #copyTo(temporary: string, path: string, opened: OpenFile): Promise<Digest | 'changed'> {
    if (this.#task.link === 'reflink' && this.#made(temporary, () => copyFileSync(path, temporary, cloneOnly))) {
      return (await withFile(temporary, (clone) => hashOpen(clone, temporary, this.#control))) ?? 'changed';
    }
    if (opened.facts.size > oneRead) {
      const copied = await this.#intoFile(temporary, (sink) => pump(opened.fd, sink, this.#control));
      return copied.bytes === opened.facts.size && isAsItWas(opened) ? copied.digest : 'changed';
    }
    const bytes = readWhole(opened);
    if (bytes === null) return 'changed';
    const digest = digestOf(bytes);
    if (!this.#isHere(digest)) await this.#intoFile(temporary, (sink) => writeWhole(sink, bytes));
    this.#control.told(bytes.length);
    return digest;
  }

  async #intoFile<T>(path: string, work: (sink: number) => T | Promise<T>): Promise<T> {
    const sink = this.#inFolder(path, () => openSync(path, 'wx', objectMode));
    try {
      return await work(sink);
    } finally {
      closeSync(sink);
    }
  }

  #isHere(digest: Digest): boolean {
    return isTrusted(this.#task.root, digest) || existsSync(waitingPath(this.#task.session, digest));
  }

  /** A name of this thread's own. */
  #temporary(): string {
    return join(this.#task.session, `file.${threadId}`);
  }

  /** Makes a file of the session by a call that not every file system knows. */
  #made(path: string, make: () => void): boolean {
    return this.#inFolder(path, () => isAllowed(make));
  }

  #inFolder<T>(path: string, make: () => T): T {
    try {
      return make();
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      makeFolder(this.#task.root, dirname(path));
      return make();
    }
  }
}

const cloneOnly = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE;

const silent: Control = { throwIfAborted: () => undefined, told: () => undefined };

/** Clocks of file systems tick every 1 to 10 ms. */
const restMs = 50;

const refusals = new Set(['EPERM', 'EACCES', 'EXDEV', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'ENOSYS', 'ENOTTY']);

/** Does something that a file system or the owner of a file may refuse. Other failures come through. */
export function isAllowed(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (refusals.has(errnoOf(error) ?? '')) return false;
    throw error;
  }
}

export function writeWhole(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done);
}

function oneBehindTheOther(pieces: readonly Buffer[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
