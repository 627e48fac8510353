// The versions that a merge puts together: from what git has under way, or as they are named.
import { PlumbError, isPlumbError } from '../base/errors.ts';
import type { Oid } from '../git/git.ts';
import type { Project } from '../project/open.ts';
import { loadLockAt } from './lock.ts';
import { requireCommit } from './revision.ts';
import type { Lock } from './schema.ts';

/** Commits; base null: the two have no common history. */
export interface MergeSides {
  readonly base: Oid | null;
  readonly ours: Oid;
  readonly theirs: Oid;
  /** what git has under way; named: nothing, the sides were given; done: a merge that git took for settled, and committed */
  readonly what: 'merge' | 'cherry-pick' | 'revert' | 'rebase' | 'named' | 'done';
}

/**
 * In a rebase, as git has it, ours is the branch that is rebased onto, theirs the commit that is put on top of it.
 * @param named revisions that go before what git has under way
 * @throws PlumbError USAGE when no merge is under way and none is named, GIT_REVISION_UNKNOWN
 */
export async function findMergeSides(
  project: Pick<Project, 'git' | 'readTextAt'>,
  named: { readonly base?: string; readonly ours?: string; readonly theirs?: string },
): Promise<MergeSides> {
  const { git } = project;
  if (named.theirs !== undefined || named.ours !== undefined) {
    const [ours, theirs] = [await requireCommit(git, named.ours ?? 'HEAD'), await requireCommit(git, named.theirs ?? 'HEAD')];
    return { ours, theirs, base: named.base === undefined ? await git.mergeBase(ours, theirs) : await requireCommit(git, named.base), what: 'named' };
  }
  const head = await git.resolve('HEAD');
  if (head !== null) {
    const merged = await git.resolve('MERGE_HEAD');
    if (merged !== null) return { ours: head, theirs: merged, base: await git.mergeBase(head, merged), what: 'merge' };
    const picked = await git.resolve('CHERRY_PICK_HEAD');
    if (picked !== null) return { ours: head, theirs: picked, base: await parentOf(git, picked), what: 'cherry-pick' };
    const undone = await git.resolve('REVERT_HEAD');
    const before = undone === null ? null : await parentOf(git, undone);
    if (before !== null) return { ours: head, theirs: before, base: undone, what: 'revert' };
    const rebased = await git.resolve('REBASE_HEAD');
    if (rebased !== null) return { ours: head, theirs: rebased, base: await parentOf(git, rebased), what: 'rebase' };
    const done = await brokenMerge(project, head);
    if (done !== null) return done;
  }
  throw new PlumbError('USAGE', {
    what: 'git has no merge, rebase or cherry-pick under way, and the last commit is no merge of two versions of a data set',
    mend: 'name what to merge: `plumb merge --theirs BRANCH`',
  });
}

async function parentOf(git: Project['git'], commit: Oid): Promise<Oid | null> {
  return (await git.readCommit(commit)).parents[0] ?? null;
}

/** datasets.lock is merged line by line, without a conflict for git: the merge is committed, with data sets in it that stand twice. */
async function brokenMerge(project: Pick<Project, 'git' | 'readTextAt'>, head: Oid): Promise<MergeSides | null> {
  const [ours, theirs] = (await project.git.readCommit(head)).parents;
  if (ours === undefined || theirs === undefined) return null;
  try {
    await loadLockAt(project, head);
    return null;
  } catch (error) {
    if (!isPlumbError(error, 'LOCK_CONFLICT')) throw error;
  }
  return { ours, theirs, base: await project.git.mergeBase(ours, theirs), what: 'done' };
}

export interface LockSides {
  readonly base: Lock;
  readonly ours: Lock;
  readonly theirs: Lock;
}

/** @throws PlumbError LOCK_CONFLICT when a side itself is not resolved */
export async function loadLockSides(project: Pick<Project, 'readTextAt'>, sides: MergeSides): Promise<LockSides> {
  return {
    base: sides.base === null ? { version: 1, datasets: {} } : await loadLockAt(project, sides.base),
    ours: await loadLockAt(project, sides.ours),
    theirs: await loadLockAt(project, sides.theirs),
  };
}
