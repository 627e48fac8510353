// Parquet, a row group at a time. Values come out as JSON has them.
import { isUtf8 } from 'node:buffer';
import { open, type FileHandle } from 'node:fs/promises';
import { PlumbError, systemError } from '../base/errors.ts';
import type { ParquetBytes, Pieces } from './parquet-group.ts';
import type { ReadOptions, Row } from './row.ts';

/** Rows are made of columns so many at once: only the columns of a row group are in memory whole. */
const rowsAtOnce = 16_384;

/**
 * Rows of a Parquet file in batches; memory holds the columns of a row group. 64-bit integers beyond 2^53 and decimals beyond it become text, dates and times
 * ISO 8601 in UTC, bytes base64, NaN null. A file that is damaged, or that claims what it cannot hold, is an error in bounded time and memory.
 * @throws PlumbError ROW_SYNTAX, FILE_MISSING, FILE_UNREADABLE
 */
export async function* readParquet(path: string, options: ReadOptions = {}): AsyncGenerator<Row[]> {
  for await (const { first, rows, columns } of readGroups(path, null, options)) {
    const cursors = [...columns].map(([name, pieces]) => new Cursor(name, pieces));
    for (let from = 0; from < rows; from += rowsAtOnce) {
      const batch = Array.from({ length: Math.min(rowsAtOnce, rows - from) }, (_, at): Row => ({ row: first + from + at, value: {} }));
      try {
        for (const cursor of cursors) cursor.fill(batch);
      } catch (error) {
        throw broken(error, options.name ?? path, first + from);
      }
      yield batch;
    }
  }
}

/** Goes through the pieces of a column as rows are made. */
class Cursor {
  readonly #name: string;
  readonly #pieces: Pieces;
  #piece = 0;
  #at = 0;

  constructor(name: string, pieces: Pieces) {
    this.#name = name;
    this.#pieces = pieces;
  }

  fill(batch: readonly Row[]): void {
    const name = this.#name;
    let piece = this.#pieces[this.#piece];
    for (const { value } of batch) {
      while (piece !== undefined && this.#at >= piece.length) {
        piece = this.#pieces[(this.#piece += 1)];
        this.#at = 0;
      }
      const cell = plain(piece?.[this.#at++]);
      // an assignment to that name would set another thing
      if (name === '__proto__') Object.defineProperty(value, name, { value: cell, enumerable: true, writable: true, configurable: true });
      else value[name] = cell;
    }
  }
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
  for await (const { rows, columns } of readGroups(path, wanted, options)) yield { rows, columns };
}

async function* readGroups(
  path: string,
  wanted: readonly string[] | null,
  options: ReadOptions,
): AsyncGenerator<{ first: number; rows: number; columns: Map<string, Pieces> }> {
  const { readFooter, readGroup } = await import('./parquet-group.ts');
  const name = options.name ?? path;
  const handle = await open(path, 'r').catch((error: unknown) => Promise.reject(systemError(error, 'read', path)));
  try {
    const file = await bytesOf(handle, options);
    const footer = await readFooter(file).catch((error: unknown) => Promise.reject(broken(error, name, 1)));
    const part = groupsOf(options.part, footer.groups.length);
    let first = 1;
    for (const [at, group] of footer.groups.entries()) {
      options.signal?.throwIfAborted();
      const row = first;
      if (at >= part.start && at < part.end && group.rows > 0) {
        const columns = await readGroup(file, footer, group, wanted).catch((error: unknown) => Promise.reject(broken(error, name, row)));
        yield { first: row, rows: group.rows, columns };
      }
      first += group.rows;
    }
  } finally {
    await handle.close();
  }
}

function groupsOf(part: ReadOptions['part'], groups: number): { start: number; end: number } {
  if (part === undefined) return { start: 0, end: groups };
  return { start: Math.floor((groups * (part.at - 1)) / part.of), end: Math.floor((groups * part.at) / part.of) };
}

async function bytesOf(handle: FileHandle, options: ReadOptions): Promise<ParquetBytes> {
  const { size } = await handle.stat();
  return {
    byteLength: size,
    read: async (start, end) => {
      if (!(start >= 0 && start <= end && end <= size)) throw new Error('a column lies outside of the file');
      const bytes = new Uint8Array(end - start);
      for (let done = 0; done < bytes.length;) {
        const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done);
        if (bytesRead === 0) throw new Error('the file ends early');
        done += bytesRead;
      }
      options.onBytes?.(bytes.length);
      return bytes;
    },
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
