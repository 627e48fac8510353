// What a change touches: the paths in which the work tree differs from where it left its base.
import { byCodeUnit } from '../base/canonical.ts';
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
 * Where the work tree left a base.
 * @param base a commit of this clone; where the clone is too shallow to tell, it is the answer itself: what it got since then counts as changed, too
 */
export async function partedFrom({ git }: Pick<Project, 'git'>, base: Oid): Promise<Oid> {
  const head = await git.resolve('HEAD');
  if (head === null) return base;
  try {
    return (await git.mergeBase(base, head)) ?? base;
  } catch (error) {
    if (isPlumbError(error, 'GIT_TOO_SHALLOW')) return base;
    throw error;
  }
}

/** @param base as of partedFrom */
export async function changesSince(project: Pick<Project, 'git'>, base: Oid): Promise<Changes> {
  const { git } = project;
  const head = await git.resolve('HEAD');
  const from = await partedFrom(project, base);
  const [committed, dirty] = await Promise.all([head === null ? [] : git.changedPaths(from, head), git.dirtyPaths([''])]);
  return { from, paths: [...new Set([...committed, ...dirty])].toSorted(byCodeUnit) };
}
