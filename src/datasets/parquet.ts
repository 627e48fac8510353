// Parquet, a row group at a time. Values come out as JSON has them.
import { isUtf8 } from 'node:buffer';
import { open, type FileHandle } from 'node:fs/promises';
import type { AsyncBuffer, Compressors, FileMetaData } from 'hyparquet';
import { PlumbError, systemError } from '../base/errors.ts';
import type { ReadOptions, Row } from './row.ts';

/**
 * Rows of a Parquet file, one batch a row group: a row group is what memory must hold.
 * 64-bit integers beyond 2^53 and decimals beyond it become text, dates and times ISO 8601 in UTC, bytes base64, NaN null.
 * @throws PlumbError ROW_SYNTAX, FILE_MISSING, FILE_UNREADABLE
 */
export async function* readParquet(path: string, options: ReadOptions = {}): AsyncGenerator<Row[]> {
  const { parquetReadObjects } = await import('hyparquet');
  for await (const { first, data } of readGroups(path, options, parquetReadObjects))
    yield data.map((value, at) => ({ row: first + at, value: plain(value) as Record<string, unknown> }));
}

/** Cells of some columns of a row group, as `plain` has yet to make JSON of them. */
export interface ColumnGroup {
  readonly rows: number;
  /** each in pieces, in the order of the rows */
  readonly columns: ReadonlyMap<string, readonly ArrayLike<unknown>[]>;
}

/**
 * The same, for whoever looks at columns one by one: no rows are made of them, and of columns that nobody asks for nothing is read.
 * @param wanted names; null: all. One that is not there is left out
 */
export async function* readParquetColumns(path: string, wanted: readonly string[] | null, options: ReadOptions = {}): AsyncGenerator<ColumnGroup> {
  const { parquetRead, parquetSchema } = await import('hyparquet');
  const groups = readGroups(path, options, async (group) => {
    const names = parquetSchema(group.metadata).children.map(({ element }) => element.name);
    const columns = new Map<string, ArrayLike<unknown>[]>();
    const asked = wanted === null ? names : names.filter((name) => wanted.includes(name));
    if (asked.length === 0) return columns;
    const onChunk = ({ columnName, columnData }: { columnName: string; columnData: ArrayLike<unknown> }): void => {
      const pieces = columns.get(columnName);
      if (pieces === undefined) columns.set(columnName, [columnData]);
      else pieces.push(columnData);
    };
    await parquetRead({ ...group, columns: asked, onChunk });
    return columns;
  });
  for await (const { rows, data } of groups) yield { rows, columns: data };
}

interface Group {
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
  readonly rowStart: number;
  readonly rowEnd: number;
  readonly compressors: Compressors;
  readonly utf8: false;
}

async function* readGroups<Data>(
  path: string,
  options: ReadOptions,
  read: (group: Group) => Promise<Data>,
): AsyncGenerator<{ first: number; rows: number; data: Data }> {
  const [{ parquetMetadataAsync }, { compressors }] = await Promise.all([import('hyparquet'), import('hyparquet-compressors')]);
  const name = options.name ?? path;
  const handle = await open(path, 'r').catch((error: unknown) => Promise.reject(systemError(error, 'read', path)));
  try {
    const file = { byteLength: (await handle.stat()).size, slice: sliceOf(handle, options) };
    const metadata = await parquetMetadataAsync(file).catch((error: unknown) => Promise.reject(broken(error, name, 1)));
    let rowStart = 0;
    const wanted = groupsOf(options.part, metadata.row_groups.length);
    for (const [at, group] of metadata.row_groups.entries()) {
      options.signal?.throwIfAborted();
      const rowEnd = rowStart + Number(group.num_rows);
      if (at < wanted.start || at >= wanted.end) {
        rowStart = rowEnd;
        continue;
      }
      const first = rowStart + 1;
      const data = await read({ file, metadata, rowStart, rowEnd, compressors, utf8: false }).catch((error: unknown) =>
        Promise.reject(broken(error, name, first)),
      );
      yield { first, rows: rowEnd - rowStart, data };
      rowStart = rowEnd;
    }
  } finally {
    await handle.close();
  }
}

function groupsOf(part: ReadOptions['part'], groups: number): { start: number; end: number } {
  if (part === undefined) return { start: 0, end: groups };
  return { start: Math.floor((groups * (part.at - 1)) / part.of), end: Math.floor((groups * part.at) / part.of) };
}

function sliceOf(handle: FileHandle, options: ReadOptions): (start: number, end?: number) => Promise<ArrayBuffer> {
  return async (start, end) => {
    const size = (await handle.stat()).size;
    const from = start < 0 ? Math.max(0, size + start) : start;
    const bytes = new Uint8Array(Math.max(0, Math.min(end ?? size, size) - from));
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await handle.read(bytes, done, bytes.length - done, from + done);
      if (bytesRead === 0) throw new Error('the file ends early');
      done += bytesRead;
    }
    options.onBytes?.(bytes.length);
    return bytes.buffer;
  };
}

function broken(error: unknown, file: string, row: number): unknown {
  if (error instanceof PlumbError || (error instanceof Error && error.name === 'AbortError')) return error;
  return new PlumbError('ROW_SYNTAX', {
    what: `${file} does not read as Parquet${row > 1 ? ` from row ${row} on` : ''}: ${error instanceof Error ? error.message : String(error)}`,
    where: { file, row },
    mend: 'write the file again; the extension .parquet promises Parquet',
    cause: error,
  });
}

/** The JSON value of a Parquet value. */
export function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  switch (typeof value) {
    case 'bigint':
      return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
    case 'number':
      return Number.isFinite(value) ? value : Number.isNaN(value) ? null : value > 0 ? 'Infinity' : '-Infinity';
    case 'object':
      return plainObject(value);
    default:
      return value;
  }
}

function plainObject(value: object): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  // old writers mark text as bytes
  if (value instanceof Uint8Array) return isUtf8(value) ? Buffer.from(value).toString('utf8') : Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as Iterable<unknown>, plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
