// What a job of a forge's CI is about, from the environment that its runner gives and the event that started it. Both are data of strangers:
// checked here once, typed ever after.
import { PlumbError } from '../base/errors.ts';
import { at, type Environment } from '../project/trust-domain.ts';

export interface CiPullRequest {
  readonly number: number;
  /** the commit that it ends with, not a forge's merge of it */
  readonly head: string;
  /** the commit of the branch that it would be merged into */
  readonly base: string;
  readonly baseRef: string;
  /** its code comes from another repository; true where nobody says */
  readonly fork: boolean;
}

export interface CiContext {
  readonly forge: 'github' | 'gitea';
  /** without a slash at the end */
  readonly apiUrl: string;
  /** without a slash at the end */
  readonly serverUrl: string;
  readonly owner: string;
  readonly repo: string;
  /** pull_request, push, workflow_dispatch, schedule, merge_group */
  readonly event: string;
  /** what people see: the head of the pull request, else the commit that started the workflow */
  readonly commit: string;
  /** GITHUB_SHA: of a pull request on GitHub, its merge into the base */
  readonly checkedOut: string;
  /** refs/heads/main, refs/pull/7/merge */
  readonly ref: string;
  readonly runId: string;
  readonly attempt: number;
  /** path of the workflow's file in the repository; null where the forge does not say */
  readonly workflow: string | null;
  readonly runUrl: string;
  readonly pullRequest: CiPullRequest | null;
  readonly defaultBranch: string | null;
}

/** Events whose commit is the one that is checked out. Others (workflow_run, issue_comment) run on the main branch and speak of something else. */
const ownEvents: readonly string[] = ['pull_request', 'push', 'workflow_dispatch', 'schedule', 'merge_group'];

/**
 * @param event the parsed file of GITHUB_EVENT_PATH
 * @param also events beyond the usual ones that the caller is made for: ['issue_comment'] by who answers commands
 * @returns null outside of such a job
 * @throws PlumbError ACTION_EVENT for an event that is none of them, or that does not have its documented form
 */
export function readCiContext(env: Environment, event: unknown, also: readonly string[] = []): CiContext | null {
  if (env['GITHUB_ACTIONS'] !== 'true') return null;
  const name = env['GITHUB_EVENT_NAME'] ?? '';
  if (!ownEvents.includes(name) && !also.includes(name)) throw wrongEvent(name);
  const [owner = '', repo = ''] = matching(env, 'GITHUB_REPOSITORY', /^[\w.-]+\/[\w.-]+$/).split('/');
  const place = { owner, repo, serverUrl: urlOf(env, 'GITHUB_SERVER_URL') };
  const checkedOut = checkCommit(env['GITHUB_SHA'], 'GITHUB_SHA');
  const ref = env['GITHUB_REF'] ?? '';
  const pullRequest = readPullRequest(name, event, { repository: `${owner}/${repo}`, checkedOut, ref });
  const forge = env['GITEA_ACTIONS'] === 'true' ? 'gitea' : 'github';
  return {
    ...place,
    forge,
    apiUrl: urlOf(env, 'GITHUB_API_URL'),
    event: name,
    commit: pullRequest?.head ?? checkedOut,
    checkedOut,
    ref,
    runId: matching(env, 'GITHUB_RUN_ID', /^\d{1,20}$/),
    attempt: Number(env['GITHUB_RUN_ATTEMPT'] ?? 1) || 1,
    workflow: workflowOf(env['GITHUB_WORKFLOW_REF'] ?? '', `${owner}/${repo}`),
    runUrl: `${place.serverUrl}/${owner}/${repo}/actions/runs/${runInUrl(forge, env)}`,
    pullRequest,
    defaultBranch: textAt(event, 'repository', 'default_branch'),
  };
}

/** Gitea's pages count the runs of a repository, as GITHUB_RUN_NUMBER does; GitHub's have the id. */
function runInUrl(forge: CiContext['forge'], env: Environment): string {
  const number = env['GITHUB_RUN_NUMBER'] ?? '';
  return forge === 'gitea' && /^\d{1,20}$/.test(number) ? number : (env['GITHUB_RUN_ID'] ?? '');
}

/** 'o/r/.github/workflows/pr.yml@refs/heads/main' -> '.github/workflows/pr.yml'; of another repository (a reusable one): null. */
function workflowOf(text: string, repository: string): string | null {
  const path = /^([^@]+)@/.exec(text)?.[1] ?? '';
  return path.startsWith(`${repository}/`) ? path.slice(repository.length + 1) : null;
}

interface Around {
  readonly repository: string;
  readonly checkedOut: string;
  readonly ref: string;
}

function readPullRequest(name: string, event: unknown, around: Around): CiPullRequest | null {
  if (name === 'workflow_dispatch') return dispatchedFor(event, around);
  if (name !== 'pull_request') return null;
  const text = (...path: string[]): string | null => textAt(event, 'pull_request', ...path);
  return {
    number: checkNumber(at(event, 'pull_request', 'number')),
    head: checkCommit(text('head', 'sha'), 'pull_request.head.sha'),
    base: checkCommit(text('base', 'sha'), 'pull_request.base.sha'),
    baseRef: text('base', 'ref') ?? '',
    // the repository of a fork may be gone; then it was one
    fork: text('head', 'repo', 'full_name') !== around.repository,
  };
}

/**
 * A workflow that was started for a pull request says which by its inputs: `pull`, `sha` and `fork`. It runs on the branch that the pull request
 * would be merged into, whose commit is the base.
 */
function dispatchedFor(event: unknown, { checkedOut, ref }: Around): CiPullRequest | null {
  const input = (name: string): string | null => textAt(event, 'inputs', name);
  const pull = input('pull');
  if (pull === null || pull === '') return null;
  const head = checkCommit(input('sha'), 'inputs.sha');
  return { number: checkNumber(Number(pull)), head, base: checkedOut, baseRef: ref.replace(/^refs\/heads\//, ''), fork: input('fork') !== 'false' };
}

function wrongEvent(name: string): PlumbError {
  return new PlumbError('ACTION_EVENT', {
    what: name === '' ? 'GITHUB_EVENT_NAME is not set' : `the workflow was started by ${name.slice(0, 80)}`,
    mend:
      name === 'pull_request_target'
        ? 'use pull_request: pull_request_target gives the code of a fork the token of this repository'
        : `use one of ${ownEvents.join(', ')}`,
  });
}

function checkCommit(text: string | null | undefined, from: string): string {
  if (text !== null && text !== undefined && /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(text)) return text;
  throw notUnderstood(from, text, 'a commit');
}

function checkNumber(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw notUnderstood('the pull request', value, 'a number from 1');
}

function matching(env: Environment, name: string, form: RegExp): string {
  const text = env[name] ?? '';
  if (form.test(text)) return text;
  throw notUnderstood(name, text, 'what a runner sets');
}

function urlOf(env: Environment, name: string): string {
  const text = env[name] ?? '';
  const url = URL.canParse(text) ? new URL(text) : null;
  // what stands in it is shown: no credentials, no query
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.search === '')
    return url.href.replace(/\/+$/, '');
  throw notUnderstood(name, text.replace(/\/\/[^/]*@/, '//'), 'an http address');
}

function notUnderstood(from: string, value: unknown, expected: string): PlumbError {
  return new PlumbError('ACTION_EVENT', {
    what: `${from} is ${(JSON.stringify(value) ?? 'missing').slice(0, 100)}, expected ${expected}`,
    mend: 'run this in a workflow of GitHub or Gitea Actions',
  });
}

function textAt(value: unknown, ...path: string[]): string | null {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : null;
}
