// The tree of a folder of files, from its entries in order.
import { PlumbError } from '../../base/errors.ts';
import { fileWeight } from './boundary.ts';
import { compareUtf8, isTreePath } from './keys.ts';
import { Level, type KeyRule } from './level.ts';
import type { FileEntry, KeepNode, TreeSummary } from './tree.ts';

export interface FileTreeBuilder {
  /**
   * Takes the next file.
   * @throws PlumbError NAME_INVALID: its path may not stand in a tree; Error when it is not behind the path before, by the bytes of UTF-8
   */
  add(entry: FileEntry): void;
  /** Ends the tree: `keep` has had all of its nodes, the root as the last. */
  finish(): TreeSummary;
}

const byPath: KeyRule<string> = {
  kind: 'files',
  write: (writer, path) => fileWeight + writer.text(path),
  mark: (writer) => writer.textHash,
  join: (_, path) => path,
};

/** Memory: an open node for each level. The same entries give the same nodes, always. */
export function createFileTreeBuilder(keep: KeepNode): FileTreeBuilder {
  const leaves = new Level(byPath, keep);
  let last: string | null = null;
  let count = 0;
  let bytes = 0;
  return {
    add(entry) {
      const { path } = entry;
      if (last !== null && compareUtf8(last, path) >= 0) throw new Error(`${path} comes behind ${last}: entries of a tree come in order, each once`);
      if (!isTreePath(path)) throw unfitPath(path);
      leaves.add({ digest: entry.digest, number: entry.executable ? 1 : 0, count: 1, bytes: entry.bytes, keys: path });
      last = path;
      count += 1;
      bytes += entry.bytes;
    },
    finish: () => ({ root: leaves.finish(), count, bytes }),
  };
}

function unfitPath(path: string): PlumbError {
  return new PlumbError('NAME_INVALID', {
    what: `a data set cannot hold a file by the name of ${JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}...` : path)}`,
    mend: "rename it: a path is relative, has no '.', '..', '.git', backslash or control character in it, and at most 4,096 bytes",
  });
}
