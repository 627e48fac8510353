// The stand-in holds rules as GitHub does: against merges, pushes and the merge queue, and for those who may pass by them.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newClone, type Clone } from './forge-clone.ts';
import type { GitHubApi } from './github-api/api.ts';
import { startGitHub } from './github-api/start.ts';
import type { ApiRuleset } from './github-api/state.ts';

const tokens: Readonly<Record<string, string>> = {
  ann: 'ghp_ann',
  bob: 'ghp_bob',
  ada: 'ghp_ada',
  'plumb-app[bot]': 'ghs_app',
  'github-actions[bot]': 'ghs_job',
};
const roles = { ann: 'write', bob: 'write', ada: 'admin' };
const check = 'plumb/promotion';

let github: GitHubApi;
let clone: Clone;
/** of the pull request, whose number is 1 and whose author is ann */
let head: string;

beforeEach(async () => {
  github = await startGitHub({ token: tokens['github-actions[bot]'] ?? '', git: true });
  Object.assign(github.permissions, roles);
  for (const [login, token] of Object.entries(tokens))
    github.actors[token] = { login, can: 'write', ...(login === 'plumb-app[bot]' ? { app: 'plumb-app' } : {}) };
  github.apps['plumb-app'] = 4711;
  clone = await newClone();
  await clone.commit('start', { a: '1' });
  await push('ann', 'main');
  await clone.branch('topic', 'main');
  head = await clone.commit('change', { a: '2' });
  await push('ann', 'topic');
  github.openPull({ head: 'topic', base: 'main', title: 't', author: 'ann' });
});
afterEach(async () => {
  await github.close();
  await clone[Symbol.asyncDispose]();
  if (github.violations.length > 0) throw new Error(`GitHub would not take: ${github.violations.join('; ')}`);
});

