import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { loadLock } from '../datasets/lock.ts';
import { jsonl, type TestProject } from '../datasets/project.fixture.ts';
import { collectLocal, planLocal } from './gc-local.ts';
import { collectRemote, planRemote } from './gc-remote.ts';
import { measureRemote, type RemoteUsage } from './remote-usage.ts';
import { createShared, pushVersion, quietly } from './upkeep.fixture.ts';
import { measureCache, type LocalUsage } from './usage.ts';

async function local(project: TestProject): Promise<LocalUsage> {
  return measureCache(await project.open(), { now: new Date(), signal: quietly.signal });
}

async function remote(project: TestProject): Promise<RemoteUsage> {
  return measureRemote(await project.open(), { ...quietly, now: new Date() });
}

/** Bytes of all files, as another program counts them. */
function diskOf(folder: string): number {
  return Number(
    execFileSync('sh', ['-c', 'find "$1" -type f -printf "%s\\n" | awk \'{ n += $1 } END { print n + 0 }\'', 'sh', folder], { encoding: 'utf8' }),
  );
}

function ownOf(usage: LocalUsage | RemoteUsage): number {
  return usage.uses.reduce((all, { own }) => all + own, 0);
}

test('what each takes, shared bytes once, adds up to what is on the disk', async () => {
  const project = await createShared();
  const same = randomBytes(50_000);
  await pushVersion(project, { 'a.bin': randomBytes(100_000), 'same.bin': same });
  await project.git('branch', 'topic');
  await pushVersion(project, { 'a.bin': randomBytes(60_000) });
  await project.write('more/same.bin', same);
  await project.write('rows.jsonl', jsonl(Array.from({ length: 500 }, (_, at) => ({ id: at, text: `row ${at}` }))));
  await project.add('more');
  await project.add('rows.jsonl');
  const { store } = await project.open();
  await store.putBytes(randomBytes(30_000));
  const usage = await local(project);
  expect(usage.disk).toBe(diskOf(store.cacheDir));
  expect(ownOf(usage) + usage.shared + usage.unreferenced + usage.trash + usage.bad + usage.overhead).toBe(usage.disk);
  expect(usage).toMatchObject({ shared: 50_000, unreferenced: 30_000, trash: 0, bad: 0 });
  const [data, more, rows] = usage.uses;
  expect(data).toMatchObject({ kind: 'dataset', name: 'data', shared: 50_000, versions: 2 });
  expect(data?.own).toBeGreaterThan(160_000);
  expect(data?.current).toBeLessThan(112_000);
  expect(more).toMatchObject({ name: 'more', shared: 50_000, versions: 1 });
  expect(rows).toMatchObject({ name: 'rows', shared: 0, versions: 1 });
  expect(usage.uses.length).toBe(3);
  expect(usage.overhead).toBeLessThan(20_000);
});

test('what was let go of is in the trash, and what a model needs is the model’s', async () => {
  const project = await createShared();
  await pushVersion(project, { 'a.bin': randomBytes(10_000) });
  const opened = await project.open();
  const artifact = await opened.store.putBytes(randomBytes(40_000));
  const version = (await loadLock(opened)).datasets['data']?.digest;
  await project.write('models/topics/production.json', JSON.stringify({ artifact: { digest: artifact }, data: { data: version } }));
  await opened.store.putBytes(randomBytes(20_000));
  const request = { workspaceOnly: false, force: false, graceMs: 86_400_000, now: new Date(Date.now() + 2 * 86_400_000), signal: quietly.signal };
  await collectLocal(opened, await planLocal(opened, request), request);
  const usage = await local(project);
  expect(usage).toMatchObject({ unreferenced: 0, shared: 0, trash: 20_000 });
  expect(usage.uses.find(({ kind }) => kind === 'model')).toMatchObject({ name: 'topics', own: 40_000, current: null });
  expect(ownOf(usage) + usage.trash + usage.overhead).toBe(usage.disk);
});

test('a remote is told by packs, and by who claimed them', async () => {
  const project = await createShared();
  await pushVersion(project, { 'a.bin': randomBytes(100_000), 'b.bin': randomBytes(100_000) });
  await project.git('branch', 'topic');
  await pushVersion(project, { 'a.bin': randomBytes(90_000) });
  const other = await createShared('theirs', { remote: project.remote });
  await pushVersion(other, { 'c.bin': randomBytes(80_000) });
  const usage = await remote(project);
  expect(usage.total).toBe(diskOf(project.remote));
  expect(usage.uses).toMatchObject([
    { kind: 'dataset', name: 'data', versions: 2, shared: 0 },
    { kind: 'repository', name: 'theirs', versions: 1, shared: 0 },
  ]);
  expect(ownOf(usage) + usage.shared + usage.unreferenced + usage.takenBack + usage.condemned + usage.overhead).toBe(usage.total);
  await project.git('branch', '-D', 'topic');
  const opened = await project.open();
  const at = (days: number) => ({ ...quietly, force: false, graceMs: 7 * 86_400_000, now: new Date(Date.now() + days * 86_400_000) });
  await collectRemote(opened, await planRemote(opened, at(8)), at(8));
  await collectRemote(opened, await planRemote(opened, at(16)), at(16));
  const after = await remote(project);
  expect(after.condemned).toBeGreaterThan(200_000);
  expect(after.total).toBe(diskOf(project.remote));
  expect(ownOf(after) + after.shared + after.unreferenced + after.takenBack + after.condemned + after.overhead).toBe(after.total);
});
