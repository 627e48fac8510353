// Reads packs: whole ones on this machine, the tail of one that came from a remote, frames out of a stream of bytes. What comes out is bounded and
// has the lengths that the index says; whether it is the object is for the caller to verify, against the digest.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Digest } from '../../base/digest.ts';
import { systemError } from '../../base/errors.ts';
import { decodeFrame, packInvalid } from './frame.ts';
import { footerBytes, magic, parseFooter, parsePackIndex } from './index-file.ts';
import type { FrameLocation, PackIndex } from './pack.ts';

const none = Buffer.alloc(0);

/** A decoded frame: objects of a frame are views of it. */
export interface DecodedFrame {
  readonly frame: number;
  readonly raw: Buffer;
}

/** An object as it is stored: its bytes, or a recipe (see its form). A view: it lives as long as the frame, and must not be written to. */
export interface StoredObject {
  readonly entry: number;
  readonly digest: Digest;
  readonly stored: Buffer;
}

/**
 * What a tail says.
 * @param bytes [tail, end) of the pack
 * @param at as a receipt has it: where the tail begins, and bytes of the whole pack
 * @throws PlumbError PACK_INVALID; from metaFrames, too
 */
export function readTail(
  bytes: Buffer,
  at: { readonly tail: number; readonly bytes: number },
): { readonly index: PackIndex; metaFrames(): Generator<DecodedFrame> } {
  if (bytes.length !== at.bytes - at.tail) throw packInvalid(`the tail of a pack has ${bytes.length} bytes, not ${at.bytes - at.tail}`);
  const index = parsePackIndex(bytes, at.bytes);
  if (index.tail !== at.tail) throw packInvalid(`the tail of a pack begins at ${index.tail}, its receipt says ${at.tail}`);
  return {
    index,
    *metaFrames() {
      for (let frame = 0; frame < index.frames; frame += 1) {
        const place = index.frameAt(frame);
        const start = place.offset - at.tail;
        if (start >= 0) yield { frame, raw: decodeFrame(bytes.subarray(start, start + place.stored), place) };
      }
    },
  };
}

/** The objects that lie in a frame, by their place in it. */
export function* objectsOf(index: PackIndex, { frame, raw }: DecodedFrame): Generator<StoredObject> {
  for (const entry of index.entriesOf(frame)) {
    const { offset, length } = index.locationAt(entry);
    yield { entry, digest: index.digestAt(entry), stored: raw.subarray(offset, offset + length) };
  }
}

/**
 * Takes frames out of the bytes of a pack as they come. Holds one frame.
 * @param pieces bytes of the pack from `start` on; what is behind the last frame is not read
 * @param frames that are wanted, ascending
 * @throws PlumbError PACK_INVALID when the pieces end before the last wanted frame does, or a frame cannot be decoded
 */
export async function* splitFrames(
  pieces: AsyncIterable<Uint8Array>,
  start: number,
  index: PackIndex,
  frames: readonly number[],
): AsyncGenerator<DecodedFrame> {
  const wanted = frames.map((frame) => ({ frame, place: index.frameAt(frame) }));
  let position = start;
  let next = 0;
  let stored: Buffer | null = null;
  let have = 0;
  const take = (piece: Buffer): DecodedFrame | null => {
    const { frame, place } = wanted[next] as { frame: number; place: FrameLocation };
    const from = place.offset + have - position;
    if (from < 0) throw new Error(`frame ${frame} lies before byte ${position}, or frames are not in order`);
    if (from > piece.length) return null;
    stored ??= Buffer.allocUnsafeSlow(place.stored);
    have += piece.copy(stored, have, from);
    if (have < place.stored) return null;
    const raw = decodeFrame(stored, place);
    stored = null;
    have = 0;
    next += 1;
    return { frame, raw };
  };
  if (wanted.length === 0) return;
  for await (const bytes of pieces) {
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    while (next < wanted.length) {
      const decoded = take(piece);
      if (decoded === null) break;
      yield decoded;
    }
    if (next === wanted.length) return;
    position += piece.length;
  }
  // a frame of nothing (an empty file's) may lie behind the last byte
  for (let decoded = take(none); decoded !== null; decoded = take(none)) {
    yield decoded;
    if (next === wanted.length) return;
  }
  throw packInvalid(`a pack ended at byte ${position}, in or before frame ${String(wanted[next]?.frame)}`);
}

