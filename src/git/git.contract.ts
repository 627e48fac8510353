// What every implementation of Git must do. Run by command.test.ts and isomorphic.test.ts, on real repositories. Over 400 lines: one contract, read as one list.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { byCodeUnit } from '../base/canonical.ts';
import type { Git } from './git.ts';
import { createSandbox } from './sandbox.ts';

const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('utf8'));
const refused = (code: string): object => expect.objectContaining({ code });

/** Names that trip what passes them through a shell, takes them for options or for patterns, or changes their letters. */
export const hardPaths = [
  'with space/a b.txt',
  'new\nline.txt',
  '-dash.txt',
  '--output=x',
  'glob*[a]?.txt',
  ':(top)magic',
  '"quoted".txt',
  'tab\tand\\back',
  'данные/строки.jsonl',
  '数据.txt',
  'caf\u00e9-nfc.txt',
  'cafe\u0301-nfd.txt',
  '\u{1F9EA}.txt',
];

export function describeReading(how: Git['how']): void {
  describe('opening', () => {
    test('a repository is found from a folder deep inside it', async () => {
      using box = createSandbox();
      mkdirSync(join(box.folder, 'sub', 'deep'), { recursive: true });
      const git = await box.open(how, join(box.folder, 'sub', 'deep'));
      expect(git).toMatchObject({ how, workTree: box.folder, gitDir: join(box.folder, '.git') });
    });

    test('a bare clone is read like any other, and has no work tree', async () => {
      using box = createSandbox();
      const oid = box.commit('one', { 'a.txt': 'a' });
      const bare = join(box.folder, '..', 'bare.git');
      box.git('clone', '--quiet', '--bare', '.', bare);
      const git = await box.open(how, bare);
      expect(git.workTree).toBe(null);
      expect(await git.resolve('main')).toBe(oid);
      expect(text(await git.readBlob(oid, 'a.txt'))).toBe('a');
      expect((await git.log('main', { path: 'a.txt' })).map((commit) => commit.oid)).toEqual([oid]);
      await expect(git.dirtyPaths(['a.txt'])).rejects.toEqual(refused('GIT_NEEDS_WORK_TREE'));
      await expect(git.commit('two', ['a.txt'])).rejects.toEqual(refused('GIT_NEEDS_WORK_TREE'));
      await expect(git.revert(oid, 'undo')).rejects.toEqual(refused('GIT_NEEDS_WORK_TREE'));
    });

    test('tips are all that git keeps: branches, tags of commits, pull requests, detached work trees', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'a.txt': 'a' });
      box.git('tag', '-a', '-m', 'first', 'v1');
      box.git('tag', '-a', '-m', 'a tag of a tag', 'v1-again', 'v1');
      box.git('update-ref', 'refs/pull/7/head', one);
      box.git('tag', 'a-file', `${one}:a.txt`);
      box.git('worktree', 'add', '--quiet', '--detach', join(box.folder, '..', 'beside'));
      const two = box.commit('two', { 'a.txt': 'b' });
      const git = await box.open(how);
      const expected = [
        ...[`HEAD ${one}`, `HEAD ${two}`].toSorted(byCodeUnit),
        `refs/heads/main ${two}`,
        `refs/pull/7/head ${one}`,
        `refs/tags/v1 ${one}`,
        `refs/tags/v1-again ${one}`,
      ];
      const found = async (): Promise<string[]> => (await git.tips()).map(({ name, commit }) => `${name} ${commit}`);
      expect(await found()).toEqual(expected);
      box.git('pack-refs', '--all');
      expect(await found()).toEqual(expected);
      expect(await git.isShallow()).toBe(false);
    });

    test('a work tree beside the main one has its own HEAD and the same commits', async () => {
      using box = createSandbox();
      const first = box.commit('one', { 'a.txt': 'a' });
      const linked = join(box.folder, '..', 'linked');
      box.git('worktree', 'add', '--quiet', '-b', 'side', linked);
      const git = await box.open(how, linked);
      expect(git).toMatchObject({ workTree: linked, gitDir: join(box.folder, '.git') });
      expect(await git.branch()).toBe('side');
      writeFileSync(join(linked, 'b.txt'), 'b');
      expect(await git.dirtyPaths([''])).toEqual(['b.txt']);
      const made = await git.commit('two', ['b.txt']);
      expect(await git.dirtyPaths([''])).toEqual([]);
      expect(box.git('rev-parse', 'side', 'main')).toBe(`${made}\n${first}`);
      expect(box.gitIn(linked, 'status', '--porcelain')).toBe('');
      expect(box.git('fsck', '--strict', '--no-dangling')).toBe('');
    });

    test('a submodule is a repository of its own', async () => {
      using box = createSandbox();
      using inner = createSandbox();
      const oid = inner.commit('inner', { 'x.txt': 'x' });
      box.git('submodule', '--quiet', 'add', inner.folder, 'sub');
      box.commit('with a submodule', { 'a.txt': 'a' });
      const sub = await box.open(how, join(box.folder, 'sub'));
      expect(await sub.resolve('HEAD')).toBe(oid);
      const git = await box.open(how);
      const head = (await git.resolve('HEAD')) ?? '';
      expect(await git.readBlob(head, 'sub')).toBe(null);
      expect((await git.listTree(head, '')).find((entry) => entry.path === 'sub')).toMatchObject({ mode: '160000', oid });
      expect(await git.dirtyPaths([''])).toEqual([]);
    });

    test('variables that a hook has set about another repository do not lead astray', async () => {
      using box = createSandbox();
      using other = createSandbox();
      const oid = box.commit('one', { 'a.txt': 'a' });
      other.commit('other', { 'b.txt': 'b' });
      Object.assign(box.env, {
        GIT_DIR: join(other.folder, '.git'),
        GIT_WORK_TREE: other.folder,
        GIT_INDEX_FILE: join(other.folder, '.git', 'index'),
      });
      const git = await box.open(how);
      expect(await git.resolve('HEAD')).toBe(oid);
      expect(await git.isTracked('a.txt')).toBe(true);
      expect(await git.isTracked('b.txt')).toBe(false);
    });
  });

  describe('revisions', () => {
    test('branches, tags, ids and steps lead to commits', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'a.txt': '1' });
      const two = box.commit('two', { 'a.txt': '2' });
      box.git('branch', 'feature/x', one);
      box.git('tag', 'light', one);
      box.git('tag', '-a', '-m', 'annotated', 'v1.0', one);
      box.git('tag', '-a', '-m', 'a tag of a tag', 'v1.1', 'v1.0');
      box.git('tag', 'a-tree', 'HEAD^{tree}');
      const git = await box.open(how);
      for (const packed of [false, true]) {
        if (packed) box.git('gc', '--quiet');
        for (const [revision, oid] of Object.entries({
          HEAD: two,
          '@': two,
          main: two,
          'refs/heads/main': two,
          'heads/main': two,
          'HEAD~1': one,
          'HEAD^': one,
          'main~': one,
          'HEAD^0': two,
          'HEAD~0~1': one,
          'feature/x': one,
          light: one,
          'v1.0': one,
          'v1.1': one,
          'v1.1^{commit}': one,
          'refs/tags/v1.0': one,
          [one]: one,
          [one.slice(0, 10)]: one,
          'HEAD~2': null,
          'HEAD^2': null,
          nothing: null,
          'a-tree': null,
          ['0'.repeat(40)]: null,
          abcdef: null,
        }))
          expect([revision, await git.resolve(revision)]).toEqual([revision, oid]);
      }
    });

    test('what looks like an option, a path or a range names no commit and does nothing', async () => {
      using box = createSandbox();
      box.commit('one', { 'a.txt': '1' });
      const git = await box.open(how);
      for (const hostile of [
        '',
        '-',
        '--output=pwned',
        '--all',
        '-n1',
        'HEAD:a.txt',
        ':a.txt',
        'main..HEAD',
        '..',
        '../../HEAD',
        'HEAD\nHEAD',
        'a\0b',
        'config',
        'index',
        'refs/heads/../../config',
      ]) {
        expect([hostile, await git.resolve(hostile)]).toEqual([hostile, null]);
      }
      await expect(git.log('--output=pwned')).rejects.toEqual(refused('GIT_REVISION_UNKNOWN'));
      await expect(git.readCommit('main')).rejects.toEqual(refused('GIT_REVISION_UNKNOWN'));
      await expect(git.listTree('--help', '')).rejects.toEqual(refused('GIT_REVISION_UNKNOWN'));
      expect(existsSync(join(box.folder, 'pwned'))).toBe(false);
    });

    test('a tag with the name of a branch is no way to move what the branch names', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'a.txt': '1' });
      const two = box.commit('two', { 'a.txt': '2' });
      box.git('tag', 'main', one);
      const git = await box.open(how);
      await expect(git.resolve('main')).rejects.toEqual(refused('GIT_REVISION_AMBIGUOUS'));
      await expect(git.resolve('main~1')).rejects.toEqual(refused('GIT_REVISION_AMBIGUOUS'));
      expect(await git.resolve('refs/heads/main')).toBe(two);
      expect(await git.resolve('refs/tags/main')).toBe(one);
      expect(await git.resolve('HEAD')).toBe(two);
    });

    test('a branch of a remote is found by its short name', async () => {
      using box = createSandbox();
      const oid = box.commit('one', { 'a.txt': '1' });
      const clone = join(box.folder, '..', 'clone');
      box.git('clone', '--quiet', '.', clone);
      const git = await box.open(how, clone);
      expect(await git.resolve('origin/main')).toBe(oid);
      expect(await git.resolve('origin')).toBe(oid);
    });

    test('before the first commit there is a branch and no commit', async () => {
      using box = createSandbox();
      box.write('a.txt', 'a');
      const git = await box.open(how);
      expect(await git.resolve('HEAD')).toBe(null);
      expect(await git.resolve('main')).toBe(null);
      expect(await git.branch()).toBe('main');
      expect(await git.dirtyPaths(['a.txt', 'b.txt'])).toEqual(['a.txt']);
      await expect(git.log('HEAD')).rejects.toEqual(refused('GIT_REVISION_UNKNOWN'));
    });

    test('a detached HEAD is on no branch', async () => {
      using box = createSandbox();
      const oid = box.commit('one', { 'a.txt': 'a' });
      box.git('checkout', '--quiet', '--detach');
      const git = await box.open(how);
      expect(await git.branch()).toBe(null);
      expect(await git.resolve('HEAD')).toBe(oid);
    });

    test('the token of a branch changes when the branch moves, and not when git packs it', async () => {
      using box = createSandbox();
      const git = await box.open(how);
      const tokens = [await git.refToken('main')];
      box.commit('one', { 'a.txt': '1' });
      tokens.push(await git.refToken('main'));
      box.git('pack-refs', '--all');
      expect(await git.refToken('main')).toBe(tokens[1]);
      box.git('gc', '--quiet');
      expect(await git.refToken('main')).toBe(tokens[1]);
      box.commit('two', { 'a.txt': '2' });
      tokens.push(await git.refToken('main'));
      box.git('pack-refs', '--all');
      box.git('update-ref', 'refs/heads/other', 'HEAD~1');
      expect(await git.refToken('main')).toBe(tokens[2]);
      box.git('branch', '-m', 'main', 'renamed');
      tokens.push(await git.refToken('main'));
      expect(new Set(tokens).size).toBe(3);
      expect(tokens[3]).toBe(tokens[0]);
    });
  });

  describe('files of commits', () => {
    test('paths of every kind are listed and read as they are', async () => {
      using box = createSandbox();
      const oid = box.commit('hard paths', Object.fromEntries(hardPaths.map((path) => [path, `content of ${path}`])));
      const git = await box.open(how);
      const listed = (await git.listTree(oid, '')).map((entry) => entry.path);
      expect(listed).toEqual(hardPaths.toSorted((a, b) => (a < b ? -1 : 1)));
      expect((await git.readBlobs(oid, hardPaths)).map(text)).toEqual(hardPaths.map((path) => `content of ${path}`));
      expect((await git.listTree(oid, 'данные')).map((entry) => entry.path)).toEqual(['данные/строки.jsonl']);
      for (const path of hardPaths) expect((await git.log('HEAD', { path })).length).toBe(1);
    });

    test('what is not a file of the commit is null', async () => {
      using box = createSandbox();
      const oid = box.commit('one', { 'dir/a.txt': 'a', 'empty.txt': '' });
      const git = await box.open(how);
      expect((await git.readBlobs(oid, ['dir', 'dir/b.txt', 'nowhere/x', 'dir/a.txt/x', 'new\nline', 'empty.txt'])).map(text)).toEqual([
        null,
        null,
        null,
        null,
        null,
        '',
      ]);
      expect(await git.listTree(oid, 'dir/a.txt')).toEqual([]);
      expect(await git.listTree(oid, 'nowhere')).toEqual([]);
      expect((await git.listTree(oid, 'dir/')).length).toBe(1);
      expect(await git.readBlobs(oid, [])).toEqual([]);
      await expect(git.readBlob('0'.repeat(40), 'dir/a.txt')).rejects.toEqual(refused('GIT_REVISION_UNKNOWN'));
      await expect(git.listTree('0'.repeat(40), '')).rejects.toEqual(refused('GIT_REVISION_UNKNOWN'));
      await expect(git.changedPaths(oid, '0'.repeat(40))).rejects.toEqual(refused('GIT_REVISION_UNKNOWN'));
    });

    test('paths that lead out of the repository are refused', async () => {
      using box = createSandbox();
      const oid = box.commit('one', { 'a.txt': 'a' });
      const git = await box.open(how);
      for (const path of ['../a.txt', './a.txt', '/etc/passwd', 'x/../a.txt', 'a//b', 'a\0b']) {
        await expect(git.readBlob(oid, path)).rejects.toEqual(refused('PATH_OUTSIDE'));
        await expect(git.commit('x', [path])).rejects.toEqual(refused('PATH_OUTSIDE'));
        await expect(git.dirtyPaths([path])).rejects.toEqual(refused('PATH_OUTSIDE'));
        await expect(git.log('HEAD', { path })).rejects.toEqual(refused('PATH_OUTSIDE'));
      }
    });

    test('a blob of several megabytes and every byte value come back whole', async () => {
      using box = createSandbox();
      const large = Buffer.alloc(5_000_003, Buffer.from(Array.from({ length: 256 }, (_, at) => at)));
      box.write('large.bin', large);
      const oid = box.commit('large', { 'small.txt': 'small' });
      const git = await box.open(how);
      const [first, small, again] = await git.readBlobs(oid, ['large.bin', 'small.txt', 'large.bin']);
      expect(large.equals(first ?? Buffer.alloc(0))).toBe(true);
      expect(large.equals(again ?? Buffer.alloc(0))).toBe(true);
      expect(text(small ?? null)).toBe('small');
    });

    test('modes tell executables and symlinks; a symlink is read as the path that it holds', async () => {
      using box = createSandbox();
      box.write('run.sh', '#!/bin/sh\n');
      box.executable('run.sh');
      symlinkSync('../outside', join(box.folder, 'link'));
      const oid = box.commit('modes', { 'plain.txt': 'x' });
      const git = await box.open(how);
      expect((await git.listTree(oid, '')).map((entry) => [entry.path, entry.mode])).toEqual([
        ['link', '120000'],
        ['plain.txt', '100644'],
        ['run.sh', '100755'],
      ]);
      expect(text(await git.readBlob(oid, 'link'))).toBe('../outside');
    });

    test('many files are read at once, in the order asked', async () => {
      using box = createSandbox();
      const names = Array.from({ length: 300 }, (_, at) => `d${at % 7}/f${at}.txt`);
      const oid = box.commit('many', Object.fromEntries(names.map((name) => [name, name])));
      box.git('repack', '-adq');
      const git = await box.open(how);
      expect((await git.readBlobs(oid, names)).map(text)).toEqual(names);
    });

    test('files that differ between two commits: edited, added, removed, renamed, another mode', async () => {
      using box = createSandbox();
      const one = box.commit('one', {
        'same.txt': 's',
        'edit.txt': '1',
        'gone/a.txt': 'a',
        'old-name.txt': 'long enough to be taken for the same\n',
        'mode.sh': 'x',
        turned: 'file',
      });
      box.executable('mode.sh');
      const two = box.commit('two', {
        'edit.txt': '2',
        'gone/a.txt': null,
        'new/b.txt': 'b',
        'old-name.txt': null,
        'new-name.txt': 'long enough to be taken for the same\n',
        turned: null,
        'turned/into.txt': 'folder',
      });
      const git = await box.open(how);
      const all = ['edit.txt', 'gone/a.txt', 'mode.sh', 'new-name.txt', 'new/b.txt', 'old-name.txt', 'turned', 'turned/into.txt'];
      expect(await git.changedPaths(one, two)).toEqual(all);
      expect(await git.changedPaths(two, one)).toEqual(all);
      expect(await git.changedPaths(two, two)).toEqual([]);
    });
  });

  describe('history', () => {
    test('a commit says who, when and what, in any encoding', async () => {
      using box = createSandbox();
      box.env['GIT_AUTHOR_NAME'] = 'Zoë <3 Пример';
      box.env['GIT_AUTHOR_EMAIL'] = 'zoe@example.org';
      const plain = box.commit('subject\n\nbody line\n# no comment', { 'a.txt': 'a' });
      box.git('-c', 'i18n.commitEncoding=ISO-8859-1', 'commit', '--quiet', '--allow-empty', '-F', latin1File(box.folder));
      const latin = box.git('rev-parse', 'HEAD');
      const git = await box.open(how);
      expect(await git.readCommit(plain)).toEqual({
        oid: plain,
        parents: [],
        author: { name: 'Zoë 3 Пример', email: 'zoe@example.org' },
        date: new Date(Number(box.git('log', '-1', '--format=%ct', plain)) * 1000),
        message: 'subject\n\nbody line\n# no comment',
      });
      expect(await git.readCommit(latin)).toMatchObject({ message: 'déjà vu', parents: [plain] });
    });

    test('the log of a path has what changed it against the first parent, merges and side branches too', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'p/a.txt': '1', 'b.txt': '1' });
      box.git('checkout', '--quiet', '-b', 'side');
      const side = box.commit('side', { 'p/a.txt': '2' });
      box.git('checkout', '--quiet', 'main');
      const other = box.commit('other', { 'b.txt': '2' });
      box.git('merge', '--quiet', '--no-ff', '-m', 'merge', 'side');
      const merge = box.git('rev-parse', 'HEAD');
      const back = box.commit('back', { 'p/a.txt': '1' });
      box.git('checkout', '--quiet', '-b', 'vain', one);
      const vain = box.commit('on the side, without effect on main', { 'p/a.txt': '1\n' });
      box.git('checkout', '--quiet', 'main');
      box.git('merge', '--quiet', '-s', 'ours', '-m', 'ours', 'vain');
      const ours = box.git('rev-parse', 'HEAD');
      const git = await box.open(how);
      const log = async (options: Parameters<Git['log']>[1]): Promise<string[]> => (await git.log('HEAD', options)).map((commit) => commit.oid);
      expect(await log({})).toEqual([ours, vain, back, merge, other, side, one]);
      expect(await log({ path: 'p' })).toEqual([vain, back, merge, side, one]);
      expect(await log({ path: 'p/a.txt' })).toEqual([vain, back, merge, side, one]);
      expect(await log({ path: 'p/a.txt', firstParent: true })).toEqual([back, merge, one]);
      expect(await log({ firstParent: true })).toEqual([ours, back, merge, other, one]);
      expect(await log({ firstParent: true, since: merge })).toEqual([ours, back]);
      expect(await log({ firstParent: true, since: ours })).toEqual([]);
      expect(await log({ path: 'p', firstParent: true, since: merge })).toEqual([back]);
      // not on the line
      expect(await log({ firstParent: true, since: side })).toEqual([ours, back, merge, other, one]);
      expect(await log({ path: 'p', max: 2 })).toEqual([vain, back]);
      expect(await log({ max: 0 })).toEqual([]);
      expect(await log({ path: 'nowhere' })).toEqual([]);
      expect(await log({ path: '' })).toEqual([ours, vain, back, merge, other, side, one]);
    });

    test('the changes of a log are the files below the path, of a merge those that it brought', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'p/ü b.txt': '1', 'p/deep/a.txt': '1', 'px.txt': '1' });
      box.git('checkout', '--quiet', '-b', 'side');
      const side = box.commit('side', { 'p/deep/a.txt': '2', 'p/new.txt': '1', 'px.txt': '2' });
      box.git('checkout', '--quiet', 'main');
      const gone = box.commit('gone', { 'p/ü b.txt': null });
      box.commit('elsewhere', { 'px.txt': '2' });
      box.git('merge', '--quiet', '--no-ff', '-m', 'merge', 'side');
      const merge = box.git('rev-parse', 'HEAD');
      const git = await box.open(how);
      const changes = async (options: Parameters<Git['logChanges']>[1]): Promise<[string, readonly string[]][]> =>
        (await git.logChanges('HEAD', options)).map(({ commit, paths }) => [commit.oid, paths]);
      expect(await changes({ path: 'p', firstParent: true })).toEqual([
        [merge, ['p/deep/a.txt', 'p/new.txt']],
        [gone, ['p/ü b.txt']],
        [one, ['p/deep/a.txt', 'p/ü b.txt']],
      ]);
      expect(await changes({ path: 'p', firstParent: true, since: gone })).toEqual([[merge, ['p/deep/a.txt', 'p/new.txt']]]);
      expect(new Map(await changes({ path: 'p/new.txt' }))).toEqual(
        new Map([
          [merge, ['p/new.txt']],
          [side, ['p/new.txt']],
        ]),
      );
      expect(await changes({ path: 'nowhere' })).toEqual([]);
      expect((await changes({ path: '', firstParent: true })).map(([, paths]) => paths)).toEqual([
        ['p/deep/a.txt', 'p/new.txt'],
        ['px.txt'],
        ['p/ü b.txt'],
        ['p/deep/a.txt', 'p/ü b.txt', 'px.txt'],
      ]);
    });

    test('hundreds of commits come back in order', async () => {
      using box = createSandbox();
      const stream = Array.from(
        { length: 400 },
        (_, at) =>
          `commit refs/heads/main\ncommitter A <a@x> ${1_600_000_000 + at} +0000\ndata 2\nc\n${at % 5 === 0 ? `M 644 inline p${at % 3}.txt\ndata ${String(at).length}\n${at}\n` : ''}\n`,
      ).join('');
      importStream(box, stream);
      const git = await box.open(how);
      const all = await git.log('main');
      expect(all.map((commit) => commit.oid)).toEqual(box.git('rev-list', 'main').split('\n'));
      expect((await git.log('main', { path: 'p0.txt' })).map((commit) => commit.oid)).toEqual(
        box.git('rev-list', 'main', '--', 'p0.txt').split('\n'),
      );
    });

    test('the commit where two branches parted', async () => {
      using box = createSandbox();
      const base = box.commit('base', { 'a.txt': '1' });
      const left = box.commit('left', { 'a.txt': '2' });
      box.git('checkout', '--quiet', '-b', 'right', base);
      const right = box.commit('right', { 'b.txt': '1' });
      box.git('checkout', '--quiet', '--orphan', 'alone');
      const alone = box.commit('alone', { 'c.txt': '1' });
      const git = await box.open(how);
      expect(await git.mergeBase(left, right)).toBe(base);
      expect(await git.mergeBase(left, base)).toBe(base);
      expect(await git.mergeBase(left, left)).toBe(left);
      expect(await git.mergeBase(left, alone)).toBe(null);
      await expect(git.mergeBase(left, '0'.repeat(40))).rejects.toEqual(refused('GIT_REVISION_UNKNOWN'));
    });

    test('a shallow clone answers what it can and says where it ends', async () => {
      using box = createSandbox();
      for (const at of [1, 2, 3, 4, 5]) box.commit(`commit ${at}`, { 'a.txt': `${at}`, ...(at === 2 ? { 'b.txt': 'b' } : {}) });
      const shallow = join(box.folder, '..', 'shallow');
      box.git('clone', '--quiet', '--depth=2', `file://${box.folder}`, shallow);
      const [head = '', boundary = '', missing = ''] = box.git('rev-list', 'main').split('\n');
      const git = await box.open(how, shallow);
      const tooShallow = expect.objectContaining({ code: 'GIT_TOO_SHALLOW', mend: expect.stringContaining('--unshallow') });
      expect(text(await git.readBlob(head, 'a.txt'))).toBe('5');
      expect((await git.log('HEAD', { max: 2 })).map((commit) => commit.oid)).toEqual([head, boundary]);
      expect((await git.log('HEAD', { path: 'a.txt', max: 1 })).map((commit) => commit.oid)).toEqual([head]);
      expect(await git.resolve('HEAD~1')).toBe(boundary);
      expect(await git.changedPaths(boundary, head)).toEqual(['a.txt']);
      await expect(git.log('HEAD')).rejects.toEqual(tooShallow);
      await expect(git.log('HEAD', { max: 3 })).rejects.toEqual(tooShallow);
      await expect(git.log('HEAD', { path: 'a.txt' })).rejects.toEqual(tooShallow);
      await expect(git.log('HEAD', { path: 'b.txt' })).rejects.toEqual(tooShallow);
      await expect(git.resolve('HEAD~2')).rejects.toEqual(tooShallow);
      await expect(git.readCommit(missing)).rejects.toEqual(tooShallow);
      await expect(git.readBlob(missing, 'a.txt')).rejects.toEqual(tooShallow);
      expect(statSync(join(shallow, '.git', 'shallow')).isFile()).toBe(true);
      expect(readFileSync(join(shallow, '.git', 'shallow'), 'utf8').trim()).toBe(boundary);
      await expect(git.log('HEAD')).rejects.toThrow(boundary.slice(0, 12));
    });
  });
}

function latin1File(folder: string): string {
  const file = join(folder, '..', 'message');
  writeFileSync(file, Buffer.from('d\u00e9j\u00e0 vu', 'latin1'));
  return file;
}

function importStream(box: { folder: string; env: Record<string, string> }, stream: string): void {
  execFileSync('git', ['fast-import', '--quiet'], { cwd: box.folder, env: box.env, input: stream });
}