async function push(login: string, ...words: string[]): Promise<void> {
  await clone.git('push', '-q', `${github.serverUrl.replace('//', `//x-access-token:${tokens[login]}@`)}/o/r.git`, ...words);
}

async function ask(login: string, method: string, path: string, body?: unknown): Promise<{ status: number; said: Record<string, unknown> }> {
  const headers = {
    accept: 'application/vnd.github+json',
    authorization: `token ${tokens[login]}`,
    'content-type': 'application/json',
    'user-agent': login,
  };
  const answer = await fetch(`${github.url}/repos/o/r${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return { status: answer.status, said: (await answer.json()) as Record<string, unknown> };
}

const merge = (login: string) => ask(login, 'PUT', '/pulls/1/merge', { sha: head, merge_method: 'merge' });
const approve = (login: string) => ask(login, 'POST', '/pulls/1/reviews', { event: 'APPROVE', commit_id: head });
const says = (login: string, state: string, sha = head) => ask(login, 'POST', `/statuses/${sha}`, { context: check, state });

const approvals = { required_approving_review_count: 1, dismiss_stale_reviews_on_push: true, require_last_push_approval: true };
const pullRule = { type: 'pull_request', parameters: approvals };
const checkRule = { type: 'required_status_checks', parameters: { required_status_checks: [{ context: check, integration_id: 4711 }] } };

function ruleset(rules: ApiRuleset['rules'], bypass: ApiRuleset['bypass_actors'] = []): ApiRuleset {
  const conditions = { ref_name: { include: ['~DEFAULT_BRANCH'], exclude: [] } };
  return { id: 1, name: 'main', target: 'branch', enforcement: 'active', conditions, rules, bypass_actors: bypass };
}

describe('merges', () => {
  test('refused without approval, with that of the author, of somebody who may not write, of one who then asks for changes; merged with the right one', async () => {
    github.rulesets.push(ruleset([pullRule]));
    expect(await merge('ann')).toMatchObject({
      status: 405,
      said: { message: expect.stringContaining('At least 1 approving review is required') as string },
    });
    expect((await approve('ann')).status).toBe(422);
    expect((await approve('github-actions[bot]')).status).toBe(422);
    github.reviews.push({ id: 90, pull: 1, login: 'stranger', state: 'APPROVED', commit: head });
    expect((await merge('ann')).status).toBe(405);
    await ask('bob', 'POST', '/pulls/1/reviews', { event: 'REQUEST_CHANGES', body: 'no' });
    await approve('ada');
    expect((await merge('ann')).said).toMatchObject({ message: expect.stringContaining('Changes have been requested') as string });
    const review = github.reviews.find((one) => one.login === 'bob')?.id;
    expect((await ask('ada', 'PUT', `/pulls/1/reviews/${review}/dismissals`, { message: 'old' })).said).toMatchObject({ state: 'DISMISSED' });
    expect((await merge('ann')).status).toBe(200);
    expect((await ask('ann', 'GET', '/pulls/1')).said).toMatchObject({ merged: true, merged_by: { login: 'ann' } });
    expect(github.bypasses).toEqual([]);
  });

  test('a push that changes something takes approvals away, an update from main does not; the last pusher does not count', async () => {
    github.rulesets.push(ruleset([pullRule]));
    await approve('bob');
    await clone.git('checkout', '-q', 'main');
    await clone.commit('elsewhere', { b: '1' });
    github.rulesets[0] = { ...ruleset([pullRule]), enforcement: 'disabled' };
    await push('ada', 'main');
    github.rulesets[0] = ruleset([pullRule]);
    await clone.git('checkout', '-q', 'topic');
    await clone.git('merge', '-q', 'main');
    head = await clone.git('rev-parse', 'HEAD');
    await push('bob', 'topic');
    expect(github.reviews.map((one) => one.state)).toEqual(['APPROVED']);
    expect((await merge('ann')).status).toBe(405);
    head = await clone.commit('more', { a: '3' });
    await push('ann', 'topic');
    expect(github.reviews.map((one) => one.state)).toEqual(['DISMISSED']);
    await approve('bob');
    expect((await merge('ann')).status).toBe(200);
  });

  test('a check that is bound to an App counts of that App alone; one that is bound to none counts of anybody', async () => {
    github.rulesets.push(ruleset([checkRule]));
    expect((await merge('ann')).said).toMatchObject({ message: expect.stringContaining(`Required status check "${check}" is expected`) as string });
    for (const forger of ['ann', 'github-actions[bot]']) await says(forger, 'success');
    await ask('github-actions[bot]', 'POST', '/check-runs', { name: check, head_sha: head, status: 'completed', conclusion: 'success' });
    expect((await merge('ann')).status).toBe(405);
    await says('plumb-app[bot]', 'failure');
    expect((await merge('ann')).said).toMatchObject({ message: expect.stringContaining('failing') as string });
    github.rulesets[0] = ruleset([{ ...checkRule, parameters: { required_status_checks: [{ context: check }] } }]);
    expect((await merge('ann')).status).toBe(200);
  });

  test.each([
    ['always', ['main']],
    ['pull_request', ['main']],
    ['exempt', []],
  ] as const)('%s: an administrator passes by, which leaves a trace but for the exempt', async (mode, traces) => {
    github.rulesets.push(ruleset([pullRule, checkRule], [{ actor_id: 5, actor_type: 'RepositoryRole', bypass_mode: mode }]));
    expect((await merge('ann')).status).toBe(405);
    expect((await merge('ada')).status).toBe(200);
    expect(github.bypasses.map(({ login, rule }) => [login, rule])).toEqual(traces.map((rule) => ['ada', rule]));
  });

  test('classic protection: an administrator merges against it unless it is enforced for them, too', async () => {
    const reviews = { required_approving_review_count: 1 };
    github.protections['main'] = { required_status_checks: null, required_pull_request_reviews: reviews, enforce_admins: true };
    expect((await merge('ada')).status).toBe(405);
    github.protections['main'] = { ...github.protections['main'], enforce_admins: false };
    expect((await merge('ann')).said).toMatchObject({ message: 'At least 1 approving review is required by reviewers with write access.' });
    expect((await merge('ada')).status).toBe(200);
  });
});

test('a push past a pull request is refused but for who may pass by; it is kept who pushed', async () => {
  github.rulesets.push(ruleset([pullRule], [{ actor_id: 4711, actor_type: 'Integration', bypass_mode: 'always' }]));
  await clone.git('checkout', '-q', 'main');
  const after = await clone.commit('direct', { a: '9' });
  await expect(push('ada', 'main')).rejects.toThrow(/GH013: Repository rule violations found for refs\/heads\/main/);
  await push('ada', 'main:elsewhere');
  await push('plumb-app[bot]', 'main');
  const seen = github.activities.slice(-2).map(({ ref, after: to, type, actor }) => ({ ref, to, type, actor }));
  expect(seen).toEqual([
    { ref: 'refs/heads/elsewhere', to: after, type: 'branch_creation', actor: 'ada' },
    { ref: 'refs/heads/main', to: after, type: 'push', actor: 'plumb-app[bot]' },
  ]);
});

test('the merge queue: what is merged is a commit of its own, checked for itself', async () => {
  github.rulesets.push(ruleset([checkRule, { type: 'merge_queue' }]));
  await says('plumb-app[bot]', 'success');
  expect((await merge('ann')).said).toMatchObject({ message: expect.stringContaining('merge queue') as string });
  const queued = github.enqueue(1);
  expect(queued.branch).toMatch(/^gh-readonly-queue\/main\/pr-1-[0-9a-f]{40}$/);
  expect(github.events.mergeGroup(1)).toMatchObject({ merge_group: { head_sha: queued.head, base_ref: 'refs/heads/main' } });
  expect(() => github.land(1)).toThrow('Required status check');
  await says('plumb-app[bot]', 'success', queued.head);
  expect(github.land(1)).toMatchObject({ mergeCommit: queued.head, mergedBy: 'github-merge-queue[bot]' });
  expect(github.git?.ask('o/r', 'rev-parse', 'main')).toBe(queued.head);
  expect(github.activities.at(-2)).toMatchObject({ ref: 'refs/heads/main', type: 'merge_queue_merge', actor: 'github-merge-queue[bot]' });
});

test('another base branch by who opened it: it happened, and approvals of what it was are gone', async () => {
  github.rulesets.push({ ...ruleset([pullRule]), conditions: { ref_name: { include: ['~ALL'], exclude: ['refs/heads/release'] } } });
  await clone.git('checkout', '-q', 'main');
  await clone.commit('release', { b: '1' });
  await push('ada', 'main:release');
  await approve('bob');
  expect((await ask('ann', 'PATCH', '/pulls/1', { base: 'nowhere' })).status).toBe(422);
  expect((await ask('ann', 'PATCH', '/pulls/1', { base: 'release' })).said).toMatchObject({ base: { ref: 'release' } });
  const events = await fetch(`${github.url}/repos/o/r/issues/1/events`, {
    headers: { accept: 'application/vnd.github+json', authorization: 'token ghp_ann' },
  });
  expect(await events.json()).toMatchObject([{ event: 'base_ref_changed', actor: { login: 'ann' } }]);
});
