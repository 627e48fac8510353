import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetWriteFile } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { isPlumbError, type PlumbError } from '../base/errors.ts';
import { formatOfName, readRows, requireFormatOfName, type Row } from './rows.ts';
import type { RowFormat } from './schema.ts';

const folder = await mkdtemp(join(tmpdir(), 'plumb-rows-'));
let files = 0;

async function fileOf(bytes: string | Uint8Array): Promise<string> {
  const path = join(folder, `file-${(files += 1)}`);
  await writeFile(path, bytes);
  return path;
}

async function collect(rows: AsyncIterable<Row>): Promise<Row[]> {
  const list: Row[] = [];
  for await (const row of rows) list.push(row);
  return list;
}

async function rowsOf(bytes: string | Uint8Array, format: RowFormat = 'jsonl'): Promise<Row[]> {
  return collect(readRows(await fileOf(bytes), format));
}

async function errorOf(bytes: string | Uint8Array, format: RowFormat = 'jsonl'): Promise<PlumbError> {
  const path = await fileOf(bytes);
  const error: unknown = await collect(readRows(path, format, { name: 'data/x' })).then(
    () => 'no error',
    (reason: unknown) => reason,
  );
  if (!isPlumbError(error)) throw new Error(`no PlumbError but ${String(error)}`);
  return error;
}

test('JSONL: rows with their lines; blank lines, CRLF, a byte order mark and a missing last newline are let pass', async () => {
  expect(await rowsOf('\ufeff{"a":1}\r\n\r\n  \n{"a":"\u2028é"}\n {"a":null}')).toEqual([
    { row: 1, line: 1, value: { a: 1 } },
    { row: 2, line: 4, value: { a: '\u2028é' } },
    { row: 3, line: 5, value: { a: null } },
  ]);
  expect(await rowsOf('')).toEqual([]);
});

test('JSONL: rows longer than a block come out whole', async () => {
  const long = { text: 'é'.repeat(1_500_000) };
  const rows = await rowsOf(`{"a":1}\n${JSON.stringify(long)}\n{"a":2}\n`);
  expect(rows.map((row) => row.line)).toEqual([1, 2, 3]);
  expect(rows[1]?.value).toEqual(long);
});

test('JSONL: a malformed row is named by row and line, without the text of the row', async () => {
  const error = await errorOf('{"a":1}\n\n{"a":1,"secret"}\n');
  expect(error.code).toBe('ROW_SYNTAX');
  expect(error.where).toEqual({ file: 'data/x', row: 2, line: 3 });
  expect(error.message).toMatch(/^row 2 of data\/x is not JSON/);
  expect(error.message).not.toContain('secret');
  expect((await errorOf('{"a":1}\n[1]\n')).message).toBe('row 2 of data/x is a list, not an object');
  expect((await errorOf('[\n{"a":1}]')).where?.row).toBe(1);
});

test('JSONL: wrong encoding is named by row and byte offset', async () => {
  const error = await errorOf(Buffer.concat([Buffer.from('\ufeff{"a":"é"}\n{"a":"caf'), Buffer.from([0xe9]), Buffer.from('"}\n')]));
  expect(error.code).toBe('ROW_ENCODING');
  expect(error.where).toMatchObject({ row: 2, line: 2 });
  expect(error.details).toEqual({ offset: 3 + 11 + 9 });
  expect((await errorOf(Buffer.from('\ufeff{"a":1}\n', 'utf16le'))).message).toContain('UTF-16');
  expect((await errorOf(Buffer.from('{"a":1}\n', 'utf16le'))).message).toContain('UTF-16');
});

test('JSONL: long ids keep their digits, other numbers stay numbers', async () => {
  const [row] = await rowsOf('{"id":12345678901234567891,"x":0.1234567890123456789,"t":"1234567890123456789","n":[9007199254740993]}\n');
  expect(row?.value).toEqual({ id: '12345678901234567891', x: 0.12345678901234568, t: '1234567890123456789', n: ['9007199254740993'] });
});

/** What the reader promises, said another way. */
function longIntegersAsText(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21 ? String(value) : value;
  if (Array.isArray(value)) return value.map(longIntegersAsText);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, longIntegersAsText(item)]));
}

test('JSONL: what JSON.stringify writes is read back', async () => {
  const value = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue());
  await fc.assert(
    fc.asyncProperty(fc.array(value, { maxLength: 20 }), fc.constantFrom('\n', '\r\n'), async (values, end) => {
      const texts = values.map((item) => JSON.stringify(item));
      const rows = await rowsOf(texts.map((text) => text + end).join(''));
      expect(rows.map((row) => row.value)).toEqual(texts.map((text) => longIntegersAsText(JSON.parse(text))));
    }),
    { numRuns: 60 },
  );
});

test('CSV: values are text; quotes hold commas, quotes and line ends; lines are those on which rows begin', async () => {
  expect(await rowsOf('\ufefftext,label\r\n"a, ""b""",x\r\n"two\nlines",y\r\n\r\n1,\r\n', 'csv')).toEqual([
    { row: 1, line: 2, value: { text: 'a, "b"', label: 'x' } },
    { row: 2, line: 3, value: { text: 'two\nlines', label: 'y' } },
    { row: 3, line: 6, value: { text: '1', label: '' } },
  ]);
  expect(await rowsOf('a,b\n', 'csv')).toEqual([]);
  expect((await rowsOf('__proto__,b\n1,2\n', 'csv')).map((row) => Object.entries(row.value))).toEqual([
    [
      ['__proto__', '1'],
      ['b', '2'],
    ],
  ]);
});

