// Rows of a version that somebody means: by key, by number, or by what they say.
import type { Digest } from '../../base/digest.ts';
import { cellText } from '../../datasets/row-content.ts';
import { rowDigest } from '../../datasets/row-digest.ts';
import type { RowSource } from '../../datasets/row-source.ts';
import { readRowBatches } from '../../datasets/rows.ts';

export type RowWish = { readonly key: string } | { readonly row: number } | { readonly digest: Digest };

export interface FoundRow {
  readonly row: number;
  /** value of the key column, else "row N" */
  readonly key: string;
  readonly digest: Digest;
  readonly value: Readonly<Record<string, unknown>>;
}

/**
 * In the order of the data; of a digest the first `limit`. A data set without a key column has no row of a key.
 * @throws PlumbError as readRowBatches
 */
export async function findRows(
  source: RowSource,
  wish: RowWish,
  options: { readonly signal?: AbortSignal; readonly limit?: number } = {},
): Promise<FoundRow[]> {
  const { key, path, format, name } = source;
  const found: FoundRow[] = [];
  const most = 'row' in wish ? 1 : (options.limit ?? 100);
  for await (const batch of readRowBatches(path, format, { name, ...(options.signal ? { signal: options.signal } : {}) })) {
    for (const { row, value } of batch) {
      const text = key === undefined ? '' : cellText(value[key]);
      const fits = 'row' in wish ? row === wish.row : 'key' in wish ? key !== undefined && text === wish.key : rowDigest(value) === wish.digest;
      if (fits) found.push({ row, key: text === '' ? `row ${row}` : text.toWellFormed(), digest: rowDigest(value), value });
      if (found.length >= most) return found;
    }
  }
  return found;
}
