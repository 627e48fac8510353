// Content-defined chunking (FastCDC with normalized chunking): where a chunk ends is decided by the bytes near there, so that an insertion moves the
// cuts around it and no others.
//
// A 32-bit word is carried over the bytes of a chunk, from `min` on: word = (word << 1) + gear[byte], 0 at first. The chunk ends behind the first byte
// at which the upper bits of the word are all 0: log2(average) + 2 bits before `average` bytes, log2(average) - 2 behind it; and at `max` in any case.
// The upper bits depend on the last 32 bytes or fewer. gear[i] is the first 4 bytes, as a little-endian number, of SHA-256("plumb gear " and the byte i).
//
// Source: W. Xia et al., FastCDC (USENIX ATC 2016), and The Design of Fast Content-Defined Chunking (IEEE TPDS 2020); the masks are its upper bits, as in
// the authors' remark that bits further up see a larger window.
import { hash } from 'node:crypto';
import type { ChunkSizes } from './policy.ts';

let gears: Int32Array | undefined;

function gearTable(): Int32Array {
  return (gears ??= Int32Array.from({ length: 256 }, (_, byte) =>
    hash('sha256', Buffer.concat([Buffer.from('plumb gear '), Buffer.of(byte)]), 'buffer').readInt32LE(),
  ));
}

/** Finds the ends of chunks in a stream. How the stream is cut into buffers does not matter. */
export interface Chunker {
  /** @returns where chunks end in this buffer: offsets behind their last bytes, ascending, counted from its beginning. The first may have begun in earlier buffers */
  push(bytes: Uint8Array): number[];
  /** Ends the stream. @returns length of the chunk that was open, 0 when there was none */
  finish(): number;
}

/** @param sizes the average is a power of two; as chunkSizes says them */
export function createChunker({ min, average, max }: ChunkSizes): Chunker {
  const bits = Math.log2(average);
  if (!Number.isInteger(bits) || bits < 6 || bits > 29 || min >= average || average >= max)
    throw new Error(`no sizes of chunks: ${min}, ${average}, ${max}`);
  const table = gearTable();
  const [rare, frequent] = [upperBits(bits + 2), upperBits(bits - 2)];
  const word = new Int32Array(1);
  let length = 0;

  /** Goes on in the open chunk. @returns where it ends, or -1 when the buffer ends first */
  const findEnd = (bytes: Uint8Array, start: number): number => {
    let at = start;
    for (const [until, mask] of [
      [min, null],
      [average, rare],
      [max, frequent],
    ] as const) {
      const stop = Math.min(bytes.length, at + Math.max(0, until - length));
      const found = mask === null ? -1 : scan({ bytes, start: at, stop, mask }, table, word);
      if (found !== -1) return found;
      length += stop - at;
      at = stop;
    }
    return length === max ? at : -1;
  };
  return {
    push(bytes) {
      const ends: number[] = [];
      for (let at = 0; at < bytes.length; at = ends.at(-1) as number) {
        const end = findEnd(bytes, at);
        if (end === -1) break;
        ends.push(end);
        length = word[0] = 0;
      }
      return ends;
    },
    finish() {
      const rest = length;
      length = word[0] = 0;
      return rest;
    },
  };
}

interface Stretch {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly stop: number;
  readonly mask: number;
}

/**
 * Rolls the word over some bytes. It stands alone, and the word in memory of its own: as a closure it is several times slower until V8 has thought twice.
 * @returns offset behind the byte at which a chunk ends, or -1
 */
function scan({ bytes, start, stop, mask }: Stretch, gear: Int32Array, word: Int32Array): number {
  let rolling = word[0] as number;
  for (let at = start; at < stop; at += 1) {
    rolling = ((rolling << 1) + (gear[bytes[at] as number] as number)) | 0;
    if ((rolling & mask) === 0) return at + 1;
  }
  word[0] = rolling;
  return -1;
}

function upperBits(count: number): number {
  return -1 << (32 - count);
}
