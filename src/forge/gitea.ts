// Gitea and Forgejo, by their REST interface: GitHub's in its bones, and different in enough places. It has no check runs. What it answers is checked
// here, for no library describes it.
import { z } from 'zod';
import { PlumbError } from '../base/errors.ts';
import { openConversation } from './conversation.ts';
import type {
  ChangedFile,
  Dispatch,
  Forge,
  ForgeOptions,
  Merge,
  NewPullRequest,
  Permission,
  PullRequest,
  ReadComment,
  Review,
  Status,
} from './forge.ts';
import { failureOf, openSession } from './session.ts';
import { cut } from './text.ts';

const mostDescription = 140;
/** DEFAULT_PAGING_NUM and MAX_RESPONSE_ITEMS of a server that nobody changed; one that gives fewer says so by its number of all. */
const perPage = 50;

const account = z.object({ login: z.string() });
const place = z.object({ ref: z.string(), sha: z.string(), repo: z.object({ full_name: z.string() }).nullish() });
const pullData = z.object({
  number: z.int(),
  head: place,
  base: place.extend({ repo: z.object({ full_name: z.string() }) }),
  state: z.enum(['open', 'closed']),
  merged: z.boolean(),
  user: account.nullish(),
  title: z.string(),
  labels: z.array(z.object({ name: z.string() })).nullish(),
  merge_commit_sha: z.string().nullish(),
  html_url: z.string(),
});
const fileData = z.object({ filename: z.string(), status: z.string(), previous_filename: z.string().optional() });
const commentData = z.object({
  id: z.int(),
  user: account.nullish(),
  body: z.string(),
  created_at: z.coerce.date(),
  updated_at: z.coerce.date(),
  html_url: z.string(),
  issue_url: z.string(),
  pull_request_url: z.string(),
});
const reviewData = z.object({
  id: z.int(),
  user: account.nullish(),
  state: z.string(),
  dismissed: z.boolean(),
  commit_id: z.string(),
  submitted_at: z.coerce.date(),
  body: z.string(),
});

const commitData = z.object({ sha: z.string() });
const permissionData = z.object({ permission: z.string() });
const list = z.array(z.unknown());

