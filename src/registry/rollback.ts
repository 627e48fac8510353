// Carrying a rollback out in the work tree: decided in rollback-plan.ts, as files in way-back.ts.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';
import { PlumbError } from '../base/errors.ts';
import type { Git, Oid } from '../git/git.ts';
import type { Project } from '../project/open.ts';
import { undoable } from '../project/together.ts';
import { evidenceFolder } from './evidence.ts';
import { oneLine } from './one-line.ts';
import { pointerPath, type PointerPlace } from './pointer.ts';
import type { RollbackPlan } from './rollback-plan.ts';
import { findWayBack, type StepBack, type WayWish } from './way-back.ts';

export interface RollbackWish extends WayWish {
  /** false: the files are left in the work tree, for a commit by hand */
  readonly commit: boolean;
}

/**
 * Reads the history of HEAD, decides, and makes the commit. Whatever fails, the files are as they were. Hold the project's mutex.
 * @returns the plan, all pointers that went back, and the commit that was made (null: none was wanted)
 * @throws PlumbError NOTHING_TO_ROLL_BACK, PROMOTION_REFUSED, GIT_DIRTY, GIT_REVISION_UNKNOWN, GIT_TOO_SHALLOW, EVIDENCE_INVALID, NAME_INVALID
 */
export async function rollBack(
  project: Pick<Project, 'git' | 'prefix' | 'root' | 'localDir'>,
  { commit, ...wish }: RollbackWish,
): Promise<{ plan: RollbackPlan; steps: readonly StepBack[]; revert: Oid | null; commit: Oid | null }> {
  const { git, root } = project;
  await checkClean(project, [wish.place]);
  const { plan, steps, revert, files, message } = await findWayBack(project, wish, await git.resolve('HEAD'));
  await checkClean(
    project,
    steps.map(({ place }) => place),
  );
  const made = await undoable(project, files, async () => {
    if (commit && revert !== null) return git.revert(revert, message);
    for (const { path, bytes } of files) await (bytes === null ? rm(join(root, path), { force: true }) : writeFileAtomic(join(root, path), bytes));
    const paths = files.map(({ path }) => project.prefix + path);
    return commit ? git.commit(message, paths) : null;
  });
  return { plan, steps, revert, commit: made };
}

async function checkClean({ git, prefix }: { git: Git; prefix: string }, places: readonly PointerPlace[]): Promise<void> {
  const dirty = await git.dirtyPaths(places.flatMap((place) => [prefix + pointerPath(place), prefix + evidenceFolder(place)]));
  if (dirty.length === 0) return;
  throw new PlumbError('GIT_DIRTY', {
    what: `${oneLine(dirty.join(', '))} ${dirty.length === 1 ? 'has' : 'have'} uncommitted changes`,
    where: { file: dirty[0] ?? '' },
    mend: 'commit them, or take them back with `git checkout -- <file>`, then roll back',
  });
}
