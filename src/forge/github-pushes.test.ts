// Who moved a branch, where GitHub's record is long, late, lacking, hidden or a lie.
import { expect, test } from 'vitest';
import type { GitHubApi } from '../../tests/github-api/api.ts';
import type { ApiActivity } from '../../tests/github-api/state.ts';
import { openWorld, type GitHubWorld } from './github.fixture.ts';

const name = 'plumb/promote';
const commit = (number: number): string => number.toString(16).padStart(40, '0');
const where = { repository: 'o/r', name };

/** So many pushes to the branch; it ends with the commit of that number. */
function record(github: GitHubApi, pushes: number): void {
  for (let at = 1; at <= pushes; at += 1) {
    const type: ApiActivity['type'] = at === 1 ? 'branch_creation' : 'push';
    const move = { before: commit(at - 1), after: commit(at), type, actor: `dev-${at}`, at: '2026-05-01T00:00:00Z' };
    github.activities.push({ id: at, repository: 'o/r', ref: `refs/heads/${name}`, ...move });
  }
}

/** A stand-in without git has no branches: this one ends there. */
function ends(world: GitHubWorld, number: number): void {
  Object.assign(world.github.refs, { [`refs/heads/${name}`]: commit(number) });
}

test('more pushes than a page holds, each once; the next page is asked of GitHub, whatever address its answer names', async () => {
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (address, options) => {
    asked.push(new URL(address instanceof Request ? address.url : address).origin);
    const answer = await globalThis.fetch(address, options);
    const link = answer.headers.get('link')?.replace('https://github.test/next', 'https://evil.test/repos/o/r/activity');
    return link === undefined
      ? answer
      : new Response(answer.body, { status: answer.status, headers: { ...Object.fromEntries(answer.headers), link } });
  };
  await using world = await openWorld({ fetch });
  record(world.github, 250);
  ends(world, 250);
  const pushes = await world.forge.pushes(where);
  expect(pushes?.map((one) => one.who?.login)).toEqual(Array.from({ length: 250 }, (_, at) => `dev-${at + 1}`));
  expect(world.github.requests.filter((one) => one.endsWith('/activity'))).toHaveLength(3);
  expect(new Set(asked)).toEqual(new Set([new URL(world.github.url).origin]));
});

test('a record that does not end is not read for ever', async () => {
  await using world = await openWorld();
  record(world.github, 6100);
  ends(world, 6100);
  await expect(world.forge.pushes(where)).rejects.toMatchObject({ code: 'FORGE_LIMIT' });
});

test('one that lacks a push, at its beginning or in between, is none', async () => {
  for (const missing of [0, 1]) {
    await using world = await openWorld();
    record(world.github, 3);
    ends(world, 3);
    world.github.activities.splice(missing, 1);
    expect(await world.forge.pushes(where)).toBeNull();
    expect(world.waits).toEqual([]);
  }
});

test('a push that is there a moment later is waited for; one that never comes is not', async () => {
  const late: ApiActivity[] = [];
  await using world = await openWorld({ pause: () => world.github.activities.push(...late.splice(0)) });
  record(world.github, 3);
  ends(world, 3);
  late.push(...world.github.activities.splice(2));
  expect((await world.forge.pushes(where))?.at(-1)).toMatchObject({ after: commit(3), who: { login: 'dev-3' } });
  expect(world.waits).toHaveLength(1);
  world.github.activities.pop();
  expect(await world.forge.pushes(where)).toBeNull();
});

test('bots, accounts that are gone, nobody at all', async () => {
  await using world = await openWorld();
  record(world.github, 4);
  ends(world, 4);
  const who = ['promote-app[bot]', 'ghost', null, 'ann'];
  for (const [at, actor] of who.entries()) Object.assign(world.github.activities[at] ?? {}, { actor });
  expect((await world.forge.pushes(where))?.map((one) => one.who)).toEqual([
    { login: 'promote-app[bot]', kind: 'bot' },
    { login: 'ghost', kind: 'unknown' },
    null,
    { login: 'ann', kind: 'person' },
  ]);
});

test('a fork that cannot be seen is not known; a permission that lacks for our own repository is told', async () => {
  await using world = await openWorld();
  expect(await world.forge.pushes({ repository: 'mallory/r', name })).toBeNull();
  expect(await world.forge.pushes({ repository: 'no repository', name })).toBeNull();
  world.github.permission = { 'pull-requests': 'read' };
  await expect(world.forge.pushes(where)).rejects.toMatchObject({ code: 'FORGE_DENIED', mend: expect.stringContaining('contents: read') as string });
});
