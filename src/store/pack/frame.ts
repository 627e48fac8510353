// A frame: the unit that a pack is read and decompressed in. Stored as it is, or as one zstd frame where that saves enough.
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { PlumbError } from '../../base/errors.ts';
import type { FrameLocation } from './pack.ts';

/** No frame is larger, raw or stored: what a reader must be ready to hold. */
export const maxFrameBytes: number = 16 * 1024 * 1024;

const level = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };
/** A decoder keeps a window of what it wrote; ours needs 2 MiB, and nobody may ask for more than a whole frame. */
const windowLog = 24;
/** What compression must save to be worth the time of every reader. */
const mostKept = 0.95;

const sampleBytes = 4096;
const samplePieces = 4;
/** Bits a byte, of a sample of 4 KiB, above which Huffman codes save less than 3 %: random bytes give 7.95. */
const incompressibleBits = 7.8;
const counts = new Uint32Array(256);

/** A pack, or something in it, that does not have the documented form. @param what a sentence */
export function packInvalid(what: string, cause?: unknown): PlumbError {
  return new PlumbError('PACK_INVALID', {
    what,
    mend: 'the bytes are not used; run the command again, or push them again from a machine that has them',
    cause,
  });
}

/** The stored form of a frame: zstd where that saves 5 %. Data that is compressed already costs one look at 4 KiB of it. */
export function encodeFrame(raw: Buffer): { readonly codec: 0 | 1; readonly stored: Buffer } {
  if (looksIncompressible(raw)) return { codec: 0, stored: raw };
  const stored = zstdCompressSync(raw, level);
  return stored.length < raw.length * mostKept ? { codec: 1, stored } : { codec: 0, stored: raw };
}

/**
 * The raw bytes of a frame.
 * @param stored exactly the bytes of the frame; returned as they are where it is not compressed
 * @throws PlumbError PACK_INVALID; nothing larger than the index says is ever allocated
 */
export function decodeFrame(stored: Buffer, frame: Pick<FrameLocation, 'stored' | 'raw' | 'codec'>): Buffer {
  if (stored.length !== frame.stored) throw packInvalid(`a frame of ${frame.stored} bytes came with ${stored.length}`);
  return frame.codec === 0 ? stored : unzstd(stored, frame.raw, 'a frame of a pack');
}

/** @param raw bytes that must come out, > 0. @throws PlumbError PACK_INVALID */
export function unzstd(stored: Uint8Array, raw: number, what: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = zstdDecompressSync(stored, {
      maxOutputLength: raw,
      // one byte more than comes: a room that is full to the last byte makes zlib take another of the same size, for nothing
      chunkSize: Math.max(raw + 1, 64),
      params: { [constants.ZSTD_d_windowLogMax]: windowLog },
    });
  } catch (error) {
    throw packInvalid(`${what} cannot be decompressed to its ${raw} bytes`, error);
  }
  if (bytes.length !== raw) throw packInvalid(`${what} has ${bytes.length} bytes, its pack says ${raw}`);
  return bytes;
}

export function zstd(raw: Uint8Array): Buffer {
  return zstdCompressSync(raw, level);
}

/**
 * A zstd frame of blocks that are stored as they are: the same bytes with every version of the library, and no work.
 * Source: RFC 8878, 3.1.1
 */
export function zstdStored(raw: Uint8Array): Buffer {
  const mostInBlock = 128 * 1024;
  const blocks = Math.max(1, Math.ceil(raw.length / mostInBlock));
  const frame = Buffer.allocUnsafe(10 + 3 * blocks + raw.length);
  frame.writeUInt32LE(0xfd2fb528, 0);
  frame[4] = 0x80; // the size of the content follows in 4 bytes, behind
  frame[5] = 0x38; // a window of 128 KiB
  frame.writeUInt32LE(raw.length, 6);
  let at = 10;
  for (let block = 0; block < blocks; block += 1) {
    const piece = raw.subarray(block * mostInBlock, (block + 1) * mostInBlock);
    at = frame.writeUIntLE((piece.length << 3) | (block === blocks - 1 ? 1 : 0), at, 3);
    frame.set(piece, at);
    at += piece.length;
  }
  return frame;
}

/** Order-0 entropy of a sample from four places. Small frames have none: trying is as cheap. */
function looksIncompressible(raw: Buffer): boolean {
  if (raw.length < 2 * sampleBytes) return false;
  counts.fill(0);
  const size = sampleBytes / samplePieces;
  for (let piece = 0; piece < samplePieces; piece += 1) {
    const start = Math.floor(((raw.length - size) * (piece + 0.5)) / samplePieces);
    for (let at = start; at < start + size; at += 1) counts[raw[at] as number]! += 1;
  }
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= count * Math.log2(count / sampleBytes);
  return bits / sampleBytes > incompressibleBits;
}
