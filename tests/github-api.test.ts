// The stand-in for GitHub is as strict as it says, in this process and in one of its own.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { newClone } from './forge-clone.ts';
import type { GitHubApi } from './github-api/api.ts';
import { startGitHub } from './github-api/start.ts';

const token = 'ghs_0123456789abcdef';
const head = 'a'.repeat(40);
const base = 'b'.repeat(40);

describe('what GitHub would refuse is refused and written down', () => {
  let github: GitHubApi;
  afterEach(() => github.close());

  async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<number> {
    const usual = { accept: 'application/vnd.github+json', authorization: `token ${token}`, 'content-type': 'application/json' };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    return (await fetch(`${github.url}/repos/o/r${path}`, { method, headers: { ...usual, ...headers }, ...sent })).status;
  }

  const comment = { body: 'x' };
  const run = { name: 'c', head_sha: head, output: { title: 't', summary: 's' } };
  const note = { path: 'a', start_line: 1, end_line: 1, annotation_level: 'notice', message: 'm' };
  test.each([
    ['an unknown route', 'GET', '/branches', undefined, 404],
    ['an unknown parameter', 'GET', '/pulls/7/files?size=3', undefined, 422],
    ['more a page than there are', 'GET', '/pulls/7/files?per_page=101', undefined, 422],
    ['a number that is none', 'GET', '/pulls/seven', undefined, 422],
    ['an unknown key', 'POST', '/issues/7/comments', { ...comment, draft: true }, 422],
    ['a key that is missing', 'POST', '/issues/7/comments', {}, 422],
    ['a comment that is too long', 'POST', '/issues/7/comments', { body: 'x'.repeat(65_537) }, 422],
    ['a state that is none', 'POST', `/statuses/${head}`, { state: 'passed' }, 422],
    ['a description that is too long', 'POST', `/statuses/${head}`, { state: 'success', description: 'x'.repeat(141) }, 422],
    ['a link that is none', 'POST', `/statuses/${head}`, { state: 'success', target_url: 'javascript:1' }, 422],
    ['51 annotations', 'POST', '/check-runs', { ...run, output: { ...run.output, annotations: Array.from({ length: 51 }, () => note) } }, 422],
    ['an annotation on line 0', 'POST', '/check-runs', { ...run, output: { ...run.output, annotations: [{ ...note, start_line: 0 }] } }, 422],
    ['a check that is done and says not how', 'POST', '/check-runs', { ...run, status: 'completed' }, 422],
    ['a summary that is too long', 'POST', '/check-runs', { ...run, output: { title: 't', summary: 'x'.repeat(65_536) } }, 422],
    ['a reaction that is none', 'POST', '/issues/comments/1/reactions', { content: 'thumbsup' }, 422],
    ['a merge of whatever is there', 'PUT', '/pulls/7/merge', { merge_method: 'merge' }, 422],
  ])('%s', async (_, method, path, body, status) => {
    github = await startGitHub({ token });
    github.pulls.push({ number: 7, state: 'open', head, base, files: [] });
    expect(await ask(method, path, body)).toBe(status);
    expect(github.violations).toHaveLength(1);
    expect([github.comments, github.statuses, github.checkRuns]).toEqual([[], [], []]);
  });

  test('requests that are not as GitHub wants them, and tokens that may not', async () => {
    github = await startGitHub({ token });
    github.pulls.push({ number: 7, state: 'open', head, base, files: [] });
    expect(await ask('GET', '/pulls/7', undefined, { accept: 'text/html' })).toBe(415);
    expect(await ask('GET', '/pulls/7', undefined, { 'x-github-api-version': '2019-01-01' })).toBe(400);
    expect(await ask('POST', '/issues/7/comments', comment, { 'content-type': 'text/plain' })).toBe(400);
    expect(github.violations.splice(0)).toHaveLength(3);
    expect(await ask('GET', '/pulls/7', undefined, { authorization: 'token other' })).toBe(401);
    github.permission = { 'pull-requests': 'read' };
    expect(await ask('GET', '/pulls/7')).toBe(200);
    expect(await ask('POST', '/issues/7/comments', comment)).toBe(403);
    github.limit.used = 1000;
    expect(await ask('GET', '/pulls/7')).toBe(403);
    expect(github.violations).toEqual([]);
  });
});

describe('in a process of its own', () => {
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill());

  test('git is pushed to it, a pull request follows its branch, state and payloads are read over HTTP; it ends with its input', async () => {
    child = spawn(process.execPath, [fileURLToPath(new URL('github-api/main.ts', import.meta.url)), JSON.stringify({ token, git: true })], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(child.stdout ?? expect.fail('no output')), 'line')) as [string];
    const { serverUrl } = JSON.parse(line) as { serverUrl: string };
    const call = async <T>(path: string, body?: unknown): Promise<T> =>
      (await fetch(`${serverUrl}${path}`, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) })).json() as Promise<T>;
    await using clone = await newClone();
    const address = `${serverUrl.replace('//', `//x-access-token:${token}@`)}/o/r.git`;
    await expect(clone.git('ls-remote', `${serverUrl}/o/r.git`)).rejects.toThrow(/could not read Username|Authentication failed/);
    await clone.commit('start', { a: '1' });
    await clone.git('push', '-q', address, 'main');
    await clone.branch('topic', 'main');
    const first = await clone.commit('one', { b: '1' });
    await clone.git('push', '-q', address, 'topic');
    const wanted = { head: 'topic', base: 'main', title: 'a change', author: 'ann' };
    expect(await call('/_pull', wanted)).toMatchObject({ number: 1, head: first, files: [{ filename: 'b', status: 'added' }] });
    const second = await clone.commit('two', { a: '2' });
    await clone.git('push', '-q', address, 'topic');
    expect(await call('/_event?pull=1&action=synchronize')).toMatchObject({
      action: 'synchronize',
      pull_request: { head: { sha: second }, base: { ref: 'main' }, commits: 2, changed_files: 2 },
    });
    const refs = await clone.git('ls-remote', address, 'refs/pull/*');
    expect(refs).toContain(`${second}\trefs/pull/1/head`);
    expect(refs).toContain('refs/pull/1/merge');
    expect(
      await call('/_state', { permissions: { ann: 'write' }, comments: [{ id: 1, issue: 1, body: '/plumb run', login: 'ann', edits: 0 }] }),
    ).toMatchObject({
      permissions: { ann: 'write' },
      violations: [],
      requests: [],
    });
    expect(await call('/_event?comment=1')).toMatchObject({
      action: 'created',
      comment: { body: '/plumb run' },
      issue: { number: 1, pull_request: {} },
    });
    expect(await call('/_state', { nonsense: [] })).toMatchObject({ message: 'nonsense is not of the state' });
    child.stdin?.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
