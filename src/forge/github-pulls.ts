// Pull requests on GitHub. Source: docs.github.com/en/rest/pulls/pulls, commits/commits, issues/events
import type { RestEndpointMethodTypes } from '@octokit/rest';
import { githubAccount } from './account.ts';
import type { Forge, Merge, NewPullRequest, PullRequest } from './forge.ts';
import type { GitHubPlace } from './github-place.ts';
import { moved, refused } from './refusals.ts';
import { failureOf } from './session.ts';

type Pulls = RestEndpointMethodTypes['pulls'];
type PullData = Pulls['get']['response']['data'] | Pulls['list']['response']['data'][number];

type Parts = Pick<Forge, 'findPullRequest' | 'pullRequestsOfCommit' | 'retargetedAt' | 'openPullRequest' | 'updatePullRequest' | 'merge'>;

/** Of the events of an issue; its timeline has neither. The second: GitHub did it because the base branch was merged and deleted. */
const retargets: ReadonlySet<string> = new Set(['base_ref_changed', 'automatic_base_change_succeeded']);

export function openPulls({ session, rest, repository, options }: GitHubPlace): Parts {
  const { entries } = session;
  return {
    findPullRequest: (by) => ('number' in by ? read(by.number) : endingWith(by.commit)),
    pullRequestsOfCommit: mergedOf,
    retargetedAt,
    openPullRequest: create,
    updatePullRequest: update,
    merge,
  };

  async function read(number: number): Promise<PullRequest> {
    return pullRequestOf((await rest.pulls.get({ ...repository, pull_number: number })).data);
  }

  async function holding(commit: string): Promise<PullRequest[]> {
    const ask = (page: number) => rest.repos.listPullRequestsAssociatedWithCommit({ ...repository, commit_sha: commit, per_page: 100, page });
    const found = await Array.fromAsync(entries<PullData>(`the list of pull requests with ${commit}`, ask), pullRequestOf);
    return found.toSorted((a, b) => a.number - b.number);
  }

  async function endingWith(commit: string): Promise<PullRequest | null> {
    return (await holding(commit)).find((one) => one.state === 'open' && one.head === commit) ?? null;
  }

  async function mergedOf(commit: string): Promise<readonly PullRequest[]> {
    const merged = (await holding(commit)).filter((one) => one.state === 'merged');
    // a list does not say who merged
    return Promise.all(merged.map(({ number }) => read(number)));
  }

  async function retargetedAt(number: number): Promise<Date | null> {
    const ask = (page: number) => rest.issues.listEvents({ ...repository, issue_number: number, per_page: 100, page });
    const events = entries<{ readonly event: string; readonly created_at: string }>(`the list of events of pull request ${number}`, ask);
    let last: Date | null = null;
    for await (const { event, created_at: at } of events) {
      if (retargets.has(event) && (last === null || new Date(at) > last)) last = new Date(at);
    }
    return last;
  }

  async function create({ head, base, title, body }: NewPullRequest): Promise<PullRequest> {
    try {
      return pullRequestOf((await rest.pulls.create({ ...repository, head, base, title, body })).data);
    } catch (error) {
      const failure = failureOf(error);
      if (failure?.status !== 422) throw error;
      // it is there already, perhaps of a request of ours whose answer was lost
      const { data } = await rest.pulls.list({ ...repository, head: `${options.owner}:${head}`, base, state: 'open', per_page: 100 });
      const [found] = data;
      if (found === undefined) throw refused('GitHub', `a pull request from ${head} into ${base}`, failure.message);
      return pullRequestOf(found);
    }
  }

  async function update(number: number, { title, body }: { readonly title: string; readonly body: string }): Promise<void> {
    const { data } = await rest.pulls.get({ ...repository, pull_number: number });
    if (data.title === title && (data.body ?? '').replaceAll('\r\n', '\n') === body) return;
    await rest.pulls.update({ ...repository, pull_number: number, title, body });
  }

  async function merge(number: number, how: Merge): Promise<string> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const asked = { ...repository, pull_number: number, sha: how.head, merge_method: how.method, request: { once: true } };
        return (await rest.pulls.merge(asked)).data.sha;
      } catch (error) {
        const failure = failureOf(error);
        if (failure === null) throw error;
        const pull = await read(number);
        if (pull.state === 'merged' && pull.head === how.head && pull.mergeCommit !== null) return pull.mergeCommit;
        if (failure.status === 409) throw moved(number, how.head);
        if (failure.status !== 405 && failure.status !== 422) await session.pauseOrThrow(error, attempt);
        // of two merges at the same moment one is told so
        else if (/base branch was modified/i.test(failure.message) && attempt < 3) await options.pause(1000 * (0.5 + options.random()));
        else throw refused('GitHub', `to merge pull request ${number}`, failure.message);
      }
    }
  }
}

/** Of the whole object or of a list's entry: the one says `merged` and by whom, both say when. */
function pullRequestOf(data: PullData): PullRequest {
  const headRepository = data.head.repo?.full_name ?? null;
  const merged = data.merged_at !== null;
  const author = githubAccount(data.user);
  return {
    number: data.number,
    head: data.head.sha,
    base: data.base.sha,
    baseRef: data.base.ref,
    headRef: data.head.ref,
    headRepository,
    fork: headRepository !== data.base.repo.full_name,
    state: merged ? 'merged' : data.state === 'open' ? 'open' : 'closed',
    author: author?.login ?? '',
    authorKind: author?.kind ?? 'unknown',
    openedAt: new Date(data.created_at),
    mergedBy: merged && 'merged_by' in data ? githubAccount(data.merged_by) : null,
    mergedAt: data.merged_at === null ? null : new Date(data.merged_at),
    title: data.title,
    labels: data.labels.map((label) => label.name),
    // before the merge it is a trial of GitHub's own
    mergeCommit: merged ? data.merge_commit_sha : null,
    url: data.html_url,
  };
}
