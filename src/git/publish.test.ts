// Real repositories and a real git server over HTTP, which asks for a token as a forge does.
import { createServer, type Server } from 'node:http';
import { readdirSync, writeFileSync, chmodSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startGitHub } from '../../tests/github-api/start.ts';
import { isPlumbError } from '../base/errors.ts';
import type { Git } from './git.ts';
import { addressOfRemote, commitFiles, fetchRefs, pushBranch, remoteRefs } from './publish.ts';
import { createSandbox, type Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
let git: Git;
let first: string;
const origin = { remote: 'origin', token: null } as const;
const bytes = (text: string): Uint8Array => Buffer.from(text);

beforeEach(async () => {
  sandbox = createSandbox();
  first = sandbox.commit('first', { 'a.txt': 'one\r\n', 'folder/b.txt': 'two', '.gitattributes': '* text=auto eol=lf\n' });
  sandbox.gitIn(dirname(sandbox.folder), 'init', '--quiet', '--bare', 'origin.git');
  sandbox.git('remote', 'add', 'origin', join(dirname(sandbox.folder), 'origin.git'));
  git = await sandbox.open('command');
});
afterEach(() => sandbox[Symbol.dispose]());

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (isPlumbError(error) ? error.code : String(error)),
  );

describe('a commit beside the work tree', () => {
  test('has the files that are given and all others of its parent, and touches nothing else', async () => {
    sandbox.write('a.txt', 'in the work tree');
    sandbox.git('add', 'a.txt');
    sandbox.write('new.txt', 'untracked');
    const before = sandbox.git('status', '--porcelain');
    const temporary = readdirSync(tmpdir()).filter((name) => name.startsWith('plumb-commit-'));
    const files = new Map([
      ['folder', bytes('a file where a folder was')],
      ['d ö\n"/c', new Uint8Array([0, 255, 13, 10])],
      ['-x', bytes('')],
      ['.gitattributes', null],
      ['not/there', null],
    ]);
    const author = { name: 'Ada', email: 'ada@example.org' };
    const commit = await commitFiles(git, { parent: first, files, message: 'second\n\nwhy', author, at: new Date(1000) });
    expect((await git.listTree(commit, '')).map(({ path, mode }) => `${mode} ${path}`)).toEqual([
      '100644 -x',
      '100644 a.txt',
      '100644 d ö\n"/c',
      '100644 folder',
    ]);
    expect(await git.readBlob(commit, 'd ö\n"/c')).toEqual(Buffer.from([0, 255, 13, 10]));
    expect(await git.readCommit(commit)).toMatchObject({ parents: [first], author, message: 'second\n\nwhy', date: new Date(1000) });
    expect(sandbox.git('status', '--porcelain')).toBe(before);
    expect(sandbox.git('rev-parse', 'HEAD')).toBe(first);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('plumb-commit-') && !temporary.includes(name))).toEqual([]);
    const again = await commitFiles(git, { parent: first, files, message: 'second\n\nwhy', author, at: new Date(1000) });
    expect(again).toBe(commit);
  });

  test('may begin a history of its own; one that changes nothing is none', async () => {
    const files = new Map([['records/0.json', bytes('{}')]]);
    const commit = await commitFiles(git, { parent: null, files, message: 'start' });
    expect(await git.readCommit(commit)).toMatchObject({ parents: [], author: { name: 'Ada Lovelace' } });
    expect((await git.listTree(commit, '')).map(({ path }) => path)).toEqual(['records/0.json']);
    expect(await codeOf(commitFiles(git, { parent: commit, files, message: 'again' }))).toBe('GIT_NOTHING_TO_COMMIT');
  });

  test('T10: a path cannot lead out of the repository', async () => {
    for (const path of ['../x', '/etc/x', 'a//b', './a', ''])
      expect(await codeOf(commitFiles(git, { parent: first, files: new Map([[path, bytes('')]]), message: 'm' }))).toBe('PATH_OUTSIDE');
    expect(await codeOf(commitFiles(git, { parent: first, files: new Map([['.git/hooks/x', bytes('')]]), message: 'm' }))).toBe('PATH_OUTSIDE');
  });

  test('without the git command it is told that it needs it', async () => {
    const other = await sandbox.open('isomorphic');
    expect(await codeOf(commitFiles(other, { parent: first, files: new Map(), message: 'm' }))).toBe('GIT_UNSUPPORTED');
    expect(await codeOf(remoteRefs(other, { ...origin, names: [] }))).toBe('GIT_UNSUPPORTED');
  });
});

