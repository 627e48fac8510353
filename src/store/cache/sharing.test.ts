import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { asUser, content, filesBelow, isRoot, newPlace, options, sourceOf, writeFiles } from './cache.fixture.ts';

const modeOf = (path: string): number => statSync(path).mode & 0o7777;

test('in a root that a group may write to, so are the folders below, and all may read the files, whatever the umask', async () => {
  const { folder, root, open } = newPlace();
  mkdirSync(root);
  chmodSync(root, 0o2775);
  const before = process.umask(0o077);
  try {
    const cache = open('copy');
    await cache.putBytes('alone');
    const files = await writeFiles(join(folder, 'work'), [content(1, 100), content(2, 20_000)]);
    const writer = await cache.openWriter();
    await writer.addFiles(files, { link: true }, options);
    writer.addBytes(content(3, 20_000), 'data');
    await writer.close();
  } finally {
    process.umask(before);
  }
  for (const path of ['objects', 'packs', 'tmp', `objects/${readdirSync(join(root, 'objects'))[0] ?? ''}`])
    expect([path, modeOf(join(root, path))]).toEqual([path, 0o2775]);
  const files = filesBelow(root);
  expect(files.length).toBe(4);
  for (const path of files) expect([path, modeOf(join(root, path))]).toEqual([path, 0o444]);
});

test('in a root of one user, the umask decides', async () => {
  const { root, open } = newPlace();
  const before = process.umask(0o077);
  try {
    await open().putBytes('mine');
  } finally {
    process.umask(before);
  }
  expect(modeOf(join(root, 'objects'))).toBe(0o700);
  expect(modeOf(join(root, filesBelow(root)[0] as string))).toBe(0o400);
});

test('a file that only its owner may read is not linked into a cache of many', async () => {
  const { folder, root, open } = newPlace();
  mkdirSync(root);
  chmodSync(root, 0o775);
  const [file] = await writeFiles(join(folder, 'work'), [content(1, 20_000)]);
  chmodSync(file!.path, 0o600);
  const writer = await open('hardlink').openWriter();
  await writer.addFiles([file!], { link: true }, options);
  await writer.close();
  expect(modeOf(file!.path)).toBe(0o600);
  expect(modeOf(join(root, filesBelow(root)[0] as string))).toBe(0o444);
});

test('objects of another user are read, verified, placed by copies, and added to', async () => {
  const { folder, root, open } = newPlace();
  mkdirSync(root);
  chmodSync(root, 0o777);
  const cache = open('copy');
  const loose = await cache.putBytes(content(1, 20_000));
  const writer = await cache.openWriter();
  const packed = writer.addBytes(content(2, 300), 'data');
  await writer.close();
  const found = await asUser(
    folder,
    `import { openCache } from ${JSON.stringify(sourceOf('./open.ts'))};
     import { statSync } from 'node:fs';
     const cache = openCache(${JSON.stringify(root)}, { env: { PLUMB_LINK: 'hardlink' } });
     const signal = new AbortController().signal;
     const files = [['${loose}', 20000], ['${packed}', 300]].map(([digest, bytes], at) => ({ digest, bytes, target: ${JSON.stringify(folder)} + '/out-' + at, executable: false }));
     const stamps = await cache.placeFiles(files, { link: true }, { signal });
     const writer = await cache.openWriter();
     const digest = writer.addBytes(Buffer.from('from another user'), 'data');
     await writer.close();
     console.log(JSON.stringify([stamps.map((stamp) => stamp.bytes), await cache.has(digest), await cache.verify('${loose}')]));`,
  );
  expect(found).toEqual([[20_000, 300], true, true]);
  // the kernel lets nobody link files of others that they may not write to
  if (isRoot) expect(statSync(join(folder, 'out-0')).nlink).toBeLessThanOrEqual(2);
  expect(readdirSync(join(root, 'packs')).length).toBe(2);
});

test('a cache in a place that may only be read says so when it is written to', async () => {
  const { folder } = newPlace();
  const closed = join(folder, 'closed');
  mkdirSync(closed, { mode: 0o555 });
  const found = await asUser(
    folder,
    `import { openCache } from ${JSON.stringify(sourceOf('./open.ts'))};
     const cache = openCache(${JSON.stringify(join(closed, 'cache'))}, { env: {} });
     const fails = async (work) => { try { await work(); return null; } catch (error) { return error.code; } };
     console.log(JSON.stringify([await fails(() => cache.putBytes('x')), await fails(() => cache.openWriter())]));`,
  );
  expect(found).toEqual(['FILE_UNREADABLE', 'FILE_UNREADABLE']);
  expect(filesBelow(closed)).toEqual([]);
});