/** Frames that a local pack keeps decoded. */
const keptFrames = 16;
/** The end of a file that is read first: the index of a pack with some 1,000 objects is in it. */
const firstRead = 64 * 1024;

/**
 * Opens a pack on this machine and reads its index. Its first 8 bytes are looked at, but its digest is not verified: fsck does that.
 * @throws PlumbError PACK_INVALID, FILE_MISSING, FILE_UNREADABLE
 */
export function openPackFile(path: string): PackFile {
  return new PackFile(path);
}

export class PackFile {
  readonly path: string;
  readonly bytes: number;
  readonly index: PackIndex;
  readonly #file: number;
  /** decoded frames, the one used last is the last */
  readonly #kept = new Map<number, Buffer>();
  #isClosed = false;

  constructor(path: string) {
    this.path = path;
    try {
      this.#file = openSync(path, 'r');
    } catch (error) {
      throw systemError(error, 'read', path);
    }
    try {
      this.bytes = fstatSync(this.#file).size;
      this.index = this.#readIndex();
    } catch (error) {
      this.close();
      throw systemError(error, 'read', path);
    }
  }

  /** What is stored of an object; a view of a frame. @throws PlumbError PACK_INVALID, FILE_UNREADABLE */
  read(entry: number): Buffer {
    const { frame, offset, length } = this.index.locationAt(entry);
    return this.readFrame(frame).subarray(offset, offset + length);
  }

  /** The raw bytes of a frame; the last few are kept. @throws PlumbError PACK_INVALID, FILE_UNREADABLE */
  readFrame(frame: number): Buffer {
    const kept = this.#kept.get(frame);
    const place = this.index.frameAt(frame);
    const raw = kept ?? decodeFrame(this.#readAt(place.offset, place.stored), place);
    // a frame above that size holds one object, and whoever wants it has it now
    if (place.raw > 256 * 1024) return raw;
    this.#kept.delete(frame);
    this.#kept.set(frame, raw);
    if (this.#kept.size > keptFrames) this.#kept.delete(this.#kept.keys().next().value as number);
    return raw;
  }

  /** All objects, in the order of the file: one read a frame. */
  *objects(): Generator<StoredObject> {
    for (let frame = 0; frame < this.index.frames; frame += 1) yield* objectsOf(this.index, { frame, raw: this.readFrame(frame) });
  }

  close(): void {
    if (!this.#isClosed) closeSync(this.#file);
    this.#isClosed = true;
  }

  #readIndex(): PackIndex {
    if (!this.#readAt(0, Math.min(magic.length, this.bytes)).equals(magic)) throw packInvalid(`${this.path} does not begin as a pack`);
    const end = this.#readAt(Math.max(0, this.bytes - firstRead), Math.min(firstRead, this.bytes));
    const { storedBytes } = parseFooter(end, this.bytes);
    const needed = storedBytes + footerBytes;
    return parsePackIndex(needed <= end.length ? end : this.#readAt(this.bytes - needed, needed), this.bytes);
  }

  #readAt(offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length);
    try {
      for (let at = 0; at < length;) {
        const count = readSync(this.#file, bytes, at, length - at, offset + at);
        if (count === 0) throw packInvalid(`${this.path} ends at byte ${offset + at}, in the middle of what its index names`);
        at += count;
      }
    } catch (error) {
      throw systemError(error, 'read', this.path);
    }
    return bytes;
  }
}
