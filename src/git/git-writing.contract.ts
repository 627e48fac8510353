// What every implementation of Git must do to a work tree. Run by command.test.ts and isomorphic.test.ts, on real repositories. Over 400 lines: one contract, read as one list.
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hardPaths } from './git.contract.ts';
import type { Git } from './git.ts';
import { createSandbox, type Sandbox } from './sandbox.ts';

const refused = (code: string): object => expect.objectContaining({ code });
const read = (box: Sandbox, path: string): string => readFileSync(join(box.folder, path), 'utf8');

/** All that must be as before when something was refused. */
function snapshot(box: Sandbox): string {
  return [
    box.git('status', '--porcelain=v1', '-uall'),
    box.git('rev-parse', 'HEAD'),
    box.git('diff', 'HEAD'),
    box.git('diff', '--cached'),
    box.git('ls-files', '--stage'),
  ].join('\n---\n');
}

export function describeWriting(how: Git['how']): void {
  describe('what is not committed', () => {
    test('edited, staged, removed, untracked and re-moded files are dirty; ignored and clean ones are not', async () => {
      using box = createSandbox();
      box.commit('one', {
        '.gitignore': '*.log\nout/\n',
        'clean.txt': 'c',
        'edited.txt': 'aa',
        'staged.txt': 's',
        'undone.txt': 'u',
        'gone.txt': 'g',
        'removed.txt': 'r',
        'mode.sh': 'm',
        'dir/a.txt': 'a',
      });
      const git = await box.open(how);
      expect(await git.dirtyPaths([''])).toEqual([]);
      // same length, within the second of the commit: only the bytes tell
      box.write('edited.txt', 'bb');
      box.write('staged.txt', 'S');
      box.git('add', 'staged.txt');
      box.write('undone.txt', 'U');
      box.git('add', 'undone.txt');
      box.write('undone.txt', 'u');
      box.remove('gone.txt');
      box.git('rm', '--quiet', 'removed.txt');
      box.executable('mode.sh');
      box.write('new.txt', 'n');
      box.write('x.log', 'ignored');
      box.write('out/deep/ignored.txt', 'ignored');
      box.write('dir/new/b.txt', 'b');
      const all = ['dir/new/b.txt', 'edited.txt', 'gone.txt', 'mode.sh', 'new.txt', 'removed.txt', 'staged.txt', 'undone.txt'];
      expect(await git.dirtyPaths([''])).toEqual(all);
      expect(await git.dirtyPaths(['dir'])).toEqual(['dir/new/b.txt']);
      expect(await git.dirtyPaths(['dir/', 'edited.txt', 'clean.txt', 'x.log', 'nowhere'])).toEqual(['dir/new/b.txt', 'edited.txt']);
      expect(await git.dirtyPaths(['dir/a.txt'])).toEqual([]);
      expect(await git.dirtyPaths(['edited'])).toEqual([]);
      expect(await git.dirtyPaths([])).toEqual([]);
    });

    test('a folder in the place of a file, and the reverse', async () => {
      using box = createSandbox();
      box.commit('one', { file: 'f', 'folder/a.txt': 'a' });
      box.remove('file');
      box.write('file/inner.txt', 'i');
      box.remove('folder');
      box.write('folder', 'now a file');
      const git = await box.open(how);
      expect(await git.dirtyPaths([''])).toEqual(['file', 'file/inner.txt', 'folder', 'folder/a.txt']);
    });

    test('names are names and no patterns', async () => {
      using box = createSandbox();
      box.commit('one', { 'a.txt': 'a' });
      for (const path of hardPaths) box.write(path, 'x');
      box.write('glob-would-match-a.txt', 'x');
      const git = await box.open(how);
      for (const path of hardPaths) {
        expect(await git.dirtyPaths([path])).toEqual([path]);
        expect([path, await git.isTracked(path), await git.isIgnored(path)]).toEqual([path, false, false]);
      }
      expect(await git.dirtyPaths(['*.txt'])).toEqual([]);
      expect(await git.isTracked('*.txt')).toBe(false);
    });

    test('ignored and tracked', async () => {
      using box = createSandbox();
      box.write('.gitignore', '*.log\n/data/*\n!/data/keep.txt\nout/\n-dash*\n');
      box.write('sub/.gitignore', 'local\n');
      box.write('.git/info/exclude', 'private\n');
      box.commit('one', { 'tracked.log': 't', 'a.txt': 'a', 'dir/b.txt': 'b' });
      const git = await box.open(how);
      const ignored = ['x.log', 'deep/in/x.log', 'data/a.txt', 'out/x', 'out/', 'sub/local', 'private', '-dash.txt', ':x.log'];
      const kept = ['data/keep.txt', 'local', 'a.txt', 'tracked.log', 'nowhere', 'sub/other'];
      for (const path of ignored) expect([path, await git.isIgnored(path)]).toEqual([path, true]);
      for (const path of kept) expect([path, await git.isIgnored(path)]).toEqual([path, false]);
      expect(await git.isTracked('a.txt')).toBe(true);
      expect(await git.isTracked('dir')).toBe(true);
      expect(await git.isTracked('di')).toBe(false);
      box.write('staged.txt', 's');
      expect(await git.isTracked('staged.txt')).toBe(false);
      box.git('add', 'staged.txt');
      expect(await git.isTracked('staged.txt')).toBe(true);
    });
  });

  describe('the index', () => {
    test('is read as it is staged: neither what the last commit has nor what stands in the work tree', async () => {
      using box = createSandbox();
      box.commit('one', { 'lock.yaml': 'committed', 'models/a.json': 'a', 'models/deep/b.json': 'b', 'other.txt': 'o' });
      box.write('lock.yaml', 'staged');
      box.git('add', 'lock.yaml');
      box.write('lock.yaml', 'edited');
      box.write('models/new é.json', 'new');
      box.git('add', 'models/new é.json');
      const git = await box.open(how);
      const staged = await git.readStaged(['lock.yaml', 'models', 'nowhere']);
      expect(staged.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()])).toEqual([
        ['lock.yaml', 'staged'],
        ['models/a.json', 'a'],
        ['models/deep/b.json', 'b'],
        ['models/new é.json', 'new'],
      ]);
    });

    test('in the middle of a merge has each side of what both changed', async () => {
      using box = createSandbox();
      box.commit('base', { 'lock.yaml': 'base' });
      box.git('checkout', '-q', '-b', 'side');
      box.commit('theirs', { 'lock.yaml': 'theirs' });
      box.git('checkout', '-q', 'main');
      box.commit('ours', { 'lock.yaml': 'ours' });
      expect(() => box.git('merge', 'side')).toThrow('git merge side');
      const git = await box.open(how);
      const texts = (await git.readStaged(['lock.yaml'])).map(({ bytes }) => Buffer.from(bytes).toString());
      expect(texts.toSorted()).toEqual(['base', 'ours', 'theirs']);
    });

    test('is set back for the files that are named, whatever was done to them; the files and all else stay', async () => {
      using box = createSandbox();
      box.commit('one', { 'edited.txt': '1', 'gone.txt': 'g', 'other.txt': 'o' });
      box.write('edited.txt', '2');
      box.write('added.txt', 'a');
      box.write('intended.txt', 'i');
      box.write('other.txt', 'staged by the user');
      box.git('rm', '--quiet', '--cached', 'gone.txt');
      box.git('add', 'edited.txt', 'added.txt', 'other.txt');
      box.git('add', '--intent-to-add', 'intended.txt');
      box.remove('intended.txt');
      const git = await box.open(how);
      await git.resetIndex(['edited.txt', 'gone.txt', 'added.txt', 'intended.txt', 'nowhere.txt']);
      expect(box.git('status', '--porcelain=v1', '-uall')).toBe(' M edited.txt\nM  other.txt\n?? added.txt');
      expect([read(box, 'edited.txt'), read(box, 'gone.txt')]).toEqual(['2', 'g']);
    });

    test('takes files in as they are in the work tree, and a conflict on them is settled', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'a.txt': '1', 'b.txt': '1', '.gitignore': 'ignored.txt' });
      box.git('checkout', '--quiet', '-b', 'side');
      box.commit('side', { 'a.txt': '2', 'b.txt': '2' });
      box.git('checkout', '--quiet', '-B', 'main', one);
      box.commit('main', { 'a.txt': '3', 'b.txt': '3' });
      expect(() => box.git('merge', 'side')).toThrow('git merge side');
      box.write('a.txt', '2 and 3');
      box.write('ignored.txt', 'i');
      box.write(':(glob)*.txt', 'a name, not a pattern');
      const git = await box.open(how);
      expect(await git.resolve('MERGE_HEAD')).toBe(await git.resolve('side'));
      await git.stage(['a.txt', 'ignored.txt', ':(glob)*.txt']);
      expect(box.git('status', '--porcelain=v1', '-uall', '-z').split('\0').toSorted()).toEqual([
        '',
        'A  :(glob)*.txt',
        'A  ignored.txt',
        'M  a.txt',
        'UU b.txt',
      ]);
      expect(box.git('show', ':a.txt')).toBe('2 and 3');
      await expect(git.stage(['nowhere.txt'])).rejects.toEqual(refused('FILE_MISSING'));
    });

    test('before the first commit, it forgets them', async () => {
      using box = createSandbox();
      box.write('a.txt', 'a');
      box.write('b.txt', 'b');
      box.git('add', 'a.txt', 'b.txt');
      await (await box.open(how)).resetIndex(['a.txt']);
      expect(box.git('status', '--porcelain=v1')).toBe('A  b.txt\n?? a.txt');
    });
  });

  describe('committing', () => {
    test('exactly the files that are named go in, new, edited and removed; what else is staged stays staged', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'edit.txt': '1', 'gone.txt': 'g', 'rm.txt': 'r', 'other.txt': 'o', '.gitignore': '*.json\n' });
      box.write('edit.txt', '2');
      box.write('new/file.txt', 'n');
      box.write('pointer.json', '{}');
      box.remove('gone.txt');
      box.git('rm', '--quiet', 'rm.txt');
      box.write('other.txt', 'staged by the user');
      box.write('also.txt', 'also staged');
      box.git('add', 'other.txt', 'also.txt');
      box.write('other.txt', 'and edited again');
      box.write('loose.txt', 'untracked');
      const git = await box.open(how);
      const oid = await git.commit('subject\n\n# a body that begins with a hash\n', [
        'edit.txt',
        'new/file.txt',
        'pointer.json',
        'gone.txt',
        'rm.txt',
      ]);
      expect(await git.resolve('HEAD')).toBe(oid);
      expect(box.git('rev-parse', 'main', 'HEAD~1')).toBe(`${oid}\n${one}`);
      expect(await git.changedPaths(one, oid)).toEqual(['edit.txt', 'gone.txt', 'new/file.txt', 'pointer.json', 'rm.txt']);
      expect(await git.readCommit(oid)).toMatchObject({
        message: 'subject\n\n# a body that begins with a hash',
        parents: [one],
        author: { name: 'Ada Lovelace', email: 'ada@example.org' },
      });
      expect(box.git('status', '--porcelain=v1', '-uall')).toBe('A  also.txt\nMM other.txt\n?? loose.txt');
      expect(box.git('show', ':other.txt')).toBe('staged by the user');
      expect(box.git('fsck', '--strict', '--no-dangling')).toBe('');
    });

    test('the first commit of a repository, and one on a detached HEAD', async () => {
      using box = createSandbox();
      box.write('a.txt', 'a');
      box.write('b.txt', 'b');
      const git = await box.open(how);
      const first = await git.commit('first', ['a.txt']);
      expect(await git.readCommit(first)).toMatchObject({ parents: [] });
      expect(box.git('status', '--porcelain')).toBe('?? b.txt');
      box.git('checkout', '--quiet', '--detach');
      const second = await git.commit('second', ['b.txt']);
      expect(box.git('rev-parse', 'HEAD', 'main')).toBe(`${second}\n${first}`);
    });

    test('paths of every kind, executables and symlinks', async () => {
      using box = createSandbox();
      box.commit('one', { 'a.txt': 'a', 'glob-a.txt': 'g' });
      for (const path of hardPaths) box.write(path, `content of ${path}`);
      box.write('run.sh', '#!/bin/sh\n');
      box.executable('run.sh');
      symlinkSync('a.txt', join(box.folder, 'link'));
      box.write('glob-a.txt', 'edited, and matched by a name that looks like a pattern');
      const git = await box.open(how);
      const names = hardPaths.filter((path) => how === 'command' || !path.includes('\\'));
      for (const path of hardPaths) if (!names.includes(path)) await expect(git.commit('x', [path])).rejects.toEqual(refused('GIT_UNSUPPORTED'));
      const oid = await git.commit('-m --amend', [...names, 'run.sh', 'link']);
      expect((await git.readCommit(oid)).message).toBe('-m --amend');
      const modes = new Map((await git.listTree(oid, '')).map((entry) => [entry.path, entry.mode]));
      for (const path of names) expect([path, modes.get(path)]).toEqual([path, '100644']);
      expect([modes.get('run.sh'), modes.get('link')]).toEqual(['100755', '120000']);
      expect(box.git('status', '--porcelain', '-uno')).toBe(' M glob-a.txt');
    });

    test('a file takes the place of a folder, and a folder that of a file', async () => {
      using box = createSandbox();
      box.commit('one', { thing: 'file', 'folder/a.txt': 'a', 'folder/b.txt': 'b' });
      box.remove('thing');
      box.write('thing/inner.txt', 'i');
      box.remove('folder');
      box.write('folder', 'file');
      const git = await box.open(how);
      const oid = await git.commit('turned', ['thing', 'thing/inner.txt', 'folder', 'folder/a.txt', 'folder/b.txt']);
      expect((await git.listTree(oid, '')).map((entry) => entry.path)).toEqual(['folder', 'thing/inner.txt']);
      expect(box.git('status', '--porcelain')).toBe('');
      expect(box.git('fsck', '--strict', '--no-dangling')).toBe('');
    });

    test('what cannot be committed is refused and changes nothing', async () => {
      using box = createSandbox();
      box.commit('one', { 'a.txt': 'a', 'dir/b.txt': 'b' });
      box.write('staged.txt', 's');
      box.git('add', 'staged.txt');
      box.write('new.txt', 'n');
      const git = await box.open(how);
      const before = snapshot(box);
      await expect(git.commit('x', ['new.txt', 'nowhere.txt'])).rejects.toEqual(refused('FILE_MISSING'));
      await expect(git.commit('x', ['new.txt', 'dir'])).rejects.toEqual(refused('FILE_KIND'));
      await expect(git.commit('x', ['a.txt'])).rejects.toEqual(refused('GIT_NOTHING_TO_COMMIT'));
      await expect(git.commit('x', [])).rejects.toEqual(refused('GIT_NOTHING_TO_COMMIT'));
      await expect(git.commit('  \n', ['new.txt'])).rejects.toThrow('needs a message');
      expect(snapshot(box)).toBe(before);
    });

    test('in the middle of a merge nothing is committed', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'a.txt': '1' });
      box.git('checkout', '--quiet', '-b', 'side');
      box.commit('side', { 'a.txt': '2' });
      box.git('checkout', '--quiet', '-B', 'main', one);
      box.commit('main', { 'a.txt': '3' });
      expect(() => box.git('merge', 'side')).toThrow('git merge side');
      box.write('b.txt', 'b');
      const git = await box.open(how);
      await expect(git.commit('x', ['b.txt'])).rejects.toEqual(refused('GIT_DIRTY'));
      await expect(git.revert(one, 'x')).rejects.toEqual(refused('GIT_DIRTY'));
    });

    test('who commits comes from the environment, the repository, the user, in this order', async () => {
      using box = createSandbox();
      const identity = async (): Promise<unknown> => (await box.open(how)).identity();
      expect(await identity()).toEqual({ name: 'Ada Lovelace', email: 'ada@example.org' });
      writeFileSync(join(box.folder, '..', 'work'), '[user]\n\temail = "ada@work.example" ; at work\n');
      writeFileSync(
        box.env['GIT_CONFIG_GLOBAL'] ?? '',
        `[user]\n  name = "Ada \\"L\\" <Lovelace>."\n  email = a@b\n[includeIf "gitdir:${box.folder}/"]\n  path = work\n`,
      );
      expect(await identity()).toEqual({ name: 'Ada "L" Lovelace', email: 'ada@work.example' });
      box.git('config', 'user.email', 'local@example.org');
      expect(await identity()).toMatchObject({ email: 'local@example.org' });
      box.env['GIT_AUTHOR_NAME'] = 'Grace';
      expect(await identity()).toEqual({ name: 'Grace', email: 'local@example.org' });
      delete box.env['GIT_AUTHOR_NAME'];
      box.git('config', '--unset', 'user.email');
      writeFileSync(box.env['GIT_CONFIG_GLOBAL'] ?? '', '[user]\n  useConfigOnly = true\n');
      expect(await identity()).toBe(null);
      box.write('a.txt', 'a');
      const git = await box.open(how);
      await expect(git.commit('x', ['a.txt'])).rejects.toEqual(refused('GIT_FAILED'));
      expect(box.git('status', '--porcelain')).toBe('?? a.txt');
    });
  });

  describe('reverting', () => {
    test('files come back as they were before the commit; later commits and other changes stay', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'pointer.json': 'old', 'other.txt': 'o', 'gone/x.txt': 'x' });
      const bad = box.commit('bad', { 'pointer.json': 'new', 'evidence/run.json': 'r', 'gone/x.txt': null });
      box.commit('later', { 'other.txt': 'later' });
      box.write('other.txt', 'staged');
      box.git('add', 'other.txt');
      box.write('loose.txt', 'untracked');
      const git = await box.open(how);
      const oid = await git.revert(bad, 'Revert "bad"\n\nThis reverts it.');
      expect(await git.changedPaths(one, oid)).toEqual(['other.txt']);
      expect(await git.readCommit(oid)).toMatchObject({ message: 'Revert "bad"\n\nThis reverts it.', parents: [box.git('rev-parse', 'HEAD~1')] });
      expect([read(box, 'pointer.json'), read(box, 'gone/x.txt'), existsSync(join(box.folder, 'evidence'))]).toEqual(['old', 'x', false]);
      expect(box.git('status', '--porcelain')).toBe('M  other.txt\n?? loose.txt');
      const again = await git.revert(oid, 'Reapply');
      expect(await git.changedPaths(bad, again)).toEqual(['other.txt']);
      expect(box.git('fsck', '--strict', '--no-dangling')).toBe('');
    });

    test('a merge is undone against the branch that it was made on; the first commit leaves nothing behind', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'a.txt': '1' });
      box.git('checkout', '--quiet', '-b', 'side');
      box.commit('side', { 'a.txt': '2' });
      box.git('checkout', '--quiet', 'main');
      box.commit('other', { 'b.txt': 'b' });
      box.git('merge', '--quiet', '--no-ff', '-m', 'merge', 'side');
      const git = await box.open(how);
      await git.revert(box.git('rev-parse', 'HEAD'), 'undo the merge');
      expect([read(box, 'a.txt'), read(box, 'b.txt')]).toEqual(['1', 'b']);
      await git.revert(one, 'undo the first');
      expect(existsSync(join(box.folder, 'a.txt'))).toBe(false);
      expect(box.git('status', '--porcelain')).toBe('');
    });

    test('what changed again since is a conflict, and all is as before', async () => {
      using box = createSandbox();
      box.commit('one', { 'p.json': 'one\n', 'q.json': 'q' });
      const two = box.commit('two', { 'p.json': 'two\n', 'q.json': 'q2' });
      box.commit('three', { 'p.json': 'three\n' });
      box.write('loose.txt', 'untracked');
      const git = await box.open(how);
      const before = snapshot(box);
      await expect(git.revert(two, 'x')).rejects.toEqual(refused('GIT_CONFLICT'));
      expect(snapshot(box)).toBe(before);
      expect(existsSync(join(box.folder, '.git', 'REVERT_HEAD'))).toBe(false);
      expect(read(box, 'p.json')).toBe('three\n');
    });

    test('a revert that was killed before its commit is gone on with', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'p.json': '1', 'gone.json': 'g' });
      const two = box.commit('two', { 'p.json': '2', 'q.json': 'q', 'gone.json': null });
      const git = await box.open(how);
      const paths = ['gone.json', 'p.json', 'q.json'];
      box.git('restore', `--source=${one}`, '--staged', '--worktree', '--', ...paths);
      expect(await git.dirtyPaths([''])).toEqual(paths);
      const oid = await git.revert(two, 'undo');
      expect(await git.changedPaths(one, oid)).toEqual([]);
      expect(box.git('status', '--porcelain')).toBe('');
      box.git('restore', `--source=${two}`, '--staged', '--worktree', '--', ...paths);
      box.write('p.json', 'and an edit');
      await expect(git.revert(oid, 'undo the undoing')).rejects.toEqual(refused('GIT_DIRTY'));
    });

    test('edits in the way are not lost; undoing twice has nothing to do', async () => {
      using box = createSandbox();
      box.commit('one', { 'p.json': '1' });
      const two = box.commit('two', { 'p.json': '2' });
      const git = await box.open(how);
      box.write('p.json', 'edited');
      const before = snapshot(box);
      await expect(git.revert(two, 'x')).rejects.toEqual(refused('GIT_DIRTY'));
      expect(snapshot(box)).toBe(before);
      box.git('checkout', '--quiet', 'p.json');
      await git.revert(two, 'x');
      await expect(git.revert(two, 'x')).rejects.toEqual(refused('GIT_NOTHING_TO_COMMIT'));
      await expect(git.revert('0'.repeat(40), 'x')).rejects.toEqual(refused('GIT_REVISION_UNKNOWN'));
    });
  });

  describe('branches', () => {
    test('a branch is made at a commit and switched to, with the files of the work tree', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'a.txt': '1', 'keep.txt': 'k' });
      const two = box.commit('two', { 'a.txt': '2', 'dir/b.txt': 'b' });
      const git = await box.open(how);
      await git.createBranch('промо/intents', one);
      expect(await git.branch()).toBe('main');
      expect(await git.resolve('промо/intents')).toBe(one);
      box.write('keep.txt', "edited, in nobody's way");
      await git.switchTo('промо/intents');
      expect([await git.branch(), await git.resolve('HEAD'), read(box, 'a.txt'), existsSync(join(box.folder, 'dir/b.txt'))]).toEqual([
        'промо/intents',
        one,
        '1',
        false,
      ]);
      expect(box.git('status', '--porcelain')).toBe('M keep.txt'.padStart(11));
      await git.switchTo('main');
      expect([await git.resolve('HEAD'), read(box, 'a.txt'), read(box, 'keep.txt')]).toEqual([two, '2', "edited, in nobody's way"]);
    });

    test('bad names, names that are taken and commits that are not there are refused', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'a.txt': '1' });
      box.git('branch', 'dir/x');
      box.git('branch', 'packed');
      box.git('pack-refs', '--all');
      const git = await box.open(how);
      for (const name of [
        '',
        '-x',
        '--force',
        'a b',
        'a..b',
        'a~1',
        'a.lock',
        '/a',
        'a/',
        'HEAD',
        '@',
        '@{-1}',
        'x\ny',
        '.a',
        'a/.b',
        'refs/heads/../x',
      ]) {
        await expect(git.createBranch(name, one)).rejects.toEqual(refused('NAME_INVALID'));
        await expect(git.switchTo(name)).rejects.toEqual(refused('NAME_INVALID'));
      }
      for (const name of ['main', 'packed', 'dir/x']) await expect(git.createBranch(name, one)).rejects.toEqual(refused('GIT_BRANCH_EXISTS'));
      await expect(git.createBranch('main/sub', one)).rejects.toThrow('main');
      await expect(git.createBranch('dir', one)).rejects.toThrow('dir/x');
      await expect(git.createBranch('new', '0'.repeat(40))).rejects.toEqual(refused('GIT_REVISION_UNKNOWN'));
      await expect(git.switchTo('nothing')).rejects.toEqual(refused('GIT_REVISION_UNKNOWN'));
      expect(box.git('branch', '--format=%(refname:short)')).toBe('dir/x\nmain\npacked');
    });

    test('edits that a switch would overwrite stop it', async () => {
      using box = createSandbox();
      box.commit('one', { 'a.txt': '1' });
      box.git('branch', 'old');
      box.commit('two', { 'a.txt': '2', 'new.txt': 'n' });
      box.git('branch', 'newest');
      const git = await box.open(how);
      box.write('a.txt', '3');
      const before = snapshot(box);
      await expect(git.switchTo('old')).rejects.toEqual(refused('GIT_DIRTY'));
      expect([snapshot(box), read(box, 'a.txt')]).toEqual([before, '3']);
      box.git('checkout', '--quiet', '-f', 'old');
      mkdirSync(join(box.folder, 'sub'));
      box.write('new.txt', 'an untracked file in the way');
      await expect(git.switchTo('newest')).rejects.toEqual(refused('GIT_DIRTY'));
      expect(read(box, 'new.txt')).toBe('an untracked file in the way');
    });
  });
}
