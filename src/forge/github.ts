// GitHub and GitHub Enterprise Server, by their REST interface.
import type { RestEndpointMethodTypes } from '@octokit/rest';
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
import { openChecks } from './github-checks.ts';
import { failureOf, openSession } from './session.ts';
import { cut } from './text.ts';

/** What GitHub lists of a pull request at most. Source: docs.github.com/en/rest/pulls/pulls, "List pull requests files" and "List commits" */
const mostFiles = 3000;
const mostCommits = 250;
const mostDescription = 140;
const mostInputs = 25;

type Pulls = RestEndpointMethodTypes['pulls'];
type PullData = Pulls['get']['response']['data'] | Pulls['list']['response']['data'][number];
type CommentData = RestEndpointMethodTypes['issues']['getComment']['response']['data'];
type ReviewData = Pulls['listReviews']['response']['data'][number];

/** Nothing is asked before the first call. */
export function openGitHub(options: ForgeOptions): Forge {
  const session = openSession('GitHub', options);
  const { octokit, entries, told } = session;
  const repository = { owner: options.owner, repo: options.repo };
  const { rest } = octokit;
  octokit.hook.before('request', (asked) => {
    asked.headers['x-github-api-version'] = '2022-11-28';
  });
  const conversation = openConversation({ list: listComments, create: createComment, update: updateComment }, options.author, session);
  return {
    kind: 'github',
    get requests() {
      return session.requests;
    },
    checks: openChecks(session, repository),
    findPullRequest: (by) => told('number' in by ? readPullRequest(by.number) : pullRequestThatEndsWith(by.commit)),
    pullRequestsOfCommit: (commit) => told(mergedPullRequests(commit)),
    changedFiles: (pullRequest) => told(listFiles(pullRequest)),
    commits: (pullRequest) => told(listCommits(pullRequest)),
    reviews: (pullRequest) => told(listReviews(pullRequest)),
    upsertComment: (pullRequest, comment) => told(conversation.upsert(pullRequest, comment)),
    findComment: (pullRequest, marker) => told(conversation.find(pullRequest, marker)),
    readComment: (id) => told(rest.issues.getComment({ ...repository, comment_id: id }).then(({ data }) => commentOf(data))),
    reply: (to, body) => told(conversation.reply(to, body)),
    // answered with what is there when we reacted so before
    react: (comment, reaction) =>
      told(rest.reactions.createForIssueComment({ ...repository, comment_id: comment, content: reaction }).then(() => undefined)),
    permissionOf: (login) => told(readPermission(login)),
    setStatus: (commit, status) => told(createStatus(commit, status)),
    openPullRequest: (wanted) => told(createPullRequest(wanted)),
    updatePullRequest: (pullRequest, text) => told(rest.pulls.update({ ...repository, pull_number: pullRequest, ...text }).then(() => undefined)),
    merge: (pullRequest, how) => told(mergePullRequest(pullRequest, how)),
    dispatch: (what) => told(startWorkflow(what)),
  };

  async function readPullRequest(number: number): Promise<PullRequest> {
    return pullRequestOf((await rest.pulls.get({ ...repository, pull_number: number })).data);
  }

  async function pullRequestsWith(commit: string): Promise<PullRequest[]> {
    const ask = (page: number) => rest.repos.listPullRequestsAssociatedWithCommit({ ...repository, commit_sha: commit, per_page: 100, page });
    const found = await Array.fromAsync(entries<PullData>(`the list of pull requests with ${commit}`, ask), pullRequestOf);
    return found.toSorted((a, b) => a.number - b.number);
  }

  async function pullRequestThatEndsWith(commit: string): Promise<PullRequest | null> {
    return (await pullRequestsWith(commit)).find((one) => one.state === 'open' && one.head === commit) ?? null;
  }

  async function mergedPullRequests(commit: string): Promise<readonly PullRequest[]> {
    return (await pullRequestsWith(commit)).filter((one) => one.state === 'merged');
  }

  async function listFiles(pullRequest: number): Promise<readonly ChangedFile[]> {
    const { data } = await rest.pulls.get({ ...repository, pull_number: pullRequest });
    if (data.changed_files > mostFiles) throw tooMany(pullRequest, 'files', data.changed_files, mostFiles);
    const ask = (page: number) => rest.pulls.listFiles({ ...repository, pull_number: pullRequest, per_page: 100, page });
    const files = await Array.fromAsync(entries<Pulls['listFiles']['response']['data'][number]>('the list of files', ask));
    // a push in between, or a cap that we do not know of
    if (files.length < data.changed_files) throw tooMany(pullRequest, 'files', data.changed_files, files.length);
    return files.map((file) => ({ path: file.filename, change: file.status, previousPath: file.previous_filename ?? null }));
  }

  async function listCommits(pullRequest: number): Promise<readonly string[]> {
    const { data } = await rest.pulls.get({ ...repository, pull_number: pullRequest });
    if (data.commits > mostCommits) throw tooMany(pullRequest, 'commits', data.commits, mostCommits);
    const ask = (page: number) => rest.pulls.listCommits({ ...repository, pull_number: pullRequest, per_page: 100, page });
    const commits = await Array.fromAsync(entries<{ sha: string }>('the list of commits', ask), (one) => one.sha);
    if (commits.length < data.commits) throw tooMany(pullRequest, 'commits', data.commits, commits.length);
    return commits;
  }

  async function listReviews(pullRequest: number): Promise<readonly Review[]> {
    const ask = (page: number) => rest.pulls.listReviews({ ...repository, pull_number: pullRequest, per_page: 100, page });
    const all = await Array.fromAsync(entries<ReviewData>('the list of reviews', ask));
    return all.flatMap(reviewOf);
  }

  async function* listComments(pullRequest: number): AsyncGenerator<ReadComment> {
    const ask = (page: number) => rest.issues.listComments({ ...repository, issue_number: pullRequest, per_page: 100, page });
    for await (const one of entries<CommentData>(`the conversation of pull request ${pullRequest}`, ask)) yield commentOf(one);
  }

  async function createComment(pullRequest: number, body: string): Promise<ReadComment> {
    return commentOf((await rest.issues.createComment({ ...repository, issue_number: pullRequest, body, request: { once: true } })).data);
  }

  async function updateComment(id: number, body: string): Promise<ReadComment> {
    return commentOf((await rest.issues.updateComment({ ...repository, comment_id: id, body })).data);
  }

  async function readPermission(login: string): Promise<Permission> {
    try {
      const { data } = await rest.repos.getCollaboratorPermissionLevel({ ...repository, username: login });
      // a role of the organisation's own has a name of its own, and `permission` is the built-in one below it
      return permissions.find((one) => one === data.role_name) ?? permissions.find((one) => one === data.permission) ?? 'none';
    } catch (error) {
      if (failureOf(error)?.status === 404) return 'none';
      throw error;
    }
  }

  async function createStatus(commit: string, status: Status): Promise<void> {
    await rest.repos.createCommitStatus({
      ...repository,
      sha: commit,
      context: status.context,
      state: status.state,
      description: cut(status.description, mostDescription),
      ...(status.link === null ? {} : { target_url: status.link }),
    });
  }

  async function createPullRequest({ head, base, title, body }: NewPullRequest): Promise<PullRequest> {
    try {
      return pullRequestOf((await rest.pulls.create({ ...repository, head, base, title, body })).data);
    } catch (error) {
      const failure = failureOf(error);
      if (failure?.status !== 422) throw error;
      // it is there already, perhaps of a request of ours whose answer was lost
      const { data } = await rest.pulls.list({ ...repository, head: `${options.owner}:${head}`, base, state: 'open', per_page: 100 });
      const [found] = data;
      if (found === undefined) throw refused(`a pull request from ${head} into ${base}`, failure.message);
      return pullRequestOf(found);
    }
  }

  async function mergePullRequest(number: number, how: Merge): Promise<string> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const asked = { ...repository, pull_number: number, sha: how.head, merge_method: how.method, request: { once: true } };
        return (await rest.pulls.merge(asked)).data.sha;
      } catch (error) {
        const failure = failureOf(error);
        if (failure === null) throw error;
        const pull = await readPullRequest(number);
        if (pull.state === 'merged' && pull.head === how.head && pull.mergeCommit !== null) return pull.mergeCommit;
        if (failure.status === 409) throw moved(number, how.head);
        if (failure.status !== 405 && failure.status !== 422) await session.pauseOrThrow(error, attempt);
        // of two merges at the same moment one is told so
        else if (/base branch was modified/i.test(failure.message) && attempt < 3) await options.pause(1000 * (0.5 + options.random()));
        else throw refused(`to merge pull request ${number}`, failure.message);
      }
    }
  }

  async function startWorkflow({ workflow, ref, inputs }: Dispatch): Promise<string | null> {
    if (Object.keys(inputs).length > mostInputs) throw new Error(`a workflow takes at most ${mostInputs} inputs`);
    const asked = { ...repository, workflow_id: workflow, ref, inputs, request: { once: true } };
    try {
      const { data } = await rest.actions.createWorkflowDispatch({ ...asked, return_run_details: true });
      return (data as { html_url?: string } | undefined)?.html_url ?? null;
    } catch (error) {
      const failure = failureOf(error);
      if (failure?.status !== 422) throw error;
      if (!failure.message.includes('return_run_details')) throw refused(`to start ${workflow} of ${ref}`, failure.message);
      // an Enterprise Server from before it knew this key
      await rest.actions.createWorkflowDispatch(asked);
      return null;
    }
  }
}

