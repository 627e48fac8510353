// The required check: what people said, what the main branch judges by, and what is told on the forge.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestProject } from './project.ts';
import { longer, makeTemplate, policyWith, PullScene } from './pull-scene.ts';

let template: TestProject;
beforeAll(async () => {
  template = await makeTemplate();
}, 60_000);
afterAll(() => template[Symbol.dispose]());

const promote = ['promote', 'topics', '--to', 'production', '--pr'];
interface Opened {
  readonly commit: string;
  readonly branch: string;
  readonly pull: { readonly number: number };
}

test('a promotion waits for its approval, and loses it with another pointer; the way back needs none', async () => {
  await using scene = await PullScene.begin(template);
  const { github, project } = scene;
  const opened = await scene.json<Opened>(...promote);
  github.requests.splice(0);
  const before = await scene.check(1);
  expect(before.checked.judgement?.points.filter(({ holds }) => holds !== true).map(({ point }) => point)).toEqual(['approvals']);
  expect(scene.status(1)).toMatch(/^pending: approvals: 1 approval is needed/);
  expect(before.requests).toBe(github.requests.length);
  expect(before.requests).toBeLessThan(20);
  scene.approve(1, 'alice');
  await scene.check(1);
  expect(scene.status(1)).toMatch(/^pending/);
  scene.approve(1, 'bob');
  await scene.check(1);
  expect(scene.status(1)).toBe('success: promotion: 12 points hold');
  expect(github.comments).toMatchObject([{ body: expect.stringContaining('`alice` does not count') as string }]);
  expect(github.checkRuns.at(-1)).toMatchObject({ name: 'plumbline promotion', conclusion: 'success' });
  // somebody's update from main is no new decision
  scene.commit('more', { 'README.md': 'more\n' });
  scene.push();
  project.git('switch', '-qc', 'update', opened.commit);
  project.git('merge', '-q', '--no-edit', 'main');
  scene.push(opened.branch);
  await scene.check(1);
  expect(scene.status(1)).toMatch(/^success/);
  project.git('switch', '-q', 'main');
  project.git('merge', '-q', '--no-edit', 'update');
  scene.push();
  // the next one, and back
  scene.commit('longer', { 'params.yaml': longer });
  scene.push();
  const second = await scene.json<Opened>(...promote);
  project.git('merge', '-q', '--ff-only', second.commit);
  scene.push();
  const back = await scene.json<Opened>('rollback', 'topics', '--pr');
  const told = await scene.check(back.pull.number);
  expect(told.checked.judgement).toMatchObject({ holds: true, fast: true, kind: 'rollback' });
  expect(scene.status(back.pull.number)).toMatch(/^success: rollback, by the fast lane/);
}, 60_000);

test('a pull request that moves no pointer passes, by two requests and without a comment; so the check can be required of all', async () => {
  await using scene = await PullScene.begin(template);
  const number = scene.pull('docs', { 'README.md': 'read me\n' });
  const { checked } = await scene.check(number);
  expect(checked).toMatchObject({ judgement: null, facts: null });
  expect(scene.status(number)).toBe('success: moves no pointer');
  expect(scene.github.comments).toEqual([]);
  expect(scene.github.requests).toEqual([
    `GET /repos/o/r/pulls/${number}`,
    expect.stringMatching(/^POST .*\/statuses\//),
    expect.stringMatching(/^GET .*\/comments$/),
  ]);
});

test('T12: a pull request cannot bring its own judge: policy and pointer together, or its own policy, suite and report', async () => {
  await using scene = await PullScene.begin(template);
  const { project } = scene;
  const opened = await scene.json<Opened>(...promote);
  const names = project.git('diff', '--name-only', `main...${opened.commit}`).split('\n');
  const files = Object.fromEntries(
    names.map((path) => [path, `${project.git('show', `${opened.commit}:${path}`)}${path.endsWith('production.json') ? '\n' : ''}`]),
  );
  const both = scene.pull('both', { ...files, 'policy.yaml': policyWith(0), 'evals/topics.yaml': 'version: 1\ndata: asked\nid: id\n# easier\n' });
  const { checked } = await scene.check(both);
  expect(checked.judgement?.points.find(({ point }) => point === 'files')).toMatchObject({
    holds: false,
    why: expect.stringContaining('policy.yaml') as string,
  });
  expect(scene.status(both)).toMatch(/^failure: files: /);
  // one that asks for no approval in its own policy is still asked for one by main's
  expect(checked.judgement?.points.find(({ point }) => point === 'approvals')?.holds).toBe(false);
}, 30_000);

test('what goes into another branch is not spoken of, until it is led to main', async () => {
  await using scene = await PullScene.begin(template);
  scene.push('release');
  const number = scene.pull('docs', { 'README.md': 'read me\n' }, { base: 'release' });
  expect((await scene.check(number)).checked.context).toBe(null);
  expect(scene.github.statuses).toEqual([]);
  const [pull] = scene.github.pulls;
  if (pull !== undefined) pull.baseRef = 'main';
  await scene.check(number);
  expect(scene.status(number)).toBe('success: moves no pointer');
});

test('where there is no answer, the one of before does not stand', async () => {
  await using scene = await PullScene.begin(template, policyWith(0));
  await scene.json<Opened>(...promote);
  await scene.check(1);
  expect(scene.status(1)).toMatch(/^success/);
  // somebody writes to the branch of the log what is no record
  scene.project.git('switch', '-q', '--orphan', 'log');
  scene.commit('forged', { 'records/00000000.json': '{}' });
  scene.push('plumb/audit');
  scene.project.git('switch', '-q', 'main');
  await expect(scene.check(1)).rejects.toMatchObject({ code: 'AUDIT_INVALID' });
  expect(scene.status(1)).toMatch(/^error: no answer: /);
}, 60_000);

test('from the command line: a table, exit code 1 for no, and --json with the requests', async () => {
  await using scene = await PullScene.begin(template);
  await scene.json<Opened>(...promote);
  const text = await scene.plumb(['ci', 'check-promotion', '--pull', '1'], { text: true });
  expect(text.exit).toBe(1);
  expect(text.stdout).toMatch(/^yes {6}files[\s\S]*NO {7}approvals {3}1 approval is needed[\s\S]*it may not be merged \(promotion\)\n$/);
  expect(scene.github.statuses).toEqual([]);
  const { json, exit } = await scene.plumb(['ci', 'check-promotion', '--pull', '1']);
  expect(json).toMatchObject({ pull: 1, holds: false, kind: 'promotion', requests: expect.any(Number) as number, told: null });
  expect(exit).toBe(1);
  expect((await scene.plumb(['ci', 'check-promotion', '--pull', '-1'])).exit).toBe(2);
}, 30_000);
