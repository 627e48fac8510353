// Some rows of a version, by number: where its tree is known, from the chunks that hold them; else the file is read up to the last of them.
import { open } from 'node:fs/promises';
import { systemError } from '../base/errors.ts';
import { chunksOfPlaces, chunksOfRows } from '../store/tree/row-walk.ts';
import type { ReadNode } from '../store/tree/tree.ts';
import { parseLine } from './jsonl.ts';
import { skipByteOrderMark } from './encoding.ts';
import { ChunkList, readGapRows, readHeader } from './row-gaps.ts';
import type { RowSource, TreeSource } from './row-source.ts';
import { readRowBatches, type Row } from './rows.ts';

export interface RowsAtOptions {
  /** reads nodes of the tree of the version */
  readonly readNode?: ReadNode;
  readonly signal?: AbortSignal;
}

/**
 * @param numbers from 1, rising
 * @throws PlumbError as readRowBatches
 */
export async function* readRowsAt(source: RowSource, numbers: readonly number[], options: RowsAtOptions): AsyncGenerator<Row> {
  if (numbers.length === 0) return;
  const { readNode } = options;
  const reading = options.signal === undefined ? {} : { signal: options.signal };
  if (readNode !== undefined && source.tree !== undefined) yield* picked(rowsOfTree(readNode, source as TreeSource, numbers, reading), numbers);
  else if (source.format === 'jsonl') yield* linesAt(source, numbers, reading);
  else yield* picked(readRowBatches(source.path, source.format, { ...reading, name: source.name }), numbers);
}

/**
 * A stretch of the rows of a version with a tree: only chunks that hold some of them are read.
 * @param rows first row and the one behind the last; they count from 0
 */
export async function* readRowRange(
  source: TreeSource,
  rows: { readonly start: number; readonly end: number },
  { readNode, ...reading }: RowsAtOptions & { readonly readNode: ReadNode },
): AsyncGenerator<Row[]> {
  const list = new ChunkList();
  if (rows.end > rows.start) for await (const chunk of chunksOfRows(readNode, source.tree.root, rows)) list.add(chunk, 0);
  const columns = source.format === 'csv' ? await readHeader(readNode, source, reading) : null;
  for await (const batch of readGapRows(source, list, columns, reading)) {
    const some = batch.rows.filter(({ row }) => row > rows.start && row <= rows.end);
    if (some.length > 0) yield some;
  }
}

async function* picked(batches: AsyncIterable<readonly Row[]>, numbers: readonly number[]): AsyncGenerator<Row> {
  let next = 0;
  for await (const rows of batches) {
    for (const row of rows) {
      if (row.row !== numbers[next]) continue;
      next += 1;
      yield row;
    }
    if (next === numbers.length) return;
  }
}

async function* rowsOfTree(
  readNode: ReadNode,
  source: TreeSource,
  numbers: readonly number[],
  reading: { readonly signal?: AbortSignal },
): AsyncGenerator<readonly Row[]> {
  const list = new ChunkList();
  const places = numbers.map((number) => number - 1);
  for await (const chunk of chunksOfPlaces(readNode, source.tree.root, places)) list.add(chunk, 0);
  const columns = source.format === 'csv' ? await readHeader(readNode, source, reading) : null;
  for await (const { rows } of readGapRows(source, list, columns, reading)) yield rows;
}

/** Lines are counted, and only those that are asked for are parsed. The file has been read as rows before. */
async function* linesAt(source: RowSource, numbers: readonly number[], { signal }: { readonly signal?: AbortSignal }): AsyncGenerator<Row> {
  const handle = await open(source.path, 'r').catch((error: unknown) => Promise.reject(systemError(error, 'read', source.path)));
  try {
    let [row, next] = [0, 0];
    let rest: Buffer = Buffer.alloc(0);
    let first = true;
    const buffer = Buffer.allocUnsafeSlow(1 << 20);
    while (next < numbers.length) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      let block = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      if (first) block = block.subarray(skipByteOrderMark(block, source.name));
      first = false;
      for (let start = 0; ;) {
        const end = block.indexOf(0x0a, start);
        if (end === -1 && bytesRead > 0) {
          rest = block.subarray(start);
          break;
        }
        const line = block.subarray(start, end === -1 ? block.length : end);
        if (!isBlank(line)) row += 1;
        if (row === numbers[next]) {
          next += 1;
          yield { row, value: parseLine(line.toString('utf8').trim(), { file: source.name, row }) };
        }
        if (end === -1) return;
        start = end + 1;
      }
    }
  } finally {
    await handle.close();
  }
}

function isBlank(line: Buffer): boolean {
  return line[0] !== 0x7b && line.toString('utf8').trim() === '';
}
