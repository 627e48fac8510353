import { existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hexOf, type Digest } from '../base/digest.ts';
import { createProject, jsonl, type TestProject } from '../datasets/project.fixture.ts';
import { loadLock } from '../datasets/lock.ts';
import { objectsOf } from '../datasets/manifest.ts';
import { RunLog } from '../pipeline/records.ts';
import { openProject } from '../project/open.ts';
import { listTrash } from '../store/cache/trash.ts';
import { objectPath } from '../store/layout.ts';
import type { Store } from '../store/store.ts';
import { collectLocal, localGraceMs, planLocal, type LocalPlan, type LocalRequest } from './gc-local.ts';

const request: LocalRequest = { workspaceOnly: false, force: false, graceMs: 0, now: new Date(), signal: new AbortController().signal };
const later = (days: number): Date => new Date(Date.now() + days * 86_400_000);

function rows(label: string, count = 400): string {
  return jsonl(Array.from({ length: count }, (_, at) => ({ id: `${label}-${at}`, text: `row ${at} of ${label}` })));
}

/** Two versions of a data set: the first on a branch, the second on main. */
async function twoVersions(): Promise<{ project: TestProject; first: Digest; second: Digest }> {
  const project = await createProject({ remote: true });
  const lock = async (text: string): Promise<Digest> => {
    await project.write('data/rows.jsonl', text);
    await project.add('data/rows.jsonl');
    await project.git('add', '--all');
    await project.git('commit', '-qm', 'data');
    return (await loadLock(await project.open())).datasets['rows']!.digest;
  };
  const first = await lock(rows('first'));
  await project.git('branch', 'topic');
  const second = await lock(rows('second'));
  return { project, first, second };
}

async function whole(project: TestProject, version: Digest): Promise<boolean> {
  const { store } = await project.open();
  if (!(await store.has(version))) return false;
  for await (const { digest } of objectsOf(store, version)) if (!(await store.cache.has(digest))) return false;
  return true;
}

async function plan(project: TestProject, how: Partial<LocalRequest> = {}): Promise<LocalPlan> {
  return planLocal(await project.open(), { ...request, ...how });
}

async function collect(project: TestProject, how: Partial<LocalRequest> = {}): Promise<{ objects: number; bytes: number; freed: number }> {
  const opened = await project.open();
  const all = { ...request, ...how };
  return collectLocal(opened, await planLocal(opened, all), all);
}

test('what a branch names stays, and says why; when the branch is gone it goes, and nothing else does', async () => {
  const { project, first, second } = await twoVersions();
  const before = await plan(project);
  expect(before.objects.dead).toBe(0);
  expect(before.live.get(first)).toBe('branch topic');
  expect(before.live.get(second)).toBe('the work tree');
  await project.git('branch', '-D', 'topic');
  const after = await plan(project);
  expect(after.live.has(first)).toBe(false);
  expect(after.objects.dead).toBeGreaterThan(2);
  expect(await whole(project, first)).toBe(true);
  expect((await collect(project)).freed).toBeGreaterThan(0);
  expect(await whole(project, first)).toBe(false);
  expect(await whole(project, second)).toBe(true);
  expect((await plan(project)).objects.dead).toBe(0);
});

test.each(['tag', 'update-ref refs/pull/7/head', 'stash', 'worktree'])('what a %s names stays', async (way) => {
  const { project, first } = await twoVersions();
  const commit = (await project.git('rev-parse', 'topic')).trim();
  if (way === 'tag') await project.git('tag', 'v1', 'topic');
  else if (way === 'stash') {
    await project.git('stash', 'store', '-m', 'kept', (await project.git('commit-tree', '-p', 'HEAD', '-m', 'x', `${commit}^{tree}`)).trim());
  } else if (way === 'worktree') await project.git('worktree', 'add', '-q', '--detach', join(project.root, '../other'), 'topic');
  else await project.git(...way.split(' '), commit);
  await project.git('branch', '-D', 'topic');
  await collect(project);
  expect(await whole(project, first)).toBe(true);
});

test('what is staged stays, though the work tree names another version by now', async () => {
  const { project } = await twoVersions();
  await project.write('data/rows.jsonl', rows('third'));
  await project.add('data/rows.jsonl');
  const third = (await loadLock(await project.open())).datasets['rows']!.digest;
  await project.git('add', 'datasets.lock');
  await project.write('datasets.lock', await project.git('show', 'HEAD:datasets.lock'));
  expect((await plan(project)).live.get(third)).toBe('the index');
  await collect(project);
  expect(await whole(project, third)).toBe(true);
});

test('a lock in the middle of a merge keeps both sides', async () => {
  const { project, first, second } = await twoVersions();
  await project.git('checkout', '-q', 'topic');
  await project.write('datasets.lock', `<<<<<<< ours\n${first}\n=======\n${second}\n>>>>>>> theirs\n`);
  await project.git('checkout', '-q', '--detach');
  await project.git('branch', '-D', 'topic', 'main');
  await collect(project);
  expect([await whole(project, first), await whole(project, second)]).toEqual([true, true]);
});

