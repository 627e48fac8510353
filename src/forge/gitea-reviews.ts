// What was said on a pull request on Gitea.
import { z } from 'zod';
import { giteaAccount } from './account.ts';
import type { Forge, Review } from './forge.ts';
import { accountData, read, type GiteaPlace } from './gitea-place.ts';

const reviewData = z.object({
  id: z.int(),
  user: accountData,
  state: z.string(),
  dismissed: z.boolean(),
  commit_id: z.string(),
  submitted_at: z.coerce.date(),
  body: z.string(),
});

export function openReviews({ all }: GiteaPlace): Forge['reviews'] {
  return async (number) => {
    const list = { what: `the list of reviews of pull request ${number}`, path: '/pulls/{number}/reviews', words: { number } };
    return (await all(list, reviewOf)).flat();
  };
}

const states: Readonly<Record<string, Review['state']>> = { APPROVED: 'approved', REQUEST_CHANGES: 'changes-requested', COMMENT: 'commented' };

/** @returns none for a draft and for a request to review */
function reviewOf(data: unknown): Review[] {
  const { id, user, state: said, dismissed, commit_id: commit, submitted_at: submittedAt, body } = read(reviewData, data);
  const state = states[said];
  if (state === undefined) return [];
  const { login: author, kind: authorKind } = giteaAccount(user) ?? { login: '', kind: 'unknown' };
  const seen = commit === '' ? null : commit;
  return [{ id, author, authorKind, bot: authorKind === 'bot', state: dismissed ? 'dismissed' : state, commit: seen, submittedAt, body }];
}
