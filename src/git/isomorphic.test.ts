import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeReading } from './git.contract.ts';
import { describeWriting } from './git-writing.contract.ts';
import { createSandbox } from './sandbox.ts';

const unsupported = expect.objectContaining({ code: 'GIT_UNSUPPORTED' });

describe('isomorphic-git', () => {
  describeReading('isomorphic');
  describeWriting('isomorphic');

  describe('what it cannot is said before anything is done', () => {
    test('revisions that need the reflog or a search', async () => {
      using box = createSandbox();
      box.commit('one', { 'a.txt': 'a' });
      const git = await box.open('isomorphic');
      for (const revision of ['HEAD@{1}', '@{-1}', 'main@{yesterday}', 'HEAD^{/one}', 'HEAD^{tree}'])
        await expect(git.resolve(revision)).rejects.toEqual(unsupported);
    });

    test('signed commits and converted line ends', async () => {
      using box = createSandbox();
      const one = box.commit('one', { 'a.txt': 'a' });
      box.write('b.txt', 'b');
      const git = await box.open('isomorphic');
      for (const [name, value] of [
        ['commit.gpgsign', 'true'],
        ['core.autocrlf', 'input'],
      ] as const) {
        box.git('config', name, value);
        await expect(git.commit('two', ['b.txt'])).rejects.toEqual(unsupported);
        box.git('config', '--unset', name);
      }
      expect(box.git('rev-parse', 'HEAD')).toBe(one);
      expect(box.git('status', '--porcelain')).toBe('?? b.txt');
    });

    test('borrowed objects, a split index, a merge of texts', async () => {
      using box = createSandbox();
      box.commit('one', { 'a.txt': '1\n2\n3\n4\n5\n6\n7\n8\n' });
      const two = box.commit('two', { 'a.txt': '1 edited\n2\n3\n4\n5\n6\n7\n8\n' });
      const three = box.commit('three', { 'a.txt': '1 edited\n2\n3\n4\n5\n6\n7\n8 edited\n' });
      const git = await box.open('isomorphic');
      await expect(git.revert(two, 'undo')).rejects.toEqual(expect.objectContaining({ code: 'GIT_CONFLICT' }));
      expect(box.git('rev-parse', 'HEAD')).toBe(three);
      const shared = join(box.folder, '..', 'shared');
      box.git('clone', '--quiet', '--shared', '.', shared);
      await expect(box.open('isomorphic', shared)).rejects.toEqual(unsupported);
      box.git('update-index', '--split-index');
      await expect(git.dirtyPaths([''])).rejects.toEqual(unsupported);
    });

    test('a partial clone lacks bytes and does not call them absent', async () => {
      using box = createSandbox();
      const oid = box.commit('one', { 'a.txt': 'a' });
      box.git('config', 'uploadpack.allowFilter', 'true');
      const partial = join(box.folder, '..', 'partial');
      box.git('clone', '--quiet', '--no-checkout', '--filter=blob:none', `file://${box.folder}`, partial);
      const git = await box.open('isomorphic', partial);
      expect((await git.listTree(oid, '')).map((entry) => entry.path)).toEqual(['a.txt']);
      await expect(git.readBlob(oid, 'a.txt')).rejects.toEqual(unsupported);
    });
  });
});
