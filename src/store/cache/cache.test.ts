import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf, hexOf } from '../../base/digest.ts';
import { objectPath } from '../layout.ts';
import { asUser, content, damage, filesBelow, newPlace, options, sourceOf, writePack } from './cache.fixture.ts';
import { isSealed } from './seal.ts';

const abc = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

test('bytes and files go in under their SHA-256, read-only and sealed, and come back', async () => {
  const { folder, root, open } = newPlace();
  const cache = open();
  writeFileSync(join(folder, 'file'), 'abc');
  expect(await cache.putFile(join(folder, 'file'), {})).toEqual({ digest: abc, bytes: 3 });
  expect(await cache.putBytes('abc')).toBe(abc);
  expect((await cache.read(abc))?.toString()).toBe('abc');
  expect(await cache.sizeOf(abc)).toBe(3);
  const path = await cache.path(abc);
  expect(path).toBe(join(root, 'objects/ba', hexOf(abc).slice(2)));
  const facts = statSync(path as string);
  expect(facts.mode & 0o777).toBe(0o444);
  expect(isSealed(facts.mtimeMs, abc)).toBe(true);
  expect(filesBelow(join(root, 'tmp'))).toEqual([]);
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('abc');
});

test('an empty file and a file that grows are what they are', async () => {
  const { folder, open } = newPlace();
  const cache = open();
  const path = join(folder, 'file');
  writeFileSync(path, '');
  expect(await cache.putFile(path, {})).toEqual({ digest: digestOf(''), bytes: 0 });
  truncateSync(path, 3_000_000);
  expect(await cache.putFile(path, {})).toEqual({ digest: digestOf(Buffer.alloc(3_000_000)), bytes: 3_000_000 });
  await expect(cache.putFile(join(folder, 'nothing'), {})).rejects.toMatchObject({ code: 'FILE_MISSING' });
});

test('what is not there is null, false, or named', async () => {
  const { folder, open } = newPlace();
  const cache = open();
  const lost = digestOf('lost');
  expect(await cache.has(lost)).toBe(false);
  expect(await cache.read(lost)).toBeNull();
  expect(await cache.path(lost)).toBeNull();
  expect(await cache.sizeOf(lost)).toBeNull();
  expect(await cache.verify(lost)).toBe(false);
  expect(await cache.copyTo(lost, join(folder, 'out'), 0o666)).toBe(false);
  expect(cache.wasBad(lost)).toBe(false);
  const placing = cache.placeFiles([{ digest: lost, bytes: 4, target: join(folder, 'out'), executable: false }], { link: false }, options);
  await expect(placing).rejects.toMatchObject({ code: 'BYTES_MISSING', details: { missing: [lost] } });
  expect(filesBelow(folder)).toEqual([]);
});

test('a damaged object is never given out, whichever way it is asked for: it is set aside', async () => {
  const { folder, root, open } = newPlace();
  const digest = await open().putBytes('precious');
  const uses = [
    (cache: ReturnType<typeof open>) => cache.read(digest),
    (cache: ReturnType<typeof open>) => cache.path(digest),
    (cache: ReturnType<typeof open>) => cache.copyTo(digest, join(folder, 'out'), 0o666),
    (cache: ReturnType<typeof open>) => cache.verify(digest),
  ];
  for (const use of uses) {
    const cache = open();
    expect(await use(cache)).not.toBe(null);
    damage(objectPath(root, digest));
    expect((await use(cache)) ?? false).toBe(false);
    expect(cache.wasBad(digest)).toBe(true);
    expect(await cache.has(digest)).toBe(false);
    await cache.putBytes('precious');
    expect(await cache.verify(digest)).toBe(true);
    rmSync(join(folder, 'out'), { force: true });
  }
  expect(readdirSync(join(root, 'bad')).length).toBe(4);
});

