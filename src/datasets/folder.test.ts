// Folders against a model that is a Map: whatever is changed in whatever order, add, status, diff and checkout say and do what follows from it.
import { chmod, link, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf, type Digest } from '../base/digest.ts';
import { createFileTreeBuilder } from '../store/tree/file-builder.ts';
import { compareUtf8 } from '../store/tree/keys.ts';
import type { Project } from '../project/open.ts';
import { checkoutDatasets } from './checkout.ts';
import { carryOutFolder } from './folder-checkout.ts';
import { planFolder } from './folder-plan.ts';
import { diffFolders } from './folder-diff.ts';
import { describeFolder } from './folder.ts';
import { loadLock } from './lock.ts';
import { digestOfManifest, fileAt, filesManifest, filesOf, objectsOf, readManifest, type FilesManifest } from './manifest.ts';
import { createProject, quiet, type TestProject } from './project.fixture.ts';
import type { LockEntry } from './schema.ts';
import { openStatIndex } from './stat-index.ts';
import { compareWorkingCopy, type WorkingCopy } from './working-copy.ts';

interface ModelFile {
  readonly text: string;
  readonly executable: boolean;
}

type Model = ReadonlyMap<string, ModelFile>;

const names = ['a', 'a.b', 'b', 'é', 'Z'];
const somePath = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }).map((all) => all.join('/'));
const someFile = fc.record({ text: fc.constantFrom('', 'x', 'y', 'xy'), executable: fc.boolean() });
const someModel = fc.dictionary(somePath, someFile, { minKeys: 1, maxKeys: 8 }).map((all): Model => {
  const kept = new Map<string, ModelFile>();
  // one path cannot be a file and a folder
  for (const [at, value] of Object.entries(all)) if (![...kept.keys()].some((other) => isBelow(other, at) || isBelow(at, other))) kept.set(at, value);
  return kept;
});

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}

async function make(folder: string, wanted: Model): Promise<void> {
  const found = await modelOf(folder);
  for (const path of found.keys()) if (!wanted.has(path)) await rm(join(folder, path));
  await removeEmpty(folder);
  for (const [path, { text, executable }] of wanted) {
    const target = join(folder, path);
    if (found.get(path)?.text === text && found.get(path)?.executable === executable) continue;
    await mkdir(dirname(target), { recursive: true });
    await rm(target, { force: true });
    await writeFile(target, text);
    await chmod(target, executable ? 0o755 : 0o644);
  }
}

async function removeEmpty(folder: string): Promise<boolean> {
  let empty = true;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (!entry.isDirectory() || !(await removeEmpty(join(folder, entry.name)))) empty = false;
  }
  if (empty) await rm(folder, { recursive: true, force: true });
  return empty;
}

async function modelOf(folder: string): Promise<Model> {
  const found = new Map<string, ModelFile>();
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const absolute = join(entry.parentPath, entry.name);
    const executable = ((await stat(absolute)).mode & 0o100) !== 0;
    found.set(absolute.slice(folder.length + 1), { text: await readFile(absolute, 'utf8'), executable });
  }
  return found;
}

function changesOf(before: Model, after: Model): Record<'modified' | 'added' | 'removed', string[]> {
  const sorted = (paths: Iterable<string>): string[] => [...paths].toSorted(compareUtf8);
  return {
    modified: sorted([...after.keys()].filter((path) => before.has(path) && !isSame(before.get(path), after.get(path)))),
    added: sorted([...after.keys()].filter((path) => !before.has(path))),
    removed: sorted([...before.keys()].filter((path) => !after.has(path))),
  };
}

function isSame(a: ModelFile | undefined, b: ModelFile | undefined): boolean {
  return a?.text === b?.text && a?.executable === b?.executable;
}

function manifestOfModel(wanted: Model): FilesManifest {
  const builder = createFileTreeBuilder((node) => digestOf(node));
  for (const [path, { text, executable }] of [...wanted].toSorted(([a], [b]) => compareUtf8(a, b)))
    builder.add({ path, digest: digestOf(text), bytes: Buffer.byteLength(text), executable });
  return filesManifest(builder.finish());
}

function inOrder(all: Model): [string, ModelFile][] {
  return [...all].toSorted(([a], [b]) => compareUtf8(a, b));
}

async function look(project: Project, entry: LockEntry, told: { bytes: number } = { bytes: 0 }): Promise<WorkingCopy> {
  const onBytes = (bytes: number): void => void (told.bytes += bytes);
  return compareWorkingCopy(project, entry, await openStatIndex(project), { onBytes });
}

async function entryOf(project: TestProject): Promise<FilesEntry> {
  const entry = (await loadLock(await project.open())).datasets['files'];
  if (entry?.format !== 'files') throw new Error('no data set of files');
  return entry;
}

