import { spawn } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { digestOf, hexOf, type Digest } from '../base/digest.ts';
import { objectPath } from './layout.ts';
import { openStore } from './open.ts';
import { eachInParallel, mapInParallel } from './parallel.ts';
import type { PushRoot, Store } from './store.ts';
import { makeVersion, options, temporaryFolder } from './transfer/versions.fixture.ts';

async function place(): Promise<{
  folder: string;
  remote: string;
  open: (name?: string) => Promise<Store>;
  local: (name?: string) => Promise<Store>;
}> {
  const folder = await temporaryFolder();
  const remote = join(folder, 'remote');
  return {
    folder,
    remote,
    open: (name = 'cache') => openStore({ cacheDir: join(folder, name), remote }),
    local: (name = 'cache') => openStore({ cacheDir: join(folder, name) }),
  };
}

/** An object that is a version of its own, as a model is. */
function single(digest: Digest, bytes = 1): PushRoot {
  return {
    digest,
    bases: async () => [],
    async *objects() {
      yield { digest, bytes, role: 'data' };
    },
  };
}

/** Bytes as a broken disk would have them: same size, another byte. */
async function damage(path: string): Promise<void> {
  await chmod(path, 0o644);
  const bytes = await readFile(path);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test('bytes and files go in under their SHA-256, read-only, and come back', async () => {
  const { folder, local } = await place();
  const store = await local();
  const file = join(folder, 'file');
  await writeFile(file, 'abc');
  const expected = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(await store.putFile(file)).toEqual({ digest: expected, bytes: 3 });
  expect(await store.putBytes('abc')).toBe(expected);
  expect((await store.readBytes(expected)).toString()).toBe('abc');
  const path = await store.pathOf(expected);
  expect(path).toBe(join(folder, 'cache/objects/ba', hexOf(expected).slice(2)));
  expect((await stat(path)).mode & 0o777).toBe(0o444);
  expect(await filesBelow(join(folder, 'cache/tmp'))).toEqual([]);
  expect(await readFile(file, 'utf8')).toBe('abc');
});

test('an edited checkout does not change the cache', async () => {
  const { folder, local } = await place();
  const store = await local();
  const digest = await store.putBytes('original');
  const target = join(folder, 'deep/er/file');
  await store.checkoutFile(digest, target);
  await writeFile(target, 'edited', { flag: 'r+' });
  expect((await store.readBytes(digest)).toString()).toBe('original');
  await store.checkoutFile(digest, target, { executable: true });
  expect(await readFile(target, 'utf8')).toBe('original');
  expect((await stat(target)).mode & 0o100).toBe(0o100);
  expect(await readdir(join(folder, 'deep/er'))).toEqual(['file']);
});

test('a damaged object is never given out: it is set aside, and good bytes come from the remote', async () => {
  const { folder, open, local } = await place();
  const store = await open();
  // large enough to be a file of its own
  const precious = 'precious'.repeat(2000);
  const digest = await store.putBytes(precious);
  await store.push([single(digest)], [], options);
  const uses: ((store: Store) => Promise<unknown>)[] = [
    (next) => next.readBytes(digest),
    (next) => next.pathOf(digest),
    (next) => next.checkoutFile(digest, join(folder, 'out')),
  ];
  for (const use of uses) {
    await damage(objectPath(join(folder, 'cache'), digest));
    await use(await open());
    expect((await (await open()).readBytes(digest)).toString()).toBe(precious);
    await damage(objectPath(join(folder, 'cache'), digest));
    await expect(use(await local())).rejects.toMatchObject({ code: 'DIGEST_MISMATCH', details: { digest } });
    await store.fetch([digest], options);
  }
  expect((await readdir(join(folder, 'cache/bad'))).length).toBe(6);
});

test('a path is hashed again when its file has changed since, within one process too', async () => {
  const { folder, local } = await place();
  const store = await local();
  const digest = await store.putBytes('precious');
  await store.pathOf(digest);
  await damage(objectPath(join(folder, 'cache'), digest));
  await expect(store.pathOf(digest)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect(await store.putBytes('precious')).toBe(digest);
  expect(await store.verify(digest)).toBe(true);
});

test('missing bytes say which remote was asked, or how to name one', async () => {
  const { remote, open, local } = await place();
  const missing = digestOf('nowhere');
  await expect((await open()).readBytes(missing)).rejects.toMatchObject({
    code: 'BYTES_MISSING',
    message: expect.stringContaining(remote) as string,
  });
  await expect((await local()).pathOf(missing)).rejects.toMatchObject({
    code: 'BYTES_MISSING',
    mend: expect.stringContaining('plumbline.yaml') as string,
  });
  await expect((await local()).push([single(missing)], [], options)).rejects.toMatchObject({ code: 'REMOTE_MISSING' });
  await expect((await open()).push([single(missing)], [], options)).rejects.toMatchObject({ code: 'BYTES_MISSING' });
});

test('a push sends what the remote lacks, once; a fetch brings what the cache lacks', async () => {
  const { open } = await place();
  const store = await open();
  const files = Array.from({ length: 40 }, (_, at) => `object ${at}`);
  const v1 = await makeVersion((bytes) => store.putBytes(bytes), files.slice(0, 30));
  const v2 = await makeVersion((bytes) => store.putBytes(bytes), files, { before: v1 });
  expect((await store.push([v1], [], options)).objects).toBe(31);
  expect((await store.push([v1, v2, v2], [], options)).objects).toBe(11);
  expect(await store.push([v2, v1], [], options)).toEqual({ objects: 0, bytes: 0, leftOut: [] });
  const other = await open('other');
  expect(await other.remoteHas([v1.digest, digestOf('nothing')])).toEqual(new Set([v1.digest]));
  expect(await other.openRoots([v2.digest], options)).toEqual(new Set([v2.digest]));
  expect((await other.fetch(v2.refs, options)).objects).toBe(40);
  expect(await other.fetch(v2.refs, options)).toEqual({ objects: 0, bytes: 0 });
  expect((await other.readBytes(digestOf('object 7'))).toString()).toBe('object 7');
});

test('what is missing is looked for where it was said to be, and nowhere before', async () => {
  const { open } = await place();
  const store = await open();
  const version = await makeVersion((bytes) => store.putBytes(bytes), ['part of a version']);
  await store.push([version], [], options);
  const part = digestOf('part of a version');
  const other = await open('other');
  await expect(other.readBytes(part)).rejects.toMatchObject({ code: 'BYTES_MISSING' });
  other.remember([version.digest]);
  expect(await Promise.all([other.readBytes(part), other.readBytes(part), other.pathOf(part)])).toHaveLength(3);
  // nothing is asked of a remote that is not there, as long as nothing is missing
  const { folder } = await place();
  const apart = await openStore({ cacheDir: store.cacheDir, remote: join(folder, 'mnt/share') });
  apart.remember([version.digest]);
  expect((await apart.readBytes(part)).toString()).toBe('part of a version');
  expect(await apart.openRoots([version.digest], options)).toEqual(new Set([version.digest]));
  expect(await apart.lookInRemote([version.digest])).toEqual(new Set());
  expect(apart.unreachable?.code).toBe('REMOTE_FAILED');
  await expect(apart.remoteHas([version.digest])).rejects.toMatchObject({ code: 'REMOTE_FAILED' });
});

test('a fetch brings all that is there before it says what is missing', async () => {
  const { open } = await place();
  const store = await open();
  const there = await store.putBytes('there');
  await store.push([single(there)], [], options);
  const other = await open('other');
  const lost = digestOf('lost');
  await expect(other.fetch([lost, there], options)).rejects.toMatchObject({ code: 'BYTES_MISSING', details: { missing: [lost] } });
  expect(await other.has(there)).toBe(true);
});

test('T18: wrong bytes of a remote do not come in, wrong bytes of the cache do not go out', async () => {
  const { folder, remote, open } = await place();
  const store = await open();
  const digest = await store.putBytes('precious'.repeat(20_000));
  await store.push([single(digest)], [], options);
  const [pack] = await filesBelow(join(remote, 'packs'));
  const bytes = await readFile(String(pack));
  bytes[20] = (bytes[20] as number) ^ 1;
  await chmod(String(pack), 0o644);
  await writeFile(String(pack), bytes);
  const other = await open('other');
  await expect(other.readBytes(digest)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH', message: expect.stringContaining(remote) as string });
  expect(await filesBelow(join(folder, 'other/objects'))).toEqual([]);
  expect(await filesBelow(join(folder, 'other/packs'))).toEqual([]);
  const second = await store.putBytes('second');
  await damage(objectPath(join(folder, 'cache'), second));
  await expect(store.push([single(second)], [], options)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect((await filesBelow(join(remote, 'packs'))).length).toBe(1);
  expect(await store.has(second)).toBe(false);
});

test('a share that is not mounted is an error, not a new folder', async () => {
  const { folder } = await place();
  const store = await openStore({ cacheDir: join(folder, 'cache'), remote: join(folder, 'mnt/share') });
  const digest = await store.putBytes('x');
  await expect(store.push([single(digest)], [], options)).rejects.toMatchObject({ code: 'REMOTE_FAILED' });
  await writeFile(join(folder, 'file'), '');
  const blocked = await openStore({ cacheDir: join(folder, 'cache'), remote: join(folder, 'file') });
  await expect(blocked.push([single(digest)], [], options)).rejects.toMatchObject({ code: 'REMOTE_FAILED' });
  expect((await readdir(folder)).toSorted()).toEqual(['cache', 'file']);
});

test('names: the first writer wins, here and in the remote', async () => {
  const { folder, open } = await place();
  const store = await open();
  const name = { kind: 'runs', key: hexOf(digestOf('fingerprint')) } as const;
  expect(await store.readName(name)).toBeNull();
  const candidates = await Promise.all(Array.from({ length: 8 }, (_, at) => store.putBytes(`run ${at}`)));
  const won = new Set(await Promise.all(candidates.map((digest) => store.writeName(name, digest))));
  expect(won.size).toBe(1);
  const [winner] = [...won];
  await store.push([single(winner as Digest)], [name], options);
  const other = await open('other');
  expect(await other.readName(name)).toBe(winner);
  // somebody who was not there yet comes second
  const late = await open('late');
  const own = await late.putBytes('late');
  await late.writeName(name, own);
  await late.push([single(own)], [name], options);
  expect(await (await open('fourth')).readName(name)).toBe(winner);
  const spoiled = await open('fifth');
  await spoiled.writeName(name, own);
  await chmod(join(folder, 'fifth/names/runs', name.key), 0o644);
  await writeFile(join(folder, 'fifth/names/runs', name.key), 'spoiled');
  expect(await spoiled.readName(name)).toBe(winner);
  await spoiled.moveName(name, own);
  expect(await spoiled.readName(name)).toBe(own);
});

test('work in parallel keeps its bound, its order, and stops at the first error', async () => {
  let now = 0;
  let most = 0;
  const squares = await mapInParallel(
    Array.from({ length: 20 }, (_, at) => at),
    { width: 3 },
    async (at) => {
      now += 1;
      most = Math.max(most, now);
      await sleep(20 - at);
      now -= 1;
      return at * at;
    },
  );
  expect(squares).toEqual(Array.from({ length: 20 }, (_, at) => at * at));
  expect(most).toBe(3);
  const begun: number[] = [];
  const failing = eachInParallel([1, 2, 3, 4, 5, 6], { width: 2 }, async (at) => {
    begun.push(at);
    await sleep(1);
    if (at === 2) throw new Error('two');
  });
  await expect(failing).rejects.toThrow('two');
  expect(begun.length).toBeLessThan(6);
});

const writer = `
import { openStore } from ${JSON.stringify(new URL('./open.ts', import.meta.url).pathname)};
import { writeFileSync } from 'node:fs';
const [folder, seed] = process.argv.slice(2);
const store = await openStore({ cacheDir: folder + '/cache', remote: folder + '/remote' });
const options = { progress: { start: () => ({ advance() {}, end() {} }) }, signal: new AbortController().signal };
for (let at = 0; ; at += 1) {
  const file = folder + '/source-' + seed;
  writeFileSync(file, Buffer.alloc(300_000, String(at % 50)));
  const { digest } = await store.putFile(file);
  await store.push([{ digest, bases: async () => [], async *objects() { yield { digest, bytes: 300_000, role: 'data' }; } }], [], options);
  if (at === 3) process.stdout.write('at work');
}`;

test('many writers at once, killed anywhere, leave whole objects and nothing else in use', { timeout: 60_000 }, async () => {
  const { folder, remote } = await place();
  await mkdir(remote);
  await writeFile(join(folder, 'writer.ts'), writer);
  for (let round = 0; round < 3; round += 1) {
    const children = [0, 1, 2].map((seed) =>
      spawn(process.execPath, [join(folder, 'writer.ts'), folder, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    await Promise.all(children.map((child) => new Promise((resolve) => child.stdout.once('data', resolve))));
    await sleep(20 + round * 13);
    await Promise.all(
      children.map((child) => {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        return ended;
      }),
    );
  }
  const store = await openStore({ cacheDir: join(folder, 'cache') });
  const roots: Digest[] = [];
  for await (const { digest } of store.cache.list()) {
    expect(await store.verify(digest)).toBe(true);
    roots.push(digest);
  }
  expect(roots.length).toBeGreaterThanOrEqual(4);
  // whatever has a receipt comes whole
  const other = await openStore({ cacheDir: join(folder, 'other'), remote });
  const there = [...(await other.openRoots(roots, options))];
  expect(there.length).toBeGreaterThanOrEqual(4);
  expect((await other.fetch(there, { ...options, within: there })).objects).toBe(there.length);
  for (const digest of there) expect((await other.readBytes(digest)).length).toBe(300_000);
});

test('an empty file and a file that grows are what they are', async () => {
  const { folder, local } = await place();
  const store = await local();
  await writeFile(join(folder, 'empty'), '');
  expect(await store.putFile(join(folder, 'empty'))).toEqual({ digest: digestOf(''), bytes: 0 });
  await truncate(join(folder, 'empty'), 3_000_000);
  expect(await store.putFile(join(folder, 'empty'))).toEqual({ digest: digestOf(Buffer.alloc(3_000_000)), bytes: 3_000_000 });
  await rm(join(folder, 'empty'));
  await expect(store.putFile(join(folder, 'empty'))).rejects.toMatchObject({ code: 'FILE_MISSING' });
});