test('an object whose seal is gone is hashed, and sealed again; one that is bad but has its size is found', async () => {
  const { root, open } = newPlace();
  const digest = await open().putBytes(content(1, 100_000));
  const path = objectPath(root, digest);
  utimesSync(path, 1, 1);
  expect(isSealed(statSync(path).mtimeMs, digest)).toBe(false);
  expect(await open().path(digest)).toBe(path);
  expect(isSealed(statSync(path).mtimeMs, digest)).toBe(true);
  expect(Math.floor(statSync(path).mtimeMs / 1000)).toBe(1);
  damage(path, 50_000);
  expect(await open().path(digest)).toBeNull();
});

test('what a broken disk changes without a write is found by verify, and by whoever reads bytes', async () => {
  const { root, open } = newPlace();
  const digest = await open().putBytes('precious');
  const path = objectPath(root, digest);
  const { mtimeMs } = statSync(path);
  damage(path);
  utimesSync(path, mtimeMs / 1000, mtimeMs / 1000);
  expect(isSealed(statSync(path).mtimeMs, digest)).toBe(true);
  expect(await open().verify(digest)).toBe(false);
  expect(readdirSync(join(root, 'bad')).length).toBe(1);
});

test('wrong bytes are not admitted, and leave nothing', async () => {
  const { root, open } = newPlace();
  const cache = open();
  const digest = digestOf('right');
  const admitted = cache.admit(digest, 'the remote', async (temporary) => writeFileSync(temporary, 'wrong'));
  await expect(admitted).rejects.toMatchObject({ code: 'DIGEST_MISMATCH', message: expect.stringContaining('the remote') as string });
  expect(filesBelow(root)).toEqual([]);
  expect(await cache.admit(digest, 'the remote', async (temporary) => writeFileSync(temporary, 'right'))).toBe(5);
  expect((await cache.read(digest))?.toString()).toBe('right');
});

test('an object of a pack is read, measured, copied, and unpacked where a path is wanted', async () => {
  const { folder, root, open } = newPlace();
  const cache = open();
  const writer = await cache.openWriter();
  const digest = writer.addBytes(content(1, 500), 'data');
  await writer.close();
  expect(filesBelow(join(root, 'objects'))).toEqual([]);
  expect(await cache.has(digest)).toBe(true);
  expect(await cache.sizeOf(digest)).toBe(500);
  expect(await cache.read(digest)).toEqual(content(1, 500));
  expect(await cache.verify(digest)).toBe(true);
  expect(await cache.copyTo(digest, join(folder, 'out'), 0o777)).toBe(true);
  expect(readFileSync(join(folder, 'out'))).toEqual(content(1, 500));
  expect(statSync(join(folder, 'out')).mode & 0o700).toBe(0o700);
  expect(await cache.path(digest)).toBe(objectPath(root, digest));
  expect(filesBelow(join(root, 'objects')).length).toBe(1);
});

test('a bad object of a pack goes out of use for good, its neighbours stay', async () => {
  const { root, open } = newPlace();
  const cache = open();
  const writer = await cache.openWriter();
  const digests = [0, 1, 2].map((number) => writer.addBytes(content(number, 500), 'data'));
  await writer.close();
  const [name] = readdirSync(join(root, 'packs'));
  damage(join(root, 'packs', name as string), 8 + 700);
  for (const reader of [cache, open()]) {
    expect(await reader.read(digests[0] as never)).toEqual(content(0, 500));
    expect(await reader.read(digests[1] as never)).toBeNull();
    expect(await reader.has(digests[1] as never)).toBe(false);
    expect(await reader.read(digests[2] as never)).toEqual(content(2, 500));
  }
  expect(cache.wasBad(digests[1] as never)).toBe(true);
  expect(readdirSync(join(root, 'bad')).length).toBe(1);
  const again = await cache.openWriter();
  again.addBytes(content(1, 500), 'data');
  await again.close();
  expect(await open().read(digests[1] as never)).toEqual(content(1, 500));
});

