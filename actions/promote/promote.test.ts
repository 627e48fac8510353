// The bundles of promote and rollback, as a runner starts them, with the real plumb and git over HTTP.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plumbFile, type TestProject } from '../../tests/project.ts';
import { longer, makeTemplate, policyWith, PullScene, robot } from '../../tests/pull-scene.ts';
import { startStep, type StepEnding } from '../runner.fixture.ts';

let template: TestProject;
beforeAll(async () => {
  template = await makeTemplate();
}, 60_000);
afterAll(() => template[Symbol.dispose]());

async function step(scene: PullScene, action: 'promote' | 'rollback', inputs: Record<string, string>): Promise<StepEnding> {
  const { project, github } = scene;
  const ending = await startStep({
    action,
    inputs: { folder: '.', plumb: plumbFile, token: robot, 'job-token': 'ghs_TheTokenOfTheJob', ...inputs },
    event: 'workflow_dispatch',
    payload: {},
    workspace: project.root,
    temp: project.top,
    env: {
      GITHUB_API_URL: github.url,
      GITHUB_SERVER_URL: github.serverUrl,
      GITHUB_SHA: project.git('rev-parse', 'HEAD'),
      GITHUB_ACTOR: 'dana',
      GIT_CONFIG_GLOBAL: '/dev/null',
      PLUMB_RUN_DOMAIN: 'laptop',
    },
  });
  for (const secret of [robot, 'ghs_TheTokenOfTheJob']) expect(ending.log + JSON.stringify(ending.outputs)).not.toContain(secret);
  return ending;
}

test('promote: the pull request is of the App, by whoever started the run', async () => {
  await using scene = await PullScene.begin(template);
  const ending = await step(scene, 'promote', {
    models: 'topics small',
    stage: 'production',
    reason: 'they are better\n::set-output name=number::7',
  });
  expect(ending.log).toContain('Pull request 1 (opened)');
  expect(ending).toMatchObject({ code: 0, outputs: { number: '1', state: 'opened' } });
  expect(ending.commands.filter((line) => !/^::(group|endgroup|stop-commands|notice|[0-9a-f-]{36}::)/.test(line))).toEqual([]);
  const [pull] = scene.github.pulls;
  expect(pull).toMatchObject({ author: 'plumb-of-us[bot]', head: ending.outputs['commit'], headRef: ending.outputs['branch'] });
  expect(pull?.body).toContain('| `small` | production |');
  scene.project.git('fetch', '-q', scene.github.git?.folder() ?? '', ending.outputs['branch'] ?? '');
  expect(scene.project.git('log', '-1', '--format=%an <%ae>', 'FETCH_HEAD')).toBe('dana <dana@users.noreply.github.com>');
}, 60_000);

test("promote: the job's own token is known by its name and refused; T3: an input is no option and no command", async () => {
  await using scene = await PullScene.begin(template);
  const own = await step(scene, 'promote', {
    models: 'topics',
    stage: 'production',
    token: 'ghs_TheTokenOfTheJob2',
    'job-token': 'ghs_TheTokenOfTheJob2',
  });
  expect(own.code).toBe(1);
  expect(own.log).toContain('[FORGE_TOKEN]');
  const option = await step(scene, 'promote', { models: '--force', stage: 'production' });
  expect(option.log).toMatch(/"--force"/);
  const command = await step(scene, 'promote', { models: '["$(touch x); `id`"]', stage: 'production' });
  expect([option.code, command.code]).toEqual([1, 1]);
  const empty = await step(scene, 'promote', { models: 'topics', stage: 'production', token: '' });
  expect(empty.log).toContain('the input token is empty');
  expect(scene.github.pulls).toEqual([]);
  expect(scene.github.requests).toEqual([]);
}, 60_000);

test('rollback: the pull request, the check by the fast lane, the merge; main has the earlier pointer again', async () => {
  await using scene = await PullScene.begin(template, policyWith(1));
  const { project, github } = scene;
  const promoteHere = async (): Promise<void> => {
    const { commit } = await scene.json<{ commit: string }>('promote', 'topics', '--to', 'production', '--pr');
    project.git('merge', '-q', '--ff-only', commit);
    scene.push();
  };
  await promoteHere();
  const good = project.read('models/topics/production.json');
  scene.commit('longer', { 'params.yaml': longer });
  scene.push();
  await promoteHere();
  const open = (): number | undefined => github.pulls.find(({ headRef }) => headRef?.startsWith('plumb/rollback/'))?.number;
  const ending = step(scene, 'rollback', {
    model: 'topics',
    stage: 'production',
    to: '',
    reason: 'slow',
    merge: 'true',
    method: 'merge',
    minutes: '2',
  });
  // check-promotion.yml begins when it is opened
  while (open() === undefined) await Promise.race([ending, new Promise((resolve) => setTimeout(resolve, 50))]);
  await scene.check(open() ?? 0);
  const { code, outputs, log } = await ending;
  expect(log).toMatch(/the check says yes[\s\S]*merged as [0-9a-f]{40}/);
  expect(code).toBe(0);
  project.git('pull', '-q', '--ff-only', github.git?.folder() ?? '', 'main');
  expect(project.git('rev-parse', 'HEAD')).toBe(outputs['merged']);
  expect(project.read('models/topics/production.json')).toBe(good);
  expect(project.git('log', '-1', '--format=%B', 'HEAD^2')).toContain('Plumb-Reason: slow');
}, 60_000);

test('rollback: where the check says no, the pull request stays open and the step says why', async () => {
  await using scene = await PullScene.begin(template);
  const { project, github } = scene;
  for (const params of [null, longer]) {
    if (params !== null) scene.commit('longer', { 'params.yaml': params });
    scene.push();
    const { commit } = await scene.json<{ commit: string }>('promote', 'topics', '--to', 'production', '--pr');
    project.git('merge', '-q', '--ff-only', commit);
    scene.push();
  }
  const ending = step(scene, 'rollback', { model: 'topics', stage: 'production', reason: '', merge: 'true', method: 'squash', minutes: '2' });
  const open = (): string | undefined => github.pulls.find(({ headRef }) => headRef?.startsWith('plumb/rollback/'))?.head;
  while (open() === undefined) await Promise.race([ending, new Promise((resolve) => setTimeout(resolve, 50))]);
  github.statuses.push({ sha: open() ?? '', context: 'plumb/promotion', state: 'failure', description: 'revoked: it was taken out' });
  const { code, log, outputs } = await ending;
  expect(code).toBe(1);
  expect(log).toContain('failure: revoked: it was taken out');
  expect(outputs['merged']).toBe(undefined);
  expect(github.pulls.find(({ head }) => head === open())?.state).toBe('open');
}, 60_000);
