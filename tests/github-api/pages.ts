// What people do on GitHub's pages, or GitHub by itself, where a test asks for it.
import { queuer, type GitPlace } from './git.ts';
import type { Rules } from './rules.ts';
import { dateOf, type ApiQueued, type ApiReview, type Pull, type State } from './state.ts';

export interface Pages {
  /** Leads a pull request to another base branch. */
  retarget(pull: number, base: string, by: string): void;
  /** @param review its number */
  dismiss(review: number, by: string): void;
  /** Puts a pull request into the merge queue: a branch is made that is to be checked. */
  enqueue(pull: number): ApiQueued;
  /** Merges what the queue has checked. @throws Error with GitHub's words where a required check is not there */
  land(pull: number): Pull;
}

export function pagesOf(state: State, rules: Rules, git: GitPlace | null): Pages {
  return {
    retarget: (number, base, by) => {
      if (!retarget(state, git, pullOf(number), { base, by })) throw new Error(`there is no branch ${base}`);
    },
    dismiss: (number, by) => {
      const review = state.reviews.find((one) => one.id === number);
      if (review === undefined) throw new Error(`there is no review ${number}`);
      dismissReview(state, review, by);
    },
    enqueue,
    land,
  };

  function pullOf(number: number): Pull {
    const pull = state.pulls.find((one) => one.number === number);
    if (pull === undefined) throw new Error(`there is no pull request ${number}`);
    return pull;
  }

  function enqueue(number: number): ApiQueued {
    const queued = git?.enqueue(pullOf(number)) ?? null;
    if (queued === null) throw new Error(`pull request ${number} cannot be queued`);
    return queued;
  }

  function land(number: number): Pull {
    const pull = pullOf(number);
    const at = state.queue.findIndex((one) => one.pull === number);
    const queued = state.queue[at];
    if (queued === undefined || git === null) throw new Error(`pull request ${number} is not in the queue`);
    const against = rules.againstGroup(pull.baseRef ?? state.defaultBranch, queued.head);
    if (against !== null) throw new Error(against);
    git.land(pull, queued);
    state.queue.splice(at, 1);
    return Object.assign(pull, { state: 'closed', mergedAt: dateOf(state.now()), mergedBy: queuer, mergeCommit: queued.head });
  }
}

/** @returns false: there is no such branch */
export function retarget(state: State, git: GitPlace | null, pull: Pull, { base, by }: { readonly base: string; readonly by: string }): boolean {
  if (base === (pull.baseRef ?? state.defaultBranch)) return true;
  if (git?.retarget(pull, base) === false) return false;
  pull.baseRef = base;
  happened(state, { issue: pull.number, event: 'base_ref_changed', actor: by });
  return true;
}

export function dismissReview(state: State, review: ApiReview, by: string): void {
  review.state = 'DISMISSED';
  happened(state, { issue: review.pull, event: 'review_dismissed', actor: by });
}

function happened(state: State, what: Omit<State['issueEvents'][number], 'id' | 'at'>): void {
  state.issueEvents.push({ id: state.issueEvents.length + 1, ...what, at: dateOf(state.now()) });
}