test('what came in a moment ago stays, what goes can be taken back, and is deleted a day later', async () => {
  const { project, first } = await twoVersions();
  await project.git('branch', '-D', 'topic');
  expect((await plan(project, { graceMs: localGraceMs })).objects.dead).toBe(0);
  expect((await plan(project, { graceMs: localGraceMs })).objects.young).toBeGreaterThan(2);
  expect(await collect(project, { graceMs: localGraceMs, now: later(2) })).toMatchObject({ freed: 0 });
  const { cacheDir } = (await project.open()).store;
  expect(listTrash(cacheDir).length).toBe(1);
  expect((await plan(project, { graceMs: localGraceMs, now: later(2.5) })).heaps).toBe(0);
  expect((await plan(project, { graceMs: localGraceMs, now: later(4) })).heaps).toBe(1);
  expect((await collect(project, { graceMs: localGraceMs, now: later(4) })).freed).toBeGreaterThan(0);
  expect(listTrash(cacheDir)).toEqual([]);
  expect(await whole(project, first)).toBe(false);
});

test('a branch that comes back before the trash is emptied has all of its data', async () => {
  const { project, first } = await twoVersions();
  const commit = (await project.git('rev-parse', 'topic')).trim();
  await project.git('branch', '-D', 'topic');
  await collect(project, { graceMs: localGraceMs, now: later(2) });
  await project.git('branch', 'topic', commit);
  await collect(project, { graceMs: localGraceMs, now: later(9) });
  expect(listTrash((await project.open()).store.cacheDir)).toEqual([]);
  expect(await whole(project, first)).toBe(true);
});

test('--workspace lets go of what the remote has, and of nothing else', async () => {
  const { project, first, second } = await twoVersions();
  const only = { workspaceOnly: true };
  await expect(plan(project, only)).rejects.toMatchObject({ code: 'BYTES_MISSING', details: { lost: [first] } });
  const { pushRootOf } = await import('../datasets/manifest.ts');
  const { silentProgress } = await import('../base/progress.ts');
  const { store } = await project.open();
  await store.push([pushRootOf(store, first, async () => [])], [], { progress: silentProgress, signal: request.signal });
  await collect(project, only);
  const opened = await project.open();
  expect(await opened.store.has(first)).toBe(false);
  expect(await whole(project, second)).toBe(true);
  // and it comes again
  expect((await opened.store.readBytes(first)).length).toBeGreaterThan(0);
});

test('--workspace --force gives up what is nowhere else', async () => {
  const { project, first } = await twoVersions();
  await collect(project, { workspaceOnly: true, force: true });
  expect(await whole(project, first)).toBe(false);
});

test('a young run of this machine stays with what it wrote; an old one goes, and its name', async () => {
  const { project } = await twoVersions();
  const { store, localDir } = await project.open();
  const output = await store.putBytes('what the run wrote');
  const { canonicalJson } = await import('../base/canonical.ts');
  const fingerprint = await store.putBytes('fingerprint');
  const record = {
    plumbline: 'run/1', stage: 'train', fingerprint, command: { cmd: 'true' }, inputs: {}, after: {}, params: {},
    outputs: { model: { path: 'out/model', digest: output, bytes: 18, kind: 'file' } },
    metrics: {}, measured: {}, environment: { fingerprinted: {}, node: '24', platform: 'linux', cpus: '2', plumbline: '1' },
    seed: 0, started: '2026-01-01T00:00:00.000Z', finished: '2026-01-01T00:00:01.000Z', exit: 0, code: { commit: null, dirty: false }, builder: { kind: 'laptop' },
  }; // prettier-ignore
  const run = await store.putBytes(canonicalJson(record));
  await store.writeName({ kind: 'runs', key: fingerprint.slice(7) }, run);
  await new RunLog(localDir).append([{ at: new Date().toISOString(), stage: 'train', run, state: 'ran' }]);
  const kept = await plan(project, { now: later(29) });
  expect(kept.live.get(run)).toBe('run of train, 29 days ago');
  await collect(project, { now: later(29) });
  const after = (await project.open()).store;
  expect(await after.cache.read(output)).toEqual(Buffer.from('what the run wrote'));
  await collect(project, { now: later(31) });
  const gone = (await project.open()).store;
  expect([await gone.has(output), await gone.has(run), await gone.readName({ kind: 'runs', key: fingerprint.slice(7) })]).toEqual([
    false,
    false,
    null,
  ]);
});

