// Reading rows one by one, as often as a file must be looked at closely: what is wrong with it, and where.
import { PlumbError } from '../base/errors.ts';
import { didYouMean, listed } from '../base/names.ts';
import { emptyData } from './add-request.ts';
import { KeyCheck } from './keys.ts';
import { readRowBatches } from './rows.ts';
import type { RowFormat } from './schema.ts';
import { SchemaInference } from './schema-inference.ts';

/** A file of rows that is to become a data set. */
export interface RowFile {
  /** for messages */
  readonly path: string;
  readonly absolute: string;
  readonly format: RowFormat;
  readonly key: string | undefined;
  readonly label: string | undefined;
}

/**
 * Reads every row once.
 * @throws PlumbError DATASET_EMPTY, DATASET_COLUMN, ROW_SYNTAX, ROW_ENCODING, ROW_RAGGED, ROW_KEY: the first fault in the order of the file
 */
export async function checkRows(
  file: RowFile,
  options: { readonly signal: AbortSignal; readonly onBytes?: (bytes: number) => void },
): Promise<{ rows: number; schema: Record<string, string> }> {
  const inference = new SchemaInference();
  const keys = file.key === undefined ? null : new KeyCheck(file.key, file.path);
  for await (const batch of readRowBatches(file.absolute, file.format, { ...options, name: file.path })) {
    for (const row of batch) {
      inference.add(row.value);
      if (row.row === 1 && file.key !== undefined && !inference.has(file.key)) throw noColumn('--key', file.key, file.path, inference.names());
      keys?.add(row);
    }
  }
  if (inference.rows === 0) throw emptyData(file.path, 'holds no rows');
  if (file.label !== undefined && !inference.has(file.label)) throw noColumn('--label', file.label, file.path, inference.names());
  return { rows: inference.rows, schema: inference.schema() };
}

function noColumn(option: string, column: string, file: string, names: readonly string[]): PlumbError {
  return new PlumbError('DATASET_COLUMN', {
    what: `${option} names column "${column}", which ${file} does not have.${didYouMean(column, names)}`,
    where: { file },
    mend: `its columns are: ${listed(names)}${otherDelimiter(names)}`,
  });
}

/** The first line of a table that another program wrote: with commas it would be many names. */
function otherDelimiter([only, ...others]: readonly string[]): string {
  const delimiter = others.length > 0 ? undefined : [';', '\t', '|'].find((one) => only?.includes(one));
  if (delimiter === undefined) return '';
  return `; is it separated by ${delimiter === '\t' ? 'tabs' : `"${delimiter}"`}? Commas are what separates here`;
}