test('a file among the packs that is none is passed over', async () => {
  const { root, open } = newPlace();
  writePack(root, `${'1'.repeat(64)}.pack`, [content(1, 100)]);
  writeFileSync(join(root, 'packs', `${'2'.repeat(64)}.pack`), 'not a pack');
  writeFileSync(join(root, 'packs', 'notes.txt'), 'nor this');
  expect(await open().read(digestOf(content(1, 100)))).toEqual(content(1, 100));
  expect(await open().has(digestOf('x'))).toBe(false);
});

test('packs that another process adds or takes away are noticed', async () => {
  const { root, open } = newPlace();
  const [mine, theirs] = [open(), open()];
  expect(await mine.has(digestOf(content(1, 100)))).toBe(false);
  for (let round = 0; round < 3; round += 1) {
    const writer = await theirs.openWriter();
    const digest = writer.addBytes(content(round, 100), 'data');
    await writer.close();
    expect(await mine.read(digest)).toEqual(content(round, 100));
    expect(await mine.has(digest)).toBe(true);
  }
  rmSync(join(root, 'packs'), { recursive: true });
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(await mine.has(digestOf(content(1, 100)))).toBe(false);
  expect(await mine.read(digestOf(content(2, 100)))).toBeNull();
});

test('everything is listed: files with their sizes, objects of packs with the name of the pack', async () => {
  const { root, open } = newPlace();
  const cache = open();
  const loose = await cache.putBytes(content(1, 20_000));
  const writer = await cache.openWriter();
  const small = writer.addBytes(Buffer.from('small'), 'data');
  const meta = writer.addBytes(content(2, 20_000), 'meta');
  await writer.close();
  mkdirSync(join(root, 'objects/zz'));
  writeFileSync(join(root, 'objects', 'notes'), '');
  writeFileSync(join(root, 'objects', hexOf(loose).slice(0, 2), 'notes'), '');
  const listed = [];
  for await (const object of cache.list()) listed.push(object);
  const pack = readdirSync(join(root, 'packs'))[0]?.slice(0, 64);
  expect(listed.toSorted((a, b) => a.bytes - b.bytes)).toEqual([
    { digest: small, bytes: 5, pack },
    { digest: loose, bytes: 20_000, pack: null },
    { digest: meta, bytes: 20_000, pack },
  ]);
});

test('a cache that can only be read is read: files, packs, and bad objects are not used', async () => {
  const { folder, root, open } = newPlace();
  const cache = open();
  const loose = await cache.putBytes(content(1, 20_000));
  const unsealed = await cache.putBytes(content(2, 20_000));
  const bad = await cache.putBytes(content(3, 20_000));
  const writer = await cache.openWriter();
  const packed = writer.addBytes(Buffer.from('packed'), 'data');
  await writer.close();
  utimesSync(objectPath(root, unsealed), 5, 5);
  damage(objectPath(root, bad));
  for (const path of ['objects', 'packs', 'tmp', '']) chmodSync(join(root, path), 0o555);
  const found = await asUser(
    folder,
    `import { openCache } from ${JSON.stringify(sourceOf('./open.ts'))};
     import { readFileSync } from 'node:fs';
     const cache = openCache(${JSON.stringify(root)}, { env: {} });
     const signal = new AbortController().signal;
     const out = [];
     for (const digest of ${JSON.stringify([loose, unsealed, packed])}) {
       out.push((await cache.read(digest))?.length, readFileSync(await cache.path(digest)).length);
     }
     out.push(await cache.read('${bad}'), await cache.path('${bad}'), await cache.has('${bad}'), cache.wasBad('${bad}'));
     const files = ${JSON.stringify([loose, unsealed, packed])}.map((digest, at) => ({ digest, bytes: 9, target: ${JSON.stringify(folder)} + '/out-' + at, executable: false }));
     out.push((await cache.placeFiles(files, { link: true }, { signal })).map((stamp) => stamp.bytes));
     out.push(await cache.putBytes('new').catch((error) => error.code));
     console.log(JSON.stringify(out));`,
  );
  expect(found).toEqual([20_000, 20_000, 20_000, 20_000, 6, 6, null, null, false, true, [20_000, 20_000, 6], 'FILE_UNREADABLE']);
});
