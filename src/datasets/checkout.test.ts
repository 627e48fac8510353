import { chmod, mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentProgress } from '../base/progress.ts';
import { checkoutDatasets } from './checkout.ts';
import { fetchDatasets } from './fetch.ts';
import { storeFolder } from './folder.ts';
import { checkoutFolder } from './folder-checkout.ts';
import { formatLock, loadLock } from './lock.ts';
import { readManifest } from './manifest.ts';
import { manifestSchema } from './schema.ts';
import { createProject, jsonl, quiet, type TestProject } from './project.fixture.ts';
import { collectObjects, lockOfRevision } from './reachable.ts';
import { digestOfPath, openStatIndex } from './stat-index.ts';
import { readStatus } from './status.ts';

async function states(project: TestProject): Promise<Record<string, [string, boolean | null]>> {
  const { datasets } = await readStatus(await project.open());
  return Object.fromEntries(datasets.map((set) => [set.name, [set.state, set.pushed]]));
}

async function checkout(project: TestProject, options: { rev?: string; names?: string[]; force?: boolean } = {}): Promise<string[]> {
  const opened = await project.open();
  const lock = options.rev === undefined ? await loadLock(opened) : await lockOfRevision(opened, options.rev);
  const results = await checkoutDatasets(opened, {
    lock,
    names: options.names ?? [],
    force: options.force ?? false,
    ...quiet,
  });
  return results.map((result) => `${result.name} ${result.how}`);
}

async function push(project: TestProject): Promise<number> {
  const opened = await project.open();
  const { roots, names } = await collectObjects(opened);
  return (await opened.store.push(roots, names, quiet)).objects;
}

async function projectWithTwo(): Promise<TestProject> {
  const project = await createProject({ remote: true });
  await project.write('data/a.jsonl', jsonl([{ id: 1 }]));
  await project.write('data/files/x', 'x');
  await project.write('data/files/sub/y', 'y');
  await chmod(join(project.root, 'data/files/x'), 0o755);
  await project.add('data/a.jsonl');
  await project.add('data/files');
  await project.git('add', '-A');
  await project.git('commit', '-qm', 'one');
  return project;
}

test('status says modified, missing, new and not pushed', async () => {
  const project = await projectWithTwo();
  expect(await states(project)).toEqual({ a: ['same', false], files: ['same', false] });
  // two manifests, a node of each tree, three files
  expect(await push(project)).toBe(7);
  expect(await states(project)).toEqual({ a: ['same', true], files: ['same', true] });
  await project.write('data/a.jsonl', jsonl([{ id: 2 }]));
  await rm(join(project.root, 'data/files/sub/y'));
  await project.write('data/forgotten.csv', 'a\n1\n');
  await project.write('data/notes.txt', 'no data');
  expect(await states(project)).toEqual({ a: ['modified', true], files: ['modified', true] });
  expect((await readStatus(await project.open())).unlocked).toEqual(['data/forgotten.csv']);
  await rm(join(project.root, 'data'), { recursive: true });
  expect(await states(project)).toEqual({ a: ['missing', true], files: ['missing', true] });
});

test('a file that was touched, or put back, is as locked; one written at the same size and time is not', async () => {
  const project = await projectWithTwo();
  const path = join(project.root, 'data/a.jsonl');
  await utimes(path, new Date(0), new Date(0));
  expect((await states(project))['a']?.[0]).toBe('same');
  await writeFile(path, jsonl([{ id: 9 }]));
  await utimes(path, new Date(0), new Date(0));
  expect((await states(project))['a']?.[0]).toBe('modified');
  await writeFile(path, jsonl([{ id: 1 }]));
  expect((await states(project))['a']?.[0]).toBe('same');
});

test('status needs nothing of the cache', async () => {
  const project = await projectWithTwo();
  await rm(join(project.root, '.plumb'), { recursive: true });
  expect(await states(project)).toMatchObject({ a: ['same', false], files: ['same', false] });
  await project.write('data/a.jsonl', jsonl([{ id: 8 }]));
  await project.write('data/files/x', 'X');
  expect(await states(project)).toMatchObject({ a: ['modified', false], files: ['modified', false] });
});