test('CSV: a ragged row is named by row and line', async () => {
  const error = await errorOf('a,b\n1,"x\ny"\n1,2,3\n', 'csv');
  expect(error.code).toBe('ROW_RAGGED');
  expect(error.where).toEqual({ file: 'data/x', row: 2, line: 4 });
  expect(error.message).toBe('row 2 of data/x has 3 fields, the header has 2');
  expect((await errorOf('a,b\n1\n', 'csv')).message).toBe('row 1 of data/x has 1 field, the header has 2');
});

test('JSONL: a row that is nested too deep to be walked through is refused', async () => {
  const nested = (levels: number): string => `{"a":1}\n{"a":${'['.repeat(levels)}${']'.repeat(levels)}}\n`;
  for (const levels of [201, 50_000]) expect(await errorOf(nested(levels))).toMatchObject({ code: 'ROW_SYNTAX', where: { row: 2 } });
  expect(await collect(readRows(await fileOf(nested(199)), 'jsonl'))).toHaveLength(2);
});

test('CSV: an open quote, a name that stands twice, and Latin-1 are refused', async () => {
  expect(await errorOf('a,b\n1,2\n3,"x\n', 'csv')).toMatchObject({ code: 'ROW_SYNTAX', where: { row: 2 } });
  for (const record of ['3,4"', '3,"x"y'])
    expect(await errorOf(`a,b\n1,2\n${record}\n`, 'csv')).toMatchObject({ code: 'ROW_SYNTAX', where: { row: 2, line: 3 } });
  expect(await errorOf('a,a\n1,2\n', 'csv')).toMatchObject({ code: 'ROW_SYNTAX', where: { line: 1 } });
  const latin = await errorOf(Buffer.from('a,b\n1,caf\u00e9\n', 'latin1'), 'csv');
  expect(latin).toMatchObject({ code: 'ROW_ENCODING', where: { line: 2 }, details: { offset: 9 } });
});

test('CSV: characters cut by the reading of blocks come out whole', async () => {
  const rows = Array.from({ length: 60_000 }, (_, at) => `${at},${'€😀é'.repeat((at % 3) + 1)}`);
  const read = await rowsOf(`id,text\n${rows.join('\n')}\n`, 'csv');
  expect(read.length).toBe(rows.length);
  expect(read.every((row, at) => `${String(row.value['id'])},${String(row.value['text'])}` === rows[at])).toBe(true);
});

test('Parquet: row groups in order, values as JSON has them', async () => {
  const path = join(folder, 'x.parquet');
  parquetWriteFile({
    filename: path,
    rowGroupSize: 2,
    columnData: [
      { name: 'id', data: [1n, 9007199254740993n, 3n], type: 'INT64' },
      { name: 'text', data: ['a', 'é', null], type: 'STRING', nullable: true },
      { name: 'at', data: [new Date(0), new Date(1), new Date(2)], type: 'TIMESTAMP' },
      { name: 'x', data: [0.5, Number.NaN, -Infinity], type: 'DOUBLE' },
    ],
  });
  expect(await collect(readRows(path, 'parquet'))).toEqual([
    { row: 1, value: { id: 1, text: 'a', at: '1970-01-01T00:00:00.000Z', x: 0.5 } },
    { row: 2, value: { id: '9007199254740993', text: 'é', at: '1970-01-01T00:00:00.001Z', x: null } },
    { row: 3, value: { id: 3, text: null, at: '1970-01-01T00:00:00.002Z', x: '-Infinity' } },
  ]);
});

test('Parquet: what is none is refused', async () => {
  expect((await errorOf('{"a":1}\n', 'parquet')).code).toBe('ROW_SYNTAX');
  expect((await errorOf('', 'parquet')).code).toBe('ROW_SYNTAX');
});

test('reading stops when it is told to, and a missing file is said', async () => {
  const path = await fileOf('{"a":1}\n'.repeat(400_000));
  const stop = new AbortController();
  const reading = (async () => {
    for await (const row of readRows(path, 'jsonl', { signal: stop.signal })) if (row.row === 10) stop.abort(new Error('enough'));
  })();
  await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
  await expect(collect(readRows(join(folder, 'none'), 'csv'))).rejects.toMatchObject({ code: 'FILE_MISSING' });
});

test('the format is what the name promises', () => {
  expect(['a.jsonl', 'a.NDJSON', 'x/a.csv', 'a.parquet', 'a.txt', 'csv', '.csv', 'a.b/c'].map(formatOfName)).toEqual([
    'jsonl',
    'jsonl',
    'csv',
    'parquet',
    null,
    null,
    null,
    null,
  ]);
  expect(() => requireFormatOfName('data/x.jsnl')).toThrow('no extension');
});

test('JSONL: half a character in an escape is refused, a whole one and a text about escapes are read', async () => {
  await expect(rowsOf('{"a":"x"}\n{"a":"\\ud83d"}\n')).rejects.toMatchObject({ code: 'ROW_ENCODING', where: { row: 2, line: 2 } });
  const rows = await rowsOf('{"a":"\\ud83d\\ude00"}\n{"a":"\\\\ud83d"}\n');
  expect(rows.map((row) => row.value['a'])).toEqual(['😀', '\\ud83d']);
});
