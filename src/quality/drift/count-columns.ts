// The columns of a version, counted: from memory, from a version that is remembered and the rows that differ, or from all rows.
import { isPlumbError } from '../../base/errors.ts';
import { findRowChanges } from '../../datasets/row-changes.ts';
import { plain, readParquetColumns } from '../../datasets/parquet.ts';
import { readRowBatches } from '../../datasets/rows.ts';
import { openRemembered, rememberedAs, type CheckedRows, type CheckWorld } from '../checked-rows.ts';
import { checkDigest } from '../memory.ts';
import { ColumnCounter, type RowsCounts } from './column-counts.ts';
import { decodeCounts, encodeCounts } from './counts-file.ts';

export interface Counted {
  readonly counts: RowsCounts;
  /** rows that were looked at */
  readonly read: number;
}

/**
 * @param columns only these; null: all
 * @throws PlumbError as readRowBatches
 */
export async function countColumns(rows: CheckedRows, columns: readonly string[] | null, world: CheckWorld): Promise<Counted> {
  const check = checkDigest({ check: 'drift-columns', version: 1, columns: columns === null ? null : [...columns].toSorted() });
  const counted = (await fromMemory(rows, { columns, check }, world)) ?? (await fromRows(rows, columns, world));
  if (counted.read > 0) await world.memory.keep(check, rememberedAs(rows), encodeCounts(counted.counts));
  return counted;
}

async function fromRows({ source }: CheckedRows, columns: readonly string[] | null, { progress, signal }: CheckWorld): Promise<Counted> {
  const counter = counterOf(source.format, columns);
  const bar = progress.start(`count ${source.name}`, source.tree?.rows, 'rows');
  let read = 0;
  try {
    for await (const rows of addedBatches(source, columns, { counter, signal })) {
      read += rows;
      bar.advance(rows);
    }
  } finally {
    bar.end();
  }
  const counts = counter.counts();
  if (counts === null) throw new Error('rows that were only added make counts');
  return { counts, read };
}

/** Puts rows into the counter, batch by batch. @returns how many each has */
async function* addedBatches(
  { path, format, name }: CheckedRows['source'],
  wanted: readonly string[] | null,
  { counter, signal }: { readonly counter: ColumnCounter; readonly signal: AbortSignal },
): AsyncGenerator<number> {
  if (format === 'parquet') {
    for await (const { rows, columns } of readParquetColumns(path, wanted, { signal, name })) {
      counter.addRows(rows);
      for (const [column, pieces] of columns) for (const piece of pieces) counter.addCells(column, piece, jsonOf);
      yield rows;
    }
    return;
  }
  for await (const batch of readRowBatches(path, format, { signal, name })) {
    for (const { value } of batch) counter.add(value, 1);
    yield batch.length;
  }
}

function jsonOf(cell: unknown): unknown {
  if (cell === null || cell === undefined) return null;
  // most are whole numbers of 64 bits, and small
  const number = typeof cell === 'bigint' ? Number(cell) : NaN;
  return Number.isSafeInteger(number) ? number : plain(cell);
}

interface Asked {
  readonly columns: readonly string[] | null;
  readonly check: ReturnType<typeof checkDigest>;
}

/** Versions that are tried for being near: each is compared by the upper nodes of its tree. */
const mostTried = 4;

async function fromMemory(rows: CheckedRows, { columns, check }: Asked, world: CheckWorld): Promise<Counted | null> {
  let tried = 0;
  for await (const { version, state } of world.memory.recall(check)) {
    const known = version.format === rows.source.format ? decodeCounts(state) : null;
    if (known === null) continue;
    if (version.content === rows.content) return { counts: known, read: 0 };
    if (rows.source.tree === undefined || version.tree === null || tried >= mostTried) continue;
    tried += 1;
    const before = await openRemembered(world, version, rows.source.name);
    if (before?.tree === undefined) continue;
    const counted = await fromChanges(known, before, { rows, columns }, world).catch((error: unknown) => {
      // its bytes may go away while they are read: a cache is cleaned now and then
      if (isPlumbError(error, 'BYTES_MISSING')) return null;
      throw error;
    });
    if (counted !== null) return counted;
  }
  return null;
}

async function fromChanges(
  known: RowsCounts,
  before: CheckedRows['source'],
  { rows, columns }: { readonly rows: CheckedRows; readonly columns: readonly string[] | null },
  { readNode, signal }: CheckWorld,
): Promise<Counted | null> {
  const changes = await findRowChanges(before, rows.source, { readNode, signal });
  // more than half of it is new: reading all of it costs less
  if (changes.addedCount * 2 > changes.rows) return null;
  const counter = counterOf(rows.source.format, columns);
  counter.addAll(known);
  for await (const batch of changes.removed()) for (const { value } of batch) counter.add(value, -1);
  for await (const batch of changes.added()) for (const { value } of batch) counter.add(value, 1);
  const counts = counter.counts();
  return counts === null || counts.rows !== changes.rows ? null : { counts, read: Math.max(1, changes.addedCount + changes.removedCount) };
}

function counterOf(format: string, columns: readonly string[] | null): ColumnCounter {
  return new ColumnCounter({ columns, untyped: format === 'csv' });
}
