// What a change touches: the paths in which the work tree differs from where it left its base.
import { isPlumbError } from '../base/errors.ts';
import type { Oid } from '../git/git.ts';
import type { Project } from '../project/open.ts';

export interface Changes {
  /** the commit that is compared with */
  readonly from: Oid;
  /** relative to the repository, sorted; of a renamed file both names */
  readonly paths: readonly string[];
}

/**
 * @param base a commit of this clone. Where the clone is too shallow to tell where the work tree left it, it is compared with itself: what it got
 * since then counts as changed, too
 */
export async function changesSince({ git }: Pick<Project, 'git'>, base: Oid): Promise<Changes> {
  const head = await git.resolve('HEAD');
  if (head === null) return { from: base, paths: await git.dirtyPaths(['']) };
  const parted = await git.mergeBase(base, head).catch((error: unknown) => {
    if (isPlumbError(error, 'GIT_TOO_SHALLOW')) return null;
    throw error;
  });
  const from = parted ?? base;
  const [committed, dirty] = await Promise.all([git.changedPaths(from, head), git.dirtyPaths([''])]);
  return { from, paths: [...new Set([...committed, ...dirty])].toSorted() };
}
