import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parquetWriteFile } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { isPlumbError, type PlumbError } from '../base/errors.ts';
import { formatLock, loadLock } from './lock.ts';
import { createProject, jsonl, type TestProject } from './project.fixture.ts';

const rows = [
  { id: 'a', text: 'one', label: 'x', n: 1 },
  { id: 'b', text: 'two', label: 'y', n: 1.5 },
  { id: 'c', text: 'three', label: 'x', tags: ['t'] },
];

/** All files that git or a user sees, but for the data itself: an add that fails must leave them alone. */
async function visibleState(project: TestProject): Promise<string> {
  const texts = await Promise.all(
    ['datasets.lock', '.gitignore', '.gitattributes', 'data/.gitignore'].map((path) =>
      readFile(join(project.root, path), 'utf8').catch(() => 'none'),
    ),
  );
  return texts.join('\n---\n');
}

async function refusal(project: TestProject, argument: string, options: Parameters<TestProject['add']>[1] = {}): Promise<PlumbError> {
  const before = await visibleState(project);
  const error: unknown = await project.add(argument, options).then(
    () => 'no error',
    (reason: unknown) => reason,
  );
  expect(await visibleState(project)).toBe(before);
  if (!isPlumbError(error)) throw error instanceof Error ? error : new Error(String(error));
  return error;
}

test('add locks rows with their schema, stores the bytes, and keeps the data out of git', async () => {
  const project = await createProject();
  await project.write('data/intents.jsonl', jsonl(rows));
  const result = await project.add('data/intents.jsonl', { key: 'id', label: 'label' });
  expect(result).toMatchObject({ name: 'intents', before: null, changed: true, ignore: { how: 'added', file: 'data/.gitignore' } });
  expect(result.entry).toMatchObject({
    path: 'data/intents.jsonl',
    format: 'jsonl',
    key: 'id',
    label: 'label',
    rows: 3,
    schema: { id: 'string', label: 'string', n: 'number?', tags: 'list?', text: 'string' },
  });
  const text = await readFile(join(project.root, 'datasets.lock'), 'utf8');
  expect(text).toBe(formatLock(await loadLock(await project.open())));
  expect(await project.git('status', '--porcelain', '--untracked-files=all')).not.toContain('intents.jsonl');
  const { store } = await project.open();
  expect(await store.verify(result.entry.digest)).toBe(true);
});

test('adding again changes nothing, keeps key and label, and reads no rows', async () => {
  const project = await createProject();
  await project.write('data/intents.jsonl', jsonl(rows));
  const first = await project.add('data/intents.jsonl', { key: 'id', label: 'label' });
  const state = await visibleState(project);
  const again = await project.add('data/intents.jsonl');
  expect(again).toMatchObject({ changed: false, ignore: { how: 'already' }, entry: first.entry });
  expect(await visibleState(project)).toBe(state);
  await appendFile(join(project.root, 'data/intents.jsonl'), jsonl([{ id: 'd' }]));
  expect((await project.add('data/intents.jsonl')).entry).toMatchObject({ key: 'id', label: 'label', rows: 4 });
  expect((await project.add('data/intents.jsonl', { key: '' })).entry).not.toHaveProperty('key');
});

test('the same content is the same digest, wherever and whenever it is added', async () => {
  const [one, two] = [await createProject(), await createProject({ prefix: 'deep/проект x' })];
  for (const project of [one, two]) await project.write('data/intents.jsonl', jsonl(rows));
  const digests = [await one.add('data/intents.jsonl'), await two.add('intents.jsonl', { cwd: join(two.root, 'data') })].map(
    (result) => result.entry.digest,
  );
  expect(digests[0]).toBe(digests[1]);
  expect(await two.git('status', '--porcelain', '--untracked-files=all')).not.toContain('intents.jsonl');
});

test('the lock says what sha256sum says of the file; what the file is called is no part of the version', async () => {
  const project = await createProject();
  await project.write('data/intents.jsonl', jsonl(rows));
  const { entry } = await project.add('data/intents.jsonl', { key: 'id', label: 'label' });
  const sum = createHash('sha256').update(jsonl(rows)).digest('hex');
  expect(await readFile(join(project.root, 'datasets.lock'), 'utf8')).toContain(`\n    content: sha256:${sum}  # intents\n`);
  await rename(join(project.root, 'data/intents.jsonl'), join(project.root, 'data/renamed.jsonl'));
  const renamed = await project.add('data/renamed.jsonl', { name: 'intents' });
  expect(renamed).toMatchObject({ changed: true, entry: { ...entry, path: 'data/renamed.jsonl' } });
  // the same from the rows alone, without anything that was known before
  await rm(join(project.root, '.plumb'), { recursive: true });
  await rm(join(project.root, 'datasets.lock'));
  expect((await project.add('data/renamed.jsonl', { name: 'intents', key: 'id', label: 'label' })).entry).toEqual(renamed.entry);
});

