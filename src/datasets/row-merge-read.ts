// Rows of a version by their number: bytes as they stand in the file, read in windows, for most are asked for in order.
import { open, stat, type FileHandle } from 'node:fs/promises';
import { systemError } from '../base/errors.ts';
import { parseCsvText } from './csv-text.ts';
import { parseLine } from './jsonl.ts';
import type { Version } from './row-merge-side.ts';

export interface RowsByNumber {
  /** Bytes [start, end) of the file; valid until the next call. */
  bytes(start: number, end: number): Promise<Buffer>;
  /** One row without blank lines before it, ended by a line end. */
  textOf(row: number): Promise<Buffer>;
  valueOf(row: number): Promise<Record<string, unknown>>;
  size(): Promise<number>;
  close(): Promise<void>;
}

const windowBytes = 1 << 18;

/** Opens the file with the first read. @throws (from its methods) PlumbError FILE_MISSING, FILE_UNREADABLE */
export function openRows(version: Version): RowsByNumber {
  const { path, format } = version.source;
  let handle: FileHandle | null = null;
  let window = Buffer.alloc(0);
  let from = 0;
  const bytes = async (start: number, end: number): Promise<Buffer> => {
    if (start >= from && end <= from + window.length) return window.subarray(start - from, end - from);
    try {
      handle ??= await open(path, 'r');
      const buffer = Buffer.allocUnsafeSlow(Math.max(windowBytes, end - start));
      let filled = 0;
      while (filled < end - start) {
        const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, start + filled);
        if (bytesRead === 0) throw new Error(`${version.source.name} was cut while it was being merged`);
        filled += bytesRead;
      }
      window = buffer.subarray(0, filled);
      from = start;
    } catch (error) {
      throw systemError(error, 'read', path);
    }
    return window.subarray(0, end - start);
  };
  const rawOf = (row: number): Promise<Buffer> => bytes(row === 0 ? version.head : (version.ends[row - 1] as number), version.ends[row] as number);
  return {
    bytes,
    async textOf(row) {
      const raw = await rawOf(row);
      let start = 0;
      while (isBlank(raw[start] as number, format === 'jsonl')) start += 1;
      return isLineEnd(raw.at(-1)) ? raw.subarray(start) : Buffer.concat([raw.subarray(start), lineEnd]);
    },
    async valueOf(row) {
      const text = (await rawOf(row)).toString('utf8').trim();
      if (format === 'jsonl') return parseLine(text, { file: version.source.name, line: 0, row: row + 1 });
      const record = parseCsvText(text)?.[0] ?? [];
      return Object.fromEntries((version.columns ?? []).map((name, at) => [name, record[at] ?? '']));
    },
    size: async () => (await stat(path)).size,
    close: async () => handle?.close(),
  };
}

const lineEnd = Buffer.from('\n');

export function isLineEnd(byte: number | undefined): boolean {
  return byte === 0x0a || byte === 0x0d;
}

function isBlank(byte: number, spaces: boolean): boolean {
  return isLineEnd(byte) || (spaces && (byte === 0x20 || byte === 0x09));
}
