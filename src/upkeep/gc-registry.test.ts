// A remote that drops packs by itself: a gc takes receipts back, and the registry does the rest.
import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startFake } from '../store/remotes/oci.fixture.ts';
import { checkRemote } from './fsck-remote.ts';
import { collectRemote, planRemote, remoteGraceMs } from './gc-remote.ts';
import { measureRemote } from './remote-usage.ts';
import { canBeFetched, createShared, pushVersion, quietly } from './upkeep.fixture.ts';

const week = (weeks: number) => ({ ...quietly, force: false, graceMs: remoteGraceMs, now: new Date(Date.now() + (weeks * 7 + 0.5) * 86_400_000) });

test('in a registry a version goes in two steps, and its packs are let go of in the second', async () => {
  await using registry = await startFake();
  const project = await createShared('ours', { remote: registry.address });
  const first = await pushVersion(project, { 'a.bin': randomBytes(100_000) });
  await project.git('branch', 'topic');
  const second = await pushVersion(project, { 'a.bin': randomBytes(90_000), 'b.txt': 'b' });
  const opened = await project.open();
  const usage = await measureRemote(opened, { ...quietly, now: new Date() });
  expect(usage.uses).toMatchObject([{ kind: 'dataset', name: 'data', versions: 2 }]);
  expect(await checkRemote(opened, { ...quietly, repair: false, now: new Date() })).toMatchObject({ faults: [], versions: 2 });
  await project.git('branch', '-D', 'topic');
  expect(await collectRemote(opened, await planRemote(opened, week(1)), week(1))).toMatchObject({ takenBack: 1, deleted: { packs: 0 } });
  const tag = `condemned-${first.slice(7)}`;
  expect(registry.tags.has(first.slice(7))).toBe(false);
  // as long as it is there, the registry keeps the packs
  const kept = JSON.parse(registry.manifests.get(registry.tags.get(tag)!)!.toString()) as { layers: { mediaType: string }[] };
  expect(kept.layers.map(({ mediaType }) => mediaType)).toContain('application/vnd.plumbline.pack.v1');
  await collectRemote(opened, await planRemote(opened, week(2)), week(2));
  expect(registry.tags.has(tag)).toBe(false);
  const empty = (): Promise<string> => mkdtemp(join(tmpdir(), 'plumb-empty-'));
  expect([await canBeFetched(registry.address, first, await empty()), await canBeFetched(registry.address, second, await empty())]).toEqual([
    false,
    true,
  ]);
});

test('a registry that deletes nothing says so, and nothing has changed', async () => {
  await using registry = await startFake();
  const project = await createShared('ours', { remote: registry.address });
  await pushVersion(project, { 'a.txt': 'a' });
  await project.git('branch', 'topic');
  await pushVersion(project, { 'a.txt': 'another' });
  await project.git('branch', '-D', 'topic');
  registry.odd = ({ method }, _, response) => {
    if (method !== 'DELETE') return false;
    response.writeHead(405).end();
    return true;
  };
  const before = new Map(registry.tags);
  const opened = await project.open();
  await expect(collectRemote(opened, await planRemote(opened, week(1)), week(1))).rejects.toMatchObject({ code: 'REMOTE_CANNOT' });
  expect(registry.tags).toEqual(before);
});
