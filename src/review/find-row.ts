// One row, as people name it.
import { hexOf, type Digest } from '../base/digest.ts';
import { cellText } from '../datasets/row-content.ts';
import { rowDigest } from '../datasets/row-digest.ts';
import { readRowBatches } from '../datasets/rows.ts';
import type { RowSource } from '../datasets/row-source.ts';

export interface NamedRow {
  readonly digest: Digest;
  readonly row: number;
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/**
 * @param word a key; "row 12", or "12" where rows have no key (a key that is gone must not lead to whatever row stands there); six digits of a digest and
 * more, with or without sha256:
 * @returns the first that fits
 */
export async function findRow(source: RowSource, word: string, signal: AbortSignal): Promise<NamedRow | null> {
  const number = (source.key === undefined ? /^(?:row )?(\d{1,15})$/ : /^row (\d{1,15})$/).exec(word)?.[1];
  const hex = /^(?:sha256:)?([0-9a-f]{6,64})$/.exec(word)?.[1];
  let byNumber: NamedRow | null = null;
  for await (const batch of readRowBatches(source.path, source.format, { signal, name: source.name })) {
    for (const { row, value } of batch) {
      const key = source.key === undefined ? '' : cellText(value[source.key]);
      const named = (): NamedRow => ({ digest: rowDigest(value), row, key: key === '' ? `row ${row}` : key, value });
      if (key !== '' && key === word) return named();
      if (hex !== undefined && hexOf(rowDigest(value)).startsWith(hex)) return named();
      if (number !== undefined && row === Number(number)) byNumber = named();
    }
    // a key may be called "row 12": it names a row before its place does
    if (byNumber !== null && source.key === undefined) return byNumber;
  }
  return byNumber;
}
