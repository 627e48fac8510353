// The committed bundle in a process of its own, as a runner starts it for a comment, against a stand-in for GitHub.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { headLine, reportMarker } from '../../src/ci/report-comment.ts';
import type { GitHubApi } from '../../tests/github-api/api.ts';
import { startGitHub } from '../../tests/github-api/start.ts';
import { TestProject } from '../../tests/project.ts';

const bundle = fileURLToPath(new URL('dist/index.js', import.meta.url));
const token = 'ghs_ThisIsTheTokenOfTheJob0123456789';
const head = 'a'.repeat(40);
const base = 'b'.repeat(40);

let github: GitHubApi;
let folder: string;
beforeEach(async () => {
  github = await startGitHub({ token });
  github.pulls.push({ number: 7, state: 'open', head, base, baseRef: 'main', files: [] });
  Object.assign(github.permissions, { ann: 'write', rob: 'read' });
  Object.assign(github.workflows, { 'pr.yml': ['pull', 'sha', 'fork', 'force'], 'fork.yml': ['pull', 'sha', 'fork'] });
  // all that commands.yml gives the job, and no more
  github.permission = { actions: 'write', contents: 'read', 'pull-requests': 'write' };
  say('github-actions[bot]', `${reportMarker({ place: '.', model: null, stage: 'production' })}\n${headLine(head)}\n## The report`, -60_000);
  folder = mkdtempSync(join(tmpdir(), 'command action '));
});
afterEach(async () => {
  await github.close();
  rmSync(folder, { recursive: true });
  if (github.violations.length > 0) throw new Error(`GitHub would not take: ${github.violations.join('; ')}`);
});

/** A comment, as people write one. @param ms from now @returns its id */
function say(login: string, body: string, ms = 0, changed: { body: string } | null = null, issue = 7): number {
  const at = (from: number): string => new Date(Date.now() + from).toISOString().replace(/\.\d+Z$/, 'Z');
  const id = 1000 + github.comments.length;
  const edited = changed === null ? { edits: 0, updatedAt: at(ms) } : { edits: 1, updatedAt: at(ms + 5000), body: changed.body };
  github.comments.push({ id, issue, body, login, createdAt: at(ms), ...edited });
  return id;
}

async function react(
  id: number,
  inputs: Record<string, string> = {},
  name = 'issue_comment',
): Promise<{ code: number; log: string; outputs: Record<string, string> }> {
  const [event, output] = [join(folder, 'event'), join(folder, 'output')];
  writeFileSync(event, JSON.stringify(name === 'issue_comment' ? github.events.issueComment(id) : {}));
  writeFileSync(output, '');
  const all: Record<string, string> = { folder: '.', author: 'github-actions[bot]', token, ...inputs };
  const workspace = join(folder, 'work space');
  mkdirSync(workspace, { recursive: true });
  const child = spawn(process.execPath, [bundle], {
    cwd: workspace,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      ...Object.fromEntries(Object.entries(all).map(([key, value]) => [`INPUT_${key.toUpperCase()}`, value])),
      GITHUB_ACTIONS: 'true',
      GITHUB_API_URL: github.url,
      GITHUB_SERVER_URL: 'https://github.test',
      GITHUB_REPOSITORY: 'o/r',
      GITHUB_EVENT_NAME: name,
      GITHUB_EVENT_PATH: event,
      GITHUB_REF: 'refs/heads/main',
      GITHUB_SHA: base,
      GITHUB_RUN_ID: '42',
      GITHUB_WORKSPACE: workspace,
      GITHUB_OUTPUT: output,
    },
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number]>]);
  const outputs = [...readFileSync(output, 'utf8').matchAll(/^(\w+)<<(ghadelimiter_[\w-]+)\n([\s\S]*?)\n\2$/gm)];
  return { code, log: stdout + stderr, outputs: Object.fromEntries(outputs.map((match) => [match[1] ?? '', match[3] ?? ''])) };
}

const reactionsTo = (id: number): string[] => github.reactions.filter((one) => one.comment === id).map((one) => one.content);
const repliesTo = (id: number): string[] =>
  github.comments.filter((one) => one.body.startsWith(`<!-- plumbline:answer:${id} -->`)).map((one) => one.body);

test('/plumb run by somebody who may write: eyes, one start of pr.yml on main for the head that was seen, a reply with a link; said again, one reply', async () => {
  const id = say('ann', '/plumb run');
  const { code, log, outputs } = await react(id);
  expect([code, outputs]).toEqual([0, { done: 'dispatched', case: '', head: '' }]);
  expect(log).toContain('ann (write): dispatch');
  expect(reactionsTo(id)).toEqual(['eyes']);
  expect(github.dispatches).toMatchObject([{ workflow: 'pr.yml', ref: 'main', inputs: { pull: '7', sha: head, fork: 'false', force: '' } }]);
  expect(repliesTo(id)).toEqual([expect.stringMatching(/again\. \[The run\]\(<https:\/\/github\.test\/o\/r\/actions\/runs\/\d+>\)/)]);
  await react(id);
  expect(repliesTo(id)).toHaveLength(1);
  expect(github.requests.length).toBeLessThan(24);
});

