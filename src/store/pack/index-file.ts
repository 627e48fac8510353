// The end of a pack, as bytes and in memory: the index (columns, see pack.ts) and the footer. Bytes from a remote are hostile: every number is
// checked here once, so that whoever has a PackIndex can trust its bounds (not its digests: an object is verified when it is read).
import type { Digest } from '../../base/digest.ts';
import { maxFrameBytes, packInvalid, unzstd } from './frame.ts';
import { forms, type Form, type FrameLocation, type Location, type PackIndex } from './pack.ts';

export const magic: Buffer = Buffer.from('PLPACK1\n', 'latin1');
export const footerBytes = 40;
/** Bytes of an index for one frame, for one object. */
export const frameRow = 17;
export const objectRow = 53;
/** A pack with more objects is refused: its index would take more than 56 MB. */
export const maxObjects: number = 1 << 20;
const maxFrames = 1 << 20;

export interface Footer {
  /** where the tail begins, in the file */
  readonly tail: number;
  /** where the index begins, in the file */
  readonly index: number;
  readonly storedBytes: number;
  readonly rawBytes: number;
  readonly frames: number;
  readonly objects: number;
}

/** Where the columns of a raw index begin. */
export function columnsOf(
  frames: number,
  objects: number,
): Record<'frameOffset' | 'stored' | 'raw' | 'codec' | 'digest' | 'frame' | 'offset' | 'length' | 'form' | 'bytes', number> {
  const digest = frames * frameRow;
  return {
    frameOffset: 0,
    stored: frames * 8,
    raw: frames * 12,
    codec: frames * 16,
    digest,
    frame: digest + objects * 32,
    offset: digest + objects * 36,
    length: digest + objects * 40,
    form: digest + objects * 44,
    bytes: digest + objects * 45,
  };
}

export function encodeFooter(footer: Footer): Buffer {
  const bytes = Buffer.allocUnsafe(footerBytes);
  bytes.writeBigUInt64LE(BigInt(footer.tail), 0);
  bytes.writeBigUInt64LE(BigInt(footer.index), 8);
  bytes.writeUInt32LE(footer.storedBytes, 16);
  bytes.writeUInt32LE(footer.rawBytes, 20);
  bytes.writeUInt32LE(footer.frames, 24);
  bytes.writeUInt32LE(footer.objects, 28);
  magic.copy(bytes, 32);
  return bytes;
}

/**
 * @param end bytes of the pack up to its very end, at least the last 40
 * @param fileBytes of the whole pack
 * @throws PlumbError PACK_INVALID
 */
export function parseFooter(end: Uint8Array, fileBytes: number): Footer {
  if (end.length < footerBytes || fileBytes < magic.length + footerBytes) throw packInvalid('a pack is too short to be one');
  const bytes = Buffer.from(end.buffer, end.byteOffset + end.length - footerBytes, footerBytes);
  if (!bytes.subarray(32).equals(magic)) throw packInvalid('a pack does not end as one: it is another file, or was cut');
  const footer: Footer = {
    tail: Number(bytes.readBigUInt64LE(0)),
    index: Number(bytes.readBigUInt64LE(8)),
    storedBytes: bytes.readUInt32LE(16),
    rawBytes: bytes.readUInt32LE(20),
    frames: bytes.readUInt32LE(24),
    objects: bytes.readUInt32LE(28),
  };
  const { tail, index, storedBytes, rawBytes, frames, objects } = footer;
  if (frames > maxFrames || objects > maxObjects) throw packInvalid(`a pack says it has ${frames} frames and ${objects} objects, more than may be`);
  const isWhole =
    tail >= magic.length && tail <= index && index + storedBytes + footerBytes === fileBytes && rawBytes === frames * frameRow + objects * objectRow;
  if (!isWhole) throw packInvalid('the footer of a pack contradicts itself or the size of the file');
  return footer;
}

