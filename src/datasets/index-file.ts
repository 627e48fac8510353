// What is known of the files of one folder, in one file of this machine: which version the folder is compared with, and what was found when each file
// was last hashed. Sorted by path, written and read from front to back: it is merged with a walk through the folder, and never held in memory.
//
//   head     "PLSTAT1\n"; 32 bytes: root of the version's tree, or zeros where there is no version; f64 files and f64 bytes of the version; f64 rows;
//            32 bytes: the cache's state when all objects of the version were known to be in it, or zeros; u32 CRC-32 of all this
//   blocks   u32 length, u32 CRC-32, then rows. The first row of a block shares nothing with the one before
//   row      varint UTF-16 units that its path shares with the one before, varint bytes that follow, these; u8 flags (below);
//            of the version, where it has the file: 32-byte digest, varint size;
//            of what was found: 32-byte digest, varint size, both only where they are not those of the version; then,
//            where it can be trusted: f64 mtime, f64 ctime (0: not to be compared), varint inode
//
// It may vanish, be cut off or be spoiled at any time: then files are hashed again.
import { closeSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { temporaryBeside } from '../base/atomic.ts';
import { hexOf, type Digest } from '../base/digest.ts';
import type { FileStamp } from '../store/cache/cache.ts';

/** A file as a version has it, or as it stands. */
export interface FileState {
  readonly digest: Digest;
  readonly bytes: number;
  readonly executable: boolean;
}

export interface FoundFile extends FileState {
  /** null: it was written just before it was hashed, so that its stamp says nothing */
  readonly stamp: FileStamp | null;
}

export interface IndexRow {
  readonly path: string;
  /** null: the version has no such file */
  readonly version: FileState | null;
  /** null: there is no such file in the folder */
  readonly found: FoundFile | null;
}

/** Is what stands in the folder not what the version has? */
export function differs({ version, found }: IndexRow): boolean {
  return version?.digest !== found?.digest || version?.executable !== found?.executable;
}

export interface IndexHead {
  readonly version: { readonly tree: Digest; readonly files: number; readonly bytes: number } | null;
  /** 64 hex digits; null: not known to be in the cache */
  readonly cacheState: string | null;
}

const magic = 'PLSTAT1\n';
const headBytes = 8 + 32 + 3 * 8 + 32 + 4;
const blockBytes = 65_536;
const mostBlockBytes = 2 * blockBytes;
const flag = { version: 1, versionExecutable: 2, found: 4, foundExecutable: 8, same: 16, stamped: 32 } as const;
const noDigest = '0'.repeat(64);

/** The file is not what its writer left: whoever reads it begins anew, without it. */
export class SpoiledIndex extends Error {}

/** A place in an index: `next` moves it on. */
export class IndexReader {
  readonly head: IndexHead;
  path = '';
  #read = 0;
  readonly #rows: number;
  readonly #fd: number;
  readonly #block: Buffer = Buffer.allocUnsafe(mostBlockBytes);
  #offset = headBytes;
  #at = 0;
  #end = 0;
  #flagsAt = 0;
  #flags = 0;
  #versionAt = 0;
  #versionBytes = 0;
  #foundAt = 0;
  #foundBytes = 0;
  #mtimeMs = 0;
  #ctimeMs = 0;
  #ino = 0;

  /** @returns null: there is none, or it is spoiled */
  static open(file: string): IndexReader | null {
    let fd: number;
    try {
      fd = openSync(file, 'r');
    } catch {
      return null;
    }
    try {
      const head = Buffer.alloc(headBytes);
      if (readSync(fd, head, 0, headBytes, null) === headBytes && head.toString('latin1', 0, 8) === magic && crcHolds(head))
        return new IndexReader(fd, head);
    } catch {
      // a disk that cannot be read
    }
    closeSync(fd);
    return null;
  }

  private constructor(fd: number, head: Buffer) {
    this.#fd = fd;
    const tree = head.toString('hex', 8, 40);
    const cacheState = head.toString('hex', 64, 96);
    this.#rows = head.readDoubleLE(56);
    this.head = {
      version: tree === noDigest ? null : { tree: `sha256:${tree}`, files: head.readDoubleLE(40), bytes: head.readDoubleLE(48) },
      cacheState: cacheState === noDigest ? null : cacheState,
    };
  }

  /** Rows that `next` has moved over. */
  get rowsRead(): number {
    return this.#read;
  }

  /** @returns false at the end @throws SpoiledIndex */
  next(): boolean {
    if (this.#at === this.#end && !this.#nextBlock()) return false;
    const block = this.#block;
    const shared = this.#varint();
    const rest = this.#varint();
    const start = this.#at;
    this.#at += rest;
    if (shared > this.path.length || this.#at >= this.#end) throw new SpoiledIndex();
    this.path = this.#pathOf(shared, block, start);
    this.#flagsAt = this.#at;
    const flags = block[this.#at++] as number;
    this.#flags = flags;
    if ((flags & flag.version) !== 0) {
      this.#versionAt = this.#skip(32);
      this.#versionBytes = this.#varint();
    }
    if ((flags & flag.found) !== 0) {
      if ((flags & flag.same) === 0) {
        this.#foundAt = this.#skip(32);
        this.#foundBytes = this.#varint();
      } else {
        this.#foundAt = this.#versionAt;
        this.#foundBytes = this.#versionBytes;
      }
      if ((flags & flag.stamped) !== 0) {
        this.#mtimeMs = block.readDoubleLE(this.#skip(8));
        this.#ctimeMs = block.readDoubleLE(this.#skip(8));
        this.#ino = this.#varint();
      }
    }
    if (this.#at > this.#end) throw new SpoiledIndex();
    this.#read += 1;
    return true;
  }

  /** Is the file as the version has it, if this is what a stat says of it? Without a look at a digest. */
  isVersion(facts: {
    readonly size: number;
    readonly mtimeMs: number;
    readonly ctimeMs: number;
    readonly ino: number;
    readonly nlink: number;
    readonly mode: number;
  }): boolean {
    if ((this.#flags & asVersion) !== asVersion) return false;
    if (facts.mtimeMs !== this.#mtimeMs || facts.size !== this.#foundBytes || facts.ino !== this.#ino) return false;
    if (this.#ctimeMs !== 0 && facts.nlink === 1 && facts.ctimeMs !== this.#ctimeMs) return false;
    return ((facts.mode & 0o100) !== 0) === ((this.#flags & flag.versionExecutable) !== 0);
  }

  /** What the index says of the path. */
  row(): IndexRow {
    const flags = this.#flags;
    const version =
      (flags & flag.version) === 0
        ? null
        : { digest: this.#digest(this.#versionAt), bytes: this.#versionBytes, executable: (flags & flag.versionExecutable) !== 0 };
    if ((flags & flag.found) === 0) return { path: this.path, version, found: null };
    const executable = (flags & flag.foundExecutable) !== 0;
    const stamp =
      (flags & flag.stamped) === 0
        ? null
        : { bytes: this.#foundBytes, mtimeMs: this.#mtimeMs, ctimeMs: this.#ctimeMs, ino: this.#ino, links: this.#ctimeMs === 0 ? 2 : 1 };
    const digest = version !== null && (flags & flag.same) !== 0 ? version.digest : this.#digest(this.#foundAt);
    return { path: this.path, version, found: { digest, bytes: this.#foundBytes, executable, stamp } };
  }

  /** What the file has of the row behind its path. */
  get facts(): Uint8Array {
    return this.#block.subarray(this.#flagsAt, this.#at);
  }

  /** Back to before the first row. */
  restart(): void {
    this.#offset = headBytes;
    this.#read = this.#at = this.#end = 0;
    this.path = '';
  }

  close(): void {
    closeSync(this.#fd);
  }

  #digest(at: number): Digest {
    return `sha256:${this.#block.toString('hex', at, at + 32)}`;
  }

  #nextBlock(): boolean {
    const lengths = Buffer.allocUnsafe(8);
    const got = readSync(this.#fd, lengths, 0, 8, this.#offset);
    if (got === 0 && this.#read === this.#rows) return false;
    const length = got === 8 ? lengths.readUInt32LE(0) : 0;
    if (length === 0 || length > mostBlockBytes || readSync(this.#fd, this.#block, 0, length, this.#offset + 8) !== length) throw new SpoiledIndex();
    if (crc32(this.#block.subarray(0, length)) !== lengths.readUInt32LE(4)) throw new SpoiledIndex();
    this.#offset += 8 + length;
    this.#at = 0;
    this.#end = length;
    this.path = '';
    return true;
  }

  #pathOf(shared: number, block: Buffer, start: number): string {
    const rest = block.toString('utf8', start, this.#at);
    return shared === 0 ? rest : this.path.slice(0, shared) + rest;
  }

  #skip(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    if (this.#at > this.#end) throw new SpoiledIndex();
    return at;
  }

  #varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 56; factor *= 128) {
      const byte = this.#block[this.#at++];
      if (byte === undefined || this.#at > this.#end) break;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new SpoiledIndex();
  }
}

const asVersion = flag.version | flag.found | flag.same | flag.stamped;

function crcHolds(head: Buffer): boolean {
  return crc32(head.subarray(0, headBytes - 4)) === head.readUInt32LE(headBytes - 4);
}

/** Completes the head and writes it. */
function writeHead(fd: number, head: Buffer, cacheState: string | null): void {
  head.write(cacheState ?? noDigest, 64, 'hex');
  head.writeUInt32LE(crc32(head.subarray(0, headBytes - 4)), headBytes - 4);
  writeSync(fd, head, 0, headBytes, 0);
}

/** Notes in an index that is there that all objects of its version are in the cache. What cannot be noted is looked for again. */
export function noteCacheState(file: string, cacheState: string): void {
  try {
    const fd = openSync(file, 'r+');
    try {
      const head = Buffer.alloc(headBytes);
      if (readSync(fd, head, 0, headBytes, 0) === headBytes && crcHolds(head)) writeHead(fd, head, cacheState);
    } finally {
      closeSync(fd);
    }
  } catch {
    // not ours to write
  }
}

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
    writeSync(this.#fd, Buffer.alloc(headBytes));
  }

  add({ path, version, found }: IndexRow): void {
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

  /** Takes over the row that a reader is at. */
  copy({ path, facts }: IndexReader): void {
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
  commit({ version, cacheState }: IndexHead): void {
    this.#flush();
    const head = Buffer.alloc(headBytes);
    head.write(magic, 0, 'latin1');
    head.write(version === null ? noDigest : hexOf(version.tree), 8, 'hex');
    head.writeDoubleLE(version?.files ?? 0, 40);
    head.writeDoubleLE(version?.bytes ?? 0, 48);
    head.writeDoubleLE(this.#rows, 56);
    writeHead(this.#fd, head, cacheState);
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