test('T28: without write permission: a thumb down, and nothing else', async () => {
  for (const login of ['rob', 'nobody']) {
    const id = say(login, `/plumb approve ${head}`);
    expect((await react(id)).outputs['done']).toBe('refused');
    expect([reactionsTo(id), repliesTo(id)]).toEqual([['-1'], []]);
  }
  expect(github.dispatches).toEqual([]);
});

test('T28: commands beyond the budget of the base are not carried out, and that is said once', async () => {
  await github.close();
  github = await startGitHub({ token, git: true });
  using project = TestProject.create({
    'policy.yaml': 'version: 1\nmodels: {}\ngates: {}\nbudget: { commands: 2 }\n',
    '.github/workflows/pr.yml': readFileSync(new URL('../../templates/forges/github/.github/workflows/pr.yml', import.meta.url), 'utf8'),
  });
  const origin = github.git?.folder() ?? '';
  project.git('push', '-q', origin, 'main');
  project.git('checkout', '-qb', 'topic');
  project.write('policy.yaml', 'version: 1\nmodels: {}\ngates: {}\nbudget: { commands: 999 }\n');
  project.git('commit', '-qam', 'as many as I like');
  project.git('push', '-q', origin, 'topic');
  const pull = github.openPull({ head: 'topic', base: 'main', title: 'more', author: 'ann' });
  Object.assign(github.permissions, { ann: 'write' });
  github.permission = { actions: 'write', contents: 'read', 'pull-requests': 'write' };
  const ask = (): number => say('ann', `/plumb run ${pull.head}`, 0, null, pull.number);
  const ids = [ask(), ask(), ask(), ask()];
  const done: unknown[] = [];
  for (const id of ids) done.push((await react(id)).outputs['done']);
  expect(done).toEqual(['dispatched', 'dispatched', 'refused', 'refused']);
  expect(github.dispatches).toHaveLength(2);
  expect(ids.map((id) => repliesTo(id).length)).toEqual([1, 1, 1, 0]);
  expect(repliesTo(ids[2] ?? 0)[0]).toContain('2 commands an hour, is used up');
  expect(reactionsTo(ids[3] ?? 0)).toEqual(['-1']);
});

test('a head that moved since the report is not run', async () => {
  for (const pull of github.pulls) pull.head = 'c'.repeat(40);
  const id = say('ann', '/plumb rerun train');
  expect((await react(id)).outputs['done']).toBe('refused');
  expect(reactionsTo(id)).toEqual(['confused']);
  expect(repliesTo(id)[0]).toContain(`\`/plumb rerun train ${'c'.repeat(40)}\``);
  expect(github.dispatches).toEqual([]);
});

test("a marker in somebody else's comment is no report of ours", async () => {
  github.comments.splice(0);
  say('rob', `${reportMarker({ place: '.', model: null, stage: 'production' })}\n${headLine(head)}`, -60_000);
  expect((await react(say('ann', '/plumb run'))).outputs['done']).toBe('refused');
});

test('T15: a comment that says something else now than when it was written starts nothing', async () => {
  const id = say('ann', 'looks good', -60_000, { body: '/plumb run' });
  expect((await react(id)).outputs['done']).toBe('refused');
  expect(github.dispatches).toEqual([]);
});

test('T1: a fork is started by an approval of its commit in full, in fork.yml', async () => {
  for (const pull of github.pulls) pull.headRepository = 'mallory/r';
  expect((await react(say('ann', '/plumb run'))).outputs['done']).toBe('refused');
  expect((await react(say('ann', `/plumb approve ${head}`))).outputs['done']).toBe('dispatched');
  expect(github.dispatches).toMatchObject([{ workflow: 'fork.yml', ref: 'main', inputs: { pull: '7', sha: head, fork: 'true' } }]);
});

test('T3: /plumb explain hands the case on to a job with the files, and that one replies with what plumb says', async () => {
  const id = say('ann', '/plumb explain --why $(x)');
  expect((await react(id)).outputs).toEqual({ done: 'explain', case: '--why $(x)', head });
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(
    join(bin, 'plumb'),
    `const { argv, env } = process;
    console.log(JSON.stringify({ markdown: JSON.stringify([argv.slice(2), Object.keys(env).filter((name) => /TOKEN|^INPUT_/.test(name))]) }));`,
  );
  const path = process.env['PATH'];
  process.env['PATH'] = `${bin}:${path ?? ''}`;
  try {
    expect(await react(id, { explain: '--why $(x)' })).toMatchObject({ code: 0, outputs: { done: 'explained' } });
  } finally {
    process.env['PATH'] = path;
  }
  expect(repliesTo(id)[0]).toContain('[["ci","explain","--json","--","--why $(x)"],[]]');
});

test('other comments and other events', async () => {
  expect((await react(say('ann', 'please /plumb run'))).outputs['done']).toBe('nothing');
  expect((await react(0, {}, 'push')).log).toContain('not started by a comment');
  expect((await react(say('ann', '/plumb run'), { token: '' })).log).toContain('the input token is empty');
});
