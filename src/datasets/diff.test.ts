import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { diffDatasets, type DataDiff } from './diff.ts';
import { createProject, jsonl, quiet, type TestProject } from './project.fixture.ts';

async function diffOf(project: TestProject, before: string | null, after: string | null, names?: string[]): Promise<DataDiff> {
  return diffDatasets(await project.open(), { before, after }, { limit: 5, ...quiet, ...(names ? { names } : {}) });
}

async function projectWithHistory(): Promise<TestProject> {
  const project = await createProject();
  await project.write(
    'data/a.jsonl',
    jsonl([
      { id: 1, label: 'x' },
      { id: 2, label: 'y' },
    ]),
  );
  await project.write('data/old.csv', 'a\n1\n');
  await project.write('data/files/x', 'x');
  await project.write('data/files/y', 'y');
  await project.add('data/a.jsonl', { key: 'id', label: 'label' });
  await project.add('data/old.csv');
  await project.add('data/files');
  await project.git('add', '-A');
  await project.git('commit', '-qm', 'one');
  return project;
}

test('HEAD against working copies: what was edited and not yet added', async () => {
  const project = await projectWithHistory();
  expect((await diffOf(project, 'HEAD', null)).datasets).toEqual([]);
  await project.write(
    'data/a.jsonl',
    jsonl([
      { id: 1, label: 'z' },
      { id: 3, label: 'y' },
    ]),
  );
  await project.write('data/files/x', 'X');
  await project.write('data/files/z', 'z');
  await rm(join(project.root, 'data/files/y'));
  const { datasets, after } = await diffOf(project, 'HEAD', null);
  expect(after).toBeNull();
  expect(datasets.map((set) => [set.name, set.change, set.after?.digest])).toEqual([
    ['a', 'changed', null],
    ['files', 'changed', null],
  ]);
  expect(datasets[0]?.rows).toMatchObject({ added: 1, removed: 1, edited: 1, relabelled: 1 });
  expect(datasets[1]?.files).toMatchObject({
    added: 1,
    removed: 1,
    edited: 1,
    samples: [
      { kind: 'edited', path: 'x' },
      { kind: 'removed', path: 'y' },
      { kind: 'added', path: 'z' },
    ],
  });
  expect((await diffOf(project, 'HEAD', null, ['files'])).datasets.length).toBe(1);
  await expect(diffOf(project, 'HEAD', null, ['none'])).rejects.toMatchObject({ code: 'DATASET_UNKNOWN' });
});

test('two revisions: data sets that came, went, or changed, without their working copies', async () => {
  const project = await projectWithHistory();
  await project.write('data/a.jsonl', jsonl([{ id: 1, label: 'x' }]));
  await project.write('data/new.csv', 'a\n1\n2\n');
  await project.add('data/a.jsonl');
  await project.add('data/new.csv');
  const lock = (await (await project.open()).readText('datasets.lock')) ?? '';
  await writeFile(
    join(project.root, 'datasets.lock'),
    lock
      .split('\n')
      .filter((line) => !line.endsWith('# old'))
      .join('\n'),
  );
  await project.git('commit', '-qam', 'two');
  await rm(join(project.root, 'data'), { recursive: true });
  const diff = await diffOf(project, 'HEAD~1', 'HEAD');
  expect(diff.datasets.map((set) => [set.name, set.change])).toEqual([
    ['a', 'changed'],
    ['new', 'added'],
    ['old', 'removed'],
  ]);
  expect(diff.datasets[0]?.rows).toMatchObject({ removed: 1, balance: [{ label: 'y', before: 1, after: 0 }] });
  expect((await diffOf(project, 'HEAD', 'HEAD~1')).datasets[0]?.rows).toMatchObject({ added: 1 });
  expect((await diffOf(project, null, 'HEAD')).datasets.every((set) => set.change === 'added')).toBe(true);
  expect((await diffOf(project, 'HEAD', null)).datasets).toEqual([]); // a missing working copy is what the lock says
  await expect(diffOf(project, 'nowhere', null)).rejects.toMatchObject({ code: 'GIT_REVISION_UNKNOWN' });
});
