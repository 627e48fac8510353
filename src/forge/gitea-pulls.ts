// Pull requests on Gitea.
import { z } from 'zod';
import { PlumbError } from '../base/errors.ts';
import { giteaAccount } from './account.ts';
import type { ChangedFile, Forge, Merge, NewPullRequest, PullRequest } from './forge.ts';
import { accountData, orNull, read, readList, type GiteaPlace } from './gitea-place.ts';
import { moved, refused } from './refusals.ts';
import { failureOf } from './session.ts';

const place = z.object({ label: z.string(), ref: z.string(), sha: z.string(), repo: z.object({ full_name: z.string() }).nullish() });
const pullData = z.object({
  number: z.int(),
  head: place,
  base: place.extend({ repo: z.object({ full_name: z.string() }) }),
  state: z.enum(['open', 'closed']),
  merged: z.boolean(),
  merged_by: accountData,
  merged_at: z.coerce.date().nullish(),
  user: accountData,
  title: z.string(),
  labels: z.array(z.object({ name: z.string() })).nullish(),
  merge_commit_sha: z.string().nullish(),
  created_at: z.coerce.date(),
  html_url: z.string(),
});
const fileData = z.object({ filename: z.string(), status: z.string(), previous_filename: z.string().optional() });
const textData = z.object({ title: z.string(), body: z.string() });
const commitData = z.object({ sha: z.string() });
const eventData = z.object({ id: z.int(), type: z.string(), created_at: z.coerce.date() });

/** Of the list of what happened to a pull request: entries on a page, and pages of it. */
const eventsAtOnce = 50;
const mostEventPages = 100;
/** Gitea leaves entries out of a page that this token may not see, so that one may be empty that is not the last. */
const emptyPages = 4;

type Parts = Pick<
  Forge,
  'findPullRequest' | 'pullRequestsOfCommit' | 'changedFiles' | 'commits' | 'retargetedAt' | 'openPullRequest' | 'updatePullRequest' | 'merge'
>;

