// Reading a tree of files.
import type { Digest } from '../../base/digest.ts';
import { Cursor } from './cursor.ts';
import { compareUtf8 } from './keys.ts';
import { fileShape, NodeReader } from './node-reader.ts';
import type { FileEntry, ReadNode } from './tree.ts';

/**
 * Files of a tree in order, all or those whose path begins with a text. Only nodes that may hold one are read, some at a time.
 * @param prefix as it stands: 'a' begins 'ab', too; a folder is 'a/'
 * @throws PlumbError MANIFEST_INVALID, and what `read` throws
 */
export async function* walkFiles(read: ReadNode, root: Digest, prefix = ''): AsyncGenerator<FileEntry> {
  const isBehind = (path: string | null): boolean => path !== null && !path.startsWith(prefix) && compareUtf8(path, prefix) > 0;
  const isBefore = (path: string): boolean => compareUtf8(path, prefix) < 0;
  const likely = (child: { path: string }, before: string | null): boolean => !isBefore(child.path) && !isBehind(before);
  const cursor = await Cursor.open(new NodeReader(read, fileShape), root, { likely });
  while (!cursor.done && !isBehind(cursor.last)) {
    const { child, entry } = cursor;
    if (child !== null && !isBefore(child.path)) await cursor.enter();
    else {
      cursor.skip();
      if (entry?.path.startsWith(prefix) === true) yield entry;
    }
  }
}

/** The file at a path, or null. Reads one node a level. @throws PlumbError MANIFEST_INVALID, and what `read` throws */
export async function findFile(read: ReadNode, root: Digest, path: string): Promise<FileEntry | null> {
  const cursor = await Cursor.open(new NodeReader(read, fileShape), root, { likely: () => false });
  while (!cursor.done) {
    const { child, entry } = cursor;
    const order = compareUtf8(((child ?? entry) as { path: string }).path, path);
    if (child !== null && order >= 0) await cursor.enter();
    else if (order >= 0) return order === 0 ? entry : null;
    else cursor.skip();
  }
  return null;
}
