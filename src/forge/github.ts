// GitHub and GitHub Enterprise Server, by their REST interface.
import { Octokit, type RestEndpointMethodTypes } from '@octokit/rest';
import { PlumbError } from '../base/errors.ts';
import type { ChangedFile, Comment, Forge, ForgeOptions, PostedComment, PullRequest, Status } from './forge.ts';
import { decideRetry, type Failure } from './retry.ts';

type Pulls = RestEndpointMethodTypes['pulls'];
type PullData = Pulls['get']['response']['data'] | Pulls['list']['response']['data'][number];

/** What GitHub lists of a pull request at most. Source: docs.github.com, "List pull requests files" */
const mostFiles = 3000;
/** Of 100 comments each; a conversation that is longer is not searched to its end. */
const mostPages = 30;
const mostCharacters = 65_536;
const mostDescription = 140;
const timeoutMs = 30_000;

/** Nothing is asked before the first call. */
export function openGitHub(options: ForgeOptions): Pick<Forge, 'findPullRequest' | 'changedFiles' | 'upsertComment' | 'setStatus'> {
  const octokit = openOctokit(options);
  const repository = { owner: options.owner, repo: options.repo };
  const told = <T>(work: Promise<T>): Promise<T> => work.catch((error: unknown) => Promise.reject(forgeError(error, options.token)));
  return {
    findPullRequest: (by) => told('number' in by ? readPullRequest(by.number) : pullRequestOfCommit(by.commit)),
    changedFiles: (pullRequest) => told(listFiles(pullRequest)),
    upsertComment: (pullRequest, comment) => told(upsert(pullRequest, comment)),
    setStatus: (commit, status) => told(createStatus(commit, status)),
  };

  async function readPullRequest(number: number): Promise<PullRequest | null> {
    const { data } = await octokit.rest.pulls.get({ ...repository, pull_number: number });
    return pullRequestOf(data);
  }

  async function pullRequestOfCommit(commit: string): Promise<PullRequest | null> {
    const { data } = await octokit.rest.repos.listPullRequestsAssociatedWithCommit({ ...repository, commit_sha: commit, per_page: 100 });
    const open = data.filter((one) => one.state === 'open' && one.head.sha === commit).toSorted((a, b) => a.number - b.number);
    const [found] = open;
    return found === undefined ? null : pullRequestOf(found);
  }

  async function listFiles(pullRequest: number): Promise<readonly ChangedFile[]> {
    const { data } = await octokit.rest.pulls.get({ ...repository, pull_number: pullRequest });
    if (data.changed_files > mostFiles) throw tooManyFiles(pullRequest, data.changed_files);
    const files = await octokit.paginate(octokit.rest.pulls.listFiles, { ...repository, pull_number: pullRequest, per_page: 100 });
    // a push in between, or a cap that we do not know of
    if (files.length < data.changed_files) throw tooManyFiles(pullRequest, data.changed_files, files.length);
    return files.map((file) => ({ path: file.filename, change: file.status, previousPath: file.previous_filename ?? null }));
  }

  async function upsert(pullRequest: number, comment: Comment): Promise<PostedComment> {
    if (!/^<!-- [^>]* -->$/.test(comment.marker)) throw new Error(`a marker is one HTML comment, not ${comment.marker}`);
    const body = `${comment.marker}\n${comment.body}`;
    if (body.length > mostCharacters) throw new Error(`a comment of ${body.length} characters is over GitHub's ${mostCharacters}`);
    for (let attempt = 0; ; attempt += 1) {
      const found = await findComment(pullRequest, comment.marker);
      if (found !== null) return update(found, body);
      try {
        const { data } = await octokit.rest.issues.createComment({ ...repository, issue_number: pullRequest, body, request: { once: true } });
        return { url: data.html_url, state: 'made', author: data.user?.login ?? '' };
      } catch (error) {
        // the comment may be there although its answer was lost: look again before it is made a second time
        await pauseOrThrow(error, attempt, options);
      }
    }
  }

  async function update(found: { id: number; body: string; url: string }, body: string): Promise<PostedComment> {
    if (found.body === body) return { url: found.url, state: 'unchanged', author: options.author };
    const { data } = await octokit.rest.issues.updateComment({ ...repository, comment_id: found.id, body });
    return { url: data.html_url, state: 'updated', author: options.author };
  }

  async function findComment(pullRequest: number, marker: string): Promise<{ id: number; body: string; url: string } | null> {
    let pages = 0;
    const all = octokit.paginate.iterator(octokit.rest.issues.listComments, { ...repository, issue_number: pullRequest, per_page: 100 });
    for await (const { data } of all) {
      const found = data.find((one) => one.user?.login === options.author && one.body?.split(/\r?\n/, 1)[0] === marker);
      if (found !== undefined) return { id: found.id, body: found.body ?? '', url: found.html_url };
      pages += 1;
      if (pages >= mostPages) throw tooManyComments(pullRequest);
    }
    return null;
  }

  async function createStatus(commit: string, status: Status): Promise<void> {
    await octokit.rest.repos.createCommitStatus({
      ...repository,
      sha: commit,
      context: status.context,
      state: status.state,
      description: status.description.length > mostDescription ? `${status.description.slice(0, mostDescription - 1)}…` : status.description,
      ...(status.link === null ? {} : { target_url: status.link }),
    });
  }
}