type FilesEntry = Extract<LockEntry, { format: 'files' }>;

function lockOf(entry: LockEntry): Parameters<typeof checkoutDatasets>[1]['lock'] {
  return { version: 1, datasets: { files: entry } };
}

test('whatever is changed, add, status, diff and checkout agree with what a naive reader finds', { timeout: 60_000 }, async () => {
  const project = await createProject();
  const folder = join(project.root, 'data/files');
  const opened = await project.open();
  const versions: { entry: FilesEntry; files: Model }[] = [];
  const step = async (wanted: Model, back: number): Promise<void> => {
    const locked = versions.at(-1);
    await make(folder, wanted);
    if (locked !== undefined) {
      const changes = changesOf(locked.files, wanted);
      const found = await look(opened, locked.entry);
      expect(found).toMatchObject({ modified: changes.modified.length, added: changes.added.length, removed: changes.removed.length });
      expect(found.some.map((one) => one.path)).toEqual(Object.values(changes).flat().toSorted(compareUtf8).slice(0, 5));
      const index = await openStatIndex(opened);
      const place = { project: opened, index, limit: 100, signal: quiet.signal, onBytes: () => undefined };
      const diff = await diffFolders(place, 'files', { before: locked.entry, after: locked.entry, modified: true });
      expect(diff).toMatchObject({
        edited: found.modified,
        added: found.added,
        removed: found.removed,
        filesBefore: locked.files.size,
        filesAfter: wanted.size,
      });
    }
    await project.add('data/files');
    const entry = await entryOf(project);
    expect(entry.digest).toBe(digestOfManifest(manifestOfModel(wanted)));
    expect(await look(opened, entry)).toMatchObject({ state: 'same' });
    versions.push({ entry, files: wanted });
    const earlier = versions[back % versions.length] ?? { entry, files: wanted };
    const request = { lock: lockOf(earlier.entry), names: [], force: false, ...quiet };
    const [result] = await checkoutDatasets(opened, request);
    expect(result?.how).toBe(earlier.entry.digest === entry.digest ? 'same' : 'written');
    expect(inOrder(await modelOf(folder))).toEqual(inOrder(earlier.files));
    expect(await look(opened, earlier.entry)).toMatchObject({ state: 'same', modified: 0, added: 0, removed: 0 });
    versions.push(earlier);
  };
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(someModel, fc.nat(20)), { minLength: 1, maxLength: 4 }), async (steps) => {
      for (const [wanted, back] of steps) await step(wanted, back);
    }),
    { numRuns: 12, endOnFailure: true },
  );
});

test('a switch between versions of an untouched folder changes what differs, and nothing else', { timeout: 60_000 }, async () => {
  const project = await createProject();
  const folder = join(project.root, 'data/files');
  const opened = await project.open();
  const switchTo = async (entry: FilesEntry): Promise<void> =>
    void (await checkoutDatasets(opened, { lock: lockOf(entry), names: [], force: false, ...quiet }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(someModel, { minLength: 2, maxLength: 4 }),
      fc.array(fc.nat(3), { minLength: 2, maxLength: 6 }),
      async (models, turns) => {
        const entries: FilesEntry[] = [];
        for (const files of models) {
          await make(folder, files);
          await project.add('data/files');
          entries.push(await entryOf(project));
        }
        await rm(folder, { recursive: true });
        for (const turn of turns.map((at) => at % models.length)) {
          const [entry, files] = [entries[turn], models[turn]];
          if (entry === undefined || files === undefined) throw new Error('no version');
          const before = await inodesOf(folder);
          const was = await modelOf(folder);
          await switchTo(entry);
          expect(inOrder(await modelOf(folder))).toEqual(inOrder(files));
          const after = await inodesOf(folder);
          for (const [path, one] of was) if (isSame(one, files.get(path))) expect([path, after.get(path)]).toEqual([path, before.get(path)]);
          const told = { bytes: 0 };
          expect(await look(opened, entry, told)).toMatchObject({ state: 'same' });
          // what was placed is known without being read
          expect(told.bytes).toBe(0);
        }
      },
    ),
    { numRuns: 8, endOnFailure: true },
  );
});

async function inodesOf(folder: string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const path of (await modelOf(folder)).keys()) found.set(path, (await stat(join(folder, path))).ino);
  return found;
}

/** Files that were written long ago, as far as their times say. */
async function writeOld(project: TestProject, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await project.write(path, text);
    await utimes(join(project.root, path), new Date(1e12), new Date(1e12));
  }
}

