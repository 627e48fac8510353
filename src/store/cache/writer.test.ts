import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { byCodeUnit } from '../../base/canonical.ts';
import { digestOf, type Digest } from '../../base/digest.ts';
import { objectPath } from '../layout.ts';
import { openPackFile } from '../pack/reader.ts';
import { asUser, content, damage, filesBelow, isRoot, newPlace, options, sourceOf, writeFiles } from './cache.fixture.ts';
import { isSealed } from './seal.ts';

/** Small, large, larger than one read; and two of the same bytes. */
const mixed = [
  ...Array.from({ length: 20 }, (_, at) => content(at, at * 300)),
  content(100, 50_000),
  content(101, 50_000),
  content(101, 50_000),
  content(102, 1_500_000),
];

for (const link of ['copy', 'hardlink', 'reflink'] as const) {
  test(`many files come in at once, by ${link}: small ones into a pack, large ones as objects; nothing is seen before the end`, async () => {
    const { folder, root, open } = newPlace();
    const cache = open(link);
    const files = await writeFiles(join(folder, 'work'), mixed);
    const writer = await cache.openWriter();
    const stored = await writer.addFiles([...files, { path: join(folder, 'nothing') }], { link: true }, options);
    expect(stored.map((file) => file?.digest)).toEqual([...files.map((file) => file.digest), undefined]);
    expect(filesBelow(root).filter((path) => !path.startsWith('tmp/'))).toEqual([]);
    expect(await writer.has(files[0]?.digest as Digest)).toBe(true);
    expect(await writer.has(files[20]?.digest as Digest)).toBe(true);
    expect(await open().has(files[20]?.digest as Digest)).toBe(false);
    await writer.close();
    expect(
      filesBelow(root)
        .map((path) => path.split('/')[0] ?? '')
        .toSorted(byCodeUnit),
    ).toEqual(['objects', 'objects', 'objects', 'packs']);
    for (const [at, { digest }] of files.entries()) {
      expect(await cache.verify(digest)).toBe(true);
      expect(digestOf((await open().read(digest)) ?? '')).toBe(digestOf(mixed[at] ?? ''));
    }
    for (const { digest } of files.slice(20)) expect(isSealed(statSync(objectPath(root, digest)).mtimeMs, digest)).toBe(true);
  });
}

test('stamps are those of the files after all was done to them, whatever was done', async () => {
  for (const link of ['copy', 'hardlink', 'reflink']) {
    const { folder, open } = newPlace();
    const files = await writeFiles(join(folder, 'work'), mixed);
    const writer = await open(link).openWriter();
    const stored = await writer.addFiles(files, { link: true }, options);
    await writer.close();
    for (const [at, { path }] of files.entries()) {
      const facts = statSync(path);
      const { stamp, bytes } = stored[at] as NonNullable<(typeof stored)[0]>;
      expect(bytes).toBe(facts.size);
      expect(stamp).toMatchObject({ bytes: facts.size, mtimeMs: facts.mtimeMs, ino: facts.ino });
      if (facts.nlink === 1) expect(stamp).toMatchObject({ ctimeMs: facts.ctimeMs, links: 1 });
    }
  }
});

test('a hard link makes one file of two, read-only; what must not be linked is copied', async () => {
  const { folder, root, open } = newPlace();
  const names = ['plain', 'run', 'twice', 'edited'];
  const files = await writeFiles(
    join(folder, 'work'),
    names.map((_, at) => content(at, 20_000)),
  );
  const [plain, run, twice, edited] = files;
  chmodSync(run!.path, 0o755);
  linkSync(twice!.path, join(folder, 'other-name'));
  const writer = await open('hardlink').openWriter();
  await writer.addFiles([plain!, run!, twice!], { link: true }, options);
  await writer.addFiles([edited!], { link: false }, options);
  await writer.close();
  const isOne = (file: { path: string; digest: Digest }): boolean => statSync(file.path).ino === statSync(objectPath(root, file.digest)).ino;
  expect([plain, run, twice, edited].map((file) => isOne(file!))).toEqual([true, false, false, false]);
  expect(statSync(plain!.path).mode & 0o777).toBe(0o444);
  expect(statSync(run!.path).mode & 0o777).toBe(0o755);
  expect(statSync(edited!.path).mode & 0o200).toBe(0o200);
});

