import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openGit } from './open.ts';
import { findGitProgram } from './process.ts';
import { createSandbox } from './sandbox.ts';

test('outside a repository the error says how to make one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plumb-none-'));
  try {
    const { findRepository } = await import('./repository.ts');
    await expect(findRepository(folder)).rejects.toMatchObject({ code: 'NO_GIT_REPOSITORY', mend: expect.stringContaining('git init') });
    // a folder of that name is no repository yet
    mkdirSync(join(folder, '.git'));
    await expect(openGit(folder, {})).rejects.toMatchObject({ code: 'NO_GIT_REPOSITORY' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a .git file that leads nowhere is named', async () => {
  using box = createSandbox(null);
  for (const text of ['gitdir: ../gone\n', 'nonsense']) {
    box.write('.git', text);
    await expect(box.open('command')).rejects.toMatchObject({ code: 'NO_GIT_REPOSITORY', where: { file: join(box.folder, '.git') } });
  }
});

test('a work tree of a bare repository that stands beside it is a work tree', async () => {
  using box = createSandbox();
  box.commit('one', { 'a.txt': 'a' });
  const home = join(box.folder, '..', 'home');
  mkdirSync(home);
  box.git('clone', '--quiet', '--bare', '.', join(home, '.bare'));
  writeFileSync(join(home, '.git'), 'gitdir: ./.bare\n');
  box.gitIn(home, 'worktree', 'add', '--quiet', 'tree', 'main');
  expect((await box.open('command', home)).workTree).toBe(null);
  expect((await box.open('command', join(home, 'tree'))).workTree).toBe(join(home, 'tree'));
});

test('the environment decides who answers; without git on PATH isomorphic-git does', async () => {
  using box = createSandbox();
  const how = async (env: Record<string, string>): Promise<string> => (await openGit(box.folder, env)).how;
  expect(await how(box.env)).toBe('command');
  expect(await how({ ...box.env, PLUMB_GIT: 'isomorphic' })).toBe('isomorphic');
  expect(await how({ ...box.env, PATH: '/nowhere' })).toBe('isomorphic');
  await expect(how({ ...box.env, PATH: '/nowhere', PLUMB_GIT: 'command' })).rejects.toMatchObject({ code: 'GIT_UNSUPPORTED' });
  await expect(how({ ...box.env, PLUMB_GIT: 'svn' })).rejects.toMatchObject({ code: 'USAGE' });
});

test('a git that the repository brings along is not run', () => {
  using box = createSandbox();
  box.write('bin/git', '#!/bin/sh\n');
  chmodSync(join(box.folder, 'bin/git'), 0o755);
  expect(findGitProgram({ PATH: join(box.folder, 'bin') })).toBe(join(box.folder, 'bin/git'));
  expect(findGitProgram({ PATH: 'bin:.::' })).toBe(null);
});