const permissions: readonly Permission[] = ['admin', 'maintain', 'write', 'triage', 'read', 'none'];

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
    // before the merge it is a trial of GitHub's own
    mergeCommit: merged ? data.merge_commit_sha : null,
    url: data.html_url,
  };
}

function commentOf(data: CommentData): ReadComment {
  return {
    id: data.id,
    number: Number(/\/(\d+)$/.exec(data.issue_url)?.[1]),
    author: data.user?.login ?? '',
    body: data.body ?? '',
    createdAt: new Date(data.created_at),
    updatedAt: new Date(data.updated_at),
    url: data.html_url,
  };
}

const reviewStates: Readonly<Record<string, Review['state']>> = {
  APPROVED: 'approved',
  CHANGES_REQUESTED: 'changes-requested',
  COMMENTED: 'commented',
  DISMISSED: 'dismissed',
};

/** @returns none for a draft, which only its writer sees */
function reviewOf(data: ReviewData): Review[] {
  const state = reviewStates[data.state];
  if (state === undefined || data.submitted_at === undefined) return [];
  const { id, user, commit_id: commit, submitted_at: at, body } = data;
  return [{ id, author: user?.login ?? '', bot: user?.type === 'Bot', state, commit, submittedAt: new Date(at), body }];
}

function tooMany(pullRequest: number, what: 'files' | 'commits', number: number, listed: number): PlumbError {
  return new PlumbError('FORGE_LIMIT', {
    what: `pull request ${pullRequest} has ${number} ${what}, GitHub lists ${listed}`,
    mend: `make it smaller, or read its ${what} from git`,
  });
}

function refused(what: string, message: string): PlumbError {
  return new PlumbError('FORGE_REFUSED', {
    what: `GitHub refuses ${what}: ${message.slice(0, 300)}`,
    mend: 'do what it asks for; its page says more',
  });
}

function moved(pullRequest: number, head: string): PlumbError {
  return new PlumbError('FORGE_MOVED', {
    what: `pull request ${pullRequest} does not end with ${head} any more`,
    mend: 'look at what was pushed, then do it again',
  });
}
