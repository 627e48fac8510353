// Issues, deployments and files on GitHub: answers that are lost, what others wrote, what is no file.
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { newClone } from '../../tests/forge-clone.ts';
import { startGitHub } from '../../tests/github-api/start.ts';
import { head, openWorld } from './github.fixture.ts';
import { openGitHub } from './github.ts';

const issue = { marker: '<!-- plumbline:refused -->', title: 't'.repeat(300), body: 'b', labels: [] };

describe('issues', () => {
  test('one whose answer was lost is not opened twice; its title is cut to what GitHub takes', async () => {
    await using world = await openWorld();
    world.github.faults.push({ method: 'POST', path: /issues$/, status: 502, afterwards: true, times: 1 });
    expect((await world.forge.upsertIssue(issue)).state).toBe('unchanged');
    expect(world.github.issues).toMatchObject([{ title: `${'t'.repeat(254)}…`, login: 'plumb-app[bot]', edits: 0 }]);
  });

  test('found among hundreds, pull requests and markers of others', async () => {
    await using world = await openWorld();
    const body = `${issue.marker}\nold`;
    world.github.pulls.push({ number: 8, state: 'open', head, base: head, files: [], author: 'plumb-app[bot]', body });
    const other = { title: 'x', state: 'open' as const, labels: [], edits: 0, createdAt: '2026-01-01T00:00:00Z' };
    world.github.issues.push({ ...other, number: 9, login: 'mallory', body }, { ...other, number: 10, login: 'plumb-app[bot]', body });
    for (let number = 11; number < 150; number += 1)
      world.github.issues.push({ ...other, number, login: 'plumb-app[bot]', body: `see\n${issue.marker}` });
    world.github.issues.push({ ...other, number: 150, login: 'plumb-app[bot]', body });
    expect(await world.forge.upsertIssue(issue)).toMatchObject({ number: 10, state: 'updated' });
    expect(world.github.issues.filter((one) => one.edits > 0).map((one) => one.number)).toEqual([10]);
  });

  test('closed in two steps: killed between them, the reason stands there once', async () => {
    await using world = await openWorld();
    const { number } = await world.forge.upsertIssue(issue);
    world.github.faults.push({ method: 'PATCH', path: /issues\/\d+$/, status: 502, times: 4 });
    await expect(world.forge.closeIssue(issue.marker, 'served again')).rejects.toMatchObject({ code: 'FORGE_FAILED' });
    expect(await world.forge.closeIssue(issue.marker, 'served again')).toBe(true);
    expect(world.github.comments).toMatchObject([{ issue: number, body: '<!-- plumbline:closed -->\nserved again', edits: 0 }]);
    expect(world.github.issues[0]).toMatchObject({ state: 'closed' });
  });
});

describe('deployments', () => {
  const wanted = { environment: 'production', commit: head, key: 'sha256:1', description: 'd'.repeat(300), production: true };

  test('one whose answer was lost is made once; nothing is merged and no check is waited for', async () => {
    await using world = await openWorld();
    world.github.statuses.push({ sha: head, context: 'lint', state: 'failure', description: '' });
    world.github.faults.push({ method: 'POST', path: /deployments$/, status: 502, afterwards: true, times: 1 });
    const made = await world.forge.deployments?.create(wanted);
    expect(world.github.deployments).toMatchObject([
      { id: made?.id, sha: head, environment: 'production', production: true, task: 'deploy:plumbline' },
    ]);
  });

  test('those of jobs and of others are not ours; what was sent as an object may come back as its text', async () => {
    await using world = await openWorld();
    const { deployments } = world.forge;
    await deployments?.create(wanted);
    const [ours] = world.github.deployments;
    if (ours === undefined) expect.fail('no deployment');
    world.github.deployments[0] = { ...ours, payload: JSON.stringify(ours.payload) };
    const theirs = { ...ours, payload: { plumbline: 'sha256:666' }, states: [] };
    world.github.deployments.push({ ...theirs, id: 50_000, creator: 'mallory' }, { ...theirs, id: 50_001, task: 'deploy' });
    expect(await deployments?.latest('production')).toMatchObject({ id: ours.id, key: 'sha256:1' });
    world.github.deployments.push({ ...theirs, id: 50_002, payload: 'not JSON' });
    expect(await deployments?.latest('production')).toMatchObject({ id: 50_002, key: null });
  });

  test('a commit that GitHub does not have is told', async () => {
    await using world = await openWorld();
    world.github.faults.push({ method: 'POST', path: /deployments$/, status: 422, message: 'No ref found for: x', times: 1 });
    await expect(world.forge.deployments?.create(wanted)).rejects.toMatchObject({ code: 'FORGE_REFUSED' });
  });
});

test('files: more than a megabyte, links, submodules, folders', async () => {
  const token = 'ghs_OfTheFiles';
  const github = await startGitHub({ token, login: 'us', git: true });
  await using clone = await newClone();
  try {
    const big = 'a line of 17 bytes\n'.repeat(70_000);
    symlinkSync('big', join(clone.folder, 'link'));
    symlinkSync('../../etc/passwd', join(clone.folder, 'out'));
    await clone.commit('start', { big });
    await clone.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},module`);
    await clone.git('commit', '-q', '-m', 'module');
    const commit = await clone.git('rev-parse', 'HEAD');
    await clone.git('push', '-q', `${github.serverUrl.replace('//', `//x-access-token:${token}@`)}/o/r.git`, 'main');
    const world = { fetch: globalThis.fetch, pause: () => Promise.resolve(), nowMs: () => 0, random: () => 0 };
    const forge = openGitHub({ apiUrl: github.url, owner: 'o', repo: 'r', token, author: 'us', ...world });
    const bytes = await forge.fileAt(commit, 'big');
    expect(Buffer.from(bytes ?? []).equals(readFileSync(join(clone.folder, 'big')))).toBe(true);
    // GitHub follows it, and does not say so
    expect(await forge.fileAt(commit, 'link')).toEqual(bytes);
    for (const none of ['out', 'module']) await expect(forge.fileAt(commit, none)).rejects.toMatchObject({ code: 'FORGE_FAILED' });
    expect(github.violations).toEqual([]);
  } finally {
    await github.close();
  }
});