test('a lock put together from two versions is refused where its data is read', async () => {
  const project = await projectWithTwo();
  const ours = await readFile(join(project.root, 'datasets.lock'), 'utf8');
  const before = (await loadLock(await project.open())).datasets['a'];
  await project.write('data/a.jsonl', jsonl([{ id: 2 }]));
  const { entry } = await project.add('data/a.jsonl');
  if (before === undefined) throw new Error('no data set');
  await project.write('datasets.lock', ours.replace(before.digest, entry.digest));
  const mixed = { code: 'MANIFEST_INVALID', where: { file: 'datasets.lock' }, mend: expect.stringContaining('plumb add data/a.jsonl') as string };
  await expect(checkout(project, { force: true })).rejects.toMatchObject(mixed);
  await expect(collectObjects(await project.open())).rejects.toMatchObject(mixed);
  expect(await readFile(join(project.root, 'data/a.jsonl'), 'utf8')).toBe(jsonl([{ id: 2 }]));
});

test('the stat index is believed only for files at rest, and survives being destroyed', async () => {
  const project = await createProject();
  const opened = await project.open();
  await project.write('old', 'old');
  const path = join(project.root, 'old');
  const index = await openStatIndex(opened);
  const first = await digestOfPath(index, path);
  expect(index.find(path)).toBeUndefined(); // written this instant: another write could leave the same stamp
  await new Promise((resolve) => setTimeout(resolve, 2100));
  expect(await digestOfPath(index, path)).toEqual(first);
  expect(index.find(path)?.digest).toBe(first?.digest);
  index.save();
  const again = await openStatIndex(opened);
  expect(again.find(path)?.digest).toBe(first?.digest);
  again.save();
  await writeFile(join(project.root, '.plumb/stat/files.json'), '[["old","sha256:0",1,2,3,4,5],[]');
  const broken = await openStatIndex(opened);
  expect(await digestOfPath(broken, path)).toEqual(first);
  broken.save();
  expect((await openStatIndex(opened)).find(path)?.digest).toBe(first?.digest);
});

test('a clone gets its data from the remote, and says which remote lacks it', async () => {
  const project = await projectWithTwo();
  await push(project);
  await rm(join(project.root, '.plumb'), { recursive: true });
  await rm(join(project.root, 'data'), { recursive: true });
  expect(await checkout(project)).toEqual(['a written', 'files written']);
  expect(await readFile(join(project.root, 'data/files/sub/y'), 'utf8')).toBe('y');
  expect((await stat(join(project.root, 'data/files/x'))).mode & 0o111).not.toBe(0);
  expect((await stat(join(project.root, 'data/files/sub/y'))).mode & 0o111).toBe(0);
  expect(await states(project)).toEqual({ a: ['same', true], files: ['same', true] });
  expect(await checkout(project)).toEqual(['a same', 'files same']);
  const remote = (await project.open()).store.remoteUrl ?? '';
  await rm(join(project.root, '.plumb'), { recursive: true });
  await rm(join(remote, 'packs'), { recursive: true });
  await rm(join(project.root, 'data/a.jsonl'));
  await expect(checkout(project)).rejects.toMatchObject({ code: 'BYTES_MISSING', message: expect.stringContaining(remote) as string });
  expect(await readdir(join(project.root, 'data'))).not.toContain('a.jsonl');
});

test('any revision comes back, and the lock stays', async () => {
  const project = await projectWithTwo();
  await project.write('data/a.jsonl', jsonl([{ id: 1 }, { id: 2 }]));
  await project.add('data/a.jsonl');
  await project.git('commit', '-qam', 'two');
  const lock = await readFile(join(project.root, 'datasets.lock'), 'utf8');
  expect(await checkout(project, { rev: 'HEAD~1', names: ['a'] })).toEqual(['a written']);
  expect(await readFile(join(project.root, 'data/a.jsonl'), 'utf8')).toBe(jsonl([{ id: 1 }]));
  expect(await readFile(join(project.root, 'datasets.lock'), 'utf8')).toBe(lock);
  expect(await checkout(project)).toEqual(['a written', 'files same']);
  await expect(checkout(project, { rev: 'nowhere' })).rejects.toMatchObject({ code: 'GIT_REVISION_UNKNOWN' });
  await expect(checkout(project, { names: ['b'] })).rejects.toMatchObject({ code: 'DATASET_UNKNOWN' });
});