/** Of the whole object or of a list's entry: the one says `merged`, both say when. */
function pullRequestOf(data: PullData): PullRequest {
  const headRepository = data.head.repo?.full_name ?? null;
  const merged = data.merged_at !== null;
  return {
    number: data.number,
    head: data.head.sha,
    base: data.base.sha,
    baseRef: data.base.ref,
    headRef: data.head.ref,
    headRepository,
    fork: headRepository !== data.base.repo.full_name,
    state: merged ? 'merged' : data.state === 'open' ? 'open' : 'closed',
    author: data.user?.login ?? '',
    title: data.title,
    labels: data.labels.map((label) => label.name),
    mergeCommit: merged ? data.merge_commit_sha : null,
    url: data.html_url,
  };
}

function openOctokit(options: ForgeOptions): Octokit {
  const silent = (): void => undefined;
  const octokit = new Octokit({
    auth: options.token,
    baseUrl: options.apiUrl.replace(/\/+$/, ''),
    userAgent: 'plumbline',
    log: { debug: silent, info: silent, warn: silent, error: silent },
    request: { fetch: options.fetch },
  });
  octokit.hook.wrap('request', async (request, asked) => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await request({ ...asked, request: { ...asked.request, signal: AbortSignal.timeout(timeoutMs) } });
      } catch (error) {
        if (asked.request['once'] === true) throw error;
        await pauseOrThrow(error, attempt, options);
      }
    }
  });
  return octokit;
}

async function pauseOrThrow(error: unknown, attempt: number, options: ForgeOptions): Promise<void> {
  const failure = failureOf(error);
  if (failure === null) throw error;
  const decision = decideRetry(failure, attempt, { nowMs: options.nowMs(), random: options.random() });
  if (decision === 'too long') throw busy(failure);
  if (decision === 'no') throw error;
  await options.pause(decision.waitMs);
}

/** An error of octokit's, which carries the whole request: nothing but this leaves the adapter. */
interface RequestFailure extends Failure {
  /** 'POST /repos/o/r/statuses/…' */
  readonly asked: string;
}

function failureOf(error: unknown): RequestFailure | null {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return null;
  const { request, response } = error as { request?: { method: string; url: string }; response?: { headers: Failure['headers'] } };
  const asked = request === undefined ? 'a request' : `${request.method} ${new URL(request.url).pathname}`;
  return { status: error.status, headers: response?.headers ?? {}, message: error.message, asked };
}

/** No cause: octokit's error holds headers, and a server may send back what it was sent. */
function forgeError(error: unknown, token: string): unknown {
  const failure = failureOf(error);
  if (failure === null) return error;
  const hidden = failure.message.replaceAll(token, '***').replaceAll(/\s+/g, ' ').slice(0, 300);
  const what = `GitHub answered ${failure.status} to ${failure.asked}: ${hidden}`;
  const details = { status: failure.status };
  if (failure.status === 401) return new PlumbError('FORGE_DENIED', { what, mend: 'give a token that is valid', details });
  if (failure.status === 403 || failure.status === 404) {
    return new PlumbError('FORGE_DENIED', {
      what,
      mend: 'the job needs `permissions:` contents: read, pull-requests: write, statuses: write; a pull request from a fork never has them',
      details,
    });
  }
  return new PlumbError('FORGE_FAILED', { what, mend: 'run the job again; githubstatus.com says when GitHub is in trouble', details });
}

function busy(failure: RequestFailure): PlumbError {
  return new PlumbError('FORGE_BUSY', {
    what: `GitHub limits how often we ask and wants ${failure.asked} to wait`,
    mend: 'run the job again later; the token of a job has 1,000 requests an hour for the repository',
    details: { status: failure.status },
  });
}

function tooManyFiles(pullRequest: number, files: number, listed?: number): PlumbError {
  return new PlumbError('FORGE_LIMIT', {
    what: `pull request ${pullRequest} changes ${files} files, GitHub lists ${listed ?? `at most ${mostFiles}`}`,
    mend: 'make it smaller, or read its files from git',
  });
}

function tooManyComments(pullRequest: number): PlumbError {
  return new PlumbError('FORGE_LIMIT', {
    what: `pull request ${pullRequest} has over ${mostPages * 100} comments, and ours is not among the first`,
    mend: 'open a new pull request; the report is in the summary of the run',
  });
}