test('an edited work file does not change the cache, where it was copied or cloned', async () => {
  for (const link of ['copy', 'reflink', undefined]) {
    const { folder, open } = newPlace();
    const [file] = await writeFiles(join(folder, 'work'), [content(1, 20_000)]);
    const cache = open(link);
    const writer = await cache.openWriter();
    await writer.addFiles([file!], { link: true }, options);
    await writer.close();
    if (link === undefined && (await cache.linkKind(folder)).kind === 'hardlink') continue;
    damage(file!.path);
    expect(await cache.read(file!.digest)).toEqual(content(1, 20_000));
    expect(await cache.verify(file!.digest)).toBe(true);
  }
});

test('a user who is not root cannot write through a hard link; an editor that makes a new file leaves the cache as it is', async () => {
  const { folder } = newPlace();
  const found = await asUser(
    folder,
    `import { openCache } from ${JSON.stringify(sourceOf('./open.ts'))};
     import { openSync, renameSync, statSync, writeFileSync } from 'node:fs';
     const cache = openCache('./cache-of-user', { env: { PLUMB_LINK: 'hardlink' } });
     writeFileSync('file', Buffer.alloc(20_000, 1));
     await new Promise((resolve) => setTimeout(resolve, 60));
     const writer = await cache.openWriter();
     const [{ digest }] = await writer.addFiles([{ path: 'file' }], { link: true }, { signal: new AbortController().signal });
     await writer.close();
     const links = statSync('file').nlink;
     let refused = null;
     try { openSync('file', 'r+'); } catch (error) { refused = error.code; }
     writeFileSync('file.new', 'edited');
     renameSync('file.new', 'file');
     console.log(JSON.stringify([links, refused, (await cache.read(digest)).length, await cache.verify(digest)]));`,
  );
  expect(found).toEqual([2, 'EACCES', 20_000, true]);
});

test('who writes through a hard link all the same, as root can, breaks the seal: the object is set aside and never used', async () => {
  const { folder, root, open } = newPlace();
  const [file, other] = await writeFiles(join(folder, 'work'), [content(1, 20_000), content(2, 20_000)]);
  const cache = open('hardlink');
  const writer = await cache.openWriter();
  await writer.addFiles([file!, other!], { link: true }, options);
  await writer.close();
  damage(file!.path);
  expect(await cache.path(file!.digest)).toBeNull();
  expect(cache.wasBad(file!.digest)).toBe(true);
  expect(readdirSync(join(root, 'bad')).length).toBe(1);
  damage(other!.path);
  const placing = cache.placeFiles(
    [{ digest: other!.digest, bytes: 20_000, target: join(folder, 'out'), executable: false }],
    { link: true },
    options,
  );
  await expect(placing).rejects.toMatchObject({ code: 'BYTES_MISSING' });
  expect(existsSync(join(folder, 'out'))).toBe(false);
});

test('hundreds of files go to threads, and the result is the same', async () => {
  const { folder, root, open } = newPlace();
  const contents = Array.from({ length: 1200 }, (_, at) => content(at % 1000, at % 10 === 0 ? 9000 + at : 10 + (at % 1000)));
  const files = await writeFiles(join(folder, 'work'), contents);
  const cache = open('hardlink');
  const writer = await cache.openWriter();
  let told = 0;
  const stored = await writer.addFiles(files, { link: true }, { ...options, onBytes: (bytes) => (told += bytes) });
  await writer.close();
  expect(stored.map((file) => file?.digest)).toEqual(files.map((file) => file.digest));
  expect(told).toBe(contents.reduce((sum, bytes) => sum + bytes.length, 0));
  for (const { digest } of files) expect(await cache.has(digest)).toBe(true);
  expect((await cache.hashFiles(files, options)).map((file) => file?.digest)).toEqual(files.map((file) => file.digest));
  const again = await cache.openWriter();
  await again.addFiles(files, { link: true }, options);
  await again.close();
  expect(readdirSync(join(root, 'packs')).length).toBe(1);
  expect(filesBelow(join(root, 'tmp'))).toEqual([]);
});

test('the same files in the same order make the same pack, however many threads there are', async () => {
  const packs = [];
  for (const number of [300, 300, 100]) {
    const { folder, root, open } = newPlace();
    const files = await writeFiles(
      join(folder, 'work'),
      Array.from({ length: 300 }, (_, at) => content(at, 200)),
    );
    const writer = await open().openWriter();
    for (let at = 0; at < files.length; at += number) await writer.addFiles(files.slice(at, at + number), { link: true }, options);
    await writer.close();
    packs.push(readdirSync(join(root, 'packs')));
  }
  expect(packs[0]?.length).toBe(1);
  expect(packs[1]).toEqual(packs[0]);
  expect(packs[2]).toEqual(packs[0]);
});

