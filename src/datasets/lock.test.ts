import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { isName } from '../base/names.ts';
import { formatLock, loadLock, parseLock, requireDataset } from './lock.ts';
import { createProject, jsonl, type TestProject } from './project.fixture.ts';
import { columnTypes, lockSchema, type Lock, type LockEntry } from './schema.ts';

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((text) => isName(text) && text !== '__proto__');
const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((value) => value.isWellFormed());
const column = text.filter((value) => value !== '__proto__');
const head = { digest: text.map(digestOf), path: text, bytes: fc.nat(), source: fc.constant({ kind: 'files' as const }) };
const type = fc.tuple(fc.constantFrom(...columnTypes), fc.constantFrom('', '?')).map(([base, mark]) => `${base}${mark}`);
const rowsEntry = fc.record(
  {
    ...head,
    content: text.map(digestOf),
    format: fc.constantFrom('jsonl' as const, 'csv' as const, 'parquet' as const),
    rows: fc.nat(),
    key: column,
    label: column,
    schema: fc.dictionary(column, type, { maxKeys: 5 }),
  },
  { requiredKeys: ['digest', 'content', 'path', 'bytes', 'source', 'format', 'rows', 'schema'] },
);
const filesEntry = fc.record({ ...head, format: fc.constant('files' as const), files: fc.nat() });
const lock = fc
  .dictionary(name, fc.oneof(rowsEntry, filesEntry) as fc.Arbitrary<LockEntry>, { maxKeys: 6 })
  .map((datasets): Lock => ({ version: 1, datasets }));

