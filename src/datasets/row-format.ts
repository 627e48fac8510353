// Which format of rows a file's name promises.
import { PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import type { RowFormat } from './schema.ts';

const extensions: Readonly<Record<string, RowFormat>> = { '.jsonl': 'jsonl', '.ndjson': 'jsonl', '.csv': 'csv', '.parquet': 'parquet' };

/** The format that a file's name promises, or null when it is none of ours. */
export function formatOfName(path: string): RowFormat | null {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return dot < 1 ? null : (extensions[name.slice(dot).toLowerCase()] ?? null);
}

/** How files of other tools become rows. */
function wayTo(path: string): string {
  const [name, extension] = [path.slice(path.lastIndexOf('/') + 1), path.slice(path.lastIndexOf('.')).toLowerCase()];
  if (['.gz', '.zst', '.bz2', '.xz', '.zip'].includes(extension)) return ' Unpack it first: rows are kept compressed, and read as they are';
  if (extension === '.json') return ` Of one JSON list: jq -c '.[]' ${name} > ${name}l`;
  if (['.tsv', '.data', '.txt'].includes(extension)) return ' A table is CSV: commas, and a first line that names the columns';
  return didYouMean(extension, Object.keys(extensions));
}

/** @throws PlumbError DATASET_FORMAT */
export function requireFormatOfName(path: string): RowFormat {
  const format = formatOfName(path);
  if (format !== null) return format;
  throw new PlumbError('DATASET_FORMAT', {
    what: `${path} has no extension that names a format of rows`,
    where: { file: path },
    mend: `rows are ${Object.keys(extensions).join(', ')}; a folder is added as files.${wayTo(path)}`,
  });
}
