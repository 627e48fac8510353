// A sample that anybody can draw again: the rows whose digest, hashed with the seed, is least.
import { hash } from 'node:crypto';
import { byCodeUnit } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { cellText } from '../datasets/row-content.ts';
import { rowDigest } from '../datasets/row-digest.ts';
import { readRowBatches } from '../datasets/rows.ts';
import type { RowSource } from '../datasets/row-source.ts';
import type { QueueHeader, QueueRow } from './schema.ts';

export interface SampleRequest {
  readonly size: number;
  readonly seed: number;
  /** only rows whose column has this text */
  readonly where: { readonly column: string; readonly value: string } | null;
}

/**
 * At most `size` distinct rows, each with the same chance, in memory of that size. It depends on what the rows say and on the seed, not on their order:
 * the sample of a later version is the same but for rows that came or went.
 * Source: bottom-k sketches, Cohen and Kaplan 2007 (PODC)
 */
export async function drawSample(
  source: RowSource,
  { size, seed, where }: SampleRequest,
  options: { readonly signal: AbortSignal; readonly onRows?: (rows: number) => void },
): Promise<Digest[]> {
  const least = new Map<Digest, string>();
  // above every rank, until so many are known that some cannot be in it
  let limit = 'g';
  for await (const batch of readRowBatches(source.path, source.format, { signal: options.signal, name: source.name })) {
    for (const { value } of batch) {
      if (where !== null && cellText(value[where.column]) !== where.value) continue;
      const digest = rowDigest(value);
      const rank = hash('sha256', `${seed} ${digest}`, 'hex');
      if (rank > limit) continue;
      least.set(digest, rank);
      if (least.size > 4 * size + 64) limit = keepLeast(least, size);
    }
    options.onRows?.(batch.length);
  }
  keepLeast(least, size);
  return [...least.keys()].toSorted();
}

/** @returns the greatest rank that stays */
function keepLeast(ranks: Map<Digest, string>, size: number): string {
  const sorted = [...ranks].toSorted(([, a], [, b]) => byCodeUnit(a, b));
  for (const [digest] of sorted.slice(size)) ranks.delete(digest);
  return sorted[size - 1]?.[1] ?? 'g';
}

/** The file that the sample becomes. */
export function sampleQueue(data: string, { size, seed, where }: SampleRequest, rows: readonly Digest[]): { header: QueueHeader; rows: QueueRow[] } {
  const of = where === null ? '' : `, where ${where.column} is ${where.value}`;
  const why = `sample of ${size}, seed ${seed}${of}`.slice(0, 1000);
  return { header: { plumbline: 'review-queue/1', data, why }, rows: rows.map((row) => ({ row, findings: [] })) };
}
