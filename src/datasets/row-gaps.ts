// Rows of two versions that stand in chunks which differ: the only ones that a comparison of two trees needs to read.
import { hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { hexOf } from '../base/digest.ts';
import { PlumbError, systemError } from '../base/errors.ts';
import { diffRowTrees } from '../store/tree/row-diff.ts';
import { chunksOfRows } from '../store/tree/row-walk.ts';
import type { ReadNode } from '../store/tree/tree.ts';
import { parseCsvText } from './csv-text.ts';
import { skipByteOrderMark } from './encoding.ts';
import { parseLine } from './jsonl.ts';
import type { Row } from './row.ts';
import type { RowSource, TreeSource } from './row-source.ts';
import { openTrimmer, type TrimmedChunk } from './row-trim.ts';

/** What is read again, for what changed rows said, and is little, stays in memory. */
export const littleBytes: number = 8 << 20;

/** Chunks of one version that the other has not in their place: about 50 bytes of memory each. */
export class ChunkList {
  readonly offsets: number[] = [];
  readonly bytes: number[] = [];
  /** rows of the file before each */
  readonly rows: number[] = [];
  /** of these, rows in chunks that both versions have: rows of one number stand in one gap */
  readonly alike: number[] = [];
  /** beginnings of their digests */
  readonly digests: number[] = [];
  /** by place: pieces that were read already, as long as they are little */
  readonly texts = new Map<number, Buffer>();
  allRows = 0;
  allBytes = 0;
  #keptBytes = 0;

  add(chunk: TrimmedChunk, alike: number): void {
    if (chunk.text !== undefined && this.#keptBytes < littleBytes) {
      this.texts.set(this.offsets.length, chunk.text);
      this.#keptBytes += chunk.text.length;
    }
    this.offsets.push(chunk.offset);
    this.bytes.push(chunk.bytes);
    this.rows.push(chunk.row);
    this.alike.push(alike);
    this.digests.push(Number.parseInt(hexOf(chunk.digest).slice(0, 12), 16));
    this.allRows += chunk.rows;
    this.allBytes += chunk.bytes;
  }
}

export interface Gaps {
  readonly before: ChunkList;
  readonly after: ChunkList;
  /** rows in chunks that both have */
  readonly alike: number;
}

/** @throws PlumbError MANIFEST_INVALID, FILE_CHANGED, FILE_MISSING, FILE_UNREADABLE, and what `read` throws */
export async function findGaps(read: ReadNode, before: TreeSource, after: TreeSource): Promise<Gaps> {
  const gaps = { before: new ChunkList(), after: new ChunkList() };
  const trimmer = await openTrimmer(before, after);
  try {
    for await (const whole of diffRowTrees(read, before.tree.root, after.tree.root)) {
      const group = trimmer.trim(whole);
      const [lost] = group.before;
      const [come] = group.after;
      const alike = lost === undefined ? (come?.row ?? 0) - gaps.after.allRows : lost.row - gaps.before.allRows;
      for (const chunk of group.before) gaps.before.add(chunk, alike);
      for (const chunk of group.after) gaps.after.add(chunk, alike);
    }
  } finally {
    await trimmer.close();
  }
  return { ...gaps, alike: before.tree.rows - gaps.before.allRows };
}

/** Names of the header of a CSV, from its first chunk. */
export async function readHeader(read: ReadNode, source: TreeSource, options: Reading): Promise<readonly string[]> {
  const list = new ChunkList();
  for await (const chunk of chunksOfRows(read, source.tree.root, { start: 0, end: 1 })) {
    list.add(chunk, 0);
    break;
  }
  for await (const { text } of readTexts(source, list, options)) return parseCsvText(text)?.[0] ?? [];
  return [];
}

export interface Reading {
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/** Rows, and how many rows that both versions have stand before them. */
export interface RowBatch {
  readonly rows: readonly Row[];
  readonly alike: number;
}

/**
 * The rows of chunks, in order, a chunk at a time.
 * @param columns of the header of a CSV
 * @throws PlumbError FILE_CHANGED where the file is not what its tree says any more, FILE_MISSING, FILE_UNREADABLE
 */
export async function* readGapRows(
  source: TreeSource,
  list: ChunkList,
  columns: readonly string[] | null,
  options: Reading,
): AsyncGenerator<RowBatch> {
  for await (const { text, at } of readTexts(source, list, options)) {
    const first = (list.rows[at] as number) + 1;
    const values = columns === null ? linesOf(text, source.name, first) : recordsOf(text, columns, list.offsets[at] === 0);
    yield { rows: values.map((value, index) => ({ row: first + index, value })), alike: list.alike[at] as number };
  }
}

function linesOf(text: string, file: string, first: number): Record<string, unknown>[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').map((line, at) => parseLine(line, { file, row: first + at }));
}

function recordsOf(text: string, columns: readonly string[], begins: boolean): Record<string, unknown>[] {
  const records = parseCsvText(text) ?? [];
  return (begins ? records.slice(1) : records).map((record) => Object.fromEntries(columns.map((name, at) => [name, record[at] ?? ''])));
}

/** Chunks that follow each other are read at once. */
const mostBytes = 1 << 20;

async function* readTexts(source: RowSource, list: ChunkList, { signal, onBytes }: Reading): AsyncGenerator<{ text: string; at: number }> {
  let handle: FileHandle | null = null;
  try {
    for (let at = 0; at < list.offsets.length;) {
      signal?.throwIfAborted();
      const known = list.texts.get(at);
      if (known !== undefined) {
        yield { text: known.toString('utf8'), at: at++ };
        continue;
      }
      const start = list.offsets[at] as number;
      let [next, end] = [at, start];
      do {
        end += list.bytes[next] as number;
        next += 1;
      } while (list.offsets[next] === end && end - start < mostBytes && !list.texts.has(next));
      handle ??= await open(source.path, 'r').catch((error: unknown) => Promise.reject<FileHandle>(systemError(error, 'read', source.path)));
      const bytes = await readSpan(handle, start, end, source);
      onBytes?.(bytes.length);
      for (; at < next; at += 1) yield { text: textOf(bytes, start, list, at, source), at };
    }
  } finally {
    await handle?.close();
  }
}

async function readSpan(handle: FileHandle, start: number, end: number, source: RowSource): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(end - start);
  for (let filled = 0; filled < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) throw changed(source);
    filled += bytesRead;
  }
  return bytes;
}

function textOf(bytes: Buffer, start: number, list: ChunkList, at: number, source: RowSource): string {
  const from = (list.offsets[at] as number) - start;
  const chunk = bytes.subarray(from, from + (list.bytes[at] as number));
  if (hash('sha256', chunk, 'buffer').readUIntBE(0, 6) !== list.digests[at]) throw changed(source);
  return chunk.toString('utf8', list.offsets[at] === 0 ? skipByteOrderMark(chunk, source.name) : 0);
}

function changed(source: RowSource): PlumbError {
  return new PlumbError('FILE_CHANGED', {
    what: `${source.name} was changed while it was being compared`,
    where: { file: source.name },
    mend: 'run the command again when whoever writes it has finished',
  });
}
