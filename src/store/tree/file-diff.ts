// Two trees of files, compared by walking only what differs.
import type { Digest } from '../../base/digest.ts';
import { Cursor } from './cursor.ts';
import { compareUtf8 } from './keys.ts';
import type { FileChild } from './node.ts';
import { fileShape, NodeReader } from './node-reader.ts';
import type { FileChange, FileEntry, ReadNode } from './tree.ts';

export type FileCursor = Cursor<FileEntry, FileChild>;

/**
 * What changed from a to b, in the order of paths. Nodes that both have are not read, whatever the heights of the trees.
 * @param a null: there was nothing; b likewise
 * @throws PlumbError MANIFEST_INVALID, and what `read` throws
 */
export function diffFileTrees(read: ReadNode, a: Digest | null, b: Digest | null): AsyncGenerator<FileChange> {
  return compareTrees(read, a, b);
}

/** @param onNode told of every node of b that is read: a has none of them in its place */
export async function* compareTrees(
  read: ReadNode,
  a: Digest | null,
  b: Digest | null,
  onNode?: (digest: Digest, size: number) => void,
): AsyncGenerator<FileChange> {
  if (a === b) return;
  // a node is read ahead unless the other side has it, too
  const before: FileCursor = await Cursor.open(new NodeReader(read, fileShape), a, { likely: (child): boolean => !after.holds(child.digest) });
  const after: FileCursor = await Cursor.open(new NodeReader(read, fileShape), b, {
    likely: (child): boolean => !before.holds(child.digest),
    ...(onNode === undefined ? {} : { onNode }),
  });
  while (!before.done || !after.done) {
    if (before.child !== null && before.child.digest === after.child?.digest) {
      before.skip();
      after.skip();
      continue;
    }
    const alone = liesBefore(before, after) ? before : liesBefore(after, before) ? after : null;
    if ((alone ?? before).child === null && (alone ?? after).child === null) {
      const change = takeChange(alone === after ? null : before, alone === before ? null : after);
      if (change !== null) yield change;
    } else if (alone !== null) await alone.enter();
    else await descend(before, after);
  }
}

/** Does all of what comes next on one side lie before what comes next on the other? */
function liesBefore(side: FileCursor, other: FileCursor): boolean {
  const next = (side.child ?? side.entry)?.path;
  return next !== undefined && (other.done || (other.last !== null && compareUtf8(next, other.last) <= 0));
}

/** Passes over the first of what comes next, on both sides where they have it both. @param before null: it is not its turn; after likewise */
function takeChange(before: FileCursor | null, after: FileCursor | null): FileChange | null {
  const [x, y] = [before?.entry ?? null, after?.entry ?? null];
  const order = x === null ? 1 : y === null ? -1 : compareUtf8(x.path, y.path);
  if (order <= 0) before?.skip();
  if (order >= 0) after?.skip();
  if (x !== null && order < 0) return { path: x.path, before: x, after: null };
  if (y !== null && order > 0) return { path: y.path, before: null, after: y };
  if (x === null || y === null) throw new Error('both trees are at their end');
  return x.digest === y.digest && x.bytes === y.bytes && x.executable === y.executable ? null : { path: x.path, before: x, after: y };
}

/** Enters the higher node: what lies below it may be what the other side is at. */
async function descend(before: FileCursor, after: FileCursor): Promise<void> {
  if (before.level > after.level) await before.enter();
  else if (after.level > before.level) await after.enter();
  else await Promise.all([before.enter(), after.enter()]);
}
