// Chunks of two versions that stand in the same place mostly differ in a row or two of some dozen. Rows that both begin with, or end with, are found by
// comparing bytes, which is far cheaper than parsing them: what is left is all that has to be read as rows.
import { readSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { digestOf } from '../base/digest.ts';
import { PlumbError, systemError } from '../base/errors.ts';
import type { ChunkGroup, ComparedChunk } from '../store/tree/row-diff.ts';
import type { TreeSource } from './row-source.ts';

/** A group larger than this is a rewritten stretch: whoever reads it takes it in pieces. */
const mostBytes = 1 << 20;

/** A chunk of a group, or a piece of it: then its bytes, which are as the tree has them. */
export interface TrimmedChunk extends ComparedChunk {
  readonly text?: Buffer;
}

export interface TrimmedGroup {
  readonly before: readonly TrimmedChunk[];
  readonly after: readonly TrimmedChunk[];
}

export interface Trimmer {
  /** The group with fewer rows, or as it is. @throws PlumbError FILE_CHANGED where a file is not what its tree says any more */
  trim(group: ChunkGroup): TrimmedGroup;
  close(): Promise<void>;
}

/** @throws PlumbError FILE_MISSING, FILE_UNREADABLE */
export async function openTrimmer(before: TreeSource, after: TreeSource): Promise<Trimmer> {
  const first = await openSource(before);
  const second = await openSource(after).catch(async (error: unknown) => {
    await first.handle.close();
    throw error;
  });
  const files = [first, second] as const;
  const isCsv = before.format === 'csv';
  return {
    trim(group) {
      if (!isTrimmable(group.before) || !isTrimmable(group.after)) return group;
      const [old, now] = [readChunks(files[0], group.before), readChunks(files[1], group.after)];
      const cut = commonRows(old, now, isCsv);
      return cut === null ? group : { before: piece(group.before, old, cut), after: piece(group.after, now, cut) };
    },
    async close() {
      for (const { handle } of files) await handle.close();
    },
  };
}

interface OpenSource {
  readonly handle: FileHandle;
  readonly source: TreeSource;
  /** what was read last */
  room: Buffer;
}

async function openSource(source: TreeSource): Promise<OpenSource> {
  const handle = await open(source.path, 'r').catch((error: unknown) => Promise.reject(systemError(error, 'read', source.path)));
  return { handle, source, room: Buffer.alloc(0) };
}

/** Chunks side by side, not those at the begin of the file, where a header may stand. */
function isTrimmable(chunks: readonly ComparedChunk[]): boolean {
  const [first] = chunks;
  if (first === undefined || first.offset === 0) return false;
  let end = first.offset;
  for (const { offset, bytes } of chunks) {
    if (offset !== end) return false;
    end += bytes;
  }
  return end - first.offset <= mostBytes;
}

/** Synchronous: thousands of reads of some kilobytes that the page cache has. @returns bytes that the next call writes over */
function readChunks(file: OpenSource, chunks: readonly ComparedChunk[]): Buffer {
  const { handle, source } = file;
  const [first] = chunks as [ComparedChunk];
  const size = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
  if (file.room.length < size) file.room = Buffer.allocUnsafeSlow(Math.max(size, 1 << 16));
  const bytes = file.room.subarray(0, size);
  let filled = 0;
  while (filled < size) {
    const read = readSync(handle.fd, bytes, filled, size - filled, first.offset + filled);
    if (read === 0) throw changed(source);
    filled += read;
  }
  for (const chunk of chunks) {
    const start = chunk.offset - first.offset;
    if (digestOf(bytes.subarray(start, start + chunk.bytes)) !== chunk.digest) throw changed(source);
  }
  return bytes;
}

/** Bytes and rows that both texts begin and end with. */
interface Cut {
  readonly head: number;
  readonly headRows: number;
  readonly tail: number;
  readonly tailRows: number;
}

/** @returns null: nothing can be cut off, or where a row begins is not plain */
function commonRows(a: Buffer, b: Buffer, isCsv: boolean): Cut | null {
  const startsOf = isCsv ? recordStarts : lineStarts;
  const [old, now] = [startsOf(a), startsOf(b)];
  if (old === null || now === null) return null;
  const same = commonBegin(a, b);
  let headRows = 0;
  while ((old[headRows + 1] ?? Infinity) <= same && (now[headRows + 1] ?? Infinity) <= same) headRows += 1;
  const head = old[headRows] as number;
  const back = commonEnd(a.subarray(head), b.subarray(head));
  let tailRows = 0;
  while (true) {
    const [x, y] = [old[old.length - 1 - tailRows - 1], now[now.length - 1 - tailRows - 1]];
    if (x === undefined || y === undefined || x < head || y < head || a.length - x > back || a.length - x !== b.length - y) break;
    tailRows += 1;
  }
  const tail = a.length - (old[old.length - 1 - tailRows] as number);
  return head + tail === 0 ? null : { head, headRows, tail, tailRows };
}

/** Bytes that two texts begin with: halves are compared as a whole, which is far cheaper than bytes one by one. */
function commonBegin(a: Buffer, b: Buffer): number {
  let [same, most] = [0, Math.min(a.length, b.length)];
  if (a.compare(b, 0, most, 0, most) === 0) return most;
  // they differ below `most`, and not below `same`
  while (most - same > 1) {
    const middle = (same + most) >>> 1;
    if (a.compare(b, same, middle, same, middle) === 0) same = middle;
    else most = middle;
  }
  return same;
}

/** Bytes that two texts end with. */
function commonEnd(a: Buffer, b: Buffer): number {
  let [same, most] = [0, Math.min(a.length, b.length)];
  const isSame = (from: number, to: number): boolean => a.compare(b, b.length - to, b.length - from, a.length - to, a.length - from) === 0;
  if (isSame(0, most)) return most;
  while (most - same > 1) {
    const middle = (same + most) >>> 1;
    if (isSame(same, middle)) same = middle;
    else most = middle;
  }
  return same;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const quote = 0x22;
const brace = 0x7b;

/**
 * Where rows of JSONL begin, and the end.
 * @returns null: a line is blank, or begins as no row does, and a reader has to look
 */
function lineStarts(bytes: Buffer): number[] | null {
  const starts: number[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== brace) return null;
    starts.push(at);
    const end = bytes.indexOf(lineFeed, at);
    at = end === -1 ? bytes.length : end + 1;
  }
  starts.push(bytes.length);
  return starts;
}

/**
 * Where rows of CSV begin, and the end: one may go on over line ends between quotes.
 * @returns null: a line is blank, or ends as some do, and a reader has to look
 */
function recordStarts(bytes: Buffer): number[] | null {
  const starts = [0];
  let quoted = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === lineFeed && !quoted) starts.push(at + 1);
    else if (byte === quote) quoted = !quoted;
    else if (byte === carriageReturn && !quoted && bytes[at + 1] !== lineFeed) return null;
  }
  if (starts.at(-1) !== bytes.length) starts.push(bytes.length);
  for (let at = 0; at + 1 < starts.length; at += 1) {
    const first = bytes[starts[at] as number];
    if (first === lineFeed || first === carriageReturn) return null;
  }
  return starts;
}

function piece(chunks: readonly ComparedChunk[], bytes: Buffer, { head, headRows, tail, tailRows }: Cut): TrimmedChunk[] {
  const [first] = chunks as [ComparedChunk];
  const text = Buffer.from(bytes.subarray(head, bytes.length - tail));
  if (text.length === 0) return [];
  const rows = chunks.reduce((sum, chunk) => sum + chunk.rows, 0) - headRows - tailRows;
  const place = { offset: first.offset + head, row: first.row + headRows };
  return [{ digest: digestOf(text), bytes: text.length, rows, ...place, text }];
}

function changed(source: TreeSource): PlumbError {
  return new PlumbError('FILE_CHANGED', {
    what: `${source.name} was changed while it was being compared`,
    where: { file: source.name },
    mend: 'run the command again when whoever writes it has finished',
  });
}
