// Full disks, other file systems, and writers that are killed.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, type TestContext } from 'vitest';
import { digestOf } from '../../base/digest.ts';
import { objectPath } from '../layout.ts';
import { content, filesBelow, newPlace, options, sourceOf, writeFiles } from './cache.fixture.ts';
import { LocalPacks, packsIn } from './local-packs.ts';
import { openCache } from './open.ts';

/** A small file system of its own; only root can make one. */
function smallDisk(context: TestContext, bytes: number): string {
  const { folder } = newPlace();
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'plumb-test', disk]);
  if (mounted.status !== 0) context.skip('this user cannot mount a small disk');
  // lazily: this process may still have a file of it open
  onTestFinished(() => void spawnSync('umount', ['-l', disk]));
  return disk;
}

test('a disk that gets full in the middle of an add: one clear error, nothing half seen, and the rest works when there is room', async (context) => {
  const disk = smallDisk(context, 3 * 1024 * 1024);
  const { folder } = newPlace();
  const root = join(disk, 'cache');
  const cache = openCache(root, { env: { PLUMB_LINK: 'hardlink' } });
  const kept = await cache.putBytes(content(500, 20_000));
  const files = await writeFiles(
    join(folder, 'work'),
    Array.from({ length: 300 }, (_, at) => content(at, at % 2 === 0 ? 500 : 40_000)),
  );
  const writer = await cache.openWriter();
  await expect(writer.addFiles(files, { link: true }, options)).rejects.toMatchObject({ code: 'DISK_FULL' });
  await expect(writer.close()).rejects.toMatchObject({ code: 'DISK_FULL' });
  await writer.abandon();
  expect(filesBelow(root)).toEqual([objectPath(root, kept).slice(root.length + 1)]);
  await expect(cache.putBytes(content(1, 4_000_000))).rejects.toMatchObject({ code: 'DISK_FULL' });
  await expect(cache.putFile(files[1]!.path, {})).resolves.toMatchObject({ digest: files[1]!.digest });
  const few = await cache.openWriter();
  await few.addFiles(files.slice(0, 10), { link: true }, options);
  await few.close();
  // another file system cannot be linked to: what was asked for by hard link was copied
  expect(statSync(files[3]!.path).mode & 0o200).toBe(0o200);
  for (const { digest } of files.slice(0, 10)) expect(await cache.verify(digest)).toBe(true);
});

test('a disk that gets full in the middle of a checkout: what is there is whole, and nothing else is', async (context) => {
  const disk = smallDisk(context, 1024 * 1024);
  const { open } = newPlace();
  const cache = open('hardlink');
  const writer = await cache.openWriter();
  const contents = Array.from({ length: 100 }, (_, at) => content(at, at % 2 === 0 ? 500 : 30_000));
  const digests = contents.map((bytes) => writer.addBytes(bytes, 'data'));
  await writer.close();
  const files = digests.map((digest, at) => ({ digest, bytes: contents[at]?.length ?? 0, target: join(disk, `file-${at}`), executable: false }));
  await expect(cache.placeFiles(files, { link: true }, options)).rejects.toMatchObject({ code: 'DISK_FULL' });
  const there = readdirSync(disk);
  expect(there.length).toBeGreaterThan(10);
  for (const name of there) expect(digestOf(readFileSync(join(disk, name)))).toBe(digests[Number(name.slice(5))]);
  for (const name of there) rmSync(join(disk, name));
  expect((await cache.placeFiles(files.slice(0, 20), { link: true }, options)).length).toBe(20);
});

const atWork = `
import { openCache } from ${JSON.stringify(sourceOf('./open.ts'))};
import { mkdirSync, writeFileSync } from 'node:fs';
const [folder, seed, link] = process.argv.slice(2);
const cache = openCache(folder + '/cache', { env: { PLUMB_LINK: link } });
const signal = new AbortController().signal;
// a folder of its own: to write a file anew that an earlier process had linked would write through the link, as root can
const work = folder + '/work-' + seed + '-' + process.pid;
mkdirSync(work, { recursive: true });
for (let round = 0; ; round += 1) {
  const begun = performance.now();
  const files = Array.from({ length: 1040 }, (_, at) => ({ path: work + '/' + round + '-' + at }));
  for (const [at, { path }] of files.entries()) writeFileSync(path, Buffer.alloc(at % 5 === 0 ? 9_000 : 300, 'round ' + round + ', file ' + at + ' of ' + (at % 2 === 0 ? seed : 'all') + '; '));
  const writer = await cache.openWriter();
  const stored = await writer.addFiles(files, { link: true }, { signal });
  await writer.close();
  const placed = stored.map(({ digest, bytes }) => ({ digest, bytes, target: folder + '/out/' + digest.slice(7), executable: false }));
  await cache.placeFiles(placed, { link: true }, { signal });
  if (round === 0) process.stdout.write(String(performance.now() - begun));
}`;

test('writers that are killed at any instant leave whole objects, whole files and temporary ones', { timeout: 120_000 }, async () => {
  const { folder, root } = newPlace();
  mkdirSync(join(folder, 'out'));
  writeFileSync(join(folder, 'at-work.ts'), atWork);
  for (let round = 0; round < 5; round += 1) {
    const children = [0, 1].map((seed) =>
      spawn(process.execPath, [join(folder, 'at-work.ts'), folder, String(seed), round % 2 === 0 ? 'hardlink' : 'copy'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    );
    // each has done a round, and says how long that took: the kill comes at any point of the next
    const took = await Promise.all(
      children.map((child) => new Promise<number>((resolve) => child.stdout.once('data', (text: Buffer) => resolve(Number(text))))),
    );
    await sleep(Math.random() * Math.max(...took));
    const ends = children.map((child) => new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve(child.exitCode))));
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(ends);
    // none ended by itself, with an error
    expect(children.map((child) => child.signalCode)).toEqual(['SIGKILL', 'SIGKILL']);
  }
  const cache = openCache(root, { env: {} });
  let objects = 0;
  for await (const { digest } of cache.list()) {
    expect(await cache.verify(digest)).toBe(true);
    objects += 1;
  }
  expect(objects).toBeGreaterThan(100);
  expect(new LocalPacks(root).all().length).toBe(packsIn(join(root, 'packs')).length);
  const out = readdirSync(join(folder, 'out')).filter((name) => !name.startsWith('.plumb-tmp-'));
  expect(out.length).toBeGreaterThan(100);
  for (const name of out) expect(digestOf(readFileSync(join(folder, 'out', name)))).toBe(`sha256:${name}`);
  expect(filesBelow(join(root, 'bad'))).toEqual([]);
});

test('a seal outlives nothing that a copy of the cache does not keep: a cache that was copied is hashed again, and used', async () => {
  const { folder, root, open } = newPlace();
  const digest = await open().putBytes(content(1, 20_000));
  const copy = join(folder, 'copy');
  mkdirSync(join(objectPath(copy, digest), '..'), { recursive: true });
  copyFileSync(objectPath(root, digest), objectPath(copy, digest));
  rmSync(root, { recursive: true });
  expect(await openCache(copy, { env: {} }).path(digest)).toBe(objectPath(copy, digest));
});