test('what cannot be stored is named: special files, files that nobody may read', async () => {
  const { folder, open } = newPlace();
  const fifo = join(folder, 'fifo');
  expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
  const writer = await open().openWriter();
  await expect(writer.addFiles([{ path: fifo }], { link: true }, options)).rejects.toMatchObject({ code: 'FILE_KIND', where: { file: fifo } });
  // a session that failed cannot be closed as if it had not
  await expect(writer.close()).rejects.toMatchObject({ code: 'FILE_KIND' });
  await writer.abandon();
  await expect(open().hashFiles([{ path: folder }], options)).rejects.toMatchObject({ code: 'FILE_KIND' });
  if (isRoot) return;
  writeFileSync(join(folder, 'secret'), 'x', { mode: 0 });
  await expect(open().hashFiles([{ path: join(folder, 'secret') }], options)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
});

test('an abandoned session leaves nothing, and files that were linked may be written to again', async () => {
  const { folder, root, open } = newPlace();
  const files = await writeFiles(join(folder, 'work'), mixed);
  const writer = await open('hardlink').openWriter();
  await writer.addFiles(files, { link: true }, options);
  writer.addBytes(Buffer.from('bytes'), 'data');
  expect(statSync(files[20]!.path).mode & 0o222).toBe(0);
  await writer.abandon();
  expect(filesBelow(root)).toEqual([]);
  expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  expect(statSync(files[20]!.path).mode & 0o200).toBe(0o200);
});

test('a signal stops threads in the middle', async () => {
  const { folder, root, open } = newPlace();
  const files = await writeFiles(join(folder, 'work'), [Buffer.alloc(30_000_000, 1), Buffer.alloc(30_000_000, 2)]);
  const cache = open();
  const writer = await cache.openWriter();
  const stopping = new AbortController();
  const reason = new Error('enough');
  const adding = writer.addFiles(files, { link: true }, { signal: stopping.signal, onBytes: () => stopping.abort(reason) });
  await expect(adding).rejects.toBe(reason);
  await writer.abandon();
  expect(filesBelow(root)).toEqual([]);
  await expect(cache.hashFiles(files, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test('bytes come in by role: meta objects lie at the end of the pack, large ones are files', async () => {
  const { root, open } = newPlace();
  const cache = open();
  const writer = await cache.openWriter();
  const meta = writer.addBytes(content(1, 30_000), 'meta');
  const small = writer.addBytes(content(2, 300), 'data');
  const large = writer.addBytes(content(3, 30_000), 'data');
  expect(writer.addBytes(content(3, 30_000), 'data')).toBe(large);
  expect(large).toBe(digestOf(content(3, 30_000)));
  expect([await writer.has(meta), await writer.has(small), await writer.has(large), await writer.has(digestOf('x'))]).toEqual([
    true,
    true,
    true,
    false,
  ]);
  await writer.close();
  expect(filesBelow(join(root, 'objects')).length).toBe(1);
  const [name] = readdirSync(join(root, 'packs'));
  const { index, ...file } = openPackFile(join(root, 'packs', name as string));
  const isMeta = (digest: Digest): boolean => index.frameAt(index.locationAt(index.find(digest)).frame).offset >= index.tail;
  expect([isMeta(meta), isMeta(small)]).toEqual([true, false]);
  expect(index.objects).toBe(2);
  expect(file).toBeDefined();
});

test('a session in which nothing is new writes nothing', async () => {
  const { folder, root, open } = newPlace();
  const files = await writeFiles(join(folder, 'work'), mixed);
  for (let round = 0; round < 2; round += 1) {
    const writer = await open('copy').openWriter();
    await writer.addFiles(files, { link: true }, options);
    writer.addBytes(content(200, 100), 'meta');
    await writer.close();
  }
  expect(readdirSync(join(root, 'packs')).length).toBe(1);
  expect(readdirSync(join(root, 'tmp'))).toEqual([]);
});

test('a file that arrives in pieces is verified at the end; wrong bytes do not come in and do not spoil the session', async () => {
  const { root, open } = newPlace();
  const cache = open();
  const writer = await cache.openWriter();
  const bytes = content(1, 20_000);
  const wrong = await writer.openFile(digestOf(bytes), bytes.length);
  writeFileSync(wrong.path, content(2, 20_000));
  await expect(wrong.done()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH', details: { expected: digestOf(bytes) } });
  const dropped = await writer.openFile(digestOf(bytes), bytes.length);
  writeFileSync(dropped.path, bytes);
  await dropped.abandon();
  const right = await writer.openFile(digestOf(bytes), bytes.length);
  writeFileSync(right.path, bytes);
  await right.done();
  await writer.close();
  expect(await open().path(digestOf(bytes))).toBe(objectPath(root, digestOf(bytes)));
  expect(filesBelow(root).length).toBe(1);
});

test('a finished pack is taken in whole, under the name of its bytes', async () => {
  const { folder, root, open } = newPlace();
  const other = newPlace();
  const theirs = await other.open().openWriter();
  const digest = theirs.addBytes(content(1, 700), 'data');
  await theirs.close();
  const [name] = readdirSync(join(other.root, 'packs')) as [string];
  const path = join(folder, 'arrived');
  renameSync(join(other.root, 'packs', name), path);
  const writer = await open().openWriter();
  const file = openPackFile(path);
  file.close();
  await writer.addPack(path, file.index);
  expect(await writer.has(digest)).toBe(true);
  await writer.close();
  expect(readdirSync(join(root, 'packs'))).toEqual([name]);
  expect(await open().read(digest)).toEqual(content(1, 700));
});

test('an object that is there but bad is replaced by the bytes that come', async () => {
  const { folder, root, open } = newPlace();
  for (const link of ['copy', 'hardlink']) {
    const [file] = await writeFiles(join(folder, link), [content(1, 20_000)]);
    await open().putBytes(content(1, 20_000));
    damage(objectPath(root, file!.digest));
    const writer = await open(link).openWriter();
    await writer.addFiles([file!], { link: true }, options);
    await writer.close();
    expect(await open().verify(file!.digest)).toBe(true);
    rmSync(objectPath(root, file!.digest), { force: true });
  }
});

test('two sessions that store the same objects at the same time both succeed', async () => {
  const { folder, root, open } = newPlace();
  const first = await writeFiles(join(folder, 'one'), mixed);
  const second = await writeFiles(join(folder, 'two'), mixed);
  const writers = await Promise.all([open('hardlink').openWriter(), open('hardlink').openWriter()]);
  await Promise.all([writers[0].addFiles(first, { link: true }, options), writers[1].addFiles(second, { link: true }, options)]);
  await Promise.all(writers.map((writer) => writer.close()));
  for (const { digest } of first) expect(await open().verify(digest)).toBe(true);
  expect(filesBelow(join(root, 'objects')).length).toBe(3);
  expect(readdirSync(join(root, 'tmp'))).toEqual([]);
});

test('what a killed session left is swept when it is an hour old, not before', async () => {
  const { root, open } = newPlace();
  const writer = await open().openWriter();
  writer.addBytes(content(1, 30_000), 'data');
  const [left] = readdirSync(join(root, 'tmp')) as [string];
  await open().putBytes('x');
  expect(readdirSync(join(root, 'tmp'))).toEqual([left]);
  utimesSync(join(root, 'tmp', left), 1, 1);
  await open().putBytes('y');
  expect(readdirSync(join(root, 'tmp'))).toEqual([]);
});

test('many small packs become one', async () => {
  const { root, open } = newPlace();
  const cache = open();
  const digests: Digest[] = [];
  for (let at = 0; at < 66; at += 1) {
    const writer = await cache.openWriter();
    digests.push(writer.addBytes(content(at, 100), at % 2 === 0 ? 'meta' : 'data'));
    await writer.close();
  }
  expect(readdirSync(join(root, 'packs')).length).toBeLessThan(5);
  for (const [at, digest] of digests.entries()) expect(await cache.read(digest)).toEqual(content(at, 100));
});

test('a symlink is followed, as it is by whoever reads the file', async () => {
  const { folder, open } = newPlace();
  const [file] = await writeFiles(join(folder, 'work'), [content(1, 20_000)]);
  symlinkSync(file!.path, join(folder, 'link'));
  const writer = await open('copy').openWriter();
  const [stored] = await writer.addFiles([{ path: join(folder, 'link') }], { link: true }, options);
  await writer.close();
  expect(stored?.digest).toBe(file!.digest);
});

test('the cache never gets a symlink, and what it leads to stays writable', async () => {
  const { folder, root, open } = newPlace();
  const [file] = await writeFiles(join(folder, 'work'), [content(1, 20_000)]);
  symlinkSync(file!.path, join(folder, 'link'));
  const writer = await open('hardlink').openWriter();
  await writer.addFiles([{ path: join(folder, 'link') }], { link: true }, options);
  await writer.close();
  expect(lstatSync(objectPath(root, file!.digest)).isFile()).toBe(true);
  expect(await open().verify(file!.digest)).toBe(true);
  expect(statSync(file!.path)).toMatchObject({ nlink: 1, mode: 0o100644 });
});
