// CSV as RFC 4180 has it: a header, commas, double quotes; every value is text.
import { isUtf8 } from 'node:buffer';
import type { CsvError, Info, Parser } from 'csv-parse';
import { PlumbError } from '../base/errors.ts';
import { brokenTail, firstBadByte, skipByteOrderMark } from './encoding.ts';
import { readBlocks, type ReadOptions, type Row } from './row.ts';

/**
 * Rows of a CSV file, in batches. Blank lines are skipped. The header names the columns: no name may stand twice.
 * @throws PlumbError ROW_RAGGED, ROW_SYNTAX, ROW_ENCODING, FILE_MISSING, FILE_UNREADABLE
 */
export async function* readCsv(path: string, options: ReadOptions = {}): AsyncGenerator<Row[]> {
  const { parse } = await import('csv-parse');
  const file = options.name ?? path;
  const records = createRecords(file, options);
  const parser = parse({
    relax_column_count: true, // counted here, to say the row
    skip_empty_lines: true,
    record_delimiter: ['\r\n', '\n', '\r'], // files are put together from several machines
    on_record: (fields: string[], info: Info) => records.take(fields, info),
  });
  parser.resume();
  for await (const block of readUtf8Blocks(path, file, { ...options, onMark: records.skip })) {
    await feed(parser, block, { file, records });
    const rows = records.drain();
    if (rows.length > 0) yield rows;
  }
  await feed(parser, null, { file, records });
  const rows = records.drain();
  if (rows.length > 0) yield rows;
}

/** Blocks without byte order mark, cut between characters. */
async function* readUtf8Blocks(path: string, file: string, options: ReadOptions & { onMark: (bytes: number) => void }): AsyncGenerator<Buffer> {
  let offset = 0;
  let line = 1;
  let rest: Buffer = Buffer.alloc(0);
  const check = (block: Buffer): Buffer => {
    if (!isUtf8(block)) throw badEncoding(block, file, offset, line);
    for (let at = block.indexOf(0x0a); at !== -1; at = block.indexOf(0x0a, at + 1)) line += 1;
    offset += block.length;
    return block;
  };
  for await (const read of readBlocks(path, options)) {
    let block = rest.length === 0 ? read : Buffer.concat([rest, read]);
    if (offset === 0) {
      offset = skipByteOrderMark(block, file);
      options.onMark(offset);
      block = block.subarray(offset);
    }
    const end = block.length - brokenTail(block);
    rest = block.subarray(end);
    yield check(block.subarray(0, end));
  }
  if (rest.length > 0) yield check(rest);
}

function badEncoding(block: Buffer, file: string, offset: number, line: number): PlumbError {
  const at = firstBadByte(block);
  const lines = block.subarray(0, at).toString('latin1').split('\n').length - 1;
  return new PlumbError('ROW_ENCODING', {
    what: `line ${line + lines} of ${file} is not UTF-8: byte 0x${(block[at] ?? 0).toString(16).padStart(2, '0')} at offset ${offset + at}`,
    where: { file, line: line + lines },
    mend: 'save the file as UTF-8; if it is Latin-1: iconv -f LATIN1 -t UTF-8',
    details: { offset: offset + at },
  });
}

interface Records {
  /** passes over bytes that the parser does not see */
  skip(bytes: number): void;
  take(fields: string[], soFar: Pick<Info, 'lines' | 'bytes'>): null;
  drain(): Row[];
  /** where the record begins that is not whole yet; behind blank lines, the first of them */
  openLine(): number;
}

function createRecords(file: string, { ends, onHead, onFault }: ReadOptions): Records {
  let header: { names: readonly string[]; make: (fields: readonly string[]) => Record<string, string> } | undefined;
  let row = 0;
  let mark = 0;
  let last = 0;
  let batch: Row[] = [];
  return {
    skip: (bytes) => void (mark = bytes),
    take(fields, { lines, bytes }) {
      const line = lines - newlinesIn(fields);
      last = lines;
      if (header === undefined) {
        checkHeader(fields, file);
        header = { names: fields, make: rowMaker(fields) };
        onHead?.(mark + bytes, fields);
        return null;
      }
      row += 1;
      if (fields.length !== header.names.length) {
        const fault = ragged({ file, row, line }, fields.length, header.names.length);
        if (onFault === undefined) throw fault;
        onFault(fault);
        return null;
      }
      const value = header.make(fields);
      batch.push(ends === true ? { row, line, value, end: mark + bytes } : { row, line, value });
      return null;
    },
    drain() {
      const rows = batch;
      batch = [];
      return rows;
    },
    openLine: () => last + 1,
  };
}

function newlinesIn(fields: readonly string[]): number {
  let count = 0;
  for (const field of fields) for (let at = field.indexOf('\n'); at !== -1; at = field.indexOf('\n', at + 1)) count += 1;
  return count;
}

/** A column may be called __proto__: assignment would lose it. */
function rowMaker(names: readonly string[]): (fields: readonly string[]) => Record<string, string> {
  if (names.includes('__proto__')) return (fields) => Object.fromEntries(names.map((name, at) => [name, fields[at] as string]));
  return (fields) => {
    const value: Record<string, string> = {};
    for (let at = 0; at < names.length; at += 1) value[names[at] as string] = fields[at] as string;
    return value;
  };
}

function checkHeader(names: readonly string[], file: string): void {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return;
  throw new PlumbError('ROW_SYNTAX', {
    what: `the header of ${file} names column ${JSON.stringify(twice)} twice`,
    where: { file, line: 1 },
    mend: 'give each column a name of its own',
  });
}

function ragged(at: { file: string; row: number; line: number }, found: number, expected: number): PlumbError {
  return new PlumbError('ROW_RAGGED', {
    what: `row ${at.row} of ${at.file} has ${found} ${found === 1 ? 'field' : 'fields'}, the header has ${expected}`,
    where: at,
    mend:
      found > expected
        ? 'put a value that holds a comma into double quotes'
        : 'add the missing fields, empty ones too, or close a double quote before it',
    details: { found, expected },
  });
}

/** One block through the parser; null ends it. */
async function feed(parser: Parser, block: Buffer | null, at: { readonly file: string; readonly records: Records }): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      parser.once('error', reject);
      const done = (error?: Error | null): void => {
        if (error) return reject(error);
        parser.off('error', reject);
        resolve();
      };
      if (block === null) parser.once('end', done).end();
      else parser.write(block, done);
    });
  } catch (error) {
    parser.on('error', () => undefined);
    throw syntaxError(error, at.file, at.records.openLine());
  }
}

/** @param openLine where the row begins: a quote that nobody closes is only met at the end of the file, a million lines below the mistake */
function syntaxError(error: unknown, file: string, openLine: number): unknown {
  if (!(error instanceof Error) || !('code' in error && 'lines' in error && 'records' in error)) return error;
  const { lines, records } = error as CsvError & { lines: number; records: number };
  const unclosed = error.code === 'CSV_QUOTE_NOT_CLOSED';
  return new PlumbError('ROW_SYNTAX', {
    what: `row ${Math.max(1, records)} of ${file} does not parse: ${unclosed ? 'a double quote is opened and never closed' : error.message}`,
    where: { file, line: unclosed ? openLine : lines, row: Math.max(1, records) },
    mend: 'a value that holds a comma, a quote or a line end stands in double quotes, with quotes in it doubled',
    cause: error,
  });
}
