import type { Git, Oid } from '../git/git.ts';

/** The commit that moved a pointer to where it is, as the branch saw it. */
export interface PromotedBy {
  readonly commit: Oid;
  readonly at: Date;
  readonly by: string;
  readonly subject: string;
}

/** @returns null where history does not reach so far (a shallow clone) */
export async function findPromotion(git: Git, at: Oid, pointerPath: string): Promise<PromotedBy | null> {
  const [move] = await git.log(at, { path: pointerPath, firstParent: true, max: 1 }).catch(() => []);
  if (move === undefined) return null;
  return { commit: move.oid, at: move.date, by: move.author.name, subject: move.message.split('\n', 1)[0] ?? '' };
}