/**
 * The index of a pack.
 * @param end bytes of the pack up to its very end, from the index or from before it
 * @param fileBytes of the whole pack
 * @throws PlumbError PACK_INVALID
 */
export function parsePackIndex(end: Uint8Array, fileBytes: number): PackIndex {
  const footer = parseFooter(end, fileBytes);
  const start = end.length - footerBytes - footer.storedBytes;
  if (start < 0) throw packInvalid('the index of a pack is not among the bytes that came');
  const stored = end.subarray(start, start + footer.storedBytes);
  const raw = footer.rawBytes === 0 ? Buffer.alloc(0) : unzstd(stored, footer.rawBytes, 'the index of a pack');
  return new RawIndex(raw, footer);
}

const wide = 2 ** 32;

class RawIndex implements PackIndex {
  readonly frames: number;
  readonly objects: number;
  readonly tail: number;
  readonly digests: Buffer;
  readonly #raw: Buffer;
  readonly #view: DataView;
  readonly #columns: ReturnType<typeof columnsOf>;
  /** first entry whose digest begins with this byte or a larger one */
  readonly #fan = new Uint32Array(257);
  #byFrame: { readonly first: Uint32Array; readonly entries: Uint32Array } | null = null;

  constructor(raw: Buffer, footer: Footer) {
    this.frames = footer.frames;
    this.objects = footer.objects;
    this.tail = footer.tail;
    this.#raw = raw;
    this.#view = new DataView(raw.buffer, raw.byteOffset, raw.length);
    this.#columns = columnsOf(footer.frames, footer.objects);
    this.digests = raw.subarray(this.#columns.digest, this.#columns.frame);
    this.#checkFrames(footer);
    this.#checkDigests();
    this.#checkObjects();
  }

  find(digest: Digest): number {
    return this.findBytes(Buffer.from(digest.slice(7), 'hex'));
  }

  findBytes(digest: Uint8Array): number {
    if (digest.length !== 32) return -1;
    const { digests } = this;
    const first = digest[0] as number;
    const start = wordOf(digest, 0);
    let low = this.#fan[first] as number;
    let high = this.#fan[first + 1] as number;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = middle * 32;
      // nearly always the first bytes decide, and a call that leaves JavaScript costs ten times as much
      const order = wordOf(digests, at) - start || digests.compare(digest, 0, 32, at, at + 32);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  digestAt(entry: number): Digest {
    const at = this.#entry(entry) * 32;
    return `sha256:${this.digests.toString('hex', at, at + 32)}`;
  }

  locationAt(entry: number): Location {
    const { frame, offset, length, form, bytes } = this.#columns;
    this.#entry(entry);
    return {
      frame: this.#u32(frame + entry * 4),
      offset: this.#u32(offset + entry * 4),
      length: this.#u32(length + entry * 4),
      form: this.#raw[form + entry] as Form,
      bytes: this.#u64(bytes + entry * 8),
    };
  }

  frameAt(frame: number): FrameLocation {
    if (!(frame >= 0 && frame < this.frames)) throw new Error(`no frame ${frame} among ${this.frames}`);
    const { frameOffset, stored, raw, codec } = this.#columns;
    return {
      offset: this.#u64(frameOffset + frame * 8),
      stored: this.#u32(stored + frame * 4),
      raw: this.#u32(raw + frame * 4),
      codec: this.#raw[codec + frame] as 0 | 1,
    };
  }

  entriesOf(frame: number): readonly number[] {
    this.#byFrame ??= this.#groupByFrame();
    const { first, entries } = this.#byFrame;
    const { offset, length } = this.#columns;
    const own = [...entries.subarray(first[frame], first[frame + 1])];
    return own.toSorted(
      (a, b) => this.#u32(offset + a * 4) - this.#u32(offset + b * 4) || this.#u32(length + a * 4) - this.#u32(length + b * 4) || a - b,
    );
  }

  /** Counting sort of all entries by their frame. */
  #groupByFrame(): { readonly first: Uint32Array; readonly entries: Uint32Array } {
    const first = new Uint32Array(this.frames + 1);
    const column = this.#columns.frame;
    for (let entry = 0; entry < this.objects; entry += 1) first[this.#u32(column + entry * 4) + 1]! += 1;
    for (let frame = 0; frame < this.frames; frame += 1) first[frame + 1]! += first[frame] as number;
    const entries = new Uint32Array(this.objects);
    const next = first.slice();
    for (let entry = 0; entry < this.objects; entry += 1) {
      const frame = this.#u32(column + entry * 4);
      entries[next[frame] as number] = entry;
      next[frame]! += 1;
    }
    return { first, entries };
  }

  /** Frames lie one behind the other and fill the file; the tail begins at one of them. */
  #checkFrames(footer: Footer): void {
    let end = magic.length;
    let isTailAtFrame = footer.tail === footer.index;
    for (let number = 0; number < this.frames; number += 1) {
      const { offset, stored, raw, codec } = this.frameAt(number);
      if (offset !== end) throw packInvalid(`frame ${number} of a pack begins at ${offset}, the one before it ends at ${end}`);
      if (raw > maxFrameBytes || (codec === 0 ? stored !== raw : codec !== 1 || stored >= raw))
        throw packInvalid(`frame ${number} of a pack has sizes that cannot be`);
      if (offset === footer.tail) isTailAtFrame = true;
      end += stored;
    }
    if (end !== footer.index) throw packInvalid(`the frames of a pack end at ${end}, its index begins at ${footer.index}`);
    if (!isTailAtFrame) throw packInvalid('the tail of a pack begins in the middle of a frame');
  }

  #checkDigests(): void {
    const { digests } = this;
    let before = -1;
    for (let entry = 0; entry < this.objects; entry += 1) {
      const at = entry * 32;
      const word = wordOf(digests, at);
      if (word < before || (word === before && digests.compare(digests, at - 32, at, at, at + 32) <= 0))
        throw packInvalid('the objects of a pack are not in order');
      this.#fan[(digests[at] as number) + 1] = entry + 1;
      before = word;
    }
    for (let byte = 1; byte <= 256; byte += 1) this.#fan[byte] = Math.max(this.#fan[byte] as number, this.#fan[byte - 1] as number);
  }