export function openPulls({ session, options, ask, all }: GiteaPlace): Parts {
  return {
    findPullRequest: (by) => ('number' in by ? readPull(by.number) : endingWith(by.commit)),
    pullRequestsOfCommit: mergedBy,
    changedFiles,
    commits,
    retargetedAt,
    openPullRequest: create,
    updatePullRequest: update,
    merge,
  };

  async function readPull(number: number): Promise<PullRequest> {
    return pullRequestOf((await ask('GET', '/pulls/{number}', { number })).data);
  }

  async function endingWith(commit: string): Promise<PullRequest | null> {
    const open = await all({ what: 'the list of open pull requests', path: '/pulls', words: { state: 'open' } }, pullRequestOf);
    return open.toSorted((a, b) => a.number - b.number).find((one) => one.head === commit) ?? null;
  }

  async function mergedBy(commit: string): Promise<readonly PullRequest[]> {
    const found = await orNull(ask('GET', '/commits/{commit}/pull', { commit }));
    return found === null ? [] : [pullRequestOf(found.data)].filter((one) => one.state === 'merged');
  }

  async function changedFiles(number: number): Promise<readonly ChangedFile[]> {
    const list = { what: `the list of files of pull request ${number}`, path: '/pulls/{number}/files', words: { number } };
    return all(list, (data) => {
      const { filename, status, previous_filename: previousPath } = read(fileData, data);
      return { path: filename, change: changes[status] ?? 'changed', previousPath: previousPath ?? null };
    });
  }

  async function commits(number: number): Promise<readonly string[]> {
    const words = { number, files: false, verification: false, stat: false };
    const list = { what: `the list of commits of pull request ${number}`, path: '/pulls/{number}/commits', words };
    return (await all(list, (data) => read(commitData, data).sha)).toReversed();
  }

  /** What happened comes in pages, the oldest first, without a number of all. */
  async function retargetedAt(number: number): Promise<Date | null> {
    let last: Date | null = null;
    for (let page = 1, empty = 0; empty < emptyPages; page += 1) {
      if (page > mostEventPages) throw tooManyEvents(number);
      const { data } = await ask('GET', '/issues/{number}/timeline', { number, limit: eventsAtOnce, page });
      const events = readList(data).map((one) => read(eventData, one));
      empty = events.length === 0 ? empty + 1 : 0;
      for (const { type, created_at: at } of events) if (type === 'change_target_branch' && (last === null || at > last)) last = at;
    }
    return last;
  }

  async function create({ head, base, title, body }: NewPullRequest): Promise<PullRequest> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return pullRequestOf((await ask('POST', '/pulls', { head, base, title, body })).data);
      } catch (error) {
        const failure = failureOf(error);
        // it is there already, perhaps of a request of ours whose answer was lost
        if (failure?.status === 409) return pullRequestOf((await ask('GET', '/pulls/{base}/{head}', { base, head })).data);
        if (failure?.status === 422) throw refused('Gitea', `a pull request from ${head} into ${base}`, failure.message);
        // a branch that was pushed a moment ago is not known yet
        if (failure?.status !== 404 || attempt >= 4) throw error;
        await options.pause(300 * 2 ** attempt);
      }
    }
  }

  async function update(number: number, { title, body }: { readonly title: string; readonly body: string }): Promise<void> {
    const said = read(textData, (await ask('GET', '/pulls/{number}', { number })).data);
    if (said.title === title && said.body.replaceAll('\r\n', '\n') === body) return;
    await ask('PATCH', '/pulls/{number}', { number, title, body });
  }

  async function merge(number: number, how: Merge): Promise<string> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await ask('POST', '/pulls/{number}/merge', { number, Do: how.method, head_commit_id: how.head, request: { once: true } });
        return mergeCommitOf(await readPull(number));
      } catch (error) {
        const failure = failureOf(error);
        if (failure === null) throw error;
        const pull = await readPull(number);
        if (pull.state === 'merged' && pull.head === how.head) return mergeCommitOf(pull);
        if (pull.head !== how.head) throw moved(number, how.head);
        if (failure.status !== 405 && failure.status !== 409) await session.pauseOrThrow(error, attempt);
        // it is still looking whether there are conflicts
        else if (/try again later/i.test(failure.message) && attempt < 10) await options.pause(250 * (attempt + 1));
        else throw refused('Gitea', `to merge pull request ${number}`, failure.message);
      }
    }
  }
}

const changes: Readonly<Record<string, ChangedFile['change']>> = {
  added: 'added',
  deleted: 'removed',
  changed: 'modified',
  modified: 'modified',
  renamed: 'renamed',
  copied: 'copied',
};

function pullRequestOf(data: unknown): PullRequest {
  const pull = read(pullData, data);
  const headRepository = pull.head.repo?.full_name ?? null;
  const author = giteaAccount(pull.user);
  return {
    number: pull.number,
    head: pull.head.sha,
    base: pull.base.sha,
    baseRef: pull.base.ref,
    // of a branch that is gone Gitea has another name in `ref`: refs/pull/7/head
    headRef: pull.head.label,
    headRepository,
    fork: headRepository !== pull.base.repo.full_name,
    state: pull.merged ? 'merged' : pull.state,
    author: author?.login ?? '',
    authorKind: author?.kind ?? 'unknown',
    openedAt: pull.created_at,
    mergedBy: pull.merged ? giteaAccount(pull.merged_by) : null,
    mergedAt: pull.merged ? (pull.merged_at ?? null) : null,
    title: pull.title,
    labels: (pull.labels ?? []).map((label) => label.name),
    mergeCommit: pull.merged ? (pull.merge_commit_sha ?? null) : null,
    url: pull.html_url,
  };
}

function mergeCommitOf({ number, mergeCommit }: PullRequest): string {
  if (mergeCommit === null)
    throw new PlumbError('FORGE_FAILED', { what: `Gitea does not say which commit merged pull request ${number}`, mend: 'look at its page' });
  return mergeCommit;
}

function tooManyEvents(number: number): PlumbError {
  const what = `more happened to pull request ${number} than ${mostEventPages * eventsAtOnce} entries`;
  return new PlumbError('FORGE_LIMIT', { what, mend: 'open a new pull request' });
}