describe('a branch of a remote', () => {
  const next = (text: string, parent: string | null = first): Promise<string> =>
    commitFiles(git, { parent, files: new Map([['a.txt', bytes(text)]]), message: text });
  const push = (commit: string, expected: string | null, replace?: true): ReturnType<typeof pushBranch> =>
    pushBranch(git, { ...origin, commit, branch: 'plumb/log', expected, ...(replace === undefined ? {} : { replace }) });
  const there = async (): Promise<string | undefined> =>
    (await remoteRefs(git, { ...origin, names: ['refs/heads/plumb/log'] })).get('refs/heads/plumb/log');

  test('moves only from where it is expected, and only forward', async () => {
    const [second, other] = [await next('second'), await next('other')];
    expect(await push(first, null)).toBe('pushed');
    expect(await push(first, null)).toBe('unchanged');
    expect(await push(second, null)).toBe('refused');
    expect(await push(second, first)).toBe('pushed');
    expect(await push(second, first)).toBe('unchanged');
    // somebody else was first
    expect(await push(other, first)).toBe('refused');
    expect(await push(other, second)).toBe('refused');
    expect(await push(first, second)).toBe('refused');
    expect(await there()).toBe(second);
    expect(await push(other, second, true)).toBe('pushed');
    expect(await push(second, second, true)).toBe('refused');
    expect(await there()).toBe(other);
  });

  test('of many who push at once, one gets it', async () => {
    await push(first, null);
    const commits = await Promise.all(['1', '2', '3', '4', '5'].map((text) => next(text)));
    const told = await Promise.all(commits.map((commit) => push(commit, first)));
    expect(told.toSorted()).toEqual(['pushed', 'refused', 'refused', 'refused', 'refused']);
    expect(await there()).toBe(commits[told.indexOf('pushed')]);
  });

  test('a hook of the remote that refuses is told in its words, on one line', async () => {
    const hook = join(dirname(sandbox.folder), 'origin.git/hooks/pre-receive');
    writeFileSync(hook, '#!/bin/sh\nprintf "rule 7:\\033[31m no\\n" >&2\nexit 1\n');
    chmodSync(hook, 0o755);
    const error = await push(first, null).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'GIT_PUSH_REFUSED', message: expect.stringContaining('rule 7: [31m no') as string });
  });

  test('is brought here without a name of ours moving, or to the one that is asked for', async () => {
    await push(first, null);
    const copy = createSandbox();
    copy.git('remote', 'add', 'origin', join(dirname(sandbox.folder), 'origin.git'));
    const other = await copy.open('command');
    await fetchRefs(other, { ...origin, refs: [{ from: 'refs/heads/plumb/log' }] });
    expect(await other.resolve(first)).toBe(first);
    expect(copy.git('for-each-ref')).toBe('');
    await fetchRefs(other, { ...origin, refs: [{ from: 'refs/heads/plumb/log', to: 'refs/remotes/origin/plumb/log' }] });
    expect(await other.resolve('refs/remotes/origin/plumb/log')).toBe(first);
    expect(await codeOf(fetchRefs(other, { ...origin, refs: [{ from: 'refs/heads/none' }] }))).toBe('GIT_REMOTE_FAILED');
    expect(await codeOf(fetchRefs(other, { ...origin, refs: [{ from: '--upload-pack=touch x' }] }))).toBe('NAME_INVALID');
    expect(await codeOf(remoteRefs(other, { remote: 'nobody', token: null, names: ['refs/heads/main'] }))).toBe('GIT_REMOTE_MISSING');
    expect(await addressOfRemote(other, 'nobody')).toBe(null);
    copy[Symbol.dispose]();
  });

  test('a name that only ends alike is another one', async () => {
    await pushBranch(git, { ...origin, commit: first, branch: 'x/refs/heads/plumb/log', expected: null });
    expect(await there()).toBe(undefined);
    await pushBranch(git, { ...origin, commit: first, branch: 'plumb/promote/a', expected: null });
    const below = await remoteRefs(git, { ...origin, names: ['refs/heads/plumb/*'] });
    expect([...below]).toEqual([['refs/heads/plumb/promote/a', first]]);
  });
});

describe('a token', () => {
  const secret = 'ghs_TheTokenOfAnApp0123456789';

  test('opens the server that it is for, in place of what the machine has, and is seen nowhere', async () => {
    const github = await startGitHub({ token: secret, git: true });
    try {
      sandbox.git('remote', 'set-url', 'origin', `${github.serverUrl}/o/r.git`);
      // as an earlier step of a job may have left it
      sandbox.git('config', `http.${github.serverUrl}/.extraheader`, 'Authorization: Basic b2xkOm9sZA==');
      const token = { server: github.serverUrl, secret };
      expect(await codeOf(remoteRefs(git, { remote: 'origin', token: null, names: ['refs/heads/x'] }))).toBe('GIT_REMOTE_DENIED');
      expect(await pushBranch(git, { remote: 'origin', token, commit: first, branch: 'main', expected: null })).toBe('pushed');
      expect(await remoteRefs(git, { remote: 'origin', token, names: ['refs/heads/main'] })).toEqual(new Map([['refs/heads/main', first]]));
      const wrong = await remoteRefs(git, { remote: 'origin', token: { ...token, secret: 'wrong-secret' }, names: ['refs/heads/main'] }).catch(
        (error: unknown) => error,
      );
      expect(wrong).toMatchObject({ code: 'GIT_REMOTE_DENIED' });
      expect(JSON.stringify(wrong) + String(wrong)).not.toMatch(/wrong-secret|d3Jvbmctc2VjcmV0/);
      expect(sandbox.git('config', '--list')).not.toContain(secret);
      expect(github.violations).toEqual([]);
    } finally {
      await github.close();
    }
  });

  test('T25: it goes to no other server than its own', async () => {
    const seen: string[] = [];
    const server: Server = createServer((request, response) => {
      seen.push(request.headers.authorization ?? 'none');
      response.writeHead(401).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      sandbox.git('remote', 'set-url', 'origin', `http://127.0.0.1:${(server.address() as AddressInfo).port}/o/r.git`);
      const token = { server: 'https://github.com', secret };
      expect(await codeOf(remoteRefs(git, { remote: 'origin', token, names: ['refs/heads/main'] }))).toBe('GIT_REMOTE_DENIED');
      expect(seen.length).toBeGreaterThan(0);
      expect(new Set(seen)).toEqual(new Set(['none']));
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
