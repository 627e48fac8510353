// Reading an index of a folder: see index-file.ts for the format. No row is made before it is asked for: most are only compared.
import { closeSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { headBytes, mostBlockBytes, readHead, type IndexHead } from './index-file.ts';
import { KnownRow, RowFacts, SpoiledIndex, type Facts } from './index-row.ts';

/** A place in an index: `next` moves it on. */
export class IndexReader {
  readonly head: IndexHead;
  path = '';
  #read = 0;
  readonly #rows: number;
  readonly #fd: number;
  #block: Buffer = Buffer.allocUnsafeSlow(mostBlockBytes);
  /** rows that were handed out lie in it */
  #isLent = false;
  #offset = headBytes;
  #at = 0;
  #end = 0;
  #factsAt = 0;
  readonly #facts = new RowFacts();

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
    this.#factsAt = start + rest;
    if (shared > this.path.length || this.#factsAt >= this.#end) throw new SpoiledIndex();
    const name = block.toString('utf8', start, this.#factsAt);
    this.path = shared === 0 ? name : this.path.slice(0, shared) + name;
    this.#at = this.#facts.read(block, this.#factsAt, this.#end);
    this.#read += 1;
    return true;
  }

  /** Is the file as the version has it, if this is what a stat says of it? Without a look at a digest. */
  isVersion(facts: Facts): boolean {
    return this.#facts.isAsFound(facts) && this.#facts.isVersion;
  }

  /** What the index says of the path. */
  row(): KnownRow {
    this.#isLent = true;
    return new KnownRow(this.path, this.#block, this.#factsAt, this.#at);
  }

  /** What the file has of the row behind its path. */
  get facts(): Uint8Array {
    return this.#block.subarray(this.#factsAt, this.#at);
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

  #nextBlock(): boolean {
    const lengths = Buffer.allocUnsafe(8);
    const got = readSync(this.#fd, lengths, 0, 8, this.#offset);
    if (got === 0 && this.#read === this.#rows) return false;
    const length = got === 8 ? lengths.readUInt32LE(0) : 0;
    if (length === 0 || length > mostBlockBytes) throw new SpoiledIndex();
    if (this.#isLent) this.#block = Buffer.allocUnsafeSlow(mostBlockBytes);
    this.#isLent = false;
    if (readSync(this.#fd, this.#block, 0, length, this.#offset + 8) !== length) throw new SpoiledIndex();
    if (crc32(this.#block.subarray(0, length)) !== lengths.readUInt32LE(4)) throw new SpoiledIndex();
    this.#offset += 8 + length;
    this.#at = 0;
    this.#end = length;
    this.path = '';
    return true;
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
