// What undoing a commit means, before anything is touched.
import { PlumbError } from '../base/errors.ts';

/** path -> what is there: mode and id of an object; a path without entry is no file */
export type Entries = ReadonlyMap<string, string>;

export type RevertPlan =
  | { readonly kind: 'nothing' }
  /** these files are as the commit left them, the others undone already: put back what was there before */
  | { readonly kind: 'restore'; readonly paths: readonly string[] }
  /** these files changed again since: their texts have to be merged */
  | { readonly kind: 'merge'; readonly paths: readonly string[] };

/**
 * @param paths files that the commit changed against its first parent
 * @param before entries of the first parent, after: of the commit, now: of HEAD; all at these paths
 */
export function planRevert(paths: readonly string[], { before, after, now }: { before: Entries; after: Entries; now: Entries }): RevertPlan {
  const open = paths.filter((path) => now.get(path) !== before.get(path));
  if (open.length === 0) return { kind: 'nothing' };
  const merge = open.filter((path) => now.get(path) !== after.get(path));
  return merge.length === 0 ? { kind: 'restore', paths: open } : { kind: 'merge', paths: merge };
}

export function conflict(oid: string, paths: readonly string[], cause?: unknown): PlumbError {
  return new PlumbError('GIT_CONFLICT', {
    what: `commit ${oid.slice(0, 12)} cannot be undone: ${paths.slice(0, 5).join(', ')} changed again since`,
    mend: 'undo the later commits first, or run `git revert` and resolve the conflict by hand',
    details: { paths },
    ...(cause === undefined ? {} : { cause }),
  });
}
