import { expect, test } from 'vitest';
import { readCiContext } from './context.ts';

const head = 'a'.repeat(40);
const base = 'b'.repeat(40);
const merge = 'c'.repeat(40);
const env = {
  GITHUB_ACTIONS: 'true',
  GITHUB_API_URL: 'https://ghe.test/api/v3/',
  GITHUB_SERVER_URL: 'https://ghe.test',
  GITHUB_REPOSITORY: 'o/r.x',
  GITHUB_EVENT_NAME: 'pull_request',
  GITHUB_SHA: merge,
  GITHUB_REF: 'refs/pull/7/merge',
  GITHUB_RUN_ID: '42',
  GITHUB_RUN_NUMBER: '9',
  GITHUB_RUN_ATTEMPT: '2',
  GITHUB_WORKFLOW_REF: 'o/r.x/.github/workflows/pr.yml@refs/pull/7/merge',
};
const pull = (full_name: string | null): unknown => ({
  pull_request: { number: 7, head: { sha: head, repo: full_name === null ? null : { full_name } }, base: { sha: base, ref: 'main' } },
  repository: { default_branch: 'main' },
});

test('of a pull request, what people see is its head', () => {
  expect(readCiContext(env, pull('o/r.x'))).toEqual({
    forge: 'github',
    apiUrl: 'https://ghe.test/api/v3',
    serverUrl: 'https://ghe.test',
    owner: 'o',
    repo: 'r.x',
    event: 'pull_request',
    commit: head,
    checkedOut: merge,
    ref: 'refs/pull/7/merge',
    runId: '42',
    attempt: 2,
    workflow: '.github/workflows/pr.yml',
    runUrl: 'https://ghe.test/o/r.x/actions/runs/42',
    pullRequest: { number: 7, head, base, baseRef: 'main', fork: false },
    defaultBranch: 'main',
  });
});

test('code of another repository, or of one that is gone, is that of a fork', () => {
  for (const name of ['x/r.x', null]) expect(readCiContext(env, pull(name))?.pullRequest?.fork).toBe(true);
});

test('on Gitea: its runs are counted, and it names no workflow file', () => {
  const { GITHUB_WORKFLOW_REF: _, ...rest } = env;
  const context = readCiContext({ ...rest, GITEA_ACTIONS: 'true', GITHUB_SHA: head }, pull('o/r.x'));
  expect(context).toMatchObject({ forge: 'gitea', workflow: null, runUrl: 'https://ghe.test/o/r.x/actions/runs/9', commit: head });
});

test('started by hand for a pull request, a workflow is about that one', () => {
  const started = { ...env, GITHUB_EVENT_NAME: 'workflow_dispatch', GITHUB_REF: 'refs/heads/main' };
  const about = (inputs: object): unknown => readCiContext(started, { inputs })?.pullRequest;
  expect(about({ pull: '7', sha: head, fork: 'false' })).toEqual({ number: 7, head, base: merge, baseRef: 'main', fork: false });
  expect(about({ pull: '7', sha: head })).toMatchObject({ fork: true });
  expect(about({})).toBeNull();
  expect(() => about({ pull: '7', sha: 'main' })).toThrow(/inputs\.sha/);
  expect(() => about({ pull: '7; rm', sha: head })).toThrow(/a number from 1/);
});

test('outside of such a job there is no context; what is not understood is refused', () => {
  expect(readCiContext({}, undefined)).toBeNull();
  const read =
    (change: Record<string, string | undefined>, event: unknown = pull('o/r.x')) =>
    () =>
      readCiContext({ ...env, ...change }, event);
  expect(read({ GITHUB_EVENT_NAME: 'pull_request_target' })).toThrow(
    expect.objectContaining({ code: 'ACTION_EVENT', mend: expect.stringContaining('use pull_request:') as string }),
  );
  for (const [change, event] of [
    [{ GITHUB_EVENT_NAME: 'workflow_run' }],
    [{ GITHUB_EVENT_NAME: '' }],
    [{ GITHUB_REPOSITORY: 'o/r/../x' }],
    [{ GITHUB_API_URL: 'file:///etc' }],
    [{ GITHUB_SERVER_URL: 'https://user:secret@ghe.test' }],
    [{ GITHUB_SHA: 'HEAD' }],
    [{ GITHUB_RUN_ID: '42/../..' }],
    [{}, { pull_request: { number: '7' } }],
    [{}, null],
    [{}, { pull_request: { number: 7, head: { sha: head }, base: { sha: '--upload-pack=x' } } }],
  ] as const) {
    expect(event === undefined ? read(change) : read(change, event)).toThrow(expect.objectContaining({ code: 'ACTION_EVENT' }));
  }
  expect(read({ GITHUB_SERVER_URL: 'https://user:secret@ghe.test' })).not.toThrow(/secret/);
  expect(readCiContext({ ...env, GITHUB_EVENT_NAME: 'issue_comment' }, {}, ['issue_comment'])?.event).toBe('issue_comment');
});
