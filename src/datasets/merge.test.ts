import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadLock } from './lock.ts';
import { mergeDatasets, type MergeRequest, type MergeResult } from './merge.ts';
import { createProject, jsonl, quiet, type TestProject } from './project.fixture.ts';

const rows = [
  { id: 1, text: 'one' },
  { id: 2, text: 'two' },
  { id: 3, text: 'three' },
];
const file = 'data/a.jsonl';

async function mergeIn(project: TestProject, request: Partial<MergeRequest> = {}): Promise<MergeResult> {
  return mergeDatasets(await project.open(), { names: [], revisions: {}, limit: 10, force: false, ...quiet, ...request });
}

/** Adds what stands at a path and commits. */
async function commit(project: TestProject, message: string, ...paths: string[]): Promise<void> {
  for (const path of paths) await project.add(path, path === file ? { key: 'id' } : {});
  await project.git('add', '-A');
  await project.git('commit', '-qm', message);
}

/** A data set of three rows, and two branches that change it, each from there; main is checked out. */
async function twoBranches(ours: readonly object[], theirs: readonly object[], prefix = ''): Promise<TestProject> {
  const project = await createProject({ prefix });
  await project.write(file, jsonl(rows));
  await commit(project, 'base', file);
  await project.git('checkout', '-qb', 'side');
  await project.write(file, jsonl(theirs));
  await commit(project, 'side', file);
  await project.git('checkout', '-q', 'main');
  await project.write(file, jsonl(ours));
  await commit(project, 'main', file);
  return project;
}

async function textOf(project: TestProject, path = file): Promise<string> {
  return readFile(join(project.root, path), 'utf8');
}

test('two branches that add rows: git commits a lock that stands twice, the merge puts the rows of both into one', async () => {
  const project = await twoBranches([...rows, { id: 4, text: 'ours' }], [{ id: 1, text: 'ONE' }, ...rows.slice(1), { id: 5, text: 'theirs' }], 'sub');
  await project.git('merge', '-q', '--no-edit', 'side');
  await expect(loadLock(await project.open())).rejects.toMatchObject({
    code: 'LOCK_CONFLICT',
    mend: expect.stringContaining('`plumb merge`') as string,
  });
  const result = await mergeIn(project);
  expect(result).toMatchObject({
    resolved: true,
    sides: { what: 'done' },
    datasets: [{ name: 'a', how: 'merged', by: 'key', brought: { added: 1, edited: 1, removed: 0 }, conflicts: 0 }],
  });
  const merged = jsonl([{ id: 1, text: 'ONE' }, ...rows.slice(1), { id: 4, text: 'ours' }, { id: 5, text: 'theirs' }]);
  expect(await textOf(project)).toBe(merged);
  expect(await project.git('status', '--porcelain')).toBe('M  sub/datasets.lock\n');
  await project.git('commit', '-q', '--amend', '--no-edit');
  expect((await loadLock(await project.open())).datasets['a']).toMatchObject({ rows: 5, key: 'id', bytes: merged.length });
  expect(await project.add(file)).toMatchObject({ changed: false });
  await expect(mergeIn(project)).rejects.toMatchObject({ code: 'USAGE' });
});

test('a merge that git stops at is settled: the lock is staged, and the commit goes through', async () => {
  const project = await twoBranches([...rows, { id: 4 }], [...rows, { id: 5 }]);
  await project.git('rm', '-q', '--cached', '.gitattributes');
  await rm(join(project.root, '.gitattributes'));
  await project.git('commit', '-qm', 'no union');
  await expect(project.git('merge', '-q', 'side')).rejects.toThrow('git');
  expect((await mergeIn(project)).sides.what).toBe('merge');
  await project.git('commit', '-q', '--no-edit');
  expect((await loadLock(await project.open())).datasets['a']).toMatchObject({ rows: 5 });
  expect(await textOf(project)).toBe(jsonl([...rows, { id: 4 }, { id: 5 }]));
});

