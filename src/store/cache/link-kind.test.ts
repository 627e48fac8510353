import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { asUser, filesBelow, isRoot, newPlace, sourceOf } from './cache.fixture.ts';

test('the environment goes before the project file, and both before trying', async () => {
  const { folder, open } = newPlace();
  expect(await open('hardlink').linkKind(folder)).toEqual({ kind: 'hardlink', why: 'PLUMB_LINK says so' });
  const { openCache } = await import('./open.ts');
  const named = openCache(join(folder, 'cache'), { link: 'copy', env: {} });
  expect(await named.linkKind(folder)).toEqual({ kind: 'copy', why: 'plumbline.yaml says so' });
  expect(() => open('symlink')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('symlink') as string }));
});

test('trying leaves nothing behind, and says what decided', async () => {
  const { folder, root, open } = newPlace();
  const work = join(folder, 'work');
  mkdirSync(work);
  const { kind, why } = await open().linkKind(work);
  expect(['reflink', 'hardlink', 'copy']).toContain(kind);
  expect(why.length).toBeGreaterThan(20);
  // who may write read-only files must not get hard links
  if (isRoot) expect(kind).not.toBe('hardlink');
  expect(readdirSync(work)).toEqual([]);
  expect(filesBelow(root)).toEqual([]);
});

test('a user who is not root gets reflinks or hard links', async () => {
  const { folder } = newPlace();
  const found = await asUser(
    folder,
    `import { openCache } from ${JSON.stringify(sourceOf('./open.ts'))};
     console.log(JSON.stringify(await openCache(${JSON.stringify(join(folder, 'cache'))}, { env: {} }).linkKind(${JSON.stringify(folder)})));`,
  );
  expect(found).toMatchObject({ kind: expect.stringMatching(/^(reflink|hardlink)$/) as string });
});

test('a folder that nobody may write to is served by copies', async () => {
  const { open } = newPlace();
  expect(await open().linkKind('/proc')).toMatchObject({ kind: 'copy' });
});