test('changes that are stored nowhere are not overwritten, unless told to; all is looked at before anything is written', async () => {
  const project = await projectWithTwo();
  await rm(join(project.root, 'data/a.jsonl'));
  await project.write('data/files/x', 'precious');
  await expect(checkout(project)).rejects.toMatchObject({ code: 'DATASET_MODIFIED', message: expect.stringContaining('x (8 B)') as string });
  expect(await readdir(join(project.root, 'data'))).not.toContain('a.jsonl');
  await project.write('data/files/extra', 'more');
  expect(await checkout(project, { force: true })).toEqual(['a written', 'files written']);
  expect((await readdir(join(project.root, 'data/files'))).toSorted()).toEqual(['sub', 'x']);
  expect(await readFile(join(project.root, 'data/files/x'), 'utf8')).toBe('x');
});

test('a file where a folder belongs, and the other way round, are left alone', async () => {
  const project = await projectWithTwo();
  await rm(join(project.root, 'data'), { recursive: true });
  await mkdir(join(project.root, 'data/a.jsonl'), { recursive: true });
  await expect(checkout(project, { force: true })).rejects.toMatchObject({ code: 'DATASET_MODIFIED' });
  await rm(join(project.root, 'data/a.jsonl'), { recursive: true });
  await project.write('data/files', 'x');
  await expect(checkout(project, { force: true })).rejects.toMatchObject({ code: 'DATASET_MODIFIED' });
});

test.each(['hooks/post-checkout', 'config'])("T10: nor to git's %s or to the cache, through a symlink that came with the lock", async (path) => {
  const project = await projectWithTwo();
  const { a, files } = (await loadLock(await project.open())).datasets;
  if (a === undefined || files === undefined) throw new Error('no data sets');
  const config = await readFile(join(project.root, '.git/config'), 'utf8');
  for (const top of ['.git', '.plumb']) {
    await symlink(top, join(project.root, 'link'));
    const datasets = { a: { ...a, path: `link/${path}` }, files: { ...files, path: 'link/new' } };
    for (const [name, entry] of Object.entries(datasets)) {
      await writeFile(join(project.root, 'datasets.lock'), formatLock({ version: 1, datasets: { [name]: entry } }));
      await expect(checkout(project, { force: true })).rejects.toMatchObject({ code: 'PATH_OUTSIDE' });
      expect(await readdir(join(project.root, top))).not.toContain('new');
    }
    await rm(join(project.root, 'link'));
  }
  expect(await readFile(join(project.root, '.git/config'), 'utf8')).toBe(config);
  expect(await readdir(join(project.root, '.git/hooks'))).not.toContain('post-checkout');
});

test('T10: a lock of somebody else cannot write outside the project, nor through a symlink', async () => {
  const project = await projectWithTwo();
  const opened = await project.open();
  const lock = await loadLock(opened);
  const [a, files] = [lock.datasets['a'], lock.datasets['files']];
  if (a === undefined || files === undefined) throw new Error('no data sets');
  for (const path of ['../x.jsonl', '/tmp/x.jsonl', '.git/hooks/post-checkout', 'data/.GIT/x', '.plumb/x', 'datasets.lock', 'a\nb']) {
    await writeFile(join(project.root, 'datasets.lock'), formatLock({ version: 1, datasets: { a: { ...a, path } } }));
    await expect(checkout(project, { force: true })).rejects.toMatchObject({ code: path === 'a\nb' ? 'NAME_INVALID' : 'PATH_OUTSIDE' });
  }
  await mkdir(join(project.root, '../elsewhere'));
  await symlink(join(project.root, '../elsewhere'), join(project.root, 'link'));
  await writeFile(join(project.root, 'datasets.lock'), formatLock({ version: 1, datasets: { a: { ...a, path: 'link/x.jsonl' } } }));
  await expect(checkout(project, { force: true })).rejects.toMatchObject({ code: 'PATH_OUTSIDE' });
  await rm(join(project.root, 'data/files'), { recursive: true });
  await mkdir(join(project.root, 'data/files'));
  await symlink(join(project.root, '../elsewhere'), join(project.root, 'data/files/sub'));
  await writeFile(join(project.root, 'datasets.lock'), formatLock({ version: 1, datasets: { files } }));
  await expect(checkout(project, { force: true })).rejects.toMatchObject({ code: 'PATH_OUTSIDE' });
  expect(await readdir(join(project.root, '../elsewhere'))).toEqual([]);
});

