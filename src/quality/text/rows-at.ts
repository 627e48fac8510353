// Some rows of a version by their numbers. Where its tree is known, only chunks that hold them are read.
import { hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { hexOf } from '../../base/digest.ts';
import { PlumbError, systemError } from '../../base/errors.ts';
import { parseCsvText } from '../../datasets/csv-text.ts';
import { skipByteOrderMark } from '../../datasets/encoding.ts';
import { parseLine } from '../../datasets/jsonl.ts';
import type { RowSource, TreeSource } from '../../datasets/row-source.ts';
import { readBlocks } from '../../datasets/row.ts';
import { readRowBatches, type Row } from '../../datasets/rows.ts';
import { chunksOfRows } from '../../store/tree/row-walk.ts';
import type { PlacedChunk, ReadNode } from '../../store/tree/tree.ts';
import type { CheckWorld } from '../checked-rows.ts';

/** Above one row of so many, reading all is as fast. */
const manyOf = 20;

/**
 * @param numbers from 1, ascending, each once
 * @throws PlumbError FILE_CHANGED where the file is not what its tree says, and as readRowBatches
 */
export async function* readRowsAt(
  source: RowSource,
  numbers: ArrayLike<number>,
  { readNode, signal }: Pick<CheckWorld, 'readNode' | 'signal'>,
): AsyncGenerator<Row> {
  if (numbers.length === 0) return;
  if (source.tree !== undefined && numbers.length * manyOf < source.tree.rows) {
    yield* readChunks(source as TreeSource, numbers, remembering(readNode), signal);
    return;
  }
  if (source.format === 'jsonl') {
    yield* readLines(source, numbers, signal);
    return;
  }
  let next = 0;
  for await (const batch of readRowBatches(source.path, source.format, { signal, name: source.name })) {
    const first = batch[0]?.row ?? 0;
    const [begins, count] = [next, batch.length];
    while (next < numbers.length && (numbers[next] as number) < first + count) next += 1;
    for (let at = begins; at < next; at += 1) yield batch[(numbers[at] as number) - first] as Row;
    if (next === numbers.length) return;
  }
  throw changed(source);
}

/** Lines of other rows are passed over unread. */
async function* readLines(source: RowSource, numbers: ArrayLike<number>, signal: AbortSignal): AsyncGenerator<Row> {
  let row = 0;
  let next = 0;
  let rest: Buffer[] = [];
  let isFirst = true;
  const take = (line: Buffer): Row | null => {
    if (isBlank(line) || (row += 1) !== numbers[next]) return null;
    next += 1;
    return { row, value: parseLine(line.toString('utf8').trim(), { file: source.name, row }) };
  };
  for await (const read of readBlocks(source.path, { signal })) {
    const block = isFirst ? read.subarray(skipByteOrderMark(read, source.name)) : read;
    isFirst = false;
    let from = 0;
    for (let end = block.indexOf(lineFeed); end !== -1; end = block.indexOf(lineFeed, from)) {
      const line = rest.length === 0 ? block.subarray(from, end) : Buffer.concat([...rest, block.subarray(from, end)]);
      rest = [];
      from = end + 1;
      const found = take(line);
      if (found !== null) yield found;
      if (next === numbers.length) return;
    }
    if (from < block.length) rest.push(block.subarray(from));
  }
  const found = take(Buffer.concat(rest));
  if (found !== null) yield found;
  if (next < numbers.length) throw changed(source);
}

const lineFeed = 0x0a;

function isBlank(line: Buffer): boolean {
  return line[0] !== 0x7b && line.toString('utf8').trim() === '';
}

async function* readChunks(source: TreeSource, numbers: ArrayLike<number>, readNode: ReadNode, signal: AbortSignal): AsyncGenerator<Row> {
  const handle = await open(source.path, 'r').catch((error: unknown) => Promise.reject(systemError(error, 'read', source.path)));
  try {
    const columns = source.format === 'csv' ? await headerOf(source, readNode, handle) : null;
    for (let next = 0; next < numbers.length;) {
      signal.throwIfAborted();
      const row = (numbers[next] as number) - 1;
      const begun = next;
      for await (const chunk of chunksOfRows(readNode, source.tree.root, { start: row, end: row + 1 })) {
        const values = valuesOf(await readChunk(source, handle, chunk), chunk, source, columns);
        for (; next < numbers.length && (numbers[next] as number) <= chunk.row + chunk.rows; next += 1) {
          const number = numbers[next] as number;
          const value = values[number - 1 - chunk.row];
          if (value === undefined) throw changed(source);
          yield { row: number, value };
        }
      }
      if (next === begun) throw changed(source);
    }
  } finally {
    await handle.close();
  }
}

async function headerOf(source: TreeSource, readNode: ReadNode, handle: FileHandle): Promise<readonly string[]> {
  for await (const chunk of chunksOfRows(readNode, source.tree.root, { start: 0, end: 1 }))
    return parseCsvText(await readChunk(source, handle, chunk))?.[0] ?? [];
  throw changed(source);
}

async function readChunk(source: RowSource, handle: FileHandle, { offset, bytes, digest }: PlacedChunk): Promise<string> {
  const chunk = Buffer.allocUnsafeSlow(bytes);
  const { bytesRead } = await handle.read(chunk, 0, bytes, offset);
  if (bytesRead !== bytes || hash('sha256', chunk, 'hex') !== hexOf(digest)) throw changed(source);
  return chunk.toString('utf8', offset === 0 ? skipByteOrderMark(chunk, source.name) : 0);
}

function valuesOf(text: string, { offset, row }: PlacedChunk, source: RowSource, columns: readonly string[] | null): Record<string, unknown>[] {
  if (columns === null) {
    const lines = text.split('\n').map((line) => line.trim());
    return lines.filter((line) => line !== '').map((line, at) => parseLine(line, { file: source.name, row: row + at + 1 }));
  }
  const records = parseCsvText(text) ?? [];
  return (offset === 0 ? records.slice(1) : records).map((record) => Object.fromEntries(columns.map((name, at) => [name, record[at] ?? ''])));
}

/** Nodes near the root are asked for with each row. */
const mostNodes = 1000;

function remembering(read: ReadNode): ReadNode {
  const known = new Map<string, Uint8Array>();
  return async (digest) => {
    const found = known.get(digest);
    if (found !== undefined) return found;
    const bytes = await read(digest);
    if (known.size >= mostNodes) known.clear();
    known.set(digest, bytes);
    return bytes;
  };
}

function changed(source: RowSource): PlumbError {
  return new PlumbError('FILE_CHANGED', {
    what: `${source.name} was changed while it was being read`,
    where: { file: source.name },
    mend: 'run the command again when whoever writes it has finished',
  });
}
