// The loop of a team on a forge that nobody here wrote: Gitea with its own runner, the workflow that `plumb init --forge gitea` wrote, and the action that
// does all in one job. push -> pull request -> comment and status -> a push on top -> merge -> main finds everything in the store.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newClone } from '../forge-clone.ts';
import { makeRelease } from './servers/act/release.ts';
import { addCheckout, startGitea, type GiteaServer, type GiteaUser } from './servers/gitea/gitea.ts';
import type { Server } from './servers/servers.ts';
import { Team } from './team.ts';

const repository = 'ann/intents';
const workflow = '.gitea/workflows/plumbline.yml';

let top: string;
let gitea: GiteaServer;
let runner: Server;
let team: Team;
let ann: GiteaUser;

beforeAll(async () => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'plumb-gitea-')));
  gitea = await startGitea();
  ann = await gitea.newUser('ann');
  await gitea.ask(ann, 'POST', '/user/repos', { name: 'intents', private: true, default_branch: 'main' });
  await addCheckout(gitea, push);
  // this release of Plumbline is on the server; others' actions are there under a name of their own
  mkdirSync(join(top, 'release'));
  const release = makeRelease(join(top, 'release'), (text) => text.replaceAll(/actions\/setup-node@[0-9a-f]{40}/g, 'actions/setup-node@v5'));
  await addRepository('plumbline', 'plumbline');
  await addRepository('actions', 'setup-node');
  const nothing = 'name: nothing\ndescription: node is there\nruns: { using: composite, steps: [{ shell: bash, run: node --version }] }\n';
  await push({ 'action.yml': nothing }, gitea.cloneUrl(gitea.admin, 'actions/setup-node'), 'v5');
  const origin = gitea.cloneUrl(ann, repository);
  team = await Team.start({ top, release, forge: 'gitea', origin, repository, workflows: [workflow], prepare: prepare });
  await team.start('git', ['push', '--quiet', gitea.cloneUrl(gitea.admin, 'plumbline/plumbline'), 'main'], release.folder);
  await gitea.ask(ann, 'PUT', `/repos/${repository}/actions/secrets/PLUMB_SIGNING_KEY`, { data: team.key });
  runner = await gitea.startRunner({ path: [fileURLToPath(new URL('../../node_modules/.bin', import.meta.url))] });
  // RUNNER_TOOL_CACHE is a folder of the runner's own
  mkdirSync(join(runner.folder, 'work'), { recursive: true });
  symlinkSync(release.tools, join(runner.folder, 'work', 'tool_cache'));
});
afterAll(async () => {
  await runner?.stop();
  await gitea?.stop();
  rmSync(top, { recursive: true, force: true });
});

function prepare(one: Team): void {
  one.edit(workflow, (text) => text.replaceAll(/actions\/checkout@[0-9a-f]{40}/g, 'actions/checkout@v5'));
  for (const name of ['data/intents.jsonl', 'data/intents-test.jsonl', 'data/held-back.jsonl'])
    one.edit(
      name,
      (text) =>
        `${text
          .split('\n')
          .filter((line) => /"label":"(?:card_arrival|age_limit)"/.test(line))
          .join('\n')}\n`,
    );
  one.edit('rules/intents.yaml', (text) => text.replace('min: 5000', 'min: 50'));
  // of 80 cases nobody can rule out a loss of one point
  one.edit('policy.yaml', (text) => text.replace('not_worse_by: 0.01', 'not_worse_by: 0.2').replace('at_least: 0.88', 'at_least: 0.8'));
}

async function addRepository(organisation: string, name: string): Promise<void> {
  await gitea.answer(gitea.admin, 'POST', '/orgs', { username: organisation });
  await gitea.ask(gitea.admin, 'POST', `/orgs/${organisation}/repos`, { name, default_branch: 'main' });
}

async function push(files: Readonly<Record<string, string>>, address: string, tag: string): Promise<void> {
  await using clone = await newClone();
  await clone.commit(tag, files);
  await clone.git('tag', tag);
  await clone.git('push', '--quiet', address, 'main', tag);
}

interface Status {
  readonly context: string;
  readonly status: string;
  readonly description: string;
}

