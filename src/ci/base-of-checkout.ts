// What the checkout of a job is to be compared with. GitHub checks out a merge of the pull request, into the base as it is at that moment, which the
// event, being older, may not know.
import type { Git, Oid } from '../git/git.ts';
import type { CiContext } from './context.ts';

/** @returns the commit that the pull request was merged into for this job, else the base that the event names; null: no pull request */
export async function baseOfCheckout(git: Pick<Git, 'resolve' | 'readCommit'>, { pullRequest, checkedOut }: CiContext): Promise<Oid | null> {
  if (pullRequest === null) return null;
  const head = await git.resolve('HEAD');
  // of a pull request only the forge makes the commit that the job was started for; a merge that a branch brings along is none of it
  if (head === null || head !== checkedOut || head === pullRequest.head) return pullRequest.base;
  const { parents } = await git.readCommit(head);
  return parents.length === 2 && parents[1] === pullRequest.head ? (parents[0] ?? pullRequest.base) : pullRequest.base;
}