test('an add brings back what the cache lost, and mends a lock that says other things than its manifest', async () => {
  const project = await createProject();
  await project.write('data/intents.jsonl', jsonl(rows));
  const { entry } = await project.add('data/intents.jsonl', { key: 'id' });
  const lock = await readFile(join(project.root, 'datasets.lock'), 'utf8');
  await rm(join(project.root, '.plumb'), { recursive: true });
  expect(await project.add('data/intents.jsonl')).toMatchObject({ changed: false, entry });
  const { store } = await project.open();
  expect(await store.verify(entry.digest)).toBe(true);
  const other = await store.putBytes('no manifest');
  for (const spoiled of [lock.replace('rows: 3', 'rows: 4'), lock.replace(entry.digest, other)]) {
    expect(spoiled).not.toBe(lock);
    await project.write('datasets.lock', spoiled);
    expect(await project.add('data/intents.jsonl')).toMatchObject({ changed: true, entry });
    expect(await readFile(join(project.root, 'datasets.lock'), 'utf8')).toBe(lock);
  }
});

test('CSV, Parquet and folders are added, too', async () => {
  const project = await createProject();
  await project.write('data/a.csv', 'id,text\n1,x\n2,y\n');
  expect((await project.add('data/a.csv', { key: 'id' })).entry).toMatchObject({ format: 'csv', rows: 2, schema: { id: 'string', text: 'string' } });
  parquetWriteFile({ filename: join(project.root, 'data/b.parquet'), columnData: [{ name: 'id', data: [1n, 2n, 3n], type: 'INT64' }] });
  expect((await project.add('data/b.parquet', { key: 'id' })).entry).toMatchObject({ format: 'parquet', rows: 3, schema: { id: 'integer' } });
  await project.write('data/images/z.png', 'z');
  await project.write('data/images/é/a.png', 'aa');
  expect(await project.add('data/images')).toMatchObject({ name: 'images', entry: { format: 'files', files: 2, bytes: 3 } });
  expect(await project.git('status', '--porcelain', '--untracked-files=all')).toBe(
    ['.gitattributes', '.gitignore', 'data/.gitignore', 'datasets.lock', 'plumbline.yaml'].map((path) => `?? ${path}\n`).join(''),
  );
});

test('names with characters that mean something to .gitignore are ignored alone', async () => {
  const project = await createProject();
  for (const name of ['#[1] *!.jsonl', 'x.jsonl']) await project.write(`data/${name}`, jsonl(rows));
  await project.add('data/#[1] *!.jsonl', { name: 'odd' });
  const status = await project.git('status', '--porcelain', '--untracked-files=all');
  expect(status).toContain('data/x.jsonl');
  expect(status).not.toContain('odd');
  expect(status).not.toContain('[1]');
});

test('data that git tracks is said to be so, and .gitignore is left alone', async () => {
  const project = await createProject();
  await project.write('data/intents.jsonl', jsonl(rows));
  await project.git('add', '-A');
  expect((await project.add('data/intents.jsonl')).ignore).toEqual({ how: 'tracked' });
  expect(existsSync(join(project.root, 'data/.gitignore'))).toBe(false);
});

const badRows: [string, string, string | Uint8Array, Parameters<TestProject['add']>[1], object][] = [
  ['malformed JSONL', 'x.jsonl', '{"a":1}\n{"a":}\n', {}, { code: 'ROW_SYNTAX', where: { file: 'data/x.jsonl', row: 2, line: 2 } }],
  ['a key twice in one object', 'x.jsonl', '{"a":1}\n{"a":"x","a":"y"}\n', {}, { code: 'ROW_SYNTAX', where: { row: 2 } }],
  ['ragged CSV', 'x.csv', 'a,b\n1,2\n3\n', {}, { code: 'ROW_RAGGED', where: { file: 'data/x.csv', row: 2, line: 3 } }],
  ['wrong encoding', 'x.jsonl', Buffer.from('{"a":"\u00e9"}\n', 'latin1'), {}, { code: 'ROW_ENCODING', where: { row: 1 } }],
  ['an empty file', 'x.jsonl', '', {}, { code: 'DATASET_EMPTY' }],
  ['a file without rows', 'x.csv', 'a,b\n', {}, { code: 'DATASET_EMPTY' }],
  ['a key that stands twice', 'x.jsonl', jsonl([{ id: 1 }, { id: 2 }, { id: '1' }]), { key: 'id' }, { code: 'ROW_KEY', details: { rows: [1, 3] } }],
  ['a row without key', 'x.jsonl', jsonl([{ id: 1 }, { id: null }]), { key: 'id' }, { code: 'ROW_KEY', where: { row: 2 } }],
  ['an unknown key column', 'x.jsonl', jsonl(rows), { key: 'ids' }, { code: 'DATASET_COLUMN', message: expect.stringContaining('"id"') }],
  ['an unknown label column', 'x.jsonl', jsonl(rows), { label: 'labels' }, { code: 'DATASET_COLUMN' }],
  ['an unknown format', 'x.xlsx', 'x', {}, { code: 'DATASET_FORMAT' }],
  ['no Parquet', 'x.parquet', 'PAR1', {}, { code: 'ROW_SYNTAX' }],
  ['a bad name', 'x.jsonl', jsonl(rows), { name: '../x' }, { code: 'NAME_INVALID' }],
];

