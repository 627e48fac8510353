import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { byCodeUnit } from '../../base/canonical.ts';
import { digestOf, type Digest } from '../../base/digest.ts';
import { objectPath } from '../layout.ts';
import type { Cache } from './cache.ts';
import { content, damage, newPlace, options } from './cache.fixture.ts';
import type { FileToPlace } from './place.ts';

async function stored(cache: Cache, contents: readonly Buffer[]): Promise<Digest[]> {
  const writer = await cache.openWriter();
  const digests = contents.map((bytes) => writer.addBytes(bytes, 'data'));
  await writer.close();
  return digests;
}

function placesOf(folder: string, contents: readonly Buffer[], digests: readonly Digest[]): FileToPlace[] {
  mkdirSync(folder, { recursive: true });
  return contents.map((bytes, at) => ({
    digest: digests[at] as Digest,
    bytes: bytes.length,
    target: join(folder, `file-${at}`),
    executable: at % 5 === 0,
  }));
}

const contents = [...Array.from({ length: 10 }, (_, at) => content(at, at * 200)), content(20, 50_000), content(21, 50_000), content(22, 2_000_000)];

for (const link of ['copy', 'hardlink', 'reflink']) {
  test(`files come out by ${link}: into an empty folder, and over what stands there`, async () => {
    const { folder, open } = newPlace();
    const cache = open(link);
    const digests = await stored(cache, contents);
    const files = placesOf(join(folder, 'work'), contents, digests);
    for (let round = 0; round < 3; round += 1) {
      const stamps = await cache.placeFiles(files, { link: true }, options);
      for (const [at, { target, executable }] of files.entries()) {
        const facts = lstatSync(target);
        expect(digestOf(readFileSync(target))).toBe(digests[at]);
        expect(stamps[at]).toMatchObject({ bytes: facts.size, mtimeMs: facts.mtimeMs, ino: facts.ino, links: facts.nlink });
        expect((facts.mode & 0o100) !== 0).toBe(executable);
      }
      expect(readdirSync(join(folder, 'work')).length).toBe(files.length);
      // a second time over the same files, then over others
      if (round === 1) for (const { target } of files) writeFileSync(`${target}.new`, 'other');
      if (round === 1) for (const { target } of files) renameSync(`${target}.new`, target);
    }
    const isLinked = statSync(files[11]!.target).ino === statSync((await cache.path(digests[11]!)) as string).ino;
    expect(isLinked).toBe(link === 'hardlink');
  });
}

test('into a folder that nobody sees yet, files are written straight; stamps are right, a full name is an error', async () => {
  for (const link of ['copy', 'hardlink', 'reflink']) {
    const { folder, open } = newPlace();
    const cache = open(link);
    const digests = await stored(cache, contents);
    const files = placesOf(join(folder, 'work'), contents, digests);
    const stamps = await cache.placeFiles(files, { link: true, fresh: true }, options);
    for (const [at, { target }] of files.entries()) {
      const facts = lstatSync(target);
      expect(digestOf(readFileSync(target))).toBe(digests[at]);
      expect(stamps[at]).toMatchObject({ bytes: facts.size, mtimeMs: facts.mtimeMs, ctimeMs: facts.ctimeMs, ino: facts.ino, links: facts.nlink });
    }
    await expect(cache.placeFiles(files.slice(0, 3), { link: true, fresh: true }, options)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readdirSync(join(folder, 'work')).length).toBe(files.length);
  }
});

test('files that may be edited are never links', async () => {
  const { folder, open } = newPlace();
  const cache = open('hardlink');
  const digests = await stored(cache, contents);
  const files = placesOf(join(folder, 'work'), contents, digests);
  await cache.placeFiles(files, { link: false }, options);
  for (const { target } of files) {
    expect(statSync(target).nlink).toBe(1);
    writeFileSync(target, 'edited', { flag: 'r+' });
  }
  for (const digest of digests) expect(await cache.verify(digest)).toBe(true);
});

test('an edited working copy does not change the cache, where it was copied or cloned', async () => {
  for (const link of ['copy', 'reflink']) {
    const { folder, open } = newPlace();
    const cache = open(link);
    const [digest] = (await stored(cache, [content(1, 50_000)])) as [Digest];
    const target = join(folder, 'file');
    await cache.placeFiles([{ digest, bytes: 50_000, target, executable: false }], { link: true }, options);
    writeFileSync(target, 'edited', { flag: 'r+' });
    expect(await cache.read(digest)).toEqual(content(1, 50_000));
  }
});

