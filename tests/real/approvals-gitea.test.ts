// Whose approval counts, of a real Gitea: what its reviews, its record of pushes, its teams and its time line say, and what becomes of it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gatherFacts } from '../../src/ci/pull-facts.ts';
import { openGitea } from '../../src/forge/gitea.ts';
import { openGit } from '../../src/git/open.ts';
import { accessSchema } from '../../src/registry/access.ts';
import { decideApprovals, type ApprovalRule } from '../../src/registry/approvals.ts';
import { subjectAt } from '../../src/registry/subject.ts';
import { commitTree } from '../../src/registry/tree.ts';
import { newClone, type Clone } from '../forge-clone.ts';
import { startGitea, type GiteaServer, type GiteaUser } from './servers/gitea/gitea.ts';

const pointer = 'models/intents/production.json';
const rule: ApprovalRule = { count: 1, teams: ['ml'], people: [], codeowners: true };
const access = accessSchema.parse({});

let gitea: GiteaServer;
let clone: Clone;
const who: Record<string, GiteaUser> = {};

beforeAll(async () => {
  gitea = await startGitea();
  clone = await newClone();
  for (const login of ['us', 'anna', 'bea', 'carl', 'dora']) who[login] = await gitea.newUser(login);
  const us = user('us');
  await gitea.ask(us, 'POST', '/orgs', { username: 'acme' });
  await gitea.ask(us, 'POST', '/orgs/acme/repos', { name: 'bank', private: true, default_branch: 'main' });
  for (const [name, ...members] of [
    ['ml', 'anna', 'bea', 'carl'],
    ['others', 'dora'],
  ]) {
    const units = ['repo.code', 'repo.pulls', 'repo.issues', 'repo.actions'];
    const team = { name, permission: 'write', units, includes_all_repositories: true };
    const { id } = await gitea.ask<{ id: number }>(us, 'POST', '/orgs/acme/teams', team);
    for (const login of members) await gitea.ask(us, 'PUT', `/teams/${id}/members/${login}`);
  }
  await clone.commit('start', { [pointer]: '1\n', CODEOWNERS: 'models/.*\\\\.json @acme/ml\n' });
  await push('us', 'main');
  await clone.git('branch', 'other');
  await push('us', 'other');
});

afterAll(async () => {
  await gitea?.stop();
  await clone?.[Symbol.asyncDispose]();
});

function user(login: string): GiteaUser {
  const found = who[login];
  if (found === undefined) throw new Error(`no user ${login}`);
  return found;
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Times of a forge are whole seconds, and what happens in one second is in no order. */
const nextSecond = (): Promise<void> => pause(1100);

async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries > 50) throw error;
      await pause(100);
    }
  }
}

/** Until the server knows it. */
async function push(login: string, branch: string): Promise<void> {
  await nextSecond();
  await clone.git('push', '-q', '-f', gitea.cloneUrl(user(login), 'acme/bank'), branch);
  const commit = await clone.git('rev-parse', branch);
  await patiently(async () => {
    const { commit: known } = await gitea.ask<{ commit: { id: string } }>(user('us'), 'GET', `/repos/acme/bank/branches/${branch}`);
    if (known.id !== commit) throw new Error(`${branch} is behind`);
  });
}

async function openPull(branch: string, text: string): Promise<number> {
  await clone.branch(branch, 'main');
  await clone.commit(branch, { [pointer]: text });
  await push('anna', branch);
  const wanted = { head: branch, base: 'main', title: branch };
  return (await patiently(() => gitea.ask<{ number: number }>(user('anna'), 'POST', '/repos/acme/bank/pulls', wanted))).number;
}

async function review(pull: number, login: string, event: 'APPROVED' | 'REQUEST_CHANGES' | 'COMMENT'): Promise<void> {
  await nextSecond();
  await gitea.ask(user(login), 'POST', `/repos/acme/bank/pulls/${pull}/reviews`, { event, body: 'said' });
}