/** The statuses of a commit, once the job of the workflow has ended. */
async function statusesOf(commit: string, event: 'push' | 'pull_request'): Promise<Record<string, string>> {
  for (let tries = 0; tries < 1200; tries += 1) {
    const { body } = await gitea.answer(ann, 'GET', `/repos/${repository}/commits/${commit}/statuses?limit=50&sort=oldest`);
    const all = Object.fromEntries((Array.isArray(body) ? (body as Status[]) : []).map(({ context, status }) => [context, status]));
    const job = all[`plumbline / model (${event})`];
    if (job !== undefined && job !== 'pending') return all;
    await pause(250);
  }
  throw new Error(`the job of ${commit} does not end: ${runner.said().slice(-3000)}`);
}

/** What the last job printed. */
async function lastLog(): Promise<string> {
  const { workflow_runs: runs } = await gitea.ask<{ workflow_runs: { id: number }[] }>(ann, 'GET', `/repos/${repository}/actions/runs?limit=1`);
  const { jobs } = await gitea.ask<{ jobs: { id: number }[] }>(ann, 'GET', `/repos/${repository}/actions/runs/${runs[0]?.id}/jobs`);
  const { body } = await gitea.answer(ann, 'GET', `/repos/${repository}/actions/jobs/${jobs[0]?.id}/logs`);
  return String(body);
}

async function reports(number: number): Promise<{ body: string; user: { login: string } }[]> {
  const all = await gitea.ask<{ body: string; user: { login: string } }[]>(ann, 'GET', `/repos/${repository}/issues/${number}/comments`);
  return all.filter(({ body }) => body.startsWith('<!-- plumbline report '));
}

let number: number;

test('the first push to main: one job trains and evaluates, and its runs are those of main', async () => {
  await team.push('main');
  const statuses = await statusesOf(await team.git('rev-parse', 'HEAD'), 'push');
  expect(statuses['plumbline / model (push)'], await lastLog()).toBe('success');
  await team.plumb('run');
  await team.plumb('promote', 'intents', '--to', 'production');
  await team.push('main');
  expect((await statusesOf(await team.git('rev-parse', 'HEAD'), 'push'))['plumbline / model (push)'], await lastLog()).toBe('success');
});

test('a pull request that changes rows: one comment by the job, and the status of the gate', async () => {
  await team.branch('more-rows', async () => {
    team.edit('data/intents.jsonl', (text) => text + team.read('data/held-back.jsonl'));
    await team.plumb('add', 'data/intents.jsonl');
  });
  await team.push('more-rows');
  for (let tries = 0; (await gitea.answer(ann, 'GET', `/repos/${repository}/branches/more-rows`)).status !== 200 && tries < 50; tries += 1)
    await pause(100);
  const pull = await gitea.ask<{ number: number }>(ann, 'POST', `/repos/${repository}/pulls`, {
    title: 'More rows',
    head: 'more-rows',
    base: 'main',
  });
  number = pull.number;
  const statuses = await statusesOf(await team.git('rev-parse', 'HEAD'), 'pull_request');
  expect(statuses, await lastLog()).toMatchObject({ 'plumbline / model (pull_request)': 'success', 'plumb/gate': 'success' });
  const [report, ...others] = await reports(number);
  expect(others).toEqual([]);
  expect(report?.user.login).toBe('gitea-actions');
  expect(report?.body).toContain('## ✅ `intents`: the gate holds');
});

test('a push on top brings the comment up to date', async () => {
  team.edit('params.yaml', (text) => text.replace('learning_rate: 1.5', 'learning_rate: 1.2'));
  const head = await team.commit('a smaller step');
  await team.push('more-rows');
  expect((await statusesOf(head, 'pull_request'))['plumb/gate'], await lastLog()).toBe('success');
  const [report, ...others] = await reports(number);
  expect(others).toEqual([]);
  expect(report?.body).toContain(head);
  expect(report?.body).toContain('learning_rate');
});

test('after the merge main finds everything in the store', async () => {
  for (let tries = 0; tries < 50; tries += 1) {
    const { status } = await gitea.answer(ann, 'POST', `/repos/${repository}/pulls/${number}/merge`, { Do: 'merge' });
    if (status === 200) break;
    await pause(200);
  }
  const { merge_commit_sha: merged } = await gitea.ask<{ merge_commit_sha: string }>(ann, 'GET', `/repos/${repository}/pulls/${number}`);
  const statuses = await statusesOf(merged, 'push');
  const log = await lastLog();
  expect(statuses['plumbline / model (push)'], log).toBe('success');
  for (const stage of ['check', 'train', 'evaluate']) expect(log).toContain(`from the cache: ${stage}`);
});
