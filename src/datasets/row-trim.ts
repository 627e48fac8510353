// Chunks of two versions that stand in the same place mostly differ in a row or two of some dozen. Rows that both begin with, or end with, are found by
// comparing bytes, which is far cheaper than parsing them: what is left is all that has to be read as rows.
import { readSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { digestOf } from '../base/digest.ts';
import { PlumbError, systemError } from '../base/errors.ts';
import type { ChunkGroup } from '../store/tree/row-diff.ts';
import type { PlacedChunk } from '../store/tree/tree.ts';
import type { TreeSource } from './row-source.ts';

/** A group larger than this is a rewritten stretch: whoever reads it takes it in pieces. */
const mostBytes = 1 << 20;

export interface Trimmer {
  /** The group with fewer rows, or as it is. @throws PlumbError FILE_CHANGED where a file is not what its tree says any more */
  trim(group: ChunkGroup): ChunkGroup;
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
}

async function openSource(source: TreeSource): Promise<OpenSource> {
  return { handle: await open(source.path, 'r').catch((error: unknown) => Promise.reject(systemError(error, 'read', source.path))), source };
}

/** Chunks side by side, not those at the begin of the file, where a header may stand. */
function isTrimmable(chunks: readonly PlacedChunk[]): boolean {
  const [first] = chunks;
  if (first === undefined || first.offset === 0) return false;
  let end = first.offset;
  for (const { offset, bytes } of chunks) {
    if (offset !== end) return false;
    end += bytes;
  }
  return end - first.offset <= mostBytes;
}

/** Synchronous: thousands of reads of some kilobytes that the page cache has. */
function readChunks({ handle, source }: OpenSource, chunks: readonly PlacedChunk[]): Buffer {
  const [first] = chunks as [PlacedChunk];
  const bytes = Buffer.allocUnsafe(chunks.reduce((sum, chunk) => sum + chunk.bytes, 0));
  let filled = 0;
  while (filled < bytes.length) {
    const read = readSync(handle.fd, bytes, filled, bytes.length - filled, first.offset + filled);
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
  const [old, now] = [rowStarts(a, isCsv), rowStarts(b, isCsv)];
  if (old === null || now === null) return null;
  const most = Math.min(a.length, b.length);
  let same = 0;
  while (same < most && a[same] === b[same]) same += 1;
  let headRows = 0;
  while ((old[headRows + 1] ?? Infinity) <= same && (now[headRows + 1] ?? Infinity) <= same) headRows += 1;
  const head = old[headRows] as number;
  let back = 0;
  while (back < most - head && a[a.length - 1 - back] === b[b.length - 1 - back]) back += 1;
  let tailRows = 0;
  while (true) {
    const [x, y] = [old[old.length - 1 - tailRows - 1], now[now.length - 1 - tailRows - 1]];
    if (x === undefined || y === undefined || x < head || y < head || a.length - x > back || a.length - x !== b.length - y) break;
    tailRows += 1;
  }
  const tail = a.length - (old[old.length - 1 - tailRows] as number);
  return head + tail === 0 ? null : { head, headRows, tail, tailRows };
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const quote = 0x22;
const brace = 0x7b;

/**
 * Where rows begin, and the end. A row of JSONL is a line, one of CSV may go on over line ends between quotes.
 * @returns null: a line is blank, or begins as no row does, or ends as some do, and a reader has to look
 */
function rowStarts(bytes: Buffer, isCsv: boolean): number[] | null {
  const starts = [0];
  let quoted = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === lineFeed && !quoted) starts.push(at + 1);
    else if (isCsv && byte === quote) quoted = !quoted;
    else if (isCsv && byte === carriageReturn && !quoted && bytes[at + 1] !== lineFeed) return null;
  }
  if (starts.at(-1) !== bytes.length) starts.push(bytes.length);
  for (let at = 0; at + 1 < starts.length; at += 1) {
    const first = bytes[starts[at] as number];
    if (isCsv ? first === lineFeed || first === carriageReturn : first !== brace) return null;
  }
  return starts;
}

function piece(chunks: readonly PlacedChunk[], bytes: Buffer, { head, headRows, tail, tailRows }: Cut): PlacedChunk[] {
  const [first] = chunks as [PlacedChunk];
  const rest = bytes.subarray(head, bytes.length - tail);
  if (rest.length === 0) return [];
  const rows = chunks.reduce((sum, chunk) => sum + chunk.rows, 0) - headRows - tailRows;
  return [{ digest: digestOf(rest), bytes: rest.length, rows, keys: null, offset: first.offset + head, row: first.row + headRows }];
}

function changed(source: TreeSource): PlumbError {
  return new PlumbError('FILE_CHANGED', {
    what: `${source.name} was changed while it was being compared`,
    where: { file: source.name },
    mend: 'run the command again when whoever writes it has finished',
  });
}
