// Promotions and rollbacks by pull request, from the command line: the real plumb, real git over HTTP, and a stand-in of GitHub that holds every request against
// GitHub's description.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestProject } from './project.ts';
import { longer, makeTemplate, policyWith, PullScene } from './pull-scene.ts';

let template: TestProject;
beforeAll(async () => {
  template = await makeTemplate();
}, 60_000);
afterAll(() => template[Symbol.dispose]());

interface Opened {
  readonly pull: { readonly number: number; readonly url: string; readonly state: string } | null;
  readonly commit: string;
  readonly branch: string;
  readonly files: readonly string[];
  readonly moves: readonly { readonly model: string }[];
  readonly error?: { readonly code: string; readonly what: string };
}

const promote = ['promote', 'topics', '--to', 'production', '--pr'];

test('promote --pr opens one pull request with the pointer and its evidence, and touches nothing here', async () => {
  await using scene = await PullScene.begin(template);
  const { project, github } = scene;
  project.write('notes.txt', 'what I am at');
  const before = scene.here();
  const dry = await scene.json<Opened>(...promote, '--dry-run');
  expect(dry).toMatchObject({ commit: null, pull: null });
  expect(github.pulls).toEqual([]);
  const opened = await scene.json<Opened>(...promote);
  expect(opened).toMatchObject({ branch: dry.branch, pull: { number: 1, state: 'opened' } });
  expect(opened.branch).toMatch(/^plumb\/promote\/topics-production-[0-9a-f]{12}$/);
  const [pull] = github.pulls;
  expect(pull).toMatchObject({ author: 'alice', baseRef: 'main', headRef: opened.branch, head: opened.commit });
  expect(pull?.title).toMatch(/^promote topics to production: /);
  expect(pull?.files.map(({ filename }) => filename).toSorted()).toEqual([...opened.files].toSorted());
  expect(opened.files.every((path) => /^models\/topics\/(production\.json|evidence\/production\/[0-9a-f]{64}\.(json|yaml))$/.test(path))).toBe(true);
  expect(pull?.body).toMatch(/\| `topics` \| production \| nothing \| `[0-9a-f]{12}` \|[\s\S]*\n## /);
  expect(scene.here()).toBe(before);
  // asked for again, with main further on: the same bytes, which people may have approved by now
  scene.commit('more', { 'README.md': 'more\n' });
  scene.push();
  expect(await scene.json<Opened>(...promote)).toMatchObject({ commit: opened.commit, pull: { number: 1, state: 'unchanged' } });
  expect(github.pulls).toHaveLength(1);
  // another policy judges: the open one is brought up to date
  const policy = scene.commit('two', { 'policy.yaml': policyWith(2) });
  scene.push();
  const renewed = await scene.json<Opened>(...promote);
  expect(renewed).toMatchObject({ branch: opened.branch, pull: { number: 1, state: 'updated' } });
  expect(github.pulls[0]?.head).toBe(renewed.commit);
  expect(project.git('rev-parse', `${renewed.commit}^`)).toBe(policy);
}, 30_000);

test('several models are one commit, and go back as one: by pull request, by command, by the button', async () => {
  await using scene = await PullScene.begin(template);
  const { project } = scene;
  const opened = await scene.json<Opened>('promote', 'topics', 'small', '--to', 'production', '--pr');
  expect(opened.moves.map(({ model }) => model)).toEqual(['small', 'topics']);
  expect(project.git('log', '-1', '--format=%s', opened.commit)).toMatch(/^promote .*small.*topics/);
  project.git('merge', '-q', '--ff-only', opened.commit);
  scene.commit('longer', { 'params.yaml': longer });
  scene.push();
  const second = await scene.json<Opened>('promote', 'topics', 'small', '--to', 'production', '--pr');
  project.git('merge', '-q', '--ff-only', second.commit);
  scene.push();
  const back = await scene.json<Opened>('rollback', 'topics', '--pr', '--reason', 'slow');
  expect(back.moves.map(({ model }) => model)).toEqual(['topics', 'small']);
  for (const model of ['topics', 'small'])
    expect(project.git('show', `${back.commit}:models/${model}/production.json`)).toBe(
      project.git('show', `${opened.commit}:models/${model}/production.json`),
    );
  const tree = project.git('rev-parse', `${back.commit}^{tree}`);
  expect(await scene.json<Opened>('rollback', 'topics', '--pr', '--reason', 'slow')).toMatchObject({
    commit: back.commit,
    pull: { state: 'unchanged' },
  });
  project.git('revert', '--no-edit', second.commit);
  expect(project.git('rev-parse', 'HEAD^{tree}')).toBe(tree);
  project.git('reset', '-q', '--hard', second.commit);
  expect((await scene.plumb(['rollback', 'small'])).exit).toBe(0);
  expect(project.git('rev-parse', 'HEAD^{tree}')).toBe(tree);
  expect((await scene.plumb(['verify'])).exit).toBe(0);
}, 30_000);

test("a job's own token is refused before anything is sent", async () => {
  await using scene = await PullScene.begin(template);
  const { github } = scene;
  scene.env = {
    GITHUB_ACTIONS: 'true',
    GITHUB_REPOSITORY: 'o/r',
    GITHUB_API_URL: github.url,
    GITHUB_SERVER_URL: github.serverUrl,
    GITHUB_RUN_ID: '42',
    GITHUB_TOKEN: 'ghs_TheTokenOfTheJob',
    PLUMB_RUN_DOMAIN: 'laptop',
  };
  for (const words of [promote, ['rollback', 'topics', '--pr']]) {
    const { error } = await scene.json<Opened>(...words);
    expect(error).toMatchObject({ code: 'FORGE_TOKEN', what: expect.stringContaining('approves the runs') as string });
  }
  scene.env = { ...scene.env, GITHUB_TOKEN: '' };
  expect((await scene.json<Opened>(...promote)).error?.code).toBe('FORGE_TOKEN');
  expect(github.requests).toEqual([]);
  expect(github.git?.folder()).not.toBe('');
});

test('what a rule of the forge refuses is told in its words, and nothing is left behind', async () => {
  await using scene = await PullScene.begin(template);
  const { github, project } = scene;
  github.permission = 'read';
  const { error } = await scene.json<Opened>(...promote);
  expect(error?.code).toMatch(/^GIT_(REMOTE_DENIED|PUSH_REFUSED)$/);
  expect(github.pulls).toEqual([]);
  expect(project.git('status', '--porcelain')).toBe('');
  expect((await scene.plumb(['promote', 'topics', '--to', 'production', '--pr', '--base', 'main'])).code).toBe('USAGE');
});
