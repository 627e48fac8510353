import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeReading } from './git.contract.ts';
import { describeWriting } from './git-writing.contract.ts';
import { createSandbox, type Sandbox } from './sandbox.ts';

const refused = (code: string): object => expect.objectContaining({ code });

function hook(box: Sandbox, name: string, script: string): void {
  box.write(`.git/hooks/${name}`, `#!/bin/sh\n${script}\n`);
  box.executable(`.git/hooks/${name}`);
}

describe('git command', () => {
  describeReading('command');
  describeWriting('command');

  describe('what only the command can', () => {
    test('a hook that refuses stops the commit, its words come through, and the index is as before', async () => {
      using box = createSandbox();
      box.commit('one', { 'a.txt': 'a' });
      box.write('b.txt', 'b');
      hook(box, 'pre-commit', 'echo "no commits on Fridays"; exit 1');
      const git = await box.open('command');
      await expect(git.commit('two', ['b.txt'])).rejects.toThrow('no commits on Fridays');
      expect(box.git('status', '--porcelain')).toBe('?? b.txt');
      hook(box, 'pre-commit', 'git diff --cached --name-only > seen');
      await git.commit('two', ['b.txt']);
      expect(readFileSync(join(box.folder, 'seen'), 'utf8')).toBe('b.txt\n');
    });

    test('the way back does not wait for the hooks that check new work', async () => {
      using box = createSandbox();
      box.commit('one', { 'a.txt': '1' });
      const two = box.commit('two', { 'a.txt': '2' });
      hook(box, 'pre-commit', 'exit 1');
      const git = await box.open('command');
      await git.revert(two, 'back');
      expect(readFileSync(join(box.folder, 'a.txt'), 'utf8')).toBe('1');
    });

    test('a revert that another hook stops leaves all as it was', async () => {
      using box = createSandbox();
      box.commit('one', { 'a.txt': '1' });
      const two = box.commit('two', { 'a.txt': '2', 'b.txt': 'b' });
      hook(box, 'prepare-commit-msg', 'exit 1');
      const git = await box.open('command');
      await expect(git.revert(two, 'back')).rejects.toEqual(refused('GIT_FAILED'));
      expect(box.git('status', '--porcelain')).toBe('');
      expect(box.git('rev-parse', 'HEAD')).toBe(two);
    });

    test.runIf(spawnSync('ssh-keygen', ['-?']).error === undefined)('commits are signed where the repository wants it', async () => {
      using box = createSandbox();
      const key = join(box.folder, '..', 'key');
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
      for (const [name, value] of Object.entries({ 'commit.gpgsign': 'true', 'gpg.format': 'ssh', 'user.signingkey': key }))
        box.git('config', name, value);
      box.write('a.txt', 'a');
      const oid = await (await box.open('command')).commit('signed', ['a.txt']);
      expect(box.git('cat-file', 'commit', oid)).toContain('BEGIN SSH SIGNATURE');
    });

    test('texts that changed elsewhere since are merged by a revert; staged work stops it', async () => {
      using box = createSandbox();
      const lines = Array.from({ length: 20 }, (_, at) => `line ${at}`);
      const edited = (...edits: number[]): string => lines.map((line, at) => (edits.includes(at) ? `${line} edited` : line)).join('\n');
      box.commit('one', { 'a.txt': edited() });
      const two = box.commit('two', { 'a.txt': edited(2) });
      box.commit('three', { 'a.txt': edited(2, 17) });
      box.write('other.txt', 'o');
      box.git('add', 'other.txt');
      const git = await box.open('command');
      await expect(git.revert(two, 'undo two')).rejects.toEqual(refused('GIT_DIRTY'));
      box.git('reset', '--quiet');
      const oid = await git.revert(two, 'undo two');
      expect(readFileSync(join(box.folder, 'a.txt'), 'utf8')).toBe(edited(17));
      expect((await git.readCommit(oid)).message).toBe('undo two');
      expect(box.git('status', '--porcelain')).toBe('?? other.txt');
    });

    test('another git that holds the index is waited for, then named', async () => {
      using box = createSandbox();
      box.commit('one', { 'a.txt': 'a' });
      box.write('a.txt', 'b');
      const lock = join(box.folder, '.git', 'index.lock');
      writeFileSync(lock, '');
      const git = await box.open('command');
      setTimeout(() => rmSync(lock), 250);
      await git.commit('two', ['a.txt']);
      expect(existsSync(lock)).toBe(false);
      writeFileSync(lock, '');
      box.write('a.txt', 'c');
      await expect(git.commit('three', ['a.txt'])).rejects.toEqual(expect.objectContaining({ code: 'REPOSITORY_BUSY', where: { file: lock } }));
    });

    test('objects stay readable while git packs and prunes', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'a.txt': '1' });
      const git = await box.open('command');
      expect(Buffer.from((await git.readBlob(one, 'a.txt')) ?? []).toString()).toBe('1');
      const two = box.commit('two', { 'a.txt': '2' });
      box.git('gc', '--quiet', '--prune=now');
      const three = box.commit('three', { 'a.txt': '3' });
      const read = await Promise.all([one, two, three].map((oid) => git.readBlob(oid, 'a.txt')));
      expect(read.map((bytes) => Buffer.from(bytes ?? []).toString())).toEqual(['1', '2', '3']);
    });

    test('configuration that changes how git prints changes no answer', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'ж.txt': 'one\n', 'b.txt': 'b' });
      const two = box.commit('two', { 'ж.txt': null, 'moved.txt': 'one\n' });
      for (const [name, value] of Object.entries({
        'color.ui': 'always',
        'core.quotepath': 'true',
        'log.follow': 'true',
        'log.showRoot': 'false',
        'log.showSignature': 'true',
        'diff.renames': 'copies',
        'diff.noprefix': 'true',
        'diff.external': '/bin/false',
        'status.showUntrackedFiles': 'no',
        'format.pretty': 'oneline',
        'commit.cleanup': 'strip',
        'commit.template': 'nowhere',
      }))
        box.git('config', name, value);
      const git = await box.open('command');
      expect((await git.log('HEAD', { path: 'moved.txt' })).map((commit) => commit.oid)).toEqual([two]);
      expect((await git.log('HEAD', { path: 'ж.txt' })).map((commit) => commit.oid)).toEqual([two, one]);
      expect(await git.changedPaths(one, two)).toEqual(['moved.txt', 'ж.txt']);
      box.write('ю.txt', 'new');
      expect(await git.dirtyPaths([''])).toEqual(['ю.txt']);
      const oid = await git.commit('# kept\n\nbody', ['ю.txt']);
      expect((await git.readCommit(oid)).message).toBe('# kept\n\nbody');
    });

    test('a replaced object is not taken for the real one', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'a.txt': 'real' });
      const two = box.commit('two', { 'a.txt': 'forged' });
      box.git('replace', one, two);
      const git = await box.open('command');
      expect(Buffer.from((await git.readBlob(one, 'a.txt')) ?? []).toString()).toBe('real');
      expect((await git.log('HEAD')).map((commit) => commit.oid)).toEqual([two, one]);
    });

    test('SHA-256 repositories are read and written', async () => {
      using box = createSandbox(['--initial-branch=main', '--object-format=sha256']);
      const one = box.commit('one', { 'a.txt': '1' });
      const git = await box.open('command');
      expect(one.length).toBe(64);
      expect(await git.resolve('main')).toBe(one);
      box.write('a.txt', '2');
      const two = await git.commit('two', ['a.txt']);
      expect((await git.log('HEAD', { path: 'a.txt' })).map((commit) => commit.oid)).toEqual([two, one]);
      await git.revert(one, 'x').catch(() => undefined);
      await git.revert(two, 'undo');
      expect(readFileSync(join(box.folder, 'a.txt'), 'utf8')).toBe('1');
      await expect(box.open('isomorphic')).rejects.toEqual(refused('GIT_UNSUPPORTED'));
    });
  });
});