test('a thousand files are placed by threads, in the order that was asked for', async () => {
  const { folder, open } = newPlace();
  const cache = open('hardlink');
  const many = Array.from({ length: 1001 }, (_, at) => content(at, at % 20 === 0 ? 10_000 + at : 20 + at));
  const digests = await stored(cache, many);
  const files = placesOf(join(folder, 'work'), many, digests).toReversed();
  let told = 0;
  const stamps = await cache.placeFiles(files, { link: true }, { ...options, onBytes: (bytes) => (told += bytes) });
  for (const [at, { target }] of files.entries()) {
    expect(digestOf(readFileSync(target))).toBe(digests[1000 - at]);
    expect(stamps[at]?.ino).toBe(lstatSync(target).ino);
  }
  expect(told).toBe(many.reduce((sum, bytes) => sum + bytes.length, 0));
});

test('objects that are bad or gone are named, all of them; the others are in place', async () => {
  const { folder, root, open } = newPlace();
  const cache = open('copy');
  const digests = await stored(cache, contents);
  const files = placesOf(join(folder, 'work'), contents, digests);
  damage(objectPath(root, digests[10] as Digest));
  rmSync(objectPath(root, digests[11] as Digest));
  const [pack] = readdirSync(join(root, 'packs')) as [string];
  damage(join(root, 'packs', pack), 8 + 500);
  const damagedSmall = digests[2] as Digest;
  await expect(cache.placeFiles(files, { link: true }, options)).rejects.toMatchObject({
    code: 'BYTES_MISSING',
    details: { missing: [digests[10] ?? '', digests[11] ?? '', damagedSmall].toSorted(byCodeUnit) },
  });
  const there = files.filter(({ target }) => existsSync(target));
  expect(there.length).toBe(files.length - 3);
  for (const { target } of there) expect(digestOf(readFileSync(target))).toBe(files.find((file) => file.target === target)?.digest);
  expect(cache.wasBad(damagedSmall)).toBe(true);
});

test('a link over a symlink replaces the symlink; a folder in the way is an error that names it', async () => {
  const { folder, open } = newPlace();
  const cache = open('hardlink');
  const [digest] = (await stored(cache, [content(1, 50_000)])) as [Digest];
  const outside = join(folder, 'outside');
  writeFileSync(outside, 'stays');
  const target = join(folder, 'file');
  for (const link of [true, false]) {
    rmSync(target, { force: true });
    symlinkSync(outside, target);
    await cache.placeFiles([{ digest, bytes: 50_000, target, executable: false }], { link }, options);
    expect(lstatSync(target).isSymbolicLink()).toBe(false);
    expect(readFileSync(outside, 'utf8')).toBe('stays');
  }
  mkdirSync(join(folder, 'in-the-way/inner'), { recursive: true });
  for (const link of [true, false]) {
    const placing = cache.placeFiles([{ digest, bytes: 50_000, target: join(folder, 'in-the-way'), executable: false }], { link }, options);
    await expect(placing).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  }
  expect(readdirSync(folder).toSorted()).toEqual(['cache', 'file', 'in-the-way', 'outside']);
});

test('a pack that another process has merged meanwhile is found again', async () => {
  const { folder, root, open } = newPlace();
  const cache = open();
  const [digest] = (await stored(cache, [content(1, 100)])) as [Digest];
  expect(await cache.has(digest)).toBe(true);
  const [name] = readdirSync(join(root, 'packs')) as [string];
  const other = open();
  const writer = await other.openWriter();
  writer.addBytes(content(1, 99), 'data');
  await writer.close();
  // the same objects in another pack, as after a merge
  const { rewritePacks } = await import('./repack.ts');
  const { LocalPacks } = await import('./local-packs.ts');
  await rewritePacks(root, new LocalPacks(root).all(), { keeps: () => true, old: () => null });
  expect(readdirSync(join(root, 'packs'))).not.toContain(name);
  await cache.placeFiles([{ digest, bytes: 100, target: join(folder, 'file'), executable: false }], { link: true }, options);
  expect(readFileSync(join(folder, 'file'))).toEqual(content(1, 100));
  chmodSync(join(folder, 'file'), 0o600);
});
