// The bundle, as a runner starts it: on events of a pull request, of a review and of a clock.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isPlumbError } from '../../src/base/errors.ts';
import type { TestProject } from '../../tests/project.ts';
import { alice, makeTemplate, PullScene, robot } from '../../tests/pull-scene.ts';
import { startStep, type StepEnding } from '../runner.fixture.ts';
import { commitsToAsk, pullsOf } from './pulls.ts';

describe('which pull requests an event asks for', () => {
  const head = 'a'.repeat(40);
  const run = (more: object): unknown => ({
    workflow_run: { event: 'pull_request_review', head_sha: head, pull_requests: [{ number: 7 }], ...more },
  });

  test.each([
    ['pull_request_target', { pull_request: { number: 7 } }, '', { numbers: [7], commits: [], all: false }],
    ['workflow_run', run({}), '', { numbers: [7], commits: [head], all: false }],
    ['workflow_run', run({ event: 'pull_request_review_approved', pull_requests: [] }), '', { numbers: [], commits: [head], all: false }],
    ['workflow_run', run({ event: 'push' }), '', { numbers: [], commits: [], all: false }],
    [
      'workflow_run',
      run({ head_sha: '--upload-pack=x', pull_requests: [{ number: '7' }, null, { number: -1 }] }),
      '',
      { numbers: [], commits: [], all: false },
    ],
    ['schedule', {}, '', { numbers: [], commits: [], all: true }],
    ['workflow_dispatch', {}, '', { numbers: [], commits: [], all: true }],
    ['workflow_dispatch', {}, '12', { numbers: [12], commits: [], all: false }],
  ])('%s', (name, event, input, asked) => {
    expect(pullsOf(name, event, input)).toEqual(asked);
  });

  test.each([
    ['pull_request', { pull_request: { number: 7 } }, '', 'ACTION_EVENT'],
    ['pull_request_review', { pull_request: { number: 7 } }, '', 'ACTION_EVENT'],
    ['issue_comment', {}, '', 'ACTION_EVENT'],
    ['schedule', {}, '7; rm', 'ACTION_INPUT'],
  ])("T2: %s, whose file may be the pull request's own, is refused", (name, event, input, code) => {
    try {
      pullsOf(name, event, input);
    } catch (error) {
      return expect(isPlumbError(error) ? error.code : error).toBe(code);
    }
    throw new Error('it was taken');
  });
});

test('T28: branches that look like those of plumb do not use up what the forge answers in an hour', () => {
  const heads = Array.from({ length: 500 }, (_, at) => `${at}`.padStart(40, '0'));
  const { some, left } = commitsToAsk(['f'.repeat(40)], [...heads, ...heads]);
  expect([some.length, some[0], left]).toEqual([100, 'f'.repeat(40), true]);
  expect(commitsToAsk([], heads.slice(0, 3))).toEqual({ some: heads.slice(0, 3), left: false });
});

describe('the step', () => {
  let template: TestProject;
  beforeAll(async () => {
    template = await makeTemplate();
  }, 60_000);
  afterAll(() => template[Symbol.dispose]());

  async function step(scene: PullScene, event: string, payload: unknown, inputs: Record<string, string> = {}): Promise<StepEnding> {
    const { project, github } = scene;
    const ending = await startStep({
      action: 'check-promotion',
      inputs: { folder: '.', pull: '', status: 'true', author: 'plumb-of-us[bot]', token: robot, ...inputs },
      event,
      payload,
      workspace: project.root,
      temp: project.top,
      env: { GITHUB_API_URL: github.url, GITHUB_SERVER_URL: github.serverUrl, GITHUB_SHA: project.git('rev-parse', 'HEAD') },
    });
    for (const secret of [robot, alice]) expect(ending.log + ending.summary).not.toContain(secret);
    return ending;
  }

  test('says it as status, check run, comment and summary; a review is noticed; a clock finds what plumb opened', async () => {
    await using scene = await PullScene.begin(template);
    const { github } = scene;
    const { commit } = await scene.json<{ commit: string }>('promote', 'topics', '--to', 'production', '--pr');
    const first = await step(scene, 'pull_request_target', { pull_request: { number: 1 } });
    expect(first).toMatchObject({ code: 0, outputs: { holds: 'false', pulls: '[1]' } });
    expect(first.log).toMatch(/NO +approvals/);
    expect(first.summary).toContain('1 point of 12 open (approvals)');
    expect(scene.status(1)).toMatch(/^pending: approvals/);
    expect(github.comments).toMatchObject([{ login: 'plumb-of-us[bot]', edits: 0 }]);
    scene.approve(1, 'bob');
    const second = await step(scene, 'workflow_run', { workflow_run: { event: 'pull_request_review', head_sha: commit, pull_requests: [] } });
    expect(second).toMatchObject({ code: 0, outputs: { holds: 'true', pulls: '[1]' } });
    expect(scene.status(1)).toMatch(/^success/);
    expect(github.comments).toMatchObject([{ edits: 1 }]);
    expect(github.checkRuns.map(({ conclusion }) => conclusion)).toEqual(['action_required', 'success']);
    scene.approve(1, 'bob', 'DISMISSED');
    const third = await step(scene, 'schedule', {});
    expect(third).toMatchObject({ code: 0, outputs: { holds: 'false', pulls: '[1]' } });
    expect(scene.status(1)).toMatch(/^pending/);
    // without a status the step is the answer
    expect(await step(scene, 'workflow_dispatch', {}, { pull: '1', status: 'false' })).toMatchObject({ code: 1, outputs: { holds: 'false' } });
  }, 60_000);

  test('T5: what a pull request is called gives no command to the runner, and reaches no summary as Markdown', async () => {
    await using scene = await PullScene.begin(template);
    const { github } = scene;
    const name = 'models/topics/revoked/::set-env name=PATH::x';
    const number = scene.pull('evil', {
      [name]: 'x\n::error::x\n',
      'models/topics/production.json': '{"<img src=x>": "::set-output name=holds::true"}\n',
    });
    const pull = github.pulls.find((one) => one.number === number);
    if (pull !== undefined) pull.title = '::add-mask::x\n::set-output name=holds::true';
    const ending = await step(scene, 'pull_request_target', { pull_request: { number } });
    expect(ending).toMatchObject({ code: 0, outputs: { holds: 'false' }, commands: [] });
    expect(scene.status(number)).toMatch(/^failure/);
    expect(github.comments[0]?.body).toContain('`"<img src=x>"`');
    expect(github.comments[0]?.body.replaceAll(/`[^`\n]*`/g, '')).not.toMatch(/<img|::set-/);
  }, 60_000);
});