test('a row that both changed is listed by its key, and nothing changes until a side is taken', async () => {
  const edited = (text: string): object[] => [{ id: 1, text }, ...rows.slice(1), { id: text }];
  const project = await twoBranches(edited('ours'), edited('theirs'));
  await project.git('merge', '-q', '--no-edit', 'side');
  const lock = await textOf(project, 'datasets.lock');
  const result = await mergeIn(project);
  expect(result).toMatchObject({ resolved: false, datasets: [{ how: 'conflict', conflicts: 1 }] });
  expect(result.datasets[0]?.rows).toEqual([{ key: '1', base: rows[0], ours: { id: 1, text: 'ours' }, theirs: { id: 1, text: 'theirs' } }]);
  expect(await textOf(project, 'datasets.lock')).toBe(lock);
  expect(await textOf(project)).toBe(jsonl(edited('ours')));
  expect(await mergeIn(project, { take: 'theirs', names: ['a'] })).toMatchObject({ resolved: true, datasets: [{ how: 'merged', conflicts: 1 }] });
  expect(await textOf(project)).toBe(jsonl([{ id: 1, text: 'theirs' }, ...rows.slice(1), { id: 'ours' }, { id: 'theirs' }]));
});

test('folders are merged by path, and a file that both changed is a conflict', async () => {
  const project = await createProject();
  const write = async (texts: Record<string, string>): Promise<void> => {
    await rm(join(project.root, 'data/images'), { recursive: true, force: true });
    for (const [path, text] of Object.entries(texts)) await project.write(`data/images/${path}`, text);
  };
  await write({ a: '1', b: '1', c: '1', 'd/e': '1' });
  await commit(project, 'base', 'data/images');
  await project.git('checkout', '-qb', 'side');
  await write({ a: '2', b: '1', 'd/e': '1', 'd/new': '2', both: 'x' });
  await commit(project, 'side', 'data/images');
  await project.git('checkout', '-q', 'main');
  await write({ a: '1', b: '3', c: '1', 'd/e': '1', mine: '3', both: 'x' });
  await commit(project, 'main', 'data/images');
  const result = await mergeIn(project, { revisions: { theirs: 'side' } });
  expect(result).toMatchObject({
    resolved: true,
    sides: { what: 'named' },
    datasets: [{ by: 'path', brought: { added: 1, edited: 1, removed: 1 } }],
  });
  const texts = await Promise.all(['a', 'b', 'd/e', 'd/new', 'mine', 'both'].map((path) => textOf(project, `data/images/${path}`)));
  expect(texts).toEqual(['2', '3', '1', '2', '3', 'x']);
  expect((await loadLock(await project.open())).datasets['images']).toMatchObject({ files: 6 });
  expect(await project.add('data/images')).toMatchObject({ changed: false });

  await project.git('commit', '-qm', 'merged by hand');
  await project.git('checkout', '-q', 'side');
  await write({ a: 'side', 'd/e': '1' });
  await commit(project, 'side again', 'data/images');
  await project.git('checkout', '-q', 'main');
  const conflict = await mergeIn(project, { revisions: { theirs: 'side' }, force: true });
  expect(conflict.resolved).toBe(false);
  expect(conflict.datasets[0]?.files.map(({ path }) => path)).toEqual(['a', 'b']);
  await mergeIn(project, { revisions: { theirs: 'side' }, take: 'ours', force: true });
  expect([await textOf(project, 'data/images/a'), await textOf(project, 'data/images/b')]).toEqual(['2', '3']);
});

