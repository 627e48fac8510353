// A file or bytes in memory, read from any place; what is read of a model of many gigabytes is a window of it.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

export interface ModelBytes extends Disposable {
  /** bytes */
  readonly size: number;
  /** @throws RangeError where that is outside of the file */
  read(offset: number, length: number): Buffer;
}

/** Larger reads pass it by. */
const windowBytes = 64 << 10;

/** @param source absolute path, or all of the bytes */
export function openModelBytes(source: string | Uint8Array): ModelBytes {
  if (typeof source !== 'string') {
    const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
    return {
      size: bytes.length,
      read: (offset, length) => bytes.subarray(offset, offset + checked(offset, length, bytes.length)),
      [Symbol.dispose]: () => undefined,
    };
  }
  const file = openSync(source, 'r');
  const { size } = fstatSync(file);
  let window: Buffer = Buffer.alloc(0);
  let start = 0;
  return {
    size,
    read: (offset, length) => {
      checked(offset, length, size);
      if (length > windowBytes) return readAt(file, offset, length);
      if (offset < start || offset + length > start + window.length) {
        window = readAt(file, offset, Math.min(windowBytes, size - offset));
        start = offset;
      }
      return window.subarray(offset - start, offset - start + length);
    },
    [Symbol.dispose]: () => closeSync(file),
  };
}

function readAt(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length;) {
    const got = readSync(file, bytes, at, length - at, offset + at);
    if (got === 0) throw new RangeError(`the file ends at byte ${offset + at}`);
    at += got;
  }
  return bytes;
}

function checked(offset: number, length: number, size: number): number {
  if (Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0 && offset + length <= size) return length;
  throw new RangeError(`${length} bytes at byte ${offset} of ${size}`);
}

/** Reads numbers and texts one behind the other, within bounds that nothing can leave. */
export class ByteReader {
  readonly #bytes: ModelBytes;
  readonly end: number;
  at: number;

  constructor(bytes: ModelBytes, at: number, end: number) {
    this.#bytes = bytes;
    this.at = at;
    this.end = end;
  }

  take(length: number): Buffer {
    if (length > this.end - this.at) throw new RangeError(`${length} bytes at byte ${this.at}, where ${this.end - this.at} are left`);
    const found = this.#bytes.read(this.at, length);
    this.at += length;
    return found;
  }

  skip(length: number): void {
    if (!Number.isSafeInteger(length) || length < 0 || length > this.end - this.at)
      throw new RangeError(`${length} bytes at byte ${this.at}, where ${this.end - this.at} are left`);
    this.at += length;
  }

  u32(): number {
    return this.take(4).readUInt32LE(0);
  }

  /** @throws RangeError above 2^53 - 1, which is no size of anything here */
  u64(): number {
    const value = this.take(8).readBigUInt64LE(0);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${value} at byte ${this.at - 8}`);
    return Number(value);
  }

  /** Of Protocol Buffers: at most ten bytes. */
  varint(): number {
    let value = 0;
    let unit = 1;
    for (let count = 0; count < 10; count += 1) {
      const byte = this.take(1)[0] as number;
      value += (byte % 128) * unit;
      unit *= 128;
      if (byte < 128) return value;
    }
    throw new RangeError(`a number of more than ten bytes ends at byte ${this.at}`);
  }
}
