import { spawn } from 'node:child_process';
import { chmod, mkdtemp, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { digestOf, hexOf, type Digest } from '../base/digest.ts';
import { silentProgress } from '../base/progress.ts';
import { objectPath } from './layout.ts';
import { openStore } from './open.ts';
import { eachInParallel, mapInParallel } from './parallel.ts';
import type { Store } from './store.ts';

const options = { progress: silentProgress, signal: new AbortController().signal };

async function place(): Promise<{
  folder: string;
  remote: string;
  open: (name?: string) => Promise<Store>;
  local: (name?: string) => Promise<Store>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'plumb-store-'));
  const remote = join(folder, 'remote');
  return {
    folder,
    remote,
    open: (name = 'cache') => openStore({ cacheDir: join(folder, name), remote }),
    local: (name = 'cache') => openStore({ cacheDir: join(folder, name) }),
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
  const digest = await store.putBytes('precious');
  await store.push([digest], [], options);
  const uses: ((store: Store) => Promise<unknown>)[] = [
    (next) => next.readBytes(digest),
    (next) => next.pathOf(digest),
    (next) => next.checkoutFile(digest, join(folder, 'out')),
  ];
  for (const use of uses) {
    await damage(objectPath(join(folder, 'cache'), digest));
    await use(await open());
    expect((await (await open()).readBytes(digest)).toString()).toBe('precious');
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
  await expect((await local()).push([missing], [], options)).rejects.toMatchObject({ code: 'REMOTE_MISSING' });
  await expect((await open()).push([missing], [], options)).rejects.toMatchObject({ code: 'BYTES_MISSING' });
});

test('a push sends what the remote lacks, once; a fetch brings what the cache lacks', async () => {
  const { open } = await place();
  const store = await open();
  const digests = await mapInParallel(
    Array.from({ length: 40 }, (_, at) => `object ${at}`),
    { width: 4 },
    (text) => store.putBytes(text),
  );
  expect(await store.push(digests.slice(0, 30), [], options)).toEqual({ objects: 30, bytes: 260 });
  expect(await store.push([...digests, ...digests], [], options)).toEqual({ objects: 10, bytes: 90 });
  expect(await store.push(digests, [], options)).toEqual({ objects: 0, bytes: 0 });
  const other = await open('other');
  expect((await other.fetch(digests, options)).objects).toBe(40);
  expect(await other.fetch(digests, options)).toEqual({ objects: 0, bytes: 0 });
  expect((await other.readBytes(digests[7] as Digest)).toString()).toBe('object 7');
});

test('a fetch brings all that is there before it says what is missing', async () => {
  const { open } = await place();
  const store = await open();
  const there = await store.putBytes('there');
  await store.push([there], [], options);
  const other = await open('other');
  const lost = digestOf('lost');
  await expect(other.fetch([lost, there], options)).rejects.toMatchObject({ code: 'BYTES_MISSING', details: { missing: [lost] } });
  expect(await other.has(there)).toBe(true);
});

test('wrong bytes of a remote do not come in, wrong bytes of the cache do not go out', async () => {
  const { folder, remote, open } = await place();
  const store = await open();
  const digest = await store.putBytes('precious');
  await store.push([digest], [], options);
  await damage(objectPath(remote, digest));
  const other = await open('other');
  await expect(other.readBytes(digest)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH', message: expect.stringContaining(remote) as string });
  expect(await filesBelow(join(folder, 'other'))).toEqual([]);
  const second = await store.putBytes('second');
  await damage(objectPath(join(folder, 'cache'), second));
  await expect(store.push([second], [], options)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect((await filesBelow(remote)).length).toBe(1);
  expect(await store.has(second)).toBe(false);
});

test('a share that is not mounted is an error, not a new folder', async () => {
  const { folder } = await place();
  const store = await openStore({ cacheDir: join(folder, 'cache'), remote: join(folder, 'mnt/share') });
  const digest = await store.putBytes('x');
  await expect(store.push([digest], [], options)).rejects.toMatchObject({ code: 'REMOTE_FAILED' });
  await writeFile(join(folder, 'file'), '');
  const blocked = await openStore({ cacheDir: join(folder, 'cache'), remote: join(folder, 'file') });
  await expect(blocked.push([digest], [], options)).rejects.toMatchObject({ code: 'REMOTE_FAILED' });
  expect((await readdir(folder)).toSorted()).toEqual(['cache', 'file']);
});

test('names: the first writer wins, here and in the remote', async () => {
  const { open } = await place();
  const store = await open();
  const name = { kind: 'runs', key: hexOf(digestOf('fingerprint')) } as const;
  expect(await store.readName(name)).toBeNull();
  const candidates = await Promise.all(Array.from({ length: 8 }, (_, at) => store.putBytes(`run ${at}`)));
  const won = new Set(await Promise.all(candidates.map((digest) => store.writeName(name, digest))));
  expect(won.size).toBe(1);
  const [winner] = [...won];
  await store.push([winner as Digest], [name], options);
  const other = await open('other');
  expect(await other.readName(name)).toBe(winner);
  expect(await other.remote?.writeName(name, digestOf('late'))).toBe(winner);
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
  await store.push([digest], [], options);
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
  for (const root of [join(folder, 'cache'), remote]) {
    const store = await openStore({ cacheDir: root });
    let count = 0;
    for (const start of await readdir(join(root, 'objects'))) {
      for (const rest of await readdir(join(root, 'objects', start))) {
        expect(await store.verify(`sha256:${start}${rest}`)).toBe(true);
        count += 1;
      }
    }
    expect(count).toBeGreaterThanOrEqual(4);
  }
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