test('a shared cache keeps what another repository names; one that is gone has to be given up by name', async () => {
  const one = await createProject();
  const two = await createProject();
  const cache = join(one.root, '../shared');
  const open = (project: TestProject) => openProject({ cwd: project.root, env: { PLUMB_CACHE: cache } });
  const { addDataset } = await import('../datasets/add.ts');
  const { quiet } = await import('../datasets/project.fixture.ts');
  const digests: Digest[] = [];
  for (const [at, project] of [one, two].entries()) {
    await project.write('rows.jsonl', rows(`of ${at}`));
    const opened = await open(project);
    await addDataset(opened, { argument: 'rows.jsonl', cwd: project.root, ...quiet });
    digests.push((await loadLock(opened)).datasets['rows']!.digest);
  }
  const here = await open(one);
  const planned = await planLocal(here, request);
  expect(planned.objects.dead).toBe(0);
  expect(planned.live.get(digests[1]!)).toBe(`the work tree, in ${two.root}`);
  await rename(two.root, `${two.root}-away`);
  await expect(planLocal(here, request)).rejects.toMatchObject({ code: 'FILE_MISSING', where: { file: two.root } });
  const { forget } = await import('../project/shared-cache.ts');
  expect(forget(cache, two.root)).toBe(true);
  await collectLocal(here, await planLocal(here, request), request);
  const after = await open(one);
  expect([await after.store.has(digests[0]!), await after.store.has(digests[1]!)]).toEqual([true, false]);
});

test('settings that cannot be understood let nothing go', async () => {
  const { project } = await twoVersions();
  await project.write('policy.yaml', 'version: 1\nmodels: {}\ngates: {}\nretention:\n  runs: soon\n');
  await project.git('add', '--all');
  await project.git('commit', '-qm', 'policy');
  await expect(plan(project)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('a damaged tree lets nothing go, unless its version is given up', async () => {
  const project = await createProject();
  for (let at = 0; at < 300; at += 1) await project.write(`images/${at}.txt`, `file ${at}`);
  await project.add('images');
  const { store } = await project.open();
  const { tree } = (await import('../datasets/manifest.ts').then(async ({ readManifest }) =>
    readManifest(store, (await loadLock(await project.open())).datasets['images']!.digest),
  )) as { tree: Digest };
  const { rewritePacks } = await import('../store/cache/repack.ts');
  const { LocalPacks } = await import('../store/cache/local-packs.ts');
  await rewritePacks(store.cacheDir, [...new LocalPacks(store.cacheDir).all()], { keeps: (digest) => digest !== tree, old: () => null });
  await rm(join(store.cacheDir, 'objects', tree.slice(7, 9), tree.slice(9)), { force: true });
  await expect(plan(project)).rejects.toMatchObject({ code: 'BYTES_MISSING' });
  expect((await plan(project, { force: true })).objects.dead).toBeGreaterThan(0);
});

test('without a grace time nothing goes while a run is under way', async () => {
  const { project } = await twoVersions();
  const { withMutex } = await import('../base/mutex.ts');
  const { localDir } = await project.open();
  await withMutex(join(localDir, 'run.db'), async () => {
    await expect(plan(project)).rejects.toMatchObject({ code: 'REPOSITORY_BUSY' });
    expect((await plan(project, { graceMs: localGraceMs })).objects.dead).toBe(0);
  });
  expect(existsSync(join(localDir, 'cache'))).toBe(true);
});

test('what was set aside as bad goes a day later: when it is here again, or nobody names it', async () => {
  const { project, second } = await twoVersions();
  const { store } = await project.open();
  const { cacheDir } = store;
  const bad = join(cacheDir, 'bad');
  const file = (await objectsHere(store, second)).find((digest) => existsSync(objectPath(cacheDir, digest)));
  if (file === undefined) throw new Error('no object is a file');
  // needed, and gone; needed by nobody; a pack that cannot be read; what is not ours
  await store.cache.setAside(file);
  expect(existsSync(objectPath(cacheDir, file))).toBe(true);
  await mkdir(bad, { recursive: true });
  await rename(objectPath(cacheDir, file), join(bad, `${hexOf(file)}-a`));
  await writeFile(join(bad, `${'1'.repeat(64)}-b`), 'nobody');
  await writeFile(join(bad, `${'2'.repeat(64)}-0.pack`), 'not a pack');
  await writeFile(join(bad, 'a note'), 'mine');
  const names = async (now: Date): Promise<string[]> =>
    (await plan(project, { graceMs: localGraceMs, now })).bad.map(({ path }) => path.slice(bad.length + 1, bad.length + 2));
  expect(await names(later(0.5))).toEqual([]);
  expect(await names(later(1.5))).toEqual(['1']);
  await copyFile(join(bad, `${hexOf(file)}-a`), objectPath(cacheDir, file));
  expect((await names(later(1.5))).length).toBe(3);
  expect((await collect(project, { graceMs: localGraceMs, now: later(1.5) })).freed).toBeGreaterThanOrEqual(16);
  expect(readdirSync(bad)).toEqual(['a note']);
});

async function objectsHere(store: Store, version: Digest): Promise<Digest[]> {
  return (await Array.fromAsync(objectsOf(store, version))).map(({ digest }) => digest);
}
