// The footer of a Parquet file, and its row groups: what they claim is held against the file's size and the memory of this process before anything is read for it.
import { getHeapStatistics } from 'node:v8';
import type { DecodedArray, FileMetaData, RowGroup, SchemaTree } from 'hyparquet';
import { parquetMetadata, parquetSchema } from 'hyparquet';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { assembleAsync } from 'hyparquet/src/rowgroup.js';
import { getTreePath } from 'hyparquet/src/schema.js';
import { readChunk, type Allowance } from './parquet-column.ts';
import { endOfStruct } from './parquet-thrift.ts';

/** The bytes of a file. */
export interface ParquetBytes {
  readonly byteLength: number;
  /** @throws Error: the range is not within the file */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

export interface Footer {
  readonly schema: SchemaTree;
  readonly groups: readonly Group[];
}

export interface Group {
  readonly rows: number;
  readonly columns: RowGroup['columns'];
}

/** Cells of a column of a row group, in pieces. */
export type Pieces = readonly DecodedArray[];

/** Footers of honest files have some megabytes; read, they take fifty times as much. */
const largestFooter = 64 * 2 ** 20;
/** Levels of a schema. */
const deepest = 100;

/** @throws Error: what is wrong */
export async function readFooter(file: ParquetBytes): Promise<Footer> {
  if (file.byteLength < 12) throw new Error('it is too short');
  const end = await file.read(file.byteLength - 8, file.byteLength);
  if (Buffer.from(end).toString('latin1', 4) !== 'PAR1') throw new Error('it does not end as Parquet does');
  const length = new DataView(end.buffer).getUint32(0, true);
  if (length > file.byteLength - 12) throw new Error('its footer is longer than the file');
  if (length > largestFooter) throw new Error(`its footer has ${length} bytes, more than ${largestFooter}`);
  const footer = await file.read(file.byteLength - 8 - length, file.byteLength);
  endOfStruct(footer.subarray(0, length), 0);
  return checkedFooter(parquetMetadata(footer), file.byteLength);
}

function checkedFooter(metadata: FileMetaData, byteLength: number): Footer {
  checkDepth(metadata);
  const schema = parquetSchema(metadata);
  let packed = 0;
  const groups = metadata.row_groups.map(({ num_rows, columns }) => {
    const rows = Number(num_rows);
    if (!(rows >= 0 && Number.isSafeInteger(rows))) throw new Error(`a row group claims ${num_rows} rows`);
    if (rows > 0 && schema.children.length === 0) throw new Error('it has rows and no columns');
    for (const { meta_data: column } of columns) packed += Number(column?.total_compressed_size ?? 0);
    return { rows, columns };
  });
  // else a small file could name the same bytes a million times
  if (packed > byteLength) throw new Error('its columns claim more bytes than the file has');
  return { schema, groups };
}

/** Before the schema is made a tree, which is done by recursion. */
function checkDepth({ schema }: FileMetaData): void {
  const open: number[] = [];
  for (const { num_children: children } of schema) {
    const above = open.at(-1);
    if (above !== undefined) open[open.length - 1] = above - 1;
    open.push(Math.max(0, children ?? 0));
    if (open.length > deepest) throw new Error(`its schema is nested deeper than ${deepest}`);
    while (open.at(-1) === 0) open.pop();
  }
}

/**
 * Some columns of a row group.
 * @param wanted names; null: all. One that is not there is left out
 * @returns by name, in the order of the schema
 * @throws Error: what is wrong
 */
export async function readGroup(
  file: ParquetBytes,
  { schema }: Footer,
  { rows, columns }: Group,
  wanted: readonly string[] | null,
): Promise<Map<string, Pieces>> {
  const allowance = allowanceOf(getHeapStatistics().heap_size_limit);
  const leaves: { readonly pathInSchema: string[]; readonly pieces: DecodedArray[] }[] = [];
  for (const { meta_data: column, file_path: elsewhere } of columns) {
    if (column === undefined || elsewhere !== undefined) throw new Error('its columns are encrypted, or in other files');
    const { path_in_schema: pathInSchema, codec } = column;
    const name = pathInSchema[0] ?? '';
    if (wanted !== null && !wanted.includes(name)) continue;
    const start = Number(column.dictionary_page_offset || column.data_page_offset);
    const end = start + Number(column.total_compressed_size);
    const bytes = await file.read(start, end);
    try {
      const schemaPath = getTreePath(schema, pathInSchema);
      leaves.push({ pathInSchema, pieces: readChunk({ bytes, codec, schemaPath, pathInSchema }, rows, allowance) });
    } catch (error) {
      throw new Error(`the column ${JSON.stringify(name)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
  return assembled(schema, leaves, wanted);
}

/** Lists, maps and structs put together from the columns that they consist of. */
async function assembled(
  schema: SchemaTree,
  leaves: readonly { readonly pathInSchema: string[]; readonly pieces: DecodedArray[] }[],
  wanted: readonly string[] | null,
): Promise<Map<string, Pieces>> {
  const asyncColumns = leaves.map(({ pathInSchema, pieces }) => ({ pathInSchema, data: Promise.resolve({ data: pieces, skipped: 0 }) }));
  const whole = assembleAsync({ groupStart: 0, groupRows: 0, asyncColumns }, schema, DEFAULT_PARSERS);
  // all are waited for, so that an error of one is not left over
  const settled = await Promise.allSettled(whole.asyncColumns.map(({ data }) => data));
  const columns = new Map<string, Pieces>();
  for (const [at, result] of settled.entries()) {
    if (result.status === 'rejected') throw result.reason;
    columns.set(whole.asyncColumns[at]?.pathInSchema[0] ?? '', result.value.data);
  }
  for (const { element } of schema.children)
    if (!columns.has(element.name) && (wanted === null || wanted.includes(element.name)))
      throw new Error(`the column ${JSON.stringify(element.name)} is not there`);
  return columns;
}

function allowanceOf(bytes: number): Allowance {
  let left = bytes;
  return {
    take: (more) => {
      left -= more;
      if (left < 0)
        throw new Error(`its row group takes more than the ${Math.floor(bytes / 2 ** 20)} MiB that this process may hold; smaller ones can be read`);
    },
  };
}
