// Reading rows, whatever their format.
import { readCsv } from './csv.ts';
import { readJsonl } from './jsonl.ts';
import { readParquet } from './parquet.ts';
import type { ReadOptions, Row } from './row.ts';
import type { RowFormat } from './schema.ts';

export type { ReadOptions, Row } from './row.ts';
export { formatOfName, requireFormatOfName } from './row-format.ts';

const readers: Record<RowFormat, (path: string, options?: ReadOptions) => AsyncGenerator<Row[]>> = {
  jsonl: readJsonl,
  csv: readCsv,
  parquet: readParquet,
};

/**
 * Rows of a file in batches, in the order of the file; memory holds a batch (about 1 MB of text; a row group of Parquet). Several times
 * faster than one by one where the loop is short.
 * @param path absolute
 * @throws PlumbError ROW_SYNTAX, ROW_ENCODING, ROW_RAGGED, FILE_MISSING, FILE_UNREADABLE
 */
export function readRowBatches(path: string, format: RowFormat, options: ReadOptions = {}): AsyncGenerator<Row[]> {
  return readers[format](path, options);
}

/** The same, row by row. An empty file gives no rows and no error. */
export async function* readRows(path: string, format: RowFormat, options: ReadOptions = {}): AsyncGenerator<Row> {
  for await (const batch of readRowBatches(path, format, options)) yield* batch;
}