test.each(badRows)('%s is one clear error, and nothing changes', async (_what, file, bytes, options, expected) => {
  const project = await createProject();
  await project.write(`data/${file}`, bytes);
  expect(await refusal(project, `data/${file}`, options)).toMatchObject(expected);
  expect(existsSync(join(project.root, '.plumb/cache/objects'))).toBe(false);
});

test('paths outside, symlinks out and special files are refused', async () => {
  const project = await createProject();
  const outside = join(project.root, '..', 'outside.jsonl');
  await writeFile(outside, jsonl(rows));
  await mkdir(join(project.root, 'data/sub'), { recursive: true });
  await symlink(outside, join(project.root, 'data/out.jsonl'));
  await symlink(join(project.root, '..'), join(project.root, 'data/up'));
  await symlink(outside, join(project.root, 'data/sub/out.jsonl'));
  for (const path of [
    '../outside.jsonl',
    outside,
    'data/../../outside.jsonl',
    'data/out.jsonl',
    'data/up/outside.jsonl',
    'data/sub',
    '.',
    '.git/config',
  ]) {
    expect([path, (await refusal(project, path)).code]).toEqual([path, 'PATH_OUTSIDE']);
  }
  expect((await refusal(project, 'data/none.jsonl')).code).toBe('FILE_MISSING');
  const server = createServer().listen(join(project.root, 'data/s.jsonl'));
  await new Promise((resolve) => server.once('listening', resolve));
  expect((await refusal(project, 'data/s.jsonl')).code).toBe('FILE_KIND');
  server.close();
  await mkdir(join(project.root, 'data/links'));
  await writeFile(join(project.root, 'data/links/a'), 'a');
  await symlink('a', join(project.root, 'data/links/b'));
  expect((await refusal(project, 'data/links')).code).toBe('FILE_KIND');
});

test('a name or a path that is taken is not taken over silently; a moved file keeps its name', async () => {
  const project = await createProject();
  await project.write('train/data.jsonl', jsonl(rows));
  await project.write('test/data.jsonl', jsonl(rows.slice(1)));
  await project.add('train/data.jsonl');
  expect((await refusal(project, 'test/data.jsonl')).code).toBe('DATASET_TAKEN');
  expect((await refusal(project, 'train/data.jsonl', { name: 'other' })).code).toBe('DATASET_TAKEN');
  expect((await refusal(project, 'train')).code).toBe('DATASET_TAKEN');
  await rename(join(project.root, 'train/data.jsonl'), join(project.root, 'moved.jsonl'));
  expect((await project.add('moved.jsonl', { name: 'data' })).entry.path).toBe('moved.jsonl');
});

test('several adds at once all end up in the lock', async () => {
  const project = await createProject();
  const names = Array.from({ length: 6 }, (_, at) => `set-${at}`);
  for (const name of names) await project.write(`data/${name}.jsonl`, jsonl([{ id: name }]));
  await Promise.all(names.map((name) => project.add(`data/${name}.jsonl`)));
  expect(Object.keys((await loadLock(await project.open())).datasets).toSorted()).toEqual(names);
});

const adder = `
import { openProject } from ${JSON.stringify(new URL('../project/open.ts', import.meta.url).pathname)};
import { addDataset } from ${JSON.stringify(new URL('./add.ts', import.meta.url).pathname)};
const project = await openProject({ cwd: process.argv[2], env: {} });
process.stdout.write('at work');
await addDataset(project, { argument: 'data/big.jsonl', cwd: project.root, key: 'id', progress: { start: () => ({ advance() {}, end() {} }) }, signal: new AbortController().signal });`;

test('an add that is killed anywhere leaves the old lock or the new one, and the next add succeeds', { timeout: 120_000 }, async () => {
  const project = await createProject();
  await project.write('data/other.jsonl', jsonl(rows));
  await project.add('data/other.jsonl');
  const script = join(project.root, '..', 'adder.ts');
  await writeFile(script, adder);
  const all = Array.from({ length: 20_000 }, (_, id) => ({ id, text: `row ${id}` }));
  let killed = 0;
  for (let round = 0; round < 8; round += 1) {
    await project.write('data/big.jsonl', jsonl([...all, { id: 'round', round }]));
    const before = await readFile(join(project.root, 'datasets.lock'), 'utf8');
    const child = spawn(process.execPath, [script, project.root], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    await sleep(round * 17);
    child.kill('SIGKILL');
    if ((await ended) === 'SIGKILL') killed += 1;
    const lock = await loadLock(await project.open());
    const after = await readFile(join(project.root, 'datasets.lock'), 'utf8');
    expect(after === before || after === formatLock(lock)).toBe(true);
    const { store } = await project.open();
    for (const entry of Object.values(lock.datasets)) expect(await store.verify(entry.digest)).toBe(true);
  }
  expect(killed).toBeGreaterThan(2);
  expect((await project.add('data/big.jsonl')).entry).toMatchObject({ rows: 20_001 });
  expect((await readdir(join(project.root, 'data'))).filter((name) => name.startsWith('.plumb'))).toEqual([]);
  await rm(project.root, { recursive: true });
});
