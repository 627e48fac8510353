// What was said on a pull request. Source: docs.github.com/en/rest/pulls/reviews
import type { RestEndpointMethodTypes } from '@octokit/rest';
import { githubAccount } from './account.ts';
import type { Forge, Review } from './forge.ts';
import type { GitHubPlace } from './github-place.ts';

type ReviewData = RestEndpointMethodTypes['pulls']['listReviews']['response']['data'][number];

export function openReviews({ session, rest, repository }: GitHubPlace): Forge['reviews'] {
  return async (pullRequest) => {
    const ask = (page: number) => rest.pulls.listReviews({ ...repository, pull_number: pullRequest, per_page: 100, page });
    const all = await Array.fromAsync(session.entries<ReviewData>('the list of reviews', ask));
    return all.flatMap(reviewOf);
  };
}

const states: Readonly<Record<string, Review['state']>> = {
  APPROVED: 'approved',
  CHANGES_REQUESTED: 'changes-requested',
  COMMENTED: 'commented',
  DISMISSED: 'dismissed',
};

/** @returns none for a draft, which only its writer sees */
function reviewOf(data: ReviewData): Review[] {
  const state = states[data.state];
  if (state === undefined || data.submitted_at === undefined) return [];
  const { id, user, commit_id: commit, submitted_at: at, body } = data;
  const account = githubAccount(user);
  const { login: author, kind: authorKind } = account ?? { login: '', kind: 'unknown' };
  return [{ id, author, authorKind, bot: authorKind === 'bot', state, commit, submittedAt: new Date(at), body }];
}
