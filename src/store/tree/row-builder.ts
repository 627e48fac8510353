// The tree of a file of rows, from its chunks in order.
import { hexOf } from '../../base/digest.ts';
import { rowWeight } from './boundary.ts';
import { compareUtf8, keyBytes } from './keys.ts';
import { Level, type KeyRule } from './level.ts';
import type { KeepNode, RowChunk, TreeSummary } from './tree.ts';

export interface RowTreeBuilder {
  /** Takes the next chunk. @throws Error where it has no bytes, or keys that are no range of cut keys */
  add(chunk: RowChunk): void;
  /** Ends the tree: `keep` has had all of its nodes, the root as the last. */
  finish(): TreeSummary;
}

const byDigest: KeyRule<RowChunk['keys']> = {
  kind: 'rows',
  write(writer, keys) {
    writer.flag(keys === null ? 0 : 1);
    if (keys !== null) {
      writer.text(keys.first);
      writer.text(keys.last);
    }
    return rowWeight;
  },
  mark: (_, digest) => Buffer.from(hexOf(digest).slice(0, 8), 'hex').readUInt32LE(),
  join: joinKeys,
};

/** The range that holds both. */
export function joinKeys(a: RowChunk['keys'], b: RowChunk['keys']): RowChunk['keys'] {
  if (a === null || b === null) return a ?? b;
  const first = compareUtf8(a.first, b.first) <= 0 ? a.first : b.first;
  return { first, last: compareUtf8(a.last, b.last) >= 0 ? a.last : b.last };
}

/** Memory: an open node for each level. The same chunks give the same nodes, always. */
export function createRowTreeBuilder(keep: KeepNode): RowTreeBuilder {
  const leaves = new Level(byDigest, keep);
  let count = 0;
  let bytes = 0;
  return {
    add(chunk) {
      checkChunk(chunk);
      leaves.add({ digest: chunk.digest, number: chunk.rows, count: chunk.rows, bytes: chunk.bytes, keys: chunk.keys });
      count += chunk.rows;
      bytes += chunk.bytes;
    },
    finish: () => ({ root: leaves.finish(), count, bytes }),
  };
}

function checkChunk({ bytes, keys }: RowChunk): void {
  if (bytes < 1) throw new Error('a chunk of rows has no bytes');
  if (keys === null) return;
  const isKey = (key: string): boolean => key.isWellFormed() && Buffer.byteLength(key) <= keyBytes;
  if (!isKey(keys.first) || !isKey(keys.last) || compareUtf8(keys.first, keys.last) > 0)
    throw new Error(`${JSON.stringify(keys)} is no range of keys that were cut`);
}
