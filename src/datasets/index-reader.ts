// Reading an index of a folder: see index-file.ts for the format. No row is made before it is asked for: most are only compared.
import { closeSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { Digest } from '../base/digest.ts';
import { flag, headBytes, mostBlockBytes, readHead, type IndexHead, type IndexRow } from './index-file.ts';

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
      const known = readHead(fd);
      if (known !== null) return new IndexReader(fd, known);
    } catch {
      // a disk that cannot be read
    }
    closeSync(fd);
    return null;
  }

  private constructor(fd: number, { head, rows }: { readonly head: IndexHead; readonly rows: number }) {
    this.#fd = fd;
    this.#rows = rows;
    this.head = head;
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
