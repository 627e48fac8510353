// GitHub as it is: caps, limits, answers that are lost, old servers. What must then hold is that a part is never taken for the whole, and that nothing
// is done twice.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GitHubApi } from '../../tests/github-api/api.ts';
import { startGitHub } from '../../tests/github-api/start.ts';
import type { Forge } from './forge.ts';
import { openGitHub } from './github.ts';

const token = 'ghs_0123456789abcdefABCDEF';
const head = 'a'.repeat(40);
const base = 'b'.repeat(40);

let now: number;
let github: GitHubApi;
let forge: Forge;
beforeEach(async () => {
  now = Date.UTC(2026, 0);
  github = await startGitHub({ token, login: 'plumb-app[bot]', now: () => now });
  github.pulls.push({ number: 7, state: 'open', head, base, files: [] });
  const pause = (ms: number): Promise<void> => Promise.resolve(void (now += ms));
  const world = { fetch: globalThis.fetch, pause, nowMs: () => now, random: () => 1 };
  forge = openGitHub({ apiUrl: github.url, owner: 'o', repo: 'r', token, author: 'plumb-app[bot]', ...world });
});
afterEach(async () => {
  await github.close();
  if (github.violations.length > 0) throw new Error(`GitHub would not take: ${github.violations.join('; ')}`);
});

describe('caps', () => {
  test('more commits than GitHub lists are an error', async () => {
    const [pull] = github.pulls as [GitHubApi['pulls'][number]];
    pull.commits = Array.from({ length: 250 }, (_, index) => index.toString(16).padStart(40, '0'));
    expect(await forge.commits(7)).toHaveLength(250);
    pull.commits = [...pull.commits, head];
    await expect(forge.commits(7)).rejects.toMatchObject({ code: 'FORGE_LIMIT' });
  });

  test('a conversation that does not end is not searched for ever, and never taken as one without us', async () => {
    for (let id = 1; id <= 6001; id += 1) github.comments.push({ id, issue: 7, body: 'spam', login: 'mallory', edits: 0 });
    await expect(forge.upsertComment(7, { marker: '<!-- x -->', body: 'x' })).rejects.toMatchObject({ code: 'FORGE_LIMIT' });
    expect(github.comments).toHaveLength(6001);
  });

  test('reviews over pages; drafts are not opinions; accounts that are gone and bots are told', async () => {
    for (let id = 1; id <= 150; id += 1) github.reviews.push({ id, pull: 7, login: 'rev', state: 'COMMENTED', commit: head });
    github.reviews.push({ id: 151, pull: 7, login: 'plumb-app[bot]', state: 'PENDING', commit: head });
    github.reviews.push({ id: 152, pull: 7, login: null, state: 'APPROVED', commit: null });
    github.reviews.push({ id: 153, pull: 7, login: 'other[bot]', state: 'APPROVED', commit: head });
    const reviews = await forge.reviews(7);
    expect(reviews).toHaveLength(152);
    expect(reviews.slice(-2)).toMatchObject([
      { author: '', state: 'approved', commit: null, bot: false },
      { author: 'other[bot]', bot: true },
    ]);
  });
});

describe('limits', () => {
  test('what did not change is answered from memory and costs nothing', async () => {
    for (let time = 0; time < 3; time += 1) expect(await forge.findPullRequest({ number: 7 })).toMatchObject({ head });
    expect([forge.requests, github.requests.length, github.limit.used]).toEqual([3, 3, 1]);
    Object.assign(github.pulls[0] ?? {}, { head: base });
    expect(await forge.findPullRequest({ number: 7 })).toMatchObject({ head: base });
    expect(github.limit.used).toBe(2);
  });

  test('80 comments in a minute are too many: the rest come a minute later, none twice, none lost', async () => {
    const started = now;
    for (let index = 0; index < 90; index += 1) await forge.setStatus(head, { context: `${index}`, state: 'success', description: '', link: null });
    for (let id = 1; id <= 85; id += 1) {
      if (id === 1) github.comments.push({ id: 1, issue: 7, body: '/plumb run', login: 'ann', edits: 0 });
      await forge.react(1, id % 2 === 0 ? 'eyes' : 'rocket');
    }
    expect(github.reactions).toHaveLength(2);
    expect(now - started).toBeGreaterThan(60_000);
    expect(now - started).toBeLessThan(130_000);
  });

  test('the limit of the hour is said, not slept through', async () => {
    github.limit.used = 1000;
    await expect(forge.findPullRequest({ number: 7 })).rejects.toMatchObject({
      code: 'FORGE_BUSY',
      mend: expect.stringContaining('1,000 requests an hour') as string,
    });
  });
});

test('a request without an answer is given up in the end', async () => {
  const signals: unknown[] = [];
  const fetch: typeof globalThis.fetch = (address, options) => {
    signals.push(options?.signal);
    return globalThis.fetch(address, options);
  };
  const world = { fetch, pause: () => Promise.resolve(), nowMs: () => now, random: () => 1 };
  await openGitHub({ apiUrl: github.url, owner: 'o', repo: 'r', token, author: 'x', ...world }).findPullRequest({ number: 7 });
  expect(signals).toEqual([expect.any(AbortSignal)]);
});

