import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import type { Project } from '../project/open.ts';
import { fetchDatasets } from './fetch.ts';
import { loadLock } from './lock.ts';
import { createProject, jsonl, quiet, type TestProject } from './project.fixture.ts';
import { collectObjects } from './reachable.ts';
import { pathFilter } from './selection.ts';

async function push(project: TestProject): Promise<void> {
  const opened = await project.open();
  const { roots, names } = await collectObjects(opened);
  await opened.store.push(roots, names, quiet);
}

test('a file, a folder or a pattern names part of a data set', () => {
  const paths = ['train/a.png', 'train/sub/b.png', 'training/c.png', 'test/d.jpg', 'e[1].png'];
  const chosen = (...wanted: string[]): string[] => paths.filter(pathFilter({ paths: wanted }));
  expect(chosen()).toEqual(paths);
  expect(chosen('train')).toEqual(['train/a.png', 'train/sub/b.png']);
  expect(chosen('train/')).toEqual(chosen('train'));
  expect(chosen('train/**')).toEqual(chosen('train'));
  expect(chosen('train/*.png')).toEqual(['train/a.png']);
  expect(chosen('**/*.jpg', 'e[[]1].png')).toEqual(['test/d.jpg', 'e[1].png']);
  expect(chosen('nothing')).toEqual([]);
});

test('fetch brings what was asked for, and the rest when it is asked for', async () => {
  const project = await createProject({ remote: true });
  const files = { 'train/a': 'a', 'train/deep/b': 'b', 'test/c': 'c' };
  for (const [path, text] of Object.entries(files)) await project.write(`data/files/${path}`, text);
  await project.write('data/rows.jsonl', jsonl([{ id: 1 }]));
  await project.add('data/files');
  await project.add('data/rows.jsonl');
  await push(project);
  await rm(join(project.root, '.plumb'), { recursive: true });
  const opened = await project.open();
  const lock = await loadLock(opened);
  const fetched = (paths?: string[], names = ['files']): Promise<{ objects: number }> =>
    fetchDatasets(opened, { lock, names, ...(paths === undefined ? {} : { selection: { paths } }) }, quiet);
  await expect(fetched(['trian/**'])).rejects.toMatchObject({ code: 'FILE_MISSING', message: expect.stringContaining('trian') as string });
  expect((await fetched(['train/**'])).objects).toBe(2);
  const has = (): Promise<boolean[]> => Promise.all(Object.values(files).map((text) => opened.store.cache.has(digestOf(text))));
  expect(await has()).toEqual([true, true, false]);
  expect((await fetched()).objects).toBe(1);
  expect(await has()).toEqual([true, true, true]);
  expect((await fetched(undefined, [])).objects).toBe(1);
});

test('earlier versions of a data set are what a push builds on: those of the last commits, the newest first', async () => {
  const project = await createProject();
  const digests: string[] = [];
  for (let at = 0; at < 6; at += 1) {
    await project.write('data/files/a', `version ${at}`);
    const { entry } = await project.add('data/files');
    digests.unshift(entry.digest);
    if (at === 5) break;
    await project.git('add', '-A');
    await project.git('commit', '-qm', String(at));
  }
  const bases = async (): Promise<readonly string[] | undefined> => (await collectObjects(await project.open())).roots[0]?.bases();
  expect(await bases()).toEqual(digests.slice(1, 4));
  await project.git('commit', '-qam', 'six');
  expect(await bases()).toEqual(digests.slice(1, 4));
});

test('without a commit, or in a shallow clone, there are fewer versions to build on, and no error', async () => {
  const project = await createProject();
  await project.write('data/files/a', 'a');
  const first = await project.add('data/files');
  expect(await basesOf(await project.open())).toEqual([[first.entry.digest, []]]);
  await project.git('add', '-A');
  await project.git('commit', '-qm', 'one');
  await project.git('commit', '-qm', 'two', '--allow-empty');
  await project.git('clone', '-q', '--depth', '1', `file://${project.root}`, join(project.root, '../shallow'));
  const { openProject } = await import('../project/open.ts');
  const shallow = await openProject({ cwd: join(project.root, '../shallow'), env: { PLUMB_CACHE: join(project.root, '.plumb/cache') } });
  expect(await basesOf(shallow)).toEqual([[first.entry.digest, []]]);
});

async function basesOf(project: Project): Promise<unknown[]> {
  const { roots } = await collectObjects(project);
  return Promise.all(roots.map(async (root) => [root.digest, await root.bases()]));
}
