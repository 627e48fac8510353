// Rows out of data sets of every format, in real repositories; and what is left where it does not come to that.
import { readFile, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf, type Digest } from '../base/digest.ts';
import { loadLockAt } from '../datasets/lock.ts';
import { createProject, jsonl, quiet, type TestProject } from '../datasets/project.fixture.ts';
import { rowDigest } from '../datasets/row-digest.ts';
import { openProject, type Project } from '../project/open.ts';
import { makeForgetBranch, type ForgottenBranch } from './forget-branch.ts';
import { planForget } from './forget.ts';
import { rowsNamed, searchVersions } from './version-rows.ts';
import { collectVersions } from './versions.ts';

let project: TestProject;
beforeEach(async () => {
  project = await createProject({ prefix: 'sub/project' });
  await project.git('config', 'user.name', 'Ada');
  await project.git('config', 'user.email', 'ada@example.org');
});
afterEach(async () => {
  // what is removed is asked of git and looked at: a path that climbs from a sub-folder would be wrong for another prefix
  const top = dirname((await project.git('rev-parse', '--show-toplevel')).trim());
  if (!basename(top).startsWith('plumb-project-')) throw new Error(`${top} is no folder of a test`);
  await rm(top, { recursive: true, force: true });
});

/** With the git command, which alone makes commits beside the work tree. */
function open(): Promise<Project> {
  return openProject({ cwd: project.root, env: { PATH: process.env['PATH'], GIT_CONFIG_NOSYSTEM: '1' } });
}

async function commit(): Promise<void> {
  await project.git('add', '-A');
  await project.git('commit', '-qm', 'data');
}

async function forget(rows: Iterable<Digest>, branch = 'forget'): Promise<ForgottenBranch> {
  return makeForgetBranch(await open(), new Set(rows), { branch, signal: quiet.signal });
}

async function bytesOn(branch: string, data: string): Promise<string | null> {
  const opened = await open();
  const entry = (await loadLockAt(opened, (await opened.git.resolve(branch)) ?? '')).datasets[data];
  return entry === undefined || entry.format === 'files' ? null : readFile(await opened.store.pathOf(entry.content), 'utf8');
}

test('of CSV and JSONL the bytes of all other rows stay: header, byte order mark, line ends, order; also without a last line end', async () => {
  await project.write('data/a.csv', '\ufeffid,text\r\n1,"two\r\nlines"\r\n2,b\r\n3,c');
  await project.write('data/b.jsonl', '{ "id": 1 , "text": "a" }\n\n{"text":"b","id":2}\r\n{"id":3,"text":"c"}');
  await project.add('data/a.csv', { key: 'id' });
  await project.add('data/b.jsonl', { key: 'id' });
  await commit();
  const rows = [rowDigest({ id: '1', text: 'two\r\nlines' }), rowDigest({ id: '3', text: 'c' }), rowDigest({ id: 2, text: 'b' })];
  expect((await forget(rows)).data).toEqual([
    { data: 'a', removed: 2, left: 1 },
    { data: 'b', removed: 1, left: 2 },
  ]);
  expect(await bytesOn('forget', 'a')).toBe('\ufeffid,text\r\n2,b\r\n');
  expect(await bytesOn('forget', 'b')).toBe('{ "id": 1 , "text": "a" }\n{"id":3,"text":"c"}');
});

test('a data set of which nothing is left is taken out of the lock', async () => {
  await project.write('data/a.jsonl', jsonl([{ id: 1 }]));
  await project.write('data/b.jsonl', jsonl([{ id: 2 }]));
  await project.add('data/a.jsonl');
  await project.add('data/b.jsonl');
  await commit();
  expect((await forget([rowDigest({ id: 1 })])).data).toEqual([{ data: 'a', removed: 1, left: 0 }]);
  expect([await bytesOn('forget', 'a'), await bytesOn('forget', 'b')]).toEqual([null, '{"id":2}\n']);
});

