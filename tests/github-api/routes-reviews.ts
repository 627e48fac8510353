// Reviews: docs.github.com/en/rest/pulls/reviews
import type { GitPlace } from './git.ts';
import type { Objects } from './objects.ts';
import { paged } from './paged.ts';
import { dismissReview } from './pages.ts';
import { dateOf, invalid, missing, refusedAs, type Answer, type ApiReview, type Asked, type Pull, type Routes, type State } from './state.ts';

const opinions = { APPROVE: 'APPROVED', REQUEST_CHANGES: 'CHANGES_REQUESTED', COMMENT: 'COMMENTED' } as const;

export function reviewRoutes(state: State, objects: Objects, git: GitPlace | null): Routes {
  const reviews = '/repos/{owner}/{repo}/pulls/{pull_number}/reviews';
  const write = ['pull_requests=write'];
  const pullOf = ({ parameters }: Asked): Pull | undefined => state.pulls.find((one) => one.number === Number(parameters['pull_number']));
  return {
    // "in chronological order"; a pending one is seen by its writer only
    [`GET ${reviews}`]: { needs: ['pull_requests=read'], answer: list },
    [`POST ${reviews}`]: { needs: write, answer: create },
    [`PUT ${reviews}/{review_id}/dismissals`]: { needs: write, answer: dismiss },
  };

  function list(asked: Asked): Answer {
    const pull = pullOf(asked);
    if (pull === undefined) return missing;
    const seen = state.reviews.filter((one) => one.pull === pull.number && (one.state !== 'PENDING' || one.login === asked.actor.login));
    return paged(asked, seen, objects.review);
  }

  function create(asked: Asked): Answer {
    const pull = pullOf(asked);
    if (pull === undefined) return missing;
    const { login } = asked.actor;
    const { event, body = '', commit_id: commit = pull.head } = asked.body as Record<string, string>;
    if (event !== undefined && event !== 'COMMENT' && login === (pull.author ?? 'ann')) {
      return refusedAs(422, `Unprocessable Entity: Can not ${event === 'APPROVE' ? 'approve' : 'request changes on'} your own pull request`);
    }
    // Settings > Actions > General: off in every new repository
    if (event === 'APPROVE' && login === 'github-actions[bot]') return refusedAs(422, 'GitHub Actions is not permitted to approve pull requests.');
    if (git !== null && !git.hasCommit(commit)) return invalid(state, `commit_id ${commit} is not part of the pull request`);
    const id = Math.max(0, ...state.reviews.map((one) => one.id)) + 1;
    const opinion = event === undefined ? 'PENDING' : opinions[event as keyof typeof opinions];
    const review: ApiReview = { id, pull: pull.number, login, state: opinion, commit, body, submittedAt: dateOf(state.now()) };
    state.reviews.push(review);
    return { status: 200, body: objects.review(review) };
  }

  /** "To dismiss a pull request review on a protected branch, you must be a repository administrator or be included in the list". */
  function dismiss({ parameters, actor }: Asked): Answer {
    const review = state.reviews.find((one) => one.id === Number(parameters['review_id']) && one.pull === Number(parameters['pull_number']));
    if (review === undefined) return missing;
    if (review.state !== 'APPROVED' && review.state !== 'CHANGES_REQUESTED') return refusedAs(422, 'Can not dismiss a commented pull request review');
    dismissReview(state, review, actor.login);
    return { status: 200, body: objects.review(review) };
  }
}