/** Nothing is asked before the first call. */
export function openGitea(options: ForgeOptions): Forge {
  const session = openSession('Gitea', options);
  const { octokit, told } = session;
  octokit.hook.before('request', (asked) => {
    asked.headers.accept = 'application/json';
  });
  const conversation = openConversation({ list: listComments, create: createComment, update: updateComment }, options.author, session);
  return {
    kind: 'gitea',
    get requests() {
      return session.requests;
    },
    checks: null,
    findPullRequest: (by) => told('number' in by ? readPullRequest(by.number) : pullRequestThatEndsWith(by.commit)),
    pullRequestsOfCommit: (commit) => told(mergedPullRequests(commit)),
    changedFiles: (pullRequest) => told(listFiles(pullRequest)),
    commits: (pullRequest) => told(listCommits(pullRequest)),
    reviews: (pullRequest) => told(listReviews(pullRequest)),
    upsertComment: (pullRequest, comment) => told(conversation.upsert(pullRequest, comment)),
    findComment: (pullRequest, marker) => told(conversation.find(pullRequest, marker)),
    readComment: (id) => told(ask('GET', '/issues/comments/{id}', { id }).then(({ data }) => commentOf(data))),
    reply: (to, body) => told(conversation.reply(to, body)),
    react: (comment, reaction) => told(ask('POST', '/issues/comments/{comment}/reactions', { comment, content: reaction }).then(() => undefined)),
    permissionOf: (login) => told(readPermission(login)),
    setStatus: (commit, status) => told(createStatus(commit, status)),
    openPullRequest: (wanted) => told(createPullRequest(wanted)),
    updatePullRequest: (number, text) => told(ask('PATCH', '/pulls/{number}', { number, ...text }).then(() => undefined)),
    merge: (pullRequest, how) => told(mergePullRequest(pullRequest, how)),
    dispatch: (what) => told(startWorkflow(what)),
  };

  /** @param path below the repository; names in braces are taken from `words`, the rest of them is query or body */
  function ask(
    method: 'GET' | 'POST' | 'PATCH',
    path: string,
    words: Readonly<Record<string, unknown>> = {},
  ): Promise<{ data: unknown; headers: Headers }> {
    return octokit.request(`${method} /repos/{owner}/{repo}${path}`, { owner: options.owner, repo: options.repo, ...words });
  }

  /** All of a list, or FORGE_LIMIT. */
  async function all<T>(what: string, path: string, words: Readonly<Record<string, unknown>>, readOne: (data: unknown) => T): Promise<T[]> {
    let total = 0;
    const entries = session.entries<unknown>(what, async (page) => {
      const { data, headers } = await ask('GET', path, { ...words, limit: perPage, page });
      total = Number(headers['x-total-count'] ?? headers['x-total'] ?? 0);
      return { data: read(list, data ?? []), headers };
    });
    const found = await Array.fromAsync(entries, readOne);
    if (found.length < total)
      throw new PlumbError('FORGE_LIMIT', { what: `${what} has ${total} entries, Gitea lists ${found.length}`, mend: 'read them from git' });
    return found;
  }

  async function readPullRequest(number: number): Promise<PullRequest> {
    return pullRequestOf((await ask('GET', '/pulls/{number}', { number })).data);
  }

  async function pullRequestThatEndsWith(commit: string): Promise<PullRequest | null> {
    const open = await all('the list of open pull requests', '/pulls', { state: 'open' }, pullRequestOf);
    return open.toSorted((a, b) => a.number - b.number).find((one) => one.head === commit) ?? null;
  }

  async function mergedPullRequests(commit: string): Promise<readonly PullRequest[]> {
    const found = await orNull(ask('GET', '/commits/{commit}/pull', { commit }));
    return found === null ? [] : [pullRequestOf(found.data)].filter((one) => one.state === 'merged');
  }

  async function listFiles(number: number): Promise<readonly ChangedFile[]> {
    return all(`the list of files of pull request ${number}`, '/pulls/{number}/files', { number }, (data) => {
      const { filename, status, previous_filename: previousPath } = read(fileData, data);
      return { path: filename, change: changes[status] ?? 'changed', previousPath: previousPath ?? null };
    });
  }

  async function listCommits(number: number): Promise<readonly string[]> {
    const words = { number, files: false, verification: false, stat: false };
    const found = await all(`the list of commits of pull request ${number}`, '/pulls/{number}/commits', words, (data) => read(commitData, data).sha);
    return found.toReversed();
  }

  async function listReviews(number: number): Promise<readonly Review[]> {
    const found = await all(`the list of reviews of pull request ${number}`, '/pulls/{number}/reviews', { number }, reviewOf);
    return found.flat();
  }

  async function* listComments(number: number): AsyncGenerator<ReadComment> {
    // this list has no pages
    yield* read(list, (await ask('GET', '/issues/{number}/comments', { number })).data).map(commentOf);
  }

  async function createComment(number: number, body: string): Promise<ReadComment> {
    return commentOf((await ask('POST', '/issues/{number}/comments', { number, body, request: { once: true } })).data);
  }

  async function updateComment(id: number, body: string): Promise<ReadComment> {
    return commentOf((await ask('PATCH', '/issues/comments/{id}', { id, body })).data);
  }

  async function readPermission(login: string): Promise<Permission> {
    const found = await orNull(ask('GET', '/collaborators/{login}/permission', { login }));
    const { permission } = read(permissionData, found?.data ?? { permission: 'none' });
    if (permission === 'owner') return 'admin';
    return (['admin', 'write', 'read'] as const).find((one) => one === permission) ?? 'none';
  }

  async function createStatus(commit: string, { context, state, description, link }: Status): Promise<void> {
    const said = { context, state, description: cut(description, mostDescription), ...(link === null ? {} : { target_url: link }) };
    await ask('POST', '/statuses/{commit}', { commit, ...said });
  }

  async function createPullRequest({ head, base, title, body }: NewPullRequest): Promise<PullRequest> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return pullRequestOf((await ask('POST', '/pulls', { head, base, title, body })).data);
      } catch (error) {
        const failure = failureOf(error);
        // it is there already, perhaps of a request of ours whose answer was lost
        if (failure?.status === 409) return pullRequestOf((await ask('GET', '/pulls/{base}/{head}', { base, head })).data);
        if (failure?.status === 422) throw refused(`a pull request from ${head} into ${base}`, failure.message);
        // a branch that was pushed a moment ago is not known yet
        if (failure?.status !== 404 || attempt >= 4) throw error;
        await options.pause(300 * 2 ** attempt);
      }
    }
  }

  async function mergePullRequest(number: number, how: Merge): Promise<string> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await ask('POST', '/pulls/{number}/merge', { number, Do: how.method, head_commit_id: how.head, request: { once: true } });
        return mergeCommitOf(await readPullRequest(number));
      } catch (error) {
        const failure = failureOf(error);
        if (failure === null) throw error;
        const pull = await readPullRequest(number);
        if (pull.state === 'merged' && pull.head === how.head) return mergeCommitOf(pull);
        if (pull.head !== how.head) throw moved(number, how.head);
        if (failure.status !== 405 && failure.status !== 409) await session.pauseOrThrow(error, attempt);
        // it is still looking whether there are conflicts
        else if (/try again later/i.test(failure.message) && attempt < 10) await options.pause(250 * (attempt + 1));
        else throw refused(`to merge pull request ${number}`, failure.message);
      }
    }
  }

  async function startWorkflow({ workflow, ref, inputs }: Dispatch): Promise<string | null> {
    // the query is Gitea's own way to ask for the run
    const path = '/actions/workflows/{workflow}/dispatches?return_run_details=true';
    const { data } = await ask('POST', path, { workflow, ref, inputs, request: { once: true } });
    return z.object({ html_url: z.string() }).safeParse(data).data?.html_url ?? null;
  }
}