describe('answers that are lost', () => {
  test('a pull request is opened once', async () => {
    github.faults.push({ method: 'POST', path: /pulls$/, status: 502, afterwards: true, times: 1 });
    const pull = await forge.openPullRequest({ head: 'promote', base: 'main', title: 't', body: 'b' });
    expect(github.pulls.map((one) => one.number)).toEqual([7, pull.number]);
  });

  test('a merge is done once, and told as done', async () => {
    github.faults.push({ method: 'PUT', path: /merge$/, status: 502, afterwards: true, times: 1 });
    expect(await forge.merge(7, { head, method: 'squash' })).toBe(github.pulls[0]?.mergeCommit);
    expect(github.requests.filter((one) => one.startsWith('PUT'))).toHaveLength(1);
  });

  test('another merge at the same moment is waited for', async () => {
    github.faults.push({
      method: 'PUT',
      path: /merge$/,
      status: 405,
      message: 'Base branch was modified. Review and try the merge again.',
      times: 2,
    });
    expect(await forge.merge(7, { head, method: 'merge' })).toMatch(/^[0-9a-f]{40}$/);
  });

  test('a workflow is not started twice', async () => {
    github.workflows['fork.yml'] = ['pull'];
    github.faults.push({ method: 'POST', path: /dispatches$/, status: 502, afterwards: true, times: 1 });
    await expect(forge.dispatch({ workflow: 'fork.yml', ref: 'main', inputs: { pull: '7' } })).rejects.toMatchObject({ code: 'FORGE_FAILED' });
    expect(github.dispatches).toHaveLength(1);
  });
});

test('a server from before it told of the run that it started', async () => {
  github.workflows['fork.yml'] = ['pull'];
  const message = 'Invalid request.\n\n"return_run_details" is not a permitted key.';
  github.faults.push({ method: 'POST', path: /dispatches$/, status: 422, message, times: 1 });
  expect(await forge.dispatch({ workflow: 'fork.yml', ref: 'main', inputs: { pull: '7' } })).toBeNull();
  expect(github.dispatches).toMatchObject([{ workflow: 'fork.yml', inputs: { pull: '7' } }]);
});

test('inputs that a workflow does not have are refused in words', async () => {
  github.workflows['fork.yml'] = ['pull'];
  await expect(forge.dispatch({ workflow: 'fork.yml', ref: 'main', inputs: { sha: head } })).rejects.toMatchObject({
    code: 'FORGE_REFUSED',
    message: expect.stringContaining('Unexpected inputs provided') as string,
  });
});

test('the token of a job may not open pull requests: said with where that is changed', async () => {
  Object.assign(github.actors, { [token]: { login: 'github-actions[bot]', can: 'write' } });
  const work = forge.openPullRequest({ head: 'promote', base: 'main', title: 't', body: 'b' });
  await expect(work).rejects.toMatchObject({ code: 'FORGE_DENIED', mend: expect.stringContaining('Allow GitHub Actions to create') as string });
});

test('roles of all kinds', async () => {
  const roles = { ada: 'admin', max: 'maintain', wim: 'write', tri: 'triage', rita: 'read', own: 'data-steward:write', low: 'auditor:read' };
  Object.assign(github.permissions, roles);
  const found = await Promise.all(Object.keys(roles).map((login) => forge.permissionOf(login)));
  expect(found).toEqual(['admin', 'maintain', 'write', 'triage', 'read', 'write', 'read']);
});

test('the code of a fork that is gone is still not ours', async () => {
  Object.assign(github.pulls[0] ?? {}, { headRepository: null });
  expect(await forge.findPullRequest({ number: 7 })).toMatchObject({ fork: true, headRepository: null });
});

test('led to another base branch, by hand or by GitHub itself: the last time, over pages, whatever else happened', async () => {
  const happens = (event: string, minute: number): void =>
    void github.issueEvents.push({ id: github.issueEvents.length + 1, issue: 7, event, actor: 'ann', at: `2026-01-01T00:${minute}:00Z` });
  for (let time = 0; time < 120; time += 1) happens(time % 2 === 0 ? 'subscribed' : 'automatic_base_change_failed', 50);
  expect(await forge.retargetedAt(7)).toBeNull();
  happens('base_ref_changed', 10);
  for (let time = 0; time < 120; time += 1) happens('head_ref_force_pushed', 50);
  expect(await forge.retargetedAt(7)).toEqual(new Date('2026-01-01T00:10:00Z'));
  happens('automatic_base_change_succeeded', 20);
  expect(await forge.retargetedAt(7)).toEqual(new Date('2026-01-01T00:20:00Z'));
});

test('a permission that is lacking is named', async () => {
  github.permission = { contents: 'read', 'pull-requests': 'write' };
  await forge.upsertComment(7, { marker: '<!-- x -->', body: 'x' });
  const work = forge.setStatus(head, { context: 'c', state: 'success', description: '', link: null });
  await expect(work).rejects.toMatchObject({ code: 'FORGE_DENIED', mend: expect.stringContaining('statuses: write') as string });
});

test('all that a pull request gets told is under 20 requests: status, comment, check with 200 annotations, on every push', async () => {
  const line = (index: number) =>
    ({ path: 'datasets.lock', startLine: index + 1, endLine: index + 1, level: 'warning', title: 't', message: 'm' }) as const;
  const annotations = Array.from({ length: 200 }, (_, index) => line(index));
  const check = { name: 'plumbline', conclusion: 'neutral', title: 't', summary: 's', text: null, annotations, link: null } as const;
  await forge.findPullRequest({ number: 7 });
  await forge.changedFiles(7);
  await forge.reviews(7);
  await forge.setStatus(head, { context: 'plumb/gate', state: 'success', description: 'd', link: null });
  await forge.upsertComment(7, { marker: '<!-- plumbline -->', body: 'b' });
  await forge.checks?.upsert(head, check);
  expect(forge.requests).toBe(github.requests.length);
  expect(forge.requests).toBeLessThan(20);
});