test('what is written is read back, whatever paths and columns are called; the order of data sets changes no byte', async () => {
  await fc.assert(
    fc.asyncProperty(lock, async (value) => {
      const written = formatLock(value);
      expect(await parseLock(written)).toEqual(value);
      expect(formatLock({ version: 1, datasets: Object.fromEntries(Object.entries(value.datasets).toReversed()) })).toBe(written);
      expect(lockSchema.safeParse(value).success).toBe(true);
      // no two data sets share a line: what makes a merge by union right
      const lines = written.split('\n').filter((line) => / {2}# /.test(line));
      for (const line of lines) expect(Object.keys(value.datasets)).toContain(/ {2}# (\S+)$/.exec(line)?.[1]);
    }),
    { numRuns: 300 },
  );
});

test('an absent, empty or fresh lock has no data sets', async () => {
  for (const empty of ['', '\n', 'version: 1\n\ndatasets:\n', 'version: 1\ndatasets: {}\n', formatLock({ version: 1, datasets: {} })]) {
    expect(await parseLock(empty)).toEqual({ version: 1, datasets: {} });
  }
});

const good = {
  version: 1,
  datasets: {
    a: {
      digest: digestOf('a'),
      content: digestOf('rows'),
      path: 'data/a.jsonl',
      format: 'jsonl',
      rows: 1,
      bytes: 2,
      schema: { id: 'string' },
      source: { kind: 'files' },
    },
  },
};

test('the quick check and the schema agree on what is wrong', async () => {
  const spoil: ((entry: Record<string, unknown>) => void)[] = [
    (entry) => void (entry['digest'] = 'sha256:1'),
    (entry) => void (entry['path'] = ''),
    (entry) => void (entry['format'] = 'xml'),
    (entry) => void (entry['format'] = 'files'),
    (entry) => void (entry['rows'] = -1),
    (entry) => void (entry['rows'] = 1.5),
    (entry) => void (entry['bytes'] = '2'),
    (entry) => void (entry['schema'] = { id: 'text' }),
    (entry) => void (entry['schema'] = []),
    (entry) => void (entry['source'] = { kind: 'files', more: 1 }),
    (entry) => void (entry['source'] = { kind: 'http' }),
    (entry) => void (entry['key'] = ''),
    (entry) => void (entry['extra'] = 1),
    (entry) => void delete entry['rows'],
    (entry) => void (entry['content'] = 'sha256:1'),
    (entry) => void delete entry['content'],
  ];
  expect(lockSchema.safeParse(good).success).toBe(true);
  for (const change of spoil) {
    const bad = structuredClone(good);
    change(bad.datasets.a);
    expect(lockSchema.safeParse(bad).success).toBe(false);
    await expect(parseLock(JSON.stringify(bad))).rejects.toMatchObject({ code: 'CONFIG_INVALID', where: { file: 'datasets.lock' } });
  }
  await expect(parseLock(JSON.stringify({ ...good, version: 2 }))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await expect(parseLock(JSON.stringify({ version: 1, datasets: { '../a': good.datasets.a } }))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('a data set of rows without the digest of its file is refused with the command that locks it again; files need none', async () => {
  const { content: _, ...bare } = { ...good.datasets.a, key: 'id' };
  const lines = JSON.stringify({ ...good, datasets: { 'a.b': bare } }, null, 1);
  await expect(parseLock(lines)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('"a.b" has no "content"') as string,
    where: { file: 'datasets.lock', line: expect.any(Number) as number },
    mend: expect.stringContaining('`plumb add data/a.jsonl --name a.b --key id`') as string,
  });
  const { digest, path, bytes, source } = good.datasets.a;
  const folder = { digest, path, bytes, source, format: 'files', files: 1 };
  expect(await parseLock(JSON.stringify({ version: 1, datasets: { a: folder } }))).toMatchObject({ datasets: { a: folder } });
  const both = { version: 1, datasets: { a: { ...folder, content: good.datasets.a.content } } };
  expect(lockSchema.safeParse(both).success).toBe(false);
  await expect(parseLock(JSON.stringify(both))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('an unknown data set is refused with the nearest name', () => {
  expect(() => requireDataset({ version: 1, datasets: {} }, 'toString')).toThrow('no data set "toString"');
  expect(() => requireDataset(good as Lock, 'b')).toThrow('Did you mean "a"?');
});

async function commitAll(project: TestProject, message: string): Promise<void> {
  await project.git('add', '-A');
  await project.git('commit', '-qm', message);
}

async function branchThatAdds(project: TestProject, branch: string, files: Record<string, string>): Promise<void> {
  await project.git('switch', '-qc', branch, 'main');
  for (const [path, rows] of Object.entries(files)) {
    await project.write(path, rows);
    await project.add(path);
  }
  await commitAll(project, branch);
}

test('branches that add and edit different data sets merge in git without conflict, into what one branch would have written', async () => {
  const project = await createProject();
  await project.write('data/base.jsonl', jsonl([{ id: 1 }]));
  await project.write('data/more.jsonl', jsonl([{ id: 1 }]));
  await project.add('data/base.jsonl');
  await project.add('data/more.jsonl');
  await commitAll(project, 'base');
  await branchThatAdds(project, 'one', { 'data/alpha.jsonl': jsonl([{ a: 1 }]), 'data/base.jsonl': jsonl([{ id: 1 }, { id: 2 }]) });
  await branchThatAdds(project, 'two', { 'data/beta.jsonl': jsonl([{ b: 'x' }, { b: 'y' }]), 'data/more.jsonl': jsonl([{ id: 7 }]) });
  await branchThatAdds(project, 'three', { 'data/aleph.csv': 'x\n1\n', 'data/zeta.jsonl': jsonl([{ id: 3 }]) });
  await project.git('switch', '-q', 'main');
  for (const branch of ['one', 'two', 'three']) await project.git('merge', '-q', '--no-edit', branch);
  const merged = await loadLock(await project.open());
  expect(Object.keys(merged.datasets).toSorted()).toEqual(['aleph', 'alpha', 'base', 'beta', 'more', 'zeta']);
  expect(merged.datasets['base']).toMatchObject({ rows: 2 });
  expect(merged.datasets['beta']).toMatchObject({ rows: 2, schema: { b: 'string' } });
  // the next add puts the data sets into their order again: the same bytes as if one branch had added all
  await project.write('data/zeta.jsonl', jsonl([{ id: 4 }]));
  await project.add('data/zeta.jsonl');
  expect(await readFile(join(project.root, 'datasets.lock'), 'utf8')).toBe(formatLock(await loadLock(await project.open())));
});

test('first data sets of two branches merge, too', async () => {
  const project = await createProject();
  await commitAll(project, 'empty project');
  await branchThatAdds(project, 'one', { 'data/alpha.jsonl': jsonl([{ a: 1 }]) });
  await branchThatAdds(project, 'two', { 'data/beta.jsonl': jsonl([{ b: 1 }]) });
  await project.git('merge', '-q', '--no-edit', 'one');
  expect(Object.keys((await loadLock(await project.open())).datasets).toSorted()).toEqual(['alpha', 'beta']);
});

test('a data set that both sides changed is refused by name', async () => {
  const project = await createProject();
  await project.write('data/base.jsonl', jsonl([{ id: 1 }]));
  await project.write('data/quiet.jsonl', jsonl([{ id: 1 }]));
  await project.add('data/base.jsonl');
  await project.add('data/quiet.jsonl');
  await commitAll(project, 'base');
  await branchThatAdds(project, 'one', { 'data/base.jsonl': jsonl([{ id: 2 }]) });
  await branchThatAdds(project, 'two', { 'data/base.jsonl': jsonl([{ id: 3 }, { id: 4 }]) });
  await project.git('merge', '-q', '--no-edit', 'one');
  await expect(loadLock(await project.open())).rejects.toMatchObject({
    code: 'LOCK_CONFLICT',
    details: { datasets: ['base'] },
    where: { file: 'datasets.lock' },
  });
});

test('a merge with markers is refused by the names between them', async () => {
  const project = await createProject();
  await project.write('data/base.jsonl', jsonl([{ id: 1 }]));
  await project.add('data/base.jsonl');
  await writeFile(join(project.root, '.gitattributes'), '');
  await commitAll(project, 'no union');
  for (const [branch, id] of [
    ['one', 2],
    ['two', 3],
  ] as const) {
    await project.git('switch', '-qc', branch, 'main');
    await project.write('data/base.jsonl', jsonl([{ id }]));
    await project.add('data/base.jsonl');
    await project.git('commit', '-qm', branch, '--', 'datasets.lock');
    await project.git('checkout', '-q', '--', '.');
  }
  await expect(project.git('merge', '-q', 'one')).rejects.toMatchObject({ code: 1 });
  await expect(loadLock(await project.open())).rejects.toMatchObject({
    code: 'LOCK_CONFLICT',
    details: { datasets: ['base'] },
    where: { line: expect.any(Number) as number },
  });
});