type Headers = Readonly<Record<string, string | number | undefined>> & { readonly link?: string | undefined };

const changes: Readonly<Record<string, ChangedFile['change']>> = {
  added: 'added',
  deleted: 'removed',
  changed: 'modified',
  modified: 'modified',
  renamed: 'renamed',
  copied: 'copied',
};

function read<T>(schema: z.ZodType<T>, data: unknown): T {
  const { success, error, data: known } = schema.safeParse(data);
  if (success) return known;
  const what = `Gitea answered what it is not documented to answer: ${z.prettifyError(error).replaceAll(/\s+/g, ' ').slice(0, 300)}`;
  throw new PlumbError('FORGE_FAILED', { what, mend: 'report it with the version of the server' });
}

async function orNull<T>(work: Promise<T>): Promise<T | null> {
  return work.catch((error: unknown) => {
    if (failureOf(error)?.status === 404) return null;
    throw error;
  });
}

function pullRequestOf(data: unknown): PullRequest {
  const pull = read(pullData, data);
  const headRepository = pull.head.repo?.full_name ?? null;
  return {
    number: pull.number,
    head: pull.head.sha,
    base: pull.base.sha,
    baseRef: pull.base.ref,
    headRef: pull.head.ref,
    headRepository,
    fork: headRepository !== pull.base.repo.full_name,
    state: pull.merged ? 'merged' : pull.state,
    author: pull.user?.login ?? '',
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

function commentOf(data: unknown): ReadComment {
  const { id, user, body, created_at: createdAt, updated_at: updatedAt, html_url: url, ...of } = read(commentData, data);
  const number = Number(/\/(\d+)$/.exec(of.pull_request_url || of.issue_url)?.[1]);
  return { id, number, author: user?.login ?? '', body, createdAt, updatedAt, url };
}

const reviewStates: Readonly<Record<string, Review['state']>> = { APPROVED: 'approved', REQUEST_CHANGES: 'changes-requested', COMMENT: 'commented' };

/** @returns none for a draft and for a request to review */
function reviewOf(data: unknown): Review[] {
  const { id, user, state: said, dismissed, commit_id: commit, submitted_at: submittedAt, body } = read(reviewData, data);
  const state = reviewStates[said];
  if (state === undefined) return [];
  const author = user?.login ?? '';
  // the account that its jobs speak with; Gitea marks no others
  const bot = author === 'gitea-actions';
  return [{ id, author, bot, state: dismissed ? 'dismissed' : state, commit: commit === '' ? null : commit, submittedAt, body }];
}

function refused(what: string, message: string): PlumbError {
  return new PlumbError('FORGE_REFUSED', {
    what: `Gitea refuses ${what}: ${message.slice(0, 300)}`,
    mend: 'do what it asks for; its page says more',
  });
}

function moved(pullRequest: number, head: string): PlumbError {
  return new PlumbError('FORGE_MOVED', {
    what: `pull request ${pullRequest} does not end with ${head} any more`,
    mend: 'look at what was pushed, then do it again',
  });
}
