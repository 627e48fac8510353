// The index of a version of rows: from what a check remembers of an earlier one and the rows that changed since, else from all rows.
import type { Digest } from '../../base/digest.ts';
import { findRowChanges, type RowChanges } from '../../datasets/row-changes.ts';
import { readRowBatches, type Row } from '../../datasets/rows.ts';
import { openRemembered, rememberedAs, type CheckedRows, type CheckWorld } from '../checked-rows.ts';
import { nextIndex, RowIndex } from './row-index.ts';

/** What makes a record of a row. */
export interface RowIndexer {
  readonly width: number;
  add(index: RowIndex, row: Row): void | Promise<void>;
}

export interface IndexedRows {
  readonly index: RowIndex;
  /** the version that it was made from, and what was kept beside its index; null: all rows were read */
  readonly from: {
    readonly changes: RowChanges;
    /** numbers of the rows that came, from 1 */
    readonly added: readonly number[];
    readonly rest: Buffer;
  } | null;
  /** Remembers the index, where it is far enough from what is remembered already. @param rest makes what is kept beside it */
  keep(rest: () => Buffer): Promise<void>;
}

/** More of the rows changed: reading all is no slower. */
const mostChanged = 0.5;
/** Less of the rows changed: the next version starts from where this one did. */
const worthKeeping = 0.02;

/** @param check names all that an index depends on, beside the rows */
export async function indexRows(rows: CheckedRows, world: CheckWorld, indexer: RowIndexer, check: Digest): Promise<IndexedRows> {
  const found = await fromMemory(rows, world, indexer, check);
  const index = found?.index ?? (await fromAllRows(rows, world, indexer));
  const changed = found === null ? 1 : (found.changes.addedCount + found.changes.removedCount) / Math.max(1, index.rows);
  return {
    index,
    from: found,
    async keep(rest) {
      if (changed > worthKeeping) await world.memory.keep(check, rememberedAs(rows), index.encode(rest()));
    },
  };
}

async function fromAllRows({ source }: CheckedRows, { progress, signal }: CheckWorld, indexer: RowIndexer): Promise<RowIndex> {
  const index = new RowIndex(indexer.width);
  const bar = progress.start(`read ${source.name}`, source.tree?.rows, 'rows');
  try {
    for await (const batch of readRowBatches(source.path, source.format, { signal, name: source.name })) {
      for (const row of batch) {
        const slow = indexer.add(index, row);
        if (slow !== undefined) await slow;
      }
      bar.advance(batch.length);
    }
  } finally {
    bar.end();
  }
  return index;
}

async function fromMemory(
  { source }: CheckedRows,
  world: CheckWorld,
  indexer: RowIndexer,
  check: Digest,
): Promise<{ index: RowIndex; changes: RowChanges; added: readonly number[]; rest: Buffer } | null> {
  for await (const { version, state } of world.memory.recall(check)) {
    const before = await openRemembered(world, version, source.name);
    const decoded = before === null ? null : RowIndex.decode(state, indexer.width);
    if (before === null || decoded === null) continue;
    const changes = await findRowChanges(before, source, { readNode: world.readNode, signal: world.signal });
    if (changes.addedCount + changes.removedCount > changes.rows * mostChanged) continue;
    const added = new RowIndex(indexer.width);
    const numbers: number[] = [];
    for await (const batch of changes.added())
      for (const row of batch) {
        await indexer.add(added, row);
        numbers.push(row.row);
      }
    return { index: nextIndex(decoded.index, changes, added, numbers), changes, added: numbers, rest: decoded.rest };
  }
  return null;
}
