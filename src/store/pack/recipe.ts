// Recipes: what a pack stores of an object whose bytes are those of others.
//
//   chunks   "PLCHUNK1", then for each chunk its 32-byte digest and its u32 length; the chunks one behind the other are the object
//   lines    "PLLINES1", u32 sources, u32 runs, for each source its 32-byte digest and its u64 length, then one zstd frame of 9 bytes a run, as columns:
//              u8 source[n]
//              the lowest byte of delta[n], the second byte of all, the third, the highest
//              the bytes of count[n] in the same way
//            A run is `count` lines of a source. Its first line is delta away from where the run before it in that source ended (line 0 at first);
//            delta is a zigzag number: 2d for d >= 0, -2d - 1 below. A line is the bytes up to and with 0x0A; the last of a source may lack it.
//            Bytes of one weight lie together because the high ones are nearly all equal: the order of a million shuffled rows takes 2.6 MB.
//
// Numbers are little-endian. Chunks and sources are objects of form 0 or, sources, 1; what they are in their turn is never a recipe of lines.
import type { Digest } from '../../base/digest.ts';
import { enlarged } from './entries.ts';
import { maxFrameBytes, packInvalid, unzstd, zstd } from './frame.ts';

export interface ChunkRef {
  readonly digest: Digest;
  readonly bytes: number;
}

/** The chunks of an object, in order, as they lie in the recipe. */
export interface ChunkList extends Iterable<ChunkRef> {
  readonly length: number;
  at(chunk: number): ChunkRef;
}

export interface LineSource {
  readonly digest: Digest;
  readonly bytes: number;
}

/** Runs of lines as columns, 9 bytes a run. Lines count from 0. */
export interface LineRuns {
  readonly length: number;
  readonly source: Uint8Array;
  readonly line: Uint32Array;
  readonly count: Uint32Array;
}

export interface LineRecipe {
  readonly sources: readonly LineSource[];
  readonly runs: LineRuns;
}

/** Limits of a recipe of lines: what a reader must be ready to hold is 9 bytes a run and 6 a line. */
export const lineLimits = { sources: 32, runs: 4 * 1024 * 1024, lines: 12 * 1024 * 1024 } as const;

const chunksMagic = Buffer.from('PLCHUNK1', 'latin1');
const linesMagic = Buffer.from('PLLINES1', 'latin1');
const chunkRow = 36;
const sourceRow = 40;
const runRow = 9;
const linesHeader = 16;

/** @returns a recipe of at most 16 MiB. @throws Error when that holds fewer chunks than there are: 466,000 */
export function encodeChunks(chunks: readonly ChunkRef[]): Buffer {
  const recipe = Buffer.alloc(chunksMagic.length + chunks.length * chunkRow);
  if (recipe.length > maxFrameBytes) throw new Error(`${chunks.length} chunks are too many for one recipe`);
  chunksMagic.copy(recipe);
  for (const [number, { digest, bytes }] of chunks.entries()) {
    const at = chunksMagic.length + number * chunkRow;
    writeDigest(recipe, at, digest);
    recipe.writeUInt32LE(bytes, at + 32);
  }
  return recipe;
}

/** @param bytes of the object. @throws PlumbError PACK_INVALID when the chunks are not that many bytes together */
export function decodeChunks(recipe: Uint8Array, bytes: number): ChunkList {
  const buffer = Buffer.from(recipe.buffer, recipe.byteOffset, recipe.length);
  const length = (buffer.length - chunksMagic.length) / chunkRow;
  if (!Number.isInteger(length) || !beginsWith(buffer, chunksMagic)) throw packInvalid('a list of chunks does not have the form of one');
  const at = (chunk: number): ChunkRef => {
    const start = chunksMagic.length + chunk * chunkRow;
    return { digest: readDigest(buffer, start), bytes: buffer.readUInt32LE(start + 32) };
  };
  let sum = 0;
  for (let chunk = 0; chunk < length; chunk += 1) {
    const size = buffer.readUInt32LE(chunksMagic.length + chunk * chunkRow + 32);
    if (size === 0 || size > maxFrameBytes) throw packInvalid(`chunk ${chunk} of an object has ${size} bytes`);
    sum += size;
  }
  if (sum !== bytes) throw packInvalid(`the chunks of an object have ${sum} bytes together, the object has ${bytes}`);
  return {
    length,
    at,
    *[Symbol.iterator]() {
      for (let chunk = 0; chunk < length; chunk += 1) yield at(chunk);
    },
  };
}

/** @returns null when the recipe would be larger than a frame or its limits */
export function encodeLines({ sources, runs }: LineRecipe): Buffer | null {
  if (sources.length > lineLimits.sources || runs.length > lineLimits.runs || runs.length === 0) return null;
  const header = Buffer.alloc(linesHeader + sources.length * sourceRow);
  linesMagic.copy(header);
  header.writeUInt32LE(sources.length, 8);
  header.writeUInt32LE(runs.length, 12);
  for (const [number, { digest, bytes }] of sources.entries()) {
    const at = linesHeader + number * sourceRow;
    writeDigest(header, at, digest);
    header.writeBigUInt64LE(BigInt(bytes), at + 32);
  }
  const recipe = Buffer.concat([header, zstd(columnsOf(runs, sources.length))]);
  return recipe.length > maxFrameBytes ? null : recipe;
}

