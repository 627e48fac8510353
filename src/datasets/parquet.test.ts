import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { type FileMetaData, parquetMetadata, type SchemaElement } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { ByteWriter, parquetWriteBuffer } from 'hyparquet-writer';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import { afterAll, describe, expect, test } from 'vitest';
import { isPlumbError } from '../base/errors.ts';
import { unpack } from './parquet-codecs.ts';
import { checkPage, checkPageV2, type PageShape } from './parquet-page.ts';
import { readParquet, readParquetColumns } from './parquet.ts';
import { endOfStruct } from './parquet-thrift.ts';
import { checkVariant } from './parquet-variant.ts';
import type { Row } from './row.ts';

const folder = await mkdtemp(join(tmpdir(), 'plumb-parquet-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const rows = 40;
const file = Buffer.from(
  parquetWriteBuffer({
    codec: 'UNCOMPRESSED',
    rowGroupSize: 25,
    columnData: [
      { name: 'id', data: Array.from({ length: rows }, (_, at) => at), type: 'INT32', encoding: 'DELTA_BINARY_PACKED' },
      { name: 'text', data: Array.from({ length: rows }, (_, at) => (at % 3 === 0 ? null : `t${at % 5}`)), type: 'STRING', nullable: true },
      { name: 'long', data: Array.from({ length: rows }, (_, at) => `the same ${at}`), type: 'STRING', encoding: 'DELTA_BYTE_ARRAY' },
      { name: 'x', data: Array.from({ length: rows }, (_, at) => at / 3), type: 'DOUBLE', encoding: 'BYTE_STREAM_SPLIT' },
      { name: 'list', data: Array.from({ length: rows }, (_, at) => Array.from({ length: at % 3 }, () => at)) },
    ],
  }),
);

/** The code of the error with which reading ends; rows that were read where there is none. */
async function outcomeOf(bytes: Uint8Array): Promise<{ readonly read: Row[] } | { readonly code: string; readonly message: string }> {
  const path = join(folder, 'x.parquet');
  await writeFile(path, bytes);
  const read: Row[] = [];
  try {
    for await (const batch of readParquet(path, { name: 'data/x.parquet' })) read.push(...batch);
    for await (const { rows: counted } of readParquetColumns(path, ['text'], { name: 'data/x.parquet' })) expect(counted).toBeGreaterThan(0);
    return { read };
  } catch (error) {
    if (!isPlumbError(error)) throw error;
    return { code: error.code, message: error.message };
  }
}

/** The file with another footer. */
function withFooter(change: (metadata: FileMetaData) => void): Uint8Array {
  const metadata = parquetMetadata(file);
  change(metadata);
  const writer = new ByteWriter();
  writer.appendBytes(file.subarray(0, file.length - 8 - metadata.metadata_length));
  writeMetadata(writer, metadata);
  writer.appendBytes(Buffer.from('PAR1'));
  return new Uint8Array(writer.getBuffer());
}

/** The file with other bytes at the start of the first page of a column. */
function withPage(column: number, bytes: readonly number[]): Uint8Array {
  const damaged = Buffer.from(file);
  const offset = Number(parquetMetadata(file).row_groups[0]?.columns[column]?.meta_data?.data_page_offset);
  const reader = { view: new DataView(damaged.buffer, damaged.byteOffset, damaged.length), offset };
  parquetHeader(reader);
  damaged.set(bytes, reader.offset);
  return damaged;
}

const shape: PageShape = { type: 'BYTE_ARRAY', width: undefined, levels: { definition: 0, repetition: 0 }, hasDictionary: true };

describe('a damaged or hostile Parquet file is an error', () => {
  test('undamaged it reads', async () => {
    const outcome = await outcomeOf(file);
    expect('read' in outcome && outcome.read).toHaveLength(rows);
    expect('read' in outcome && outcome.read[26]).toEqual({ row: 27, value: { id: 26, text: 't1', long: 'the same 26', x: 26 / 3, list: [26, 26] } });
    expect(await outcomeOf(withFooter(() => {}))).toEqual(outcome);
  });

  test('runs of levels that would keep the decoder busy for ever', async () => {
    const endless = [
      // a run of 2^31 - 1 values; one of -1; a block of -8
      [4, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff],
      [4, 0, 0, 0, 0xfe, 0xff, 0xff, 0x7f],
      [5, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f],
      // levels that are longer than the page
      [0xff, 0xff, 0xff, 0x7f],
    ];
    for (const bytes of endless) expect(await outcomeOf(withPage(1, bytes))).toMatchObject({ code: 'ROW_SYNTAX' });
    expect(await outcomeOf(withPage(1, [4, 0, 0, 0, 0xfe, 0xff, 0xff, 0x7f]))).toMatchObject({
      message: expect.stringMatching(
        /^data\/x\.parquet does not read as Parquet: the column "text": a run claims 134217727 values where 23 are left/,
      ),
    });
  });

  test('indexes of no bits in a block of minus eight values, which never ends', () => {
    const header = {
      num_values: 9,
      num_nulls: 0,
      num_rows: 9,
      encoding: 'RLE_DICTIONARY',
      definition_levels_byte_length: 0,
      repetition_levels_byte_length: 0,
    } as const;
    for (const run of [
      [0xff, 0xff, 0xff, 0xff, 0x0f],
      [0xff, 0xff, 0xff, 0x7f],
    ])
      expect(() => checkPageV2(Uint8Array.from([0, ...run, 0, 0]), header, shape, () => {})).toThrow(/claims|larger than Parquet allows/);
  });

  test('texts that grow from a byte each', () => {
    // 1000 numbers of no bits: the first, and what each is more than the one before
    const deltas = (first: number, step: number): number[] => [0x80, 8, 1, 0xe8, 7, first * 2, step * 2, 0];
    const header = { num_values: 1000, encoding: 'DELTA_BYTE_ARRAY', definition_level_encoding: 'RLE', repetition_level_encoding: 'RLE' } as const;
    const check = (prefixes: number[], suffixes: number[]): number => {
      let taken = 0;
      checkPage(Uint8Array.from([...prefixes, ...suffixes]), header, shape, (bytes) => (taken += bytes));
      return taken;
    };
    expect(check(deltas(0, 0), deltas(3, 0))).toBe(0);
    expect(check(deltas(0, 1), deltas(1, 0))).toBe((1000 * 1001) / 2 - 1);
    expect(() => check(deltas(9, 0), deltas(0, 0))).toThrow('shares more');
  });

  test('footers that claim what no file holds', async () => {
    const claims: Record<string, (metadata: FileMetaData) => void> = {
      'a row group of 10^12 rows': ({ row_groups: [group] }) => group && (group.num_rows = 10n ** 12n),
      'a row more than there are': ({ row_groups: [group] }) => group && (group.num_rows = 26n),
      'fewer than no rows': ({ row_groups: [group] }) => group && (group.num_rows = -1n),
      'a column outside of the file': ({ row_groups: [group] }) => set(group?.columns[0]?.meta_data, { data_page_offset: 10n ** 15n }),
      'more bytes than the file has': ({ row_groups: [group] }) => set(group?.columns[0]?.meta_data, { total_compressed_size: 10n ** 6n }),
      'the same bytes many times': ({ row_groups }) =>
        row_groups.push(...Array.from({ length: 100 }, () => row_groups[0]).flatMap((group) => group ?? [])),
      'a column that is not there': ({ row_groups: [group] }) => group?.columns.splice(1, 1),
      'a schema that is nested without end': ({ schema }) =>
        schema.push(...Array.from({ length: 5000 }, (_, at): SchemaElement => ({ name: `n${at}`, num_children: 1, repetition_type: 'REQUIRED' }))),
    };
    for (const [what, change] of Object.entries(claims))
      expect([what, await outcomeOf(withFooter(change))]).toMatchObject([what, { code: 'ROW_SYNTAX' }]);
  });

  test('a header with a number of many thousand bytes, or a list longer than its bytes', () => {
    expect(() => endOfStruct(Uint8Array.from([0x16, ...Array.from({ length: 5000 }, () => 0xff), 1, 0]), 0)).toThrow('64 bits');
    expect(() => endOfStruct(Uint8Array.from([0x19, 0xfc, 0xff, 0xff, 0xff, 0x07, 0]), 0)).toThrow('over the end');
    expect(() => endOfStruct(new Uint8Array(5000).fill(0x1c), 0)).toThrow('nested deeper');
    expect(endOfStruct(Uint8Array.from([0x15, 2, 0x18, 1, 65, 0, 9]), 0)).toBe(6);
  });

  test('pages that unpack to another length, or never', () => {
    const packed = zstdCompressSync(Buffer.alloc(100_000));
    expect(unpack('ZSTD', packed, 100_000)).toHaveLength(100_000);
    for (const length of [99_999, 100_001]) expect(() => unpack('ZSTD', packed, length)).toThrow(/bytes|larger/);
    // a frame that is skipped, of minus eight bytes; a block of LZ4 of minus eight bytes
    expect(() => unpack('ZSTD', Uint8Array.from([0x50, 0x2a, 0x4d, 0x18, 0xf8, 0xff, 0xff, 0xff]), 8)).toThrow('unexpected end of file');
    expect(() => unpack('LZ4', Uint8Array.from([0, 0, 0, 0, 0xff, 0xff, 0xff, 0xf8, 0]), 8)).toThrow('lz4');
    for (const codec of ['SNAPPY', 'GZIP', 'LZ4', 'LZ4_RAW']) expect(() => unpack(codec, new Uint8Array(10), 2 ** 31 - 1)).toThrow('claims');
    expect(() => unpack('LZO', new Uint8Array(10), 10)).toThrow('LZO');
  });

  test('parts of a VARIANT that name the same part twice, level by level', async () => {
    // a list of two parts, both the next list; 2^60 of them in 300 bytes
    const doubled = Uint8Array.from([...Array.from({ length: 60 }, () => [3, 2, 0, 0, 0]).flat(), 0]);
    expect(() => checkVariant(doubled)).toThrow('overlap');
    expect(() => checkVariant(Uint8Array.from([0x13, 0xff, 0xff, 0xff, 0x7f, 0]))).toThrow('more parts');
    const write = (data: unknown[]): Uint8Array => new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'v', data, type: 'VARIANT' }] }));
    expect(await outcomeOf(write([{ a: [1, { b: 'x' }], c: null }, 7]))).toEqual({
      read: [
        { row: 1, value: { v: { a: [1, { b: 'x' }], c: null } } },
        { row: 2, value: { v: 7 } },
      ],
    });
  });

  test('bytes that changed anywhere: rows as many as before, or ROW_SYNTAX', async () => {
    const change = fc.record({
      at: fc.nat(file.length - 1),
      bytes: fc.array(fc.constantFrom(0, 1, 0x0f, 0x7f, 0x80, 0xfe, 0xff), { minLength: 1, maxLength: 6 }),
      cut: fc.boolean(),
    });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(change, async ({ at, bytes, cut }) => {
        const damaged = cut ? Buffer.concat([file.subarray(0, at), file.subarray(at + bytes.length)]) : Buffer.from(file);
        if (!cut) damaged.set(bytes.slice(0, file.length - at), at);
        const outcome = await outcomeOf(damaged);
        if ('code' in outcome) {
          expect(outcome.code).toBe('ROW_SYNTAX');
          refused += 1;
        }
      }),
      { numRuns: 400, seed: 8 },
    );
    expect(refused).toBeGreaterThan(100);
  });
});

function set<T extends object>(target: T | undefined, values: Partial<T>): void {
  if (target === undefined) throw new Error('the file has another shape');
  Object.assign(target, values);
}
