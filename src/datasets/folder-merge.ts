// A three-way merge of two versions of a folder, by path: trees in, a tree out. No file is read.
import type { Digest } from '../base/digest.ts';
import { createFileTreeBuilder } from '../store/tree/file-builder.ts';
import { diffFileTrees } from '../store/tree/file-diff.ts';
import { walkFiles } from '../store/tree/file-walk.ts';
import { compareUtf8 } from '../store/tree/keys.ts';
import type { FileChange, FileEntry, KeepNode, ReadNode, TreeSummary } from '../store/tree/tree.ts';

export interface FileConflict {
  readonly path: string;
  /** on each side; null: it is not there */
  readonly base: Digest | null;
  readonly ours: Digest | null;
  readonly theirs: Digest | null;
}

export interface FolderMerge {
  /** what theirs brings into ours */
  readonly added: number;
  readonly edited: number;
  readonly removed: number;
  /** paths that both changed in different ways, those that `take` decided too */
  readonly conflicts: number;
  /** the first of them, sorted by path */
  readonly examples: readonly FileConflict[];
  /** Makes the tree of the merged folder. */
  build(keep: KeepNode): Promise<TreeSummary>;
}

/** Changes of theirs that ours lacks are held in memory; ours and what both have are walked through. */
export async function planFolderMerge(
  read: ReadNode,
  trees: { readonly base: Digest | null; readonly ours: Digest; readonly theirs: Digest },
  options: { readonly take?: 'ours' | 'theirs'; readonly limit: number },
): Promise<FolderMerge> {
  const taken: FileChange[] = [];
  const examples: FileConflict[] = [];
  let conflicts = 0;
  for await (const { mine, other } of pairs(diffFileTrees(read, trees.base, trees.ours), diffFileTrees(read, trees.base, trees.theirs))) {
    if (other === null || (mine !== null && isSame(mine.after, other.after))) continue;
    if (mine !== null) {
      conflicts += 1;
      const digests = { base: other.before?.digest ?? null, ours: mine.after?.digest ?? null, theirs: other.after?.digest ?? null };
      if (examples.length < options.limit) examples.push({ path: other.path, ...digests });
      if (options.take !== 'theirs') continue;
    }
    // what stands there in ours is what the change is a change of
    taken.push({ path: other.path, before: mine === null ? other.before : mine.after, after: other.after });
  }
  const count = (is: (change: FileChange) => boolean): number => taken.filter(is).length;
  return {
    added: count(({ before, after }) => before === null && after !== null),
    edited: count(({ before, after }) => before !== null && after !== null),
    removed: count(({ after }) => after === null),
    conflicts,
    examples,
    build: async (keep) => {
      const builder = createFileTreeBuilder(keep);
      for await (const entry of changed(walkFiles(read, trees.ours), taken)) builder.add(entry);
      return builder.finish();
    },
  };
}

function isSame(a: FileEntry | null, b: FileEntry | null): boolean {
  return a?.digest === b?.digest && a?.executable === b?.executable;
}

/** Changes of two sides by path; null: that side did not change it. */
async function* pairs(
  ours: AsyncGenerator<FileChange>,
  theirs: AsyncGenerator<FileChange>,
): AsyncGenerator<{ readonly mine: FileChange | null; readonly other: FileChange | null }> {
  let [mine, other] = [await ours.next(), await theirs.next()];
  while (mine.done !== true || other.done !== true) {
    const order = mine.done === true ? 1 : other.done === true ? -1 : compareUtf8(mine.value.path, other.value.path);
    yield { mine: order <= 0 ? (mine.value as FileChange) : null, other: order >= 0 ? (other.value as FileChange) : null };
    if (order <= 0) mine = await ours.next();
    if (order >= 0) other = await theirs.next();
  }
}

/** Files with changes put in their places. @param changes in the order of paths */
async function* changed(files: AsyncGenerator<FileEntry>, changes: readonly FileChange[]): AsyncGenerator<FileEntry> {
  let next = 0;
  for await (const file of files) {
    let change = changes[next];
    for (; change !== undefined && compareUtf8(change.path, file.path) < 0; change = changes[(next += 1)])
      if (change.after !== null) yield change.after;
    // a file that is changed comes in its turn, as what it has become
    if (change?.path !== file.path) yield file;
  }
  for (const { after } of changes.slice(next)) if (after !== null) yield after;
}
