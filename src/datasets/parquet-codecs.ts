// Pages of Parquet unpacked, into exactly as many bytes as their headers promise: Node's own zlib where it knows the codec, for it is bounded and fast.
import { brotliDecompressSync, inflateRawSync, unzipSync, zstdDecompressSync } from 'node:zlib';
import { compressors } from 'hyparquet-compressors';
import { varintAt } from './parquet-thrift.ts';

/** More than the codec can make of a byte. */
const most: Readonly<Record<string, number>> = { SNAPPY: 32, LZ4: 256, LZ4_RAW: 256, GZIP: 1100 };

/**
 * @param length of the page, >= 0
 * @returns bytes in a buffer of their own, so that nothing behind them can be read
 * @throws Error: they do not unpack to that length
 */
export function unpack(codec: string, packed: Uint8Array, length: number): Uint8Array {
  if (length === 0) return new Uint8Array(0);
  if (length > packed.length * (most[codec] ?? Infinity) + 64)
    throw new Error(`a page claims ${length} bytes, more than ${codec} can make of ${packed.length}`);
  const bytes = unpackers[codec]?.(packed, length);
  if (bytes === undefined) throw new Error(`its compression ${codec} is none that is read`);
  if (bytes.length !== length) throw new Error(`a page has ${bytes.length} bytes, its header says ${length}`);
  const { buffer } = bytes;
  if (bytes.byteOffset > 0 || buffer.byteLength > length + spare) return new Uint8Array(bytes);
  new Uint8Array(buffer).fill(0, length);
  return bytes;
}

/** Room that tells zlib that nothing more comes: without it, it fetches as much memory again. */
const spare = 1;

type Unpacker = (packed: Uint8Array, length: number) => Uint8Array | undefined;

const unpackers: Readonly<Record<string, Unpacker>> = {
  UNCOMPRESSED: (packed) => packed,
  SNAPPY: (packed, length) => {
    // what is written short would end in bytes of the page before
    if (varintAt(packed, 0).value !== length) throw new Error('a page has another length than its header says');
    return compressors.SNAPPY?.(packed, length);
  },
  GZIP: (packed, length) => {
    try {
      return unzipSync(packed, bounds(length));
    } catch (error) {
      // some writers leave the frame of gzip away
      if ((error as NodeJS.ErrnoException).code !== 'Z_DATA_ERROR') throw error;
      return inflateRawSync(packed, bounds(length));
    }
  },
  BROTLI: (packed, length) => brotliDecompressSync(packed, bounds(length)),
  ZSTD: (packed, length) => zstdDecompressSync(packed, bounds(length)),
  LZ4: (packed, length) => (framed(packed) ? compressors.LZ4 : compressors.LZ4_RAW)?.(packed, length),
  LZ4_RAW: (packed, length) => compressors.LZ4_RAW?.(packed, length),
};

const bounds = (length: number): { maxOutputLength: number; chunkSize: number } => ({
  maxOutputLength: length,
  chunkSize: Math.max(64, Math.min(length + spare, 1 << 22)),
});

/** Whether LZ4 stands in frames as Hadoop writes them: two lengths before each block. */
function framed(packed: Uint8Array): boolean {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  let at = 0;
  while (at + 8 <= packed.length) at += 8 + view.getUint32(at + 4);
  return at === packed.length;
}
