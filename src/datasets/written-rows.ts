// Rows with the bytes that they are written as: those of the file where it is JSONL, so that whoever picks rows changes nothing of them.
import type { RowFormat } from './schema.ts';
import { readBlocks, type ReadOptions, type Row } from './row.ts';
import { readRows } from './rows.ts';

export interface WrittenRow {
  readonly row: Row;
  /** one line of JSONL with its end, a single \n */
  readonly bytes: Buffer;
}

/**
 * The rows of a file in order. JSONL: the bytes of the line, byte order mark and \r taken off; other formats: the row as JSON.
 * @throws PlumbError as readRows
 */
export async function* readWrittenRows(path: string, format: RowFormat, options: ReadOptions): AsyncGenerator<WrittenRow> {
  if (format !== 'jsonl') {
    for await (const row of readRows(path, format, options)) yield { row, bytes: Buffer.from(`${JSON.stringify(row.value)}\n`) };
    return;
  }
  const lines = readLines(path, options.signal === undefined ? {} : { signal: options.signal });
  let number = 0;
  for await (const row of readRows(path, format, options)) {
    // blank lines are no rows
    for (;;) {
      const line = await lines.next();
      number += 1;
      if (line.done === true) throw new Error(`row ${row.row} of ${path} stands on line ${row.line}, the file has ${number - 1}`);
      if (number < (row.line ?? number)) continue;
      yield { row, bytes: Buffer.concat([line.value, newline]) };
      break;
    }
  }
}

const newline = Buffer.from('\n');
const byteOrderMark = Buffer.from('\ufeff');

async function* readLines(path: string, options: ReadOptions): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let first = true;
  for await (const block of readBlocks(path, options)) {
    const bytes = rest.length === 0 ? block : Buffer.concat([rest, block]);
    let from = first && bytes.subarray(0, 3).equals(byteOrderMark) ? 3 : 0;
    if (bytes.length >= 3) first = false;
    for (let end = bytes.indexOf(10, from); end !== -1; end = bytes.indexOf(10, from)) {
      yield bytes.subarray(from, bytes[end - 1] === 13 ? end - 1 : end);
      from = end + 1;
    }
    rest = bytes.subarray(from);
  }
  if (rest.length > 0) yield rest;
}