test('data sets that only one side changed, added or took out; and what is that of one side as a whole', async () => {
  const project = await createProject();
  for (const name of ['kept', 'gone', 'both', 'kind']) await project.write(`data/${name}.jsonl`, jsonl(rows));
  await commit(project, 'base', ...['kept', 'gone', 'both', 'kind'].map((name) => `data/${name}.jsonl`));
  const without = async (name: string): Promise<void> => {
    const lock = await textOf(project, 'datasets.lock');
    await project.write(
      'datasets.lock',
      lock
        .split('\n')
        .filter((line) => !line.endsWith(`# ${name}`))
        .join('\n'),
    );
    await rm(join(project.root, `data/${name}.jsonl`));
  };
  await project.git('checkout', '-qb', 'side');
  await project.write('data/kept.jsonl', jsonl([{ id: 'side' }]));
  await project.write('data/new.csv', 'id\n1\n');
  await without('gone');
  await without('both');
  await commit(project, 'side', 'data/kept.jsonl', 'data/new.csv');
  await project.git('checkout', '-q', 'main');
  for (const name of ['kept', 'gone', 'both']) await project.write(`data/${name}.jsonl`, jsonl(rows));
  await project.write('data/both.jsonl', jsonl([{ id: 'main' }]));
  await commit(project, 'main', 'data/both.jsonl');
  const revisions = { theirs: 'side' };
  const conflict = await mergeIn(project, { revisions });
  expect(conflict.datasets.map(({ name, how, reason }) => [name, how, reason])).toEqual([
    ['both', 'conflict', 'it was taken out in theirs and changed in the other'],
    ['gone', 'theirs', null],
    ['kept', 'theirs', null],
    ['new', 'theirs', null],
  ]);
  await expect(mergeIn(project, { revisions, names: ['kept'] })).rejects.toMatchObject({ code: 'LOCK_CONFLICT' });
  await expect(mergeIn(project, { revisions, names: ['none'] })).rejects.toMatchObject({ code: 'DATASET_UNKNOWN' });
  expect((await mergeIn(project, { revisions, take: 'ours' })).resolved).toBe(true);
  expect(Object.keys((await loadLock(await project.open())).datasets).toSorted()).toEqual(['both', 'kept', 'kind', 'new']);
  expect([await textOf(project, 'data/kept.jsonl'), await textOf(project, 'data/both.jsonl')]).toEqual([
    jsonl([{ id: 'side' }]),
    jsonl([{ id: 'main' }]),
  ]);
  expect(await textOf(project, 'data/new.csv')).toBe('id\n1\n');
});

test('a working copy that nothing else has is not overwritten', async () => {
  const project = await twoBranches([...rows, { id: 4 }], [...rows, { id: 5 }]);
  await project.write(file, jsonl([{ id: 'edited and not added' }]));
  const lock = await textOf(project, 'datasets.lock');
  await expect(mergeIn(project, { revisions: { theirs: 'side' } })).rejects.toMatchObject({ code: 'DATASET_MODIFIED' });
  expect(await textOf(project, 'datasets.lock')).toBe(lock);
  expect((await mergeIn(project, { revisions: { theirs: 'side' }, force: true })).resolved).toBe(true);
  expect(await textOf(project)).toBe(jsonl([...rows, { id: 4 }, { id: 5 }]));
});

test('in a rebase, theirs is the commit that is put on top', async () => {
  const project = await twoBranches([...rows, { id: 4 }], [...rows, { id: 5 }]);
  await project.git('rm', '-q', '--cached', '.gitattributes');
  await rm(join(project.root, '.gitattributes'));
  await project.git('commit', '-qm', 'no union');
  await project.git('checkout', '-q', 'side');
  await expect(project.git('rebase', '-q', 'main')).rejects.toThrow('git');
  expect(await mergeIn(project)).toMatchObject({ resolved: true, sides: { what: 'rebase' } });
  expect(await textOf(project)).toBe(jsonl([...rows, { id: 4 }, { id: 5 }]));
  await project.git('-c', 'core.editor=true', 'rebase', '--continue');
  expect((await loadLock(await project.open())).datasets['a']).toMatchObject({ rows: 5 });
});