test('an object that is no manifest, or a hostile one, is refused', async () => {
  const project = await createProject();
  const { store } = await project.open();
  const [tree, content] = [await store.putBytes('x'), await store.putBytes('y')];
  const files = { plumbline: 'manifest/1', kind: 'files', files: 1, bytes: 1, tree };
  const rows = { plumbline: 'manifest/1', kind: 'rows', format: 'csv', rows: 1, bytes: 1, schema: { a: 'string' }, content, tree };
  const spoilt = [
    ...[{ tree: 'sha256:1' }, { files: -1 }, { bytes: 1.5 }, { kind: 'other' }, { plumbline: 'manifest/2' }].map((change) => ({
      ...files,
      ...change,
    })),
    ...[{ content: 1 }, { tree: null }, { rows: '1' }, { format: 'xml' }, { schema: [1] }, { key: 1 }, { bytes: undefined }].map((change) => ({
      ...rows,
      ...change,
    })),
  ];
  for (const good of [files, rows]) expect(await readManifest(store, await store.putBytes(JSON.stringify(good)))).toEqual(good);
  for (const bad of spoilt) expect(manifestSchema.safeParse(bad).success).toBe(false);
  const texts = ['[1]', 'x', '{}', 'null', ...spoilt.map((manifest) => JSON.stringify(manifest))];
  for (const text of texts) {
    await expect(readManifest(store, await store.putBytes(text))).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
  }
});

test('a folder of outputs goes into the store and comes back exactly', async () => {
  const project = await createProject();
  const { store } = await project.open();
  await project.write('out/a/model.onnx', 'model');
  await project.write('out/a/deep/er/vocab', 'words');
  await project.write('out/a/.plumb-tmp-1-2-x', 'left by a killed writer');
  const stored = await storeFolder(store, join(project.root, 'out/a'));
  expect(stored).toMatchObject({ bytes: 10, files: 2 });
  await project.write('out/b/old', 'goes');
  await project.write('out/b/deep', 'a file where a folder comes');
  await checkoutFolder(store, stored.digest, join(project.root, 'out/b'));
  expect((await readdir(join(project.root, 'out/b'), { recursive: true })).toSorted()).toEqual(['deep', 'deep/er', 'deep/er/vocab', 'model.onnx']);
  expect((await storeFolder(store, join(project.root, 'out/b'))).digest).toBe(stored.digest);
});

test('fetch brings bytes into the cache and leaves the work tree alone', async () => {
  const project = await projectWithTwo();
  await push(project);
  await rm(join(project.root, '.plumb'), { recursive: true });
  await rm(join(project.root, 'data'), { recursive: true });
  const opened = await project.open();
  const what = { lock: await loadLock(opened), names: [] };
  expect((await fetchDatasets(opened, what, { progress: silentProgress, signal: quiet.signal })).objects).toBe(3); // manifests and trees come with the question where the rest is
  expect((await fetchDatasets(opened, what, { progress: silentProgress, signal: quiet.signal })).objects).toBe(0);
  expect(await readdir(project.root)).not.toContain('data');
});

test('a checkout says what it wrote and took away, not how large the data set is', async () => {
  const project = await projectWithTwo();
  const opened = await project.open();
  const lock = await loadLock(opened);
  await project.write('data/files/sub/y', 'edited');
  await project.write('data/files/more', 'more');
  const results = await checkoutDatasets(opened, { lock, names: [], force: true, ...quiet });
  expect(results.map(({ name, placed }) => [name, placed])).toEqual([
    ['a', { files: 0, bytes: 0, removed: 0 }],
    ['files', { files: 1, bytes: 1, removed: 1 }],
  ]);
  await rm(join(project.root, 'data'), { recursive: true });
  const anew = await checkoutDatasets(opened, { lock, names: [], force: false, ...quiet });
  expect(anew.map(({ placed }) => placed)).toEqual([
    { files: 1, bytes: 9, removed: 0 },
    { files: 2, bytes: 2, removed: 0 },
  ]);
});