function columnsOf(runs: LineRuns, sources: number): Buffer {
  const n = runs.length;
  const columns = Buffer.allocUnsafeSlow(n * runRow);
  const ends = new Float64Array(sources);
  columns.set(runs.source.subarray(0, n));
  for (let run = 0; run < n; run += 1) {
    const source = runs.source[run] as number;
    const line = runs.line[run] as number;
    const count = runs.count[run] as number;
    const delta = line - (ends[source] as number);
    ends[source] = line + count;
    setBytes(columns, n + run, n, delta >= 0 ? delta * 2 : -delta * 2 - 1);
    setBytes(columns, 5 * n + run, n, count);
  }
  return columns;
}

/** The bytes of a number, the lowest first, a column apart. */
function setBytes(columns: Buffer, at: number, apart: number, value: number): void {
  columns[at] = value & 255;
  columns[at + apart] = (value >>> 8) & 255;
  columns[at + 2 * apart] = (value >>> 16) & 255;
  columns[at + 3 * apart] = value >>> 24;
}

function getBytes(columns: Buffer, at: number, apart: number): number {
  const low = (columns[at] as number) | ((columns[at + apart] as number) << 8) | ((columns[at + 2 * apart] as number) << 16);
  return low + (columns[at + 3 * apart] as number) * 0x1000000;
}

/** What a recipe of lines is made from, without its runs. @throws PlumbError PACK_INVALID */
export function sourcesOfLines(recipe: Uint8Array): readonly LineSource[] {
  return headerOf(Buffer.from(recipe.buffer, recipe.byteOffset, recipe.length)).sources;
}

/** @throws PlumbError PACK_INVALID */
export function decodeLines(recipe: Uint8Array): LineRecipe {
  const buffer = Buffer.from(recipe.buffer, recipe.byteOffset, recipe.length);
  const { sources, runs: n } = headerOf(buffer);
  const columns = unzstd(buffer.subarray(linesHeader + sources.length * sourceRow), n * runRow, 'a recipe of lines');
  const runs = { length: n, source: new Uint8Array(columns.subarray(0, n)), line: new Uint32Array(n), count: new Uint32Array(n) };
  const ends = new Float64Array(sources.length);
  for (let run = 0; run < n; run += 1) {
    const source = columns[run] as number;
    if (source >= sources.length) throw packInvalid(`run ${run} of a recipe is of source ${source}, there are ${sources.length}`);
    const zigzag = getBytes(columns, n + run, n);
    const count = getBytes(columns, 5 * n + run, n);
    const line = (ends[source] as number) + (zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2);
    if (line < 0 || count === 0 || line + count > lineLimits.lines)
      throw packInvalid(`run ${run} of a recipe is of lines ${line} to ${line + count}`);
    runs.line[run] = line;
    runs.count[run] = count;
    ends[source] = line + count;
  }
  return { sources, runs };
}

function headerOf(recipe: Buffer): { readonly sources: readonly LineSource[]; readonly runs: number } {
  if (recipe.length < linesHeader || !beginsWith(recipe, linesMagic)) throw packInvalid('a recipe of lines does not have the form of one');
  const count = recipe.readUInt32LE(8);
  const runs = recipe.readUInt32LE(12);
  const isSane = count > 0 && count <= lineLimits.sources && runs > 0 && runs <= lineLimits.runs && recipe.length > linesHeader + count * sourceRow;
  if (!isSane) throw packInvalid(`a recipe of lines says it has ${count} sources and ${runs} runs`);
  const sources = Array.from({ length: count }, (_, number) => {
    const at = linesHeader + number * sourceRow;
    const bytes = Number(recipe.readBigUInt64LE(at + 32));
    if (!Number.isSafeInteger(bytes)) throw packInvalid('a recipe of lines has a source of a size that cannot be');
    return { digest: readDigest(recipe, at), bytes };
  });
  return { sources, runs };
}

/** Runs that are gathered one by one; one that goes on where the last one ended makes that longer. */
export class GrowingRuns implements LineRuns {
  length = 0;
  source = new Uint8Array(1024);
  line = new Uint32Array(1024);
  count = new Uint32Array(1024);

  append(source: number, line: number, count: number): void {
    const last = this.length - 1;
    if (last >= 0 && this.source[last] === source && (this.line[last] as number) + (this.count[last] as number) === line) {
      this.count[last]! += count;
      return;
    }
    if (this.length === this.line.length) {
      this.source = enlarged(this.source, this.length * 2);
      this.line = enlarged(this.line, this.length * 2);
      this.count = enlarged(this.count, this.length * 2);
    }
    this.source[this.length] = source;
    this.line[this.length] = line;
    this.count[this.length] = count;
    this.length += 1;
  }
}

function beginsWith(buffer: Buffer, start: Buffer): boolean {
  return buffer.length >= start.length && buffer.subarray(0, start.length).equals(start);
}

function writeDigest(buffer: Buffer, at: number, digest: Digest): void {
  if (buffer.write(digest.slice(7), at, 32, 'hex') !== 32) throw new Error(`${digest} is no digest`);
}

function readDigest(buffer: Buffer, at: number): Digest {
  return `sha256:${buffer.toString('hex', at, at + 32)}`;
}