/** @returns who counts, and what the points say */
async function decide(pull: number): Promise<{ counted: string[]; holds: (boolean | 'unknown')[]; why: string }> {
  const world = { fetch: globalThis.fetch, pause, nowMs: () => Date.now(), random: () => 0.5 };
  const forge = openGitea({ apiUrl: gitea.apiUrl, owner: 'acme', repo: 'bank', token: user('us').token, author: 'us', ...world });
  const git = await openGit(clone.folder, process.env);
  const facts = await patiently(async () => {
    const found = await gatherFacts(forge, pull, { git, prefix: '', base: await clone.git('rev-parse', 'main'), access, rules: [rule], paths: null });
    // the list of what happened is written a moment after the push
    if (found.pushes?.at(-1)?.after !== found.head) throw new Error(`pushes: ${JSON.stringify(found.pushes)}; ${found.gaps.join('; ')}`);
    return found;
  });
  await clone.git('fetch', '-q', gitea.cloneUrl(user('us'), 'acme/bank'), `refs/pull/${pull}/head`);
  const paths = facts.subjectPaths ?? [];
  const subject = await subjectAt(commitTree(git, '', facts.head), paths);
  const { counted, points } = decideApprovals({ facts, subject, paths, wanted: rule, access, waive: false, afterMerge: false });
  return { counted: counted.map(({ login }) => login), holds: points.map(({ holds }) => holds), why: points.map(({ why }) => why).join('; ') };
}

test('one of the team approves what another brought; one of another team does not count, and can stop it', async () => {
  const pull = await openPull('one', '2\n');
  expect(await decide(pull)).toMatchObject({ counted: [], holds: [true, false] });
  await review(pull, 'dora', 'APPROVED');
  expect(await decide(pull)).toMatchObject({ counted: [], holds: [true, false] });
  await review(pull, 'bea', 'APPROVED');
  expect(await decide(pull)).toMatchObject({ counted: ['bea'], holds: [true, true] });
  await review(pull, 'bea', 'COMMENT');
  expect(await decide(pull)).toMatchObject({ counted: ['bea'], holds: [true, true] });
  await review(pull, 'dora', 'REQUEST_CHANGES');
  expect((await decide(pull)).why).toContain('dora asked for changes');
});

test('T15: an update from the main branch keeps an approval, another model does not, and the first one again does', async () => {
  const pull = await openPull('two', '3\n');
  const first = await clone.git('rev-parse', 'two');
  await review(pull, 'bea', 'APPROVED');
  await clone.branch('main');
  await clone.commit('main goes on', { README: 'on\n' });
  await push('us', 'main');
  await nextSecond();
  await gitea.ask(user('carl'), 'POST', `/repos/acme/bank/pulls/${pull}/update`);
  expect(await decide(pull)).toMatchObject({ counted: ['bea'], holds: [true, true] });
  await clone.branch('two');
  await clone.commit('another model', { [pointer]: '4\n' });
  await push('carl', 'two');
  const { counted, why } = await decide(pull);
  expect(counted).toEqual([]);
  expect(why).toContain('bea approved something else');
  await clone.git('reset', '-q', '--hard', first);
  await push('anna', 'two');
  await review(pull, 'carl', 'APPROVED');
  const back = await decide(pull);
  expect(back.counted).toEqual(['bea']);
  expect(back.why).toContain('carl pushed what it decides');
});

test('T15: led to another base branch and back, what was approved before does not count', async () => {
  const pull = await openPull('three', '5\n');
  await review(pull, 'bea', 'APPROVED');
  await nextSecond();
  for (const base of ['other', 'main']) await gitea.ask(user('anna'), 'PATCH', `/repos/acme/bank/pulls/${pull}`, { base });
  expect((await decide(pull)).why).toContain('bea approved before it was led to another base branch');
  await review(pull, 'bea', 'APPROVED');
  expect((await decide(pull)).counted).toEqual(['bea']);
});
