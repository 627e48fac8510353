// Reading rows, whatever their format.
import { PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import { readCsv } from './csv.ts';
import { readJsonl } from './jsonl.ts';
import { readParquet } from './parquet.ts';
import type { ReadOptions, Row } from './row.ts';
import type { RowFormat } from './schema.ts';

export type { ReadOptions, Row } from './row.ts';

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

const extensions: Readonly<Record<string, RowFormat>> = { '.jsonl': 'jsonl', '.ndjson': 'jsonl', '.csv': 'csv', '.parquet': 'parquet' };

/** The format that a file's name promises, or null when it is none of ours. */
export function formatOfName(path: string): RowFormat | null {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return dot < 1 ? null : (extensions[name.slice(dot).toLowerCase()] ?? null);
}

/** @throws PlumbError DATASET_FORMAT */
export function requireFormatOfName(path: string): RowFormat {
  const format = formatOfName(path);
  if (format !== null) return format;
  throw new PlumbError('DATASET_FORMAT', {
    what: `${path} has no extension that names a format of rows`,
    where: { file: path },
    mend: `rows are ${Object.keys(extensions).join(', ')}; a folder is added as files.${didYouMean(path.slice(path.lastIndexOf('.')), Object.keys(extensions))}`,
  });
}
