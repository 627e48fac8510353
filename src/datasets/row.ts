// What a row is, whatever file it came from.
import { createReadStream } from 'node:fs';
import { errnoOf, type PlumbError, systemError } from '../base/errors.ts';

/**
 * One row. Values are what JSON can say: text, finite numbers, booleans, null, lists, objects. A whole number that a JavaScript number
 * cannot hold (beyond 2^53) is the text of its digits, so that two long ids never become one.
 */
export interface Row {
  /** counts from 1; the header of a CSV is not a row, nor is a blank line */
  readonly row: number;
  /** the line of the file on which the row begins, from 1; Parquet has none */
  readonly line?: number;
  readonly value: Record<string, unknown>;
  /** where asked for: offset in the file behind the row and its line end; blank lines before a row are part of it, Parquet has none */
  readonly end?: number;
  /** with `end`: the row as it is written, where it is a line of its own */
  readonly text?: string;
}

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** told of bytes of the file as they are read */
  readonly onBytes?: (bytes: number) => void;
  /** how messages name the file; the path when left out */
  readonly name?: string;
  /** rows say where they end in the file */
  readonly ends?: boolean;
  /** told before the first row: where rows begin, behind a byte order mark and the header of a CSV, and that header's names */
  readonly onHead?: (end: number, columns: readonly string[] | null) => void;
  /** told of rows that do not parse, which are left out; without it the first of them ends the reading. What breaks a whole file ends it all the same */
  readonly onFault?: (error: PlumbError) => void;
  /** of Parquet: only the row groups of this part of so many, the first is 1 */
  readonly part?: { readonly at: number; readonly of: number };
  /** bytes that do not come from the path: standard input */
  readonly source?: AsyncIterable<Buffer>;
}

/** The file in pieces of about a megabyte. @throws PlumbError FILE_MISSING, FILE_UNREADABLE */
export async function* readBlocks(path: string, options: ReadOptions): AsyncGenerator<Buffer> {
  const stream = options.source ?? createReadStream(path, { highWaterMark: 1 << 20, ...(options.signal ? { signal: options.signal } : {}) });
  try {
    for await (const block of stream as AsyncIterable<Buffer>) {
      options.onBytes?.(block.length);
      yield block;
    }
  } catch (error) {
    throw errnoOf(error) === undefined ? error : systemError(error, 'read', path);
  }
}
