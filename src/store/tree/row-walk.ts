// Reading a tree of rows.
import type { Digest } from '../../base/digest.ts';
import { Cursor } from './cursor.ts';
import { compareUtf8, cutKey } from './keys.ts';
import type { RowChild } from './node.ts';
import { NodeReader, rowShape } from './node-reader.ts';
import type { PlacedChunk, ReadNode, RowChunk } from './tree.ts';

/** Chunks in the order of the file. @throws PlumbError MANIFEST_INVALID, and what `read` throws */
export function walkChunks(read: ReadNode, root: Digest): AsyncGenerator<PlacedChunk> {
  return chunksWhere(read, root, { may: () => true, likely: () => true });
}

/**
 * Chunks that hold rows of a range, in order. Reads a node a level for each end, and those between.
 * @param rows first row, and the one behind the last; they count from 0
 */
export function chunksOfRows(read: ReadNode, root: Digest, rows: { readonly start: number; readonly end: number }): AsyncGenerator<PlacedChunk> {
  return chunksWhere(read, root, { may: (item, row) => Math.max(row, rows.start) < Math.min(row + item.rows, rows.end), likely: () => false });
}

/**
 * Chunks that hold some rows, in order. Reads the nodes on the way to them, each once.
 * @param rows places from 0, rising
 */
export function chunksOfPlaces(read: ReadNode, root: Digest, rows: readonly number[]): AsyncGenerator<PlacedChunk> {
  let next = 0;
  const may = (item: RowChild, row: number): boolean => {
    // asked in the order of the rows: what is passed by is not asked again
    while ((rows[next] ?? Infinity) < row) next += 1;
    return (rows[next] ?? Infinity) < row + item.rows;
  };
  return chunksWhere(read, root, { may, likely: () => false });
}

/** Chunks in which a key may stand, in order: of rows sorted by key one or two, of others any number; none where the rows have no key. */
export function chunksOfKey(read: ReadNode, root: Digest, key: string): AsyncGenerator<PlacedChunk> {
  const cut = cutKey(key);
  const may = ({ keys }: RowChunk): boolean => keys !== null && compareUtf8(keys.first, cut) <= 0 && compareUtf8(cut, keys.last) <= 0;
  return chunksWhere(read, root, { may, likely: may });
}

interface Wanted {
  /** @param row rows before the item */
  may(item: RowChild, row: number): boolean;
  /** the same, where the place is not known */
  likely(item: RowChild): boolean;
}

async function* chunksWhere(read: ReadNode, root: Digest, { may, likely }: Wanted): AsyncGenerator<PlacedChunk> {
  const cursor = await Cursor.open(new NodeReader(read, rowShape), root, { likely });
  while (!cursor.done) {
    const { child, entry, passed: row, passedBytes: offset } = cursor;
    if (child !== null && may(child, row)) await cursor.enter();
    else {
      cursor.skip();
      if (entry !== null && may(entry, row)) yield { ...entry, offset, row };
    }
  }
}
