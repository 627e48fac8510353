// Writing an index of a folder: see index-file.ts for the format.
import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { temporaryBeside } from '../base/atomic.ts';
import { hexOf } from '../base/digest.ts';
import type { FileStamp } from '../store/cache/cache.ts';
import { blockBytes, encodeHead, flag, headBytes, mostBlockBytes, type FileState, type IndexHead, type IndexRow } from './index-file.ts';
import { KnownRow } from './index-row.ts';

/** Writes an index, row by row in the order of paths. It takes the place of the one before at `commit`. */
export class IndexWriter {
  readonly file: string;
  readonly #temporary: string;
  readonly #fd: number;
  readonly #block: Buffer = Buffer.allocUnsafe(mostBlockBytes);
  #at = 0;
  #rows = 0;
  #path = '';
  #closed = false;

  /** @throws the file system's error */
  constructor(file: string) {
    this.file = file;
    this.#temporary = temporaryBeside(file);
    this.#fd = openSync(this.#temporary, 'wx', 0o666);
    try {
      writeSync(this.#fd, Buffer.alloc(headBytes));
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  add(row: IndexRow): void {
    if (row instanceof KnownRow) this.copy(row);
    else this.#add(row);
  }

  #add({ path, version, found }: IndexRow): void {
    const same = version !== null && found !== null && version.digest === found.digest && version.bytes === found.bytes;
    const flags =
      (version === null ? 0 : flag.version | (version.executable ? flag.versionExecutable : 0)) |
      (found === null ? 0 : flag.found | (found.executable ? flag.foundExecutable : 0) | (found.stamp === null ? 0 : flag.stamped)) |
      (same ? flag.same : 0);
    this.#addPath(path);
    this.#block[this.#at++] = flags;
    if (version !== null) this.#addState(version);
    if (found !== null && !same) this.#addState(found);
    if (found?.stamp) this.#addStamp(found.stamp);
    this.#ended();
  }

  /** Takes over a row as it was read. */
  copy({ path, facts }: { readonly path: string; readonly facts: Uint8Array }): void {
    this.#addPath(path);
    this.#block.set(facts, this.#at);
    this.#at += facts.length;
    this.#ended();
  }

  #ended(): void {
    this.#rows += 1;
    if (this.#at >= blockBytes) this.#flush();
  }

  /** Puts it in place. It is not flushed to the disk: what a power cut spoils is noticed. @throws the file system's error */
  commit(head: IndexHead): void {
    this.#flush();
    writeSync(this.#fd, encodeHead(head, this.#rows), 0, headBytes, 0);
    closeSync(this.#fd);
    this.#closed = true;
    renameSync(this.#temporary, this.file);
  }

  abandon(): void {
    if (!this.#closed) closeSync(this.#fd);
    this.#closed = true;
    rmSync(this.#temporary, { force: true });
  }

  #addPath(path: string): void {
    // of characters, so that both sides can cut strings; half a surrogate pair is never shared
    let shared = 0;
    const most = Math.min(path.length, this.#path.length);
    while (shared < most && path.charCodeAt(shared) === this.#path.charCodeAt(shared)) shared += 1;
    if (shared > 0 && (path.charCodeAt(shared - 1) & 0xfc00) === 0xd800) shared -= 1;
    const rest = path.slice(shared);
    this.#addVarint(shared);
    this.#addVarint(Buffer.byteLength(rest));
    this.#at += this.#block.write(rest, this.#at, 'utf8');
    this.#path = path;
  }

  #addState({ digest, bytes }: FileState): void {
    this.#at += this.#block.write(hexOf(digest), this.#at, 'hex');
    this.#addVarint(bytes);
  }

  #addStamp({ mtimeMs, ctimeMs, ino, links }: FileStamp): void {
    this.#at = this.#block.writeDoubleLE(mtimeMs, this.#at);
    this.#at = this.#block.writeDoubleLE(links === 1 ? ctimeMs : 0, this.#at);
    this.#addVarint(ino);
  }

  #addVarint(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#block[this.#at++] = (rest % 128) | 0x80;
    this.#block[this.#at++] = rest;
  }

  #flush(): void {
    if (this.#at === 0) return;
    const lengths = Buffer.allocUnsafe(8);
    lengths.writeUInt32LE(this.#at, 0);
    lengths.writeUInt32LE(crc32(this.#block.subarray(0, this.#at)), 4);
    writeSync(this.#fd, lengths);
    for (let done = 0; done < this.#at;) done += writeSync(this.#fd, this.#block, done, this.#at - done);
    this.#at = 0;
    this.#path = '';
  }
}

/** Keeps an index as far as it can be kept: it is a cache, and no command fails for want of it. @param file null: nothing is kept */
export function keepIndex(file: string | null): Pick<IndexWriter, 'add' | 'copy' | 'commit' | 'abandon'> {
  let writer: IndexWriter | null = null;
  const unlessFailed = (work: (to: IndexWriter) => void): void => {
    try {
      if (writer !== null) work(writer);
    } catch {
      writer?.abandon();
      writer = null;
    }
  };
  try {
    if (file !== null) writer = openIndexWriter(file);
  } catch {
    // a folder that cannot be written to
  }
  return {
    add: (row) => unlessFailed((to) => to.add(row)),
    copy: (from) => unlessFailed((to) => to.copy(from)),
    commit: (head) => unlessFailed((to) => to.commit(head)),
    abandon: () => unlessFailed((to) => to.abandon()),
  };
}

/** @throws the file system's error */
export function openIndexWriter(file: string): IndexWriter {
  mkdirSync(dirname(file), { recursive: true });
  return new IndexWriter(file);
}
