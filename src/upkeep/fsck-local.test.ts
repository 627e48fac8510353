import { chmodSync, readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Digest } from '../base/digest.ts';
import { loadLock } from '../datasets/lock.ts';
import { pushRootOf } from '../datasets/manifest.ts';
import { createProject, type TestProject } from '../datasets/project.fixture.ts';
import { objectPath, packPath } from '../store/layout.ts';
import { openPackFile } from '../store/pack/reader.ts';
import { checkCache, type LocalCheck, type LocalReport } from './fsck-local.ts';
import { quietly } from './upkeep.fixture.ts';

const options: LocalCheck = { ...quietly, repair: false, now: new Date() };

/** Small and large files in a data set that is in the remote, too. */
async function filled(how: { remote: boolean } = { remote: true }): Promise<{ project: TestProject; root: string; version: Digest }> {
  const project = await createProject(how);
  for (let at = 0; at < 40; at += 1) await project.write(`data/${at}.txt`, `file ${at} `.repeat(at * 40));
  await project.add('data');
  const { store } = await project.open();
  const version = (await loadLock(await project.open())).datasets['data']!.digest;
  if (how.remote) await store.push([pushRootOf(store, version, async () => [])], [], quietly);
  return { project, root: store.cacheDir, version };
}

async function check(project: TestProject, how: Partial<LocalCheck> = {}): Promise<LocalReport> {
  return checkCache(await project.open(), { ...options, ...how });
}

/** Changes bytes and nothing else, as a disk does: the times stay, and with them the seal. */
function spoil(path: string, at: number): void {
  const facts = statSync(path);
  const bytes = readFileSync(path);
  bytes[at] = bytes[at]! ^ 1;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
  chmodSync(path, 0o444);
  utimesSync(path, facts.atimeMs / 1000, facts.mtimeMs / 1000);
}

async function firstLoose(project: TestProject): Promise<Digest> {
  for await (const { digest, pack } of (await project.open()).store.cache.list()) if (pack === null) return digest;
  throw new Error('no object is a file');
}

const onlyPack = (root: string): string => readdirSync(join(root, 'packs')).toSorted()[0]!.slice(0, 64);

test('a cache that is in order is', async () => {
  const { project } = await filled();
  const report = await check(project);
  expect(report.faults).toEqual([]);
  expect(report.objects).toBeGreaterThan(41);
});

test('a file that the disk spoiled is told with what needs it, and comes again from the remote', async () => {
  const { project, root, version } = await filled();
  const digest = await firstLoose(project);
  spoil(objectPath(root, digest), 10_000);
  const report = await check(project);
  expect(report.faults).toEqual([
    { what: 'object', digest, neededBy: [`${version.slice(7, 19)} (the work tree)`], state: 'set aside', mend: 'plumb fsck --repair' },
  ]);
  // what an earlier check set aside comes, too
  const another = await firstLoose(project);
  spoil(objectPath(root, another), 10);
  const repaired = await check(project, { repair: true });
  expect(repaired.faults.map((fault) => [fault.digest, fault.state])).toEqual([
    [another, 'repaired'],
    [digest, 'repaired'],
  ]);
  expect((await (await project.open()).store.cache.read(digest))?.length).toBeGreaterThan(10_000);
  expect((await check(project)).faults).toEqual([]);
});

test.each([
  ['an object', 100],
  ['the index', -60],
  ['the footer', -5],
])('a pack that was spoiled in %s loses nothing that is in the remote', async (_, offset) => {
  const { project, root } = await filled();
  const objects = (await check(project)).objects;
  const hex = onlyPack(root);
  const path = packPath(root, hex);
  spoil(path, offset < 0 ? statSync(path).size + offset : offset);
  const report = await check(project, { repair: true });
  expect(report.faults.length).toBeGreaterThan(0);
  expect(report.faults.every(({ state }) => state === 'repaired')).toBe(true);
  expect(await check(project)).toMatchObject({ objects, faults: [] });
});

test('a pack that was cut off is set aside', async () => {
  const { project, root, version } = await filled();
  const hex = onlyPack(root);
  chmodSync(packPath(root, hex), 0o600);
  truncateSync(packPath(root, hex), 500);
  expect((await check(project, { repair: true })).faults).toMatchObject([{ what: 'pack', digest: `sha256:${hex}`, state: 'repaired' }]);
  expect(readdirSync(join(root, 'bad'))).toEqual([`${hex}-0.pack`]);
  expect(await (await project.open()).store.cache.has(version)).toBe(true);
});

test('a pack under the name of another is written anew under its own', async () => {
  const { project, root } = await filled();
  const hex = onlyPack(root);
  const other = 'ab'.repeat(32);
  await rename(packPath(root, hex), packPath(root, other));
  expect((await check(project)).faults).toMatchObject([{ what: 'pack', digest: `sha256:${other}` }]);
  expect(onlyPack(root)).not.toBe(other);
  expect(openPackFile(packPath(root, onlyPack(root))).index.objects).toBeGreaterThan(5);
  expect((await check(project)).faults).toEqual([]);
});

test('what nobody has any more says so', async () => {
  const { project, root } = await filled({ remote: false });
  const digest = await firstLoose(project);
  spoil(objectPath(root, digest), 3);
  const [fault] = (await check(project, { repair: true })).faults;
  expect(fault).toMatchObject({ digest, state: 'set aside', mend: expect.stringContaining('no remote is configured') });
});

test('what nobody needs is set aside, and nothing is lost', async () => {
  const { project, root } = await filled();
  const digest = await (await project.open()).store.putBytes('x'.repeat(20_000));
  spoil(objectPath(root, digest), 0);
  expect((await check(project)).faults).toMatchObject([{ digest, neededBy: [], mend: 'nobody needs it: nothing is lost' }]);
});