test('a folder that was not touched is not read again; one that was touched is read, once', async () => {
  const project = await createProject();
  await writeOld(project, { 'data/files/a': 'aa', 'data/files/sub/b': 'bb' });
  // a file that came into being this very moment may be written to again without a trace
  await new Promise((resolve) => setTimeout(resolve, 200));
  await project.add('data/files');
  const [opened, entry] = [await project.open(), await entryOf(project)];
  const told = { bytes: 0 };
  expect(await look(opened, entry, told)).toMatchObject({ state: 'same' });
  expect(told.bytes).toBe(0);
  await utimes(join(project.root, 'data/files/a'), new Date(1.1e12), new Date(1.1e12));
  expect(await look(opened, entry, told)).toMatchObject({ state: 'same', modified: 0 });
  expect(told.bytes).toBe(2);
});

test('a file that is written in the moment in which it is added is not believed to be what was added', async () => {
  const project = await createProject();
  for (let round = 0; round < 5; round += 1) {
    await project.write('data/files/a', `before ${round}`);
    await project.add('data/files');
    const entry = await entryOf(project);
    await project.write('data/files/a', `after  ${round}`);
    expect(await look(await project.open(), entry)).toMatchObject({ state: 'modified', modified: 1 });
  }
});

test("with hard links a file is the cache's own, and making or taking away links is no change", async () => {
  const project = await createProject();
  await project.write('plumbline.yaml', 'version: 1\ncache:\n  link: hardlink\n');
  const large = 'large '.repeat(10_000);
  await writeOld(project, { 'data/files/large': large, 'data/files/small': 'small' });
  await new Promise((resolve) => setTimeout(resolve, 200));
  await project.add('data/files');
  const [opened, entry] = [await project.open(), await entryOf(project)];
  const target = join(project.root, 'data/files/large');
  expect(await stat(target)).toMatchObject({ nlink: 2 });
  expect((await stat(target)).mode & 0o222).toBe(0);
  await look(opened, entry);
  const told = { bytes: 0 };
  await link(target, join(project.root, 'another'));
  expect(await look(opened, entry, told)).toMatchObject({ state: 'same' });
  expect(told.bytes).toBe(0);
  // as editors save: the cache keeps what it had
  await writeFile(`${target}.new`, large.replace('large', 'LARGE'));
  await rename(`${target}.new`, target);
  expect(await look(opened, entry)).toMatchObject({ state: 'modified', modified: 1 });
  await expect(checkoutDatasets(opened, { lock: lockOf(entry), names: [], force: false, ...quiet })).rejects.toMatchObject({
    code: 'DATASET_MODIFIED',
  });
  await checkoutDatasets(opened, { lock: lockOf(entry), names: [], force: true, ...quiet });
  expect(await readFile(target, 'utf8')).toBe(large);
  expect(await look(opened, entry)).toMatchObject({ state: 'same' });
});

test('an index that is spoiled, or of somebody else, makes no answer wrong', async () => {
  const project = await createProject();
  await project.write('data/files/a', 'a');
  await project.write('data/files/b', 'b');
  await project.add('data/files');
  const [opened, entry] = [await project.open(), await entryOf(project)];
  await project.write('data/files/b', 'B');
  const file = (await openStatIndex(opened)).fileOf(join(project.root, 'data/files'));
  await look(opened, entry);
  const good = await readFile(file);
  for (let at = 0; at < good.length; at += 3) {
    await writeFile(file, at % 2 === 0 ? good.subarray(0, at) : good.with(at, (good[at] as number) ^ 0x55));
    expect(await look(opened, entry)).toMatchObject({ state: 'modified', modified: 1, added: 0, removed: 0 });
  }
});

test('what was taken out of the cache is added again, though no file was touched', async () => {
  const project = await createProject();
  await writeOld(project, { 'data/files/a': 'a', 'data/files/large': 'large '.repeat(10_000) });
  await new Promise((resolve) => setTimeout(resolve, 200));
  await project.add('data/files');
  const entry = await entryOf(project);
  const cache = join(project.root, '.plumb/cache');
  for (const gone of ['packs', 'objects']) {
    await rm(join(cache, gone), { recursive: true });
    expect(await project.add('data/files')).toMatchObject({ changed: false });
    const { store } = await project.open();
    for await (const { digest } of objectsOf(store, entry.digest)) expect([gone, digest, await store.verify(digest)]).toEqual([gone, digest, true]);
  }
});

test('a status does not store: what it hashed is stored by the add', async () => {
  const project = await createProject();
  await project.write('data/files/a', 'a');
  await project.add('data/files');
  await writeOld(project, { 'data/files/a': 'changed' });
  await new Promise((resolve) => setTimeout(resolve, 200));
  const opened = await project.open();
  expect(await look(opened, await entryOf(project))).toMatchObject({ modified: 1 });
  expect(await look(opened, await entryOf(project))).toMatchObject({ modified: 1 });
  await project.add('data/files');
  expect(await opened.store.verify(digestOf('changed'))).toBe(true);
});

