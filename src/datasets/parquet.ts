// Parquet, a row group at a time. Values come out as JSON has them.
import { isUtf8 } from 'node:buffer';
import { open, type FileHandle } from 'node:fs/promises';
import { PlumbError, systemError } from '../base/errors.ts';
import type { ReadOptions, Row } from './row.ts';

/**
 * Rows of a Parquet file, one batch a row group: a row group is what memory must hold.
 * 64-bit integers beyond 2^53 and decimals beyond it become text, dates and times ISO 8601 in UTC, bytes base64, NaN null.
 * @throws PlumbError ROW_SYNTAX, FILE_MISSING, FILE_UNREADABLE
 */
export async function* readParquet(path: string, options: ReadOptions = {}): AsyncGenerator<Row[]> {
  const [{ parquetMetadataAsync, parquetReadObjects }, { compressors }] = await Promise.all([import('hyparquet'), import('hyparquet-compressors')]);
  const file = options.name ?? path;
  const handle = await open(path, 'r').catch((error: unknown) => Promise.reject(systemError(error, 'read', path)));
  try {
    const buffer = { byteLength: (await handle.stat()).size, slice: sliceOf(handle, options) };
    const metadata = await parquetMetadataAsync(buffer).catch((error: unknown) => Promise.reject(broken(error, file, 1)));
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      options.signal?.throwIfAborted();
      const rowEnd = rowStart + Number(group.num_rows);
      const first = rowStart + 1;
      const objects = await parquetReadObjects({ file: buffer, metadata, rowStart, rowEnd, compressors, utf8: false }).catch((error: unknown) =>
        Promise.reject(broken(error, file, first)),
      );
      yield objects.map((value, at) => ({ row: first + at, value: plain(value) as Record<string, unknown> }));
      rowStart = rowEnd;
    }
  } finally {
    await handle.close();
  }
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
