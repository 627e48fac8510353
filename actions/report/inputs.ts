// What the action is told, read once and typed: its inputs, and the event that started the workflow.
import { relative, resolve, sep } from 'node:path';
import { PlumbError } from '../../src/base/errors.ts';

export interface Inputs {
  /** folder of the project, absolute, inside the work space */
  readonly folder: string;
  /** the same as seen from the work space: '.' or 'teams/a' */
  readonly place: string;
  /** null: the only one of pipeline.yaml */
  readonly model: string | null;
  readonly stage: 'staging' | 'production';
  /** null: as `plumb report` does */
  readonly against: string | null;
  /** null: the base of the pull request; without one, as `plumb report` does */
  readonly base: string | null;
  readonly comment: boolean;
  readonly status: boolean;
  /** login that the token's comments appear under */
  readonly author: string;
  readonly token: string;
}

/**
 * @param get the text of an input, '' when it is not given
 * @throws PlumbError ACTION_INPUT
 */
export function readInputs(get: (name: string) => string, workspace: string): Inputs {
  const text = (name: string): string | null => get(name).trim() || null;
  const folder = resolve(workspace, text('folder') ?? '.');
  const place = relative(workspace, folder).split(sep).join('/') || '.';
  if (place === '..' || place.startsWith('../') || resolve(place) === place) throw wrong('folder', get('folder'), 'a folder of the work space');
  const stage = text('stage') ?? 'production';
  if (stage !== 'production' && stage !== 'staging') throw wrong('stage', stage, 'production or staging');
  const token = text('token');
  if (token === null)
    throw new PlumbError('ACTION_INPUT', { what: 'the input token is empty', mend: 'leave it out: the token of the job is its default' });
  return {
    folder,
    place,
    model: text('model'),
    stage,
    against: text('against'),
    base: text('base'),
    comment: yesOrNo('comment'),
    status: yesOrNo('status'),
    author: text('author') ?? 'github-actions[bot]',
    token,
  };

  function yesOrNo(name: string): boolean {
    const value = text(name) ?? 'true';
    if (value === 'true' || value === 'false') return value === 'true';
    throw wrong(name, value, 'true or false');
  }
}

function wrong(name: string, value: string, expected: string): PlumbError {
  return new PlumbError('ACTION_INPUT', {
    what: `the input ${name} is "${value.slice(0, 100)}", expected ${expected}`,
    mend: 'correct the `with:` of the step',
  });
}

/** The run of a workflow that the report is about. */
export interface Run {
  /** the commit that people see: the head of the pull request, not GitHub's merge of it */
  readonly commit: string;
  readonly pullRequest: { readonly number: number; readonly base: string; readonly fork: boolean } | null;
  /** where the run can be read */
  readonly url: string;
}

/** What @actions/github knows of the run. */
export interface RunContext {
  readonly eventName: string;
  readonly sha: string;
  readonly runId: number;
  readonly serverUrl: string;
  readonly repo: { readonly owner: string; readonly repo: string };
  readonly payload: { readonly [key: string]: unknown };
}

/** Events whose commit is the one that is checked out. Others (workflow_run, issue_comment) run on the main branch and speak of something else. */
const commitEvents = ['push', 'workflow_dispatch', 'schedule', 'merge_group'];

/** @throws PlumbError ACTION_EVENT */
export function readRun(context: RunContext): Run {
  const { owner, repo } = context.repo;
  const url = `${context.serverUrl}/${owner}/${repo}/actions/runs/${context.runId}`;
  if (context.eventName === 'pull_request') return { ...readPullRequest(context, `${owner}/${repo}`), url };
  if (commitEvents.includes(context.eventName)) return { commit: checkCommit(context.sha), pullRequest: null, url };
  throw new PlumbError('ACTION_EVENT', {
    what: `the workflow was started by ${context.eventName}`,
    mend:
      context.eventName === 'pull_request_target'
        ? 'use pull_request: pull_request_target gives the code of a fork the token of this repository'
        : `use one of pull_request, ${commitEvents.join(', ')}`,
  });
}

interface PullRequestPayload {
  readonly number: number;
  readonly head: { readonly sha: string; readonly repo: { readonly full_name: string } | null };
  readonly base: { readonly sha: string };
}

function readPullRequest({ payload }: RunContext, repository: string): Omit<Run, 'url'> {
  const { number, head, base } = payload['pull_request'] as PullRequestPayload;
  // the repository of a fork may be gone; then it was one
  const fork = head.repo?.full_name !== repository;
  return { commit: checkCommit(head.sha), pullRequest: { number, base: checkCommit(base.sha), fork } };
}

function checkCommit(text: string): string {
  if (/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(text)) return text;
  throw new PlumbError('ACTION_EVENT', {
    what: `the event names the commit "${text.slice(0, 80)}"`,
    mend: 'run the action in a workflow of GitHub Actions',
  });
}
