// A row of an index as its bytes (see index-file.ts): most rows of a folder are only looked at and copied, and a million of them should not become objects
// of objects.
import type { Stats } from 'node:fs';
import type { Digest } from '../base/digest.ts';
import { flag, type FileState, type FoundFile, type IndexRow } from './index-file.ts';

/** The file is not what its writer left: whoever reads it begins anew, without it. */
export class SpoiledIndex extends Error {}

/** What a stat says. */
export type Facts = Pick<Stats, 'size' | 'mtimeMs' | 'ctimeMs' | 'ino' | 'nlink' | 'mode'>;

const asFound = flag.found | flag.stamped;
const asVersion = asFound | flag.version | flag.same;

/** What stands behind the path of a row; `read` moves it to another row. */
export class RowFacts {
  #block: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #flags = 0;
  #versionAt = 0;
  #versionBytes = 0;
  #foundAt = 0;
  #foundBytes = 0;
  #mtimeMs = 0;
  #ctimeMs = 0;
  #ino = 0;

  /** @param at where the facts begin; end: of the block. @returns where they end @throws SpoiledIndex */
  read(block: Buffer, at: number, end: number): number {
    this.#block = block;
    this.#at = at;
    this.#end = end;
    const flags = block[this.#skip(1)] as number;
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
    return this.#at;
  }

  /** Is the file as it was found, if this is what a stat says of it? */
  isAsFound(facts: Facts): boolean {
    if ((this.#flags & asFound) !== asFound) return false;
    if (facts.mtimeMs !== this.#mtimeMs || facts.size !== this.#foundBytes || facts.ino !== this.#ino) return false;
    if (this.#ctimeMs !== 0 && facts.nlink === 1 && facts.ctimeMs !== this.#ctimeMs) return false;
    return ((facts.mode & 0o100) !== 0) === ((this.#flags & flag.foundExecutable) !== 0);
  }

  /** Has what was found the bytes and the mode that the version has? */
  get isVersion(): boolean {
    if ((this.#flags & (asVersion & ~flag.stamped)) !== (asVersion & ~flag.stamped)) return false;
    return ((this.#flags & flag.versionExecutable) !== 0) === ((this.#flags & flag.foundExecutable) !== 0);
  }

  get version(): FileState | null {
    if ((this.#flags & flag.version) === 0) return null;
    return { digest: this.#digest(this.#versionAt), bytes: this.#versionBytes, executable: (this.#flags & flag.versionExecutable) !== 0 };
  }

  get found(): FoundFile | null {
    if ((this.#flags & flag.found) === 0) return null;
    const isStamped = (this.#flags & flag.stamped) !== 0;
    const stamp = { bytes: this.#foundBytes, mtimeMs: this.#mtimeMs, ctimeMs: this.#ctimeMs, ino: this.#ino, links: this.#ctimeMs === 0 ? 2 : 1 };
    return {
      digest: this.#digest(this.#foundAt),
      bytes: this.#foundBytes,
      executable: (this.#flags & flag.foundExecutable) !== 0,
      stamp: isStamped ? stamp : null,
    };
  }

  #digest(at: number): Digest {
    return `sha256:${this.#block.toString('hex', at, at + 32)}`;
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
      const byte = this.#block[this.#skip(1)] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new SpoiledIndex();
  }
}

/** One for all rows: nothing is asked of it after it has moved on. */
const scratch = new RowFacts();

/** A row that was read from an index. What it says is decoded each time it is asked for. */
export class KnownRow implements IndexRow {
  readonly path: string;
  readonly #block: Buffer;
  readonly #at: number;
  readonly #end: number;

  /** @param block which stays as it is; the facts of the row are the bytes from `at` to `end` */
  constructor(path: string, block: Buffer, at: number, end: number) {
    this.path = path;
    this.#block = block;
    this.#at = at;
    this.#end = end;
  }

  /** What stands behind its path in the file. */
  get facts(): Uint8Array {
    return this.#block.subarray(this.#at, this.#end);
  }

  get version(): FileState | null {
    return this.#read().version;
  }

  get found(): FoundFile | null {
    return this.#read().found;
  }

  isAsFound(facts: Facts): boolean {
    return this.#read().isAsFound(facts);
  }

  get isVersion(): boolean {
    return this.#read().isVersion;
  }

  #read(): RowFacts {
    scratch.read(this.#block, this.#at, this.#end);
    return scratch;
  }
}

/** Is what stands in the folder not what the version has? */
export function differs(row: IndexRow): boolean {
  if (row instanceof KnownRow && row.isVersion) return false;
  const { version, found } = row;
  return version?.digest !== found?.digest || version?.executable !== found?.executable;
}