  #checkObjects(): void {
    const columns = this.#columns;
    const free = Float64Array.from({ length: this.frames }, (_, frame) => this.#u32(columns.raw + frame * 4));
    for (let entry = 0; entry < this.objects; entry += 1) {
      const frame = this.#u32(columns.frame + entry * 4);
      const length = this.#u32(columns.length + entry * 4);
      const form = this.#raw[columns.form + entry] as number;
      const bytes = this.#u64(columns.bytes + entry * 8);
      const isIn = frame < this.frames && this.#u32(columns.offset + entry * 4) + length <= this.#u32(columns.raw + frame * 4);
      if (!isIn) throw packInvalid(`object ${entry} of a pack lies outside of its frame`);
      // what overlaps would be hashed again and again: a million objects of 16 MiB in one frame of a few bytes take hours
      free[frame]! -= length;
      if ((free[frame] as number) < 0) throw packInvalid(`frame ${frame} of a pack has objects that overlap`);
      if (form > forms.lines || !Number.isSafeInteger(bytes) || (form === forms.bytes && bytes !== length))
        throw packInvalid(`object ${entry} of a pack has a form or a size that cannot be`);
    }
  }

  #entry(entry: number): number {
    if (!(entry >= 0 && entry < this.objects)) throw new Error(`no entry ${entry} among ${this.objects}`);
    return entry;
  }

  #u32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  #u64(at: number): number {
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * wide;
  }
}

/** The first four bytes of a digest, as a number that sorts as they do. */
function wordOf(bytes: Uint8Array, at: number): number {
  return (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0;
}
