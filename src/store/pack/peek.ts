// One object out of a pack of this machine, without reading its index: a command that needs a manifest and nothing else shall not read the indexes of a
// million objects for it. An index of ours is stored as it is, so that the digests in it can be searched where they lie, and every number that is used
// is checked as `parsePackIndex` does.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { digestOf, type Digest } from '../../base/digest.ts';
import { columnsOf, footerBytes, parseFooter } from './index-file.ts';
import { forms } from './pack.ts';

/** What `zstdStored` makes of the index: a header, and blocks with a header each. */
const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x80, 0x38]);
const headerBytes = 10;
const blockHeaderBytes = 3;
const blockBytes = 128 * 1024;
/** An object that is larger is not looked for in this way. */
const mostBytes = 1024 * 1024;

/**
 * @returns the object's bytes, verified; null: it is not there, or not to be had in this way
 * @throws what the system throws: ENOENT and the like
 */
export function peekObject(path: string, digest: Digest): Buffer | null {
  const file = openSync(path, 'r');
  try {
    return new Peek(file).find(digest);
  } finally {
    closeSync(file);
  }
}

class Peek {
  readonly #file: number;

  constructor(file: number) {
    this.#file = file;
  }

  find(digest: Digest): Buffer | null {
    const { size } = fstatSync(this.#file);
    if (size < footerBytes) return null;
    const end = this.#read(size - footerBytes, footerBytes);
    const footer = parseFooter(end, size);
    const blocks = Math.max(1, Math.ceil(footer.rawBytes / blockBytes));
    const isStored = footer.storedBytes === headerBytes + blocks * blockHeaderBytes + footer.rawBytes;
    if (!isStored || !this.#read(footer.index, header.length).equals(header)) return null;
    const raw = (at: number, length: number): Buffer => this.#raw(footer.index, at, length);
    const columns = columnsOf(footer.frames, footer.objects);
    const wanted = Buffer.from(digest.slice(7), 'hex');
    let low = 0;
    let high = footer.objects;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (raw(columns.digest + middle * 32, 32).compare(wanted) < 0) low = middle + 1;
      else high = middle;
    }
    if (low === footer.objects || !raw(columns.digest + low * 32, 32).equals(wanted)) return null;
    const u32 = (at: number): number => raw(at, 4).readUInt32LE();
    const [frame, offset, length] = [u32(columns.frame + low * 4), u32(columns.offset + low * 4), u32(columns.length + low * 4)];
    const isPlain = raw(columns.form + low, 1)[0] === forms.bytes && frame < footer.frames && length <= mostBytes;
    if (!isPlain || raw(columns.codec + frame, 1)[0] !== 0 || offset + length > u32(columns.stored + frame * 4)) return null;
    const start = Number(raw(columns.frameOffset + frame * 8, 8).readBigUInt64LE()) + offset;
    if (start + length > footer.index) return null;
    const bytes = this.#read(start, length);
    return digestOf(bytes) === digest ? bytes : null;
  }

  /** Bytes of the raw index, which may lie in two blocks of it. */
  #raw(index: number, at: number, length: number): Buffer {
    const block = Math.floor(at / blockBytes);
    const here = Math.min(length, (block + 1) * blockBytes - at);
    const bytes = this.#read(index + headerBytes + (block + 1) * blockHeaderBytes + at, here);
    return here === length ? bytes : Buffer.concat([bytes, this.#raw(index, at + here, length - here)]);
  }

  /** Fewer bytes where the file ends before: what is made of them is verified. */
  #read(offset: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    readSync(this.#file, bytes, 0, length, offset);
    return bytes;
  }
}