test('a file that was written since the folder was looked at is not overwritten', async () => {
  const project = await createProject();
  await project.write('data/files/a', 'old');
  await project.write('data/files/b', 'old');
  await project.add('data/files');
  const old = await entryOf(project);
  await project.write('data/files/a', 'new');
  await rm(join(project.root, 'data/files/b'));
  await project.add('data/files');
  const { store, root } = await project.open();
  const manifest = await readManifest(store, old.digest);
  if (manifest.kind !== 'files') throw new Error('no files');
  const wanted = { digest: old.digest, manifest, folder: join(root, 'data/files') };
  await new Promise((resolve) => setTimeout(resolve, 200));
  for (const precious of ['data/files/a', 'data/files/b']) {
    await rm(join(root, 'data/files/b'), { force: true });
    await project.write('data/files/a', 'new');
    await new Promise((resolve) => setTimeout(resolve, 200));
    const plan = await planFolder(store, wanted, {});
    expect(plan).toMatchObject({ state: 'modified', lost: { count: 0 } });
    await project.write(precious, 'precious');
    await expect(carryOutFolder(store, wanted, plan, { link: false, force: false })).rejects.toMatchObject({
      code: 'FILE_CHANGED',
      where: { file: join(root, precious) },
    });
    plan.close();
    expect(await readFile(join(root, precious), 'utf8')).toBe('precious');
  }
});

test('a described folder is the folder that is stored; files are found by path, and pieces of two versions are told apart', async () => {
  const project = await createProject();
  for (let at = 0; at < 400; at += 1) await project.write(`data/files/${at % 7}/file-${at}.${at % 2 === 0 ? 'txt' : 'bin'}`, `file ${at}`);
  await project.add('data/files');
  const first = await entryOf(project);
  const opened = await project.open();
  const { store } = opened;
  expect(digestOfManifest(await describeFolder(await openStatIndex(opened), join(project.root, 'data/files')))).toBe(first.digest);
  await project.write('data/files/3/file-10.txt', 'edited');
  await project.add('data/files');
  const second = await entryOf(project);
  const manifest = (await readManifest(store, second.digest)) as FilesManifest;
  expect(await fileAt(store, manifest, '3/file-10.txt')).toMatchObject({ digest: digestOf('edited'), bytes: 6 });
  expect(await fileAt(store, manifest, '3/none')).toBeNull();
  expect((await Array.fromAsync(filesOf(store, manifest))).length).toBe(400);
  const all = await Array.fromAsync(objectsOf(store, second.digest));
  const old = new Set((await Array.fromAsync(objectsOf(store, first.digest))).map((object) => object.digest));
  const fresh = await Array.fromAsync(objectsOf(store, second.digest, first.digest));
  expect(fresh.filter(({ role }) => role === 'data')).toEqual([
    { digest: digestOf('edited'), bytes: 6, role: 'data', lines: true, like: digestOf('file 10') },
  ]);
  const digests = (some: readonly { digest: Digest }[]): Digest[] => some.map(({ digest }) => digest).toSorted();
  // with what the base has, it is all
  for (const object of all) expect(old.has(object.digest) || fresh.some(({ digest }) => digest === object.digest)).toBe(true);
  expect(digests(fresh.filter(({ digest }) => !old.has(digest)))).toEqual(digests(all.filter(({ digest }) => !old.has(digest))));
});

test('a tree that says other things than its manifest, or leads out of the folder, is refused before anything is written', async () => {
  const project = await createProject();
  await project.write('data/files/aa/x', 'x');
  await project.add('data/files');
  const opened = await project.open();
  const entry = await entryOf(project);
  const manifest = (await readManifest(opened.store, entry.digest)) as FilesManifest;
  const node = await opened.store.readBytes(manifest.tree);
  const at = node.indexOf('aa/x');
  const hostile = Buffer.from(node);
  hostile.write('../x', at);
  for (const [tree, files] of [
    [await opened.store.putBytes(hostile), 1],
    [await opened.store.putBytes('no node'), 1],
    [manifest.tree, 2],
  ] as const) {
    const spoilt = { ...manifest, tree, files };
    const digest = await opened.store.putBytes(JSON.stringify(spoilt));
    await rm(join(project.root, 'data/files'), { recursive: true, force: true });
    const lock = lockOf({ ...entry, digest, files });
    await expect(checkoutDatasets(opened, { lock, names: [], force: true, ...quiet })).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
    expect(await readdir(join(project.root, 'data'))).toEqual(['.gitignore']);
  }
});