test('stopped, or with nothing to take out, there is no branch, and nothing lies about', async () => {
  await project.write('data/a.jsonl', jsonl([{ id: 1 }, { id: 2 }]));
  await project.add('data/a.jsonl');
  await commit();
  const opened = await open();
  const signal = AbortSignal.abort(new Error('stopped'));
  await expect(makeForgetBranch(opened, new Set([rowDigest({ id: 1 })]), { branch: 'forget', signal })).rejects.toThrow(/abort/);
  await expect(forget([rowDigest({ id: 9 })])).rejects.toMatchObject({ code: 'GIT_NOTHING_TO_COMMIT' });
  expect(await opened.git.resolve('refs/heads/forget')).toBeNull();
  expect(await opened.git.dirtyPaths([''])).toEqual([]);
});

test('rows of versions that only the past, or another branch, has are told with their versions', async () => {
  const rows = (text: string): object[] => [
    { id: 1, user: 'u-1', text },
    { id: 2, user: 'u-2', text: 'b' },
  ];
  for (const text of ['first', 'second']) {
    await project.write('data/a.jsonl', jsonl(rows(text)));
    await project.add('data/a.jsonl', { key: 'id' });
    await commit();
  }
  await project.git('switch', '-qc', 'other');
  await project.write('data/a.jsonl', jsonl(rows('third')));
  await project.add('data/a.jsonl');
  await commit();
  await project.git('switch', '-q', 'main');
  const opened = await open();
  const plan = await planForget({ by: 'column', column: 'user', what: 'u-1' }, { project: opened, ...quiet });
  expect(plan.counts).toEqual({ matched: 3, derived: 0, shared: 0 });
  expect(plan.versions.map(({ rows: count, current }) => [count, current])).toEqual([
    [1, false],
    [1, true],
    [1, false],
  ]);
  expect(plan.versions[2]?.tips).toEqual(['refs/heads/other']);
  expect(plan.unknown).toEqual([]);
});

test('versions are searched by their trees: a row in one of them costs what differs', async () => {
  const many = Array.from({ length: 4000 }, (_, id) => ({ id, text: `a text of the row ${id}, long enough for some chunks of the file` }));
  for (const rows of [many, many.with(2000, { id: 2000, text: 'wanted' }), many.with(100, { id: 100, text: 'another' })]) {
    await project.write('data/a.jsonl', jsonl(rows));
    await project.add('data/a.jsonl', { key: 'id' });
    await commit();
  }
  const opened = await open();
  const { versions } = await collectVersions(opened);
  let looked = 0;
  const search = rowsNamed(new Set([rowDigest({ id: 2000, text: 'wanted' })]));
  const counting = { ...search, match: (value: Record<string, unknown>) => ((looked += 1), search.match(value)) };
  const matched = await searchVersions(versions, counting, { project: opened, ...quiet });
  expect(matched.map(({ rows }) => rows?.size)).toEqual([0, 1, 0]);
  // rows that differ are looked at once more, when they are added or removed
  expect(looked).toBeLessThan(4010);
});

test('a version whose bytes are nowhere is not known, and the one after it is read whole', async () => {
  for (const text of ['first', 'second']) {
    await project.write(
      'data/a.jsonl',
      jsonl([
        { id: 1, text },
        { id: 2, text: 'b' },
      ]),
    );
    await project.add('data/a.jsonl', { key: 'id' });
    await commit();
  }
  const opened = await open();
  const { versions } = await collectVersions(opened);
  const lost = { ...versions[0]!, entry: { ...versions[0]!.entry, digest: digestOf('what nobody has') } };
  const matched = await searchVersions([lost, versions[1]!], rowsNamed(new Set([rowDigest({ id: 2, text: 'b' })])), {
    project: opened,
    ...quiet,
  });
  expect(matched.map(({ rows }) => rows?.size ?? null)).toEqual([null, 1]);
});
