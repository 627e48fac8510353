import { chmod, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FolderWalk } from './folder-walk.ts';
import { PathClashes } from './name-clashes.ts';

const freshFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'plumb-walk-'));

async function put(folder: string, path: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), path);
}

function walked(folder: string, how: { large?: number } = {}): string[] {
  const walk = new FolderWalk(folder, how);
  const paths: string[] = [];
  while (walk.next()) paths.push(walk.path);
  return paths;
}

const name = fc.constantFrom('a', 'a.b', 'a-', 'a0', 'ab', 'B', 'é', '\ufffd', '\ue000', '\u{1f600}', '-rf', ' ', '#', '$(x)');

test('files come in the order of the bytes of their paths, whatever folders and names there are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(name, { minLength: 1, maxLength: 3 }), { maxLength: 12 }), async (all) => {
      const folder = await freshFolder();
      const there = new Set<string>();
      for (const path of all.map((names) => names.join('/'))) {
        // a file stands where this one needs a folder, or the other way round
        const isTaken = [...there].some((other) => other.startsWith(`${path}/`) || path.startsWith(`${other}/`));
        if (isTaken) continue;
        await put(folder, path);
        there.add(path);
      }
      const inOrder = [...there].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(walked(folder)).toEqual(inOrder);
      expect(walked(folder, { large: 0 })).toEqual(inOrder);
    }),
    { numRuns: 60 },
  );
});

test('a walk knows what may be run, and passes over what a killed writer of ours left', async () => {
  const folder = await freshFolder();
  await put(folder, 'run');
  await put(folder, 'sub/.plumb-tmp-1-2-x');
  await chmod(join(folder, 'run'), 0o755);
  for (const how of [{}, { large: 0 }]) {
    const walk = new FolderWalk(folder, how);
    expect(walk.next()).toBe(true);
    expect([walk.path, walk.executable, walk.facts.size]).toEqual(['run', true, 3]);
    expect(walk.next()).toBe(false);
  }
});

test('what cannot be part of a data set is refused by name', async () => {
  const cases: [string, (folder: string) => Promise<unknown>, object][] = [
    [
      'not UTF-8',
      (folder) => writeFile(Buffer.concat([Buffer.from(`${folder}/x-`), Buffer.from([0xff])]), 'x'),
      { code: 'NAME_INVALID', message: /x-ÿ/ },
    ],
    ['a line break', (folder) => put(folder, 'a\nb'), { code: 'NAME_INVALID', message: /a\\nb/ }],
    ['a backslash', (folder) => put(folder, 'a\\b'), { code: 'NAME_INVALID' }],
    ["git's own", (folder) => put(folder, 'sub/.GIT/config'), { code: 'NAME_INVALID', message: /\.GIT/ }],
    ['a link inside', (folder) => symlink('a', join(folder, 'link')), { code: 'FILE_KIND', message: /link is a symlink/ }],
    ['a link to nowhere', (folder) => symlink('nowhere', join(folder, 'link')), { code: 'PATH_OUTSIDE' }],
    ['a link out', (folder) => symlink(tmpdir(), join(folder, 'link')), { code: 'PATH_OUTSIDE' }],
  ];
  for (const [what, make, expected] of cases) {
    const folder = await freshFolder();
    await put(folder, 'a/good');
    await make(folder);
    const { message, ...rest } = expected as { message?: RegExp };
    for (const how of [{}, { large: 0 }]) {
      let refusal: unknown;
      try {
        walked(folder, how);
      } catch (error) {
        refusal = error;
      }
      expect(refusal, what).toMatchObject(rest);
      if (message !== undefined) expect((refusal as Error).message).toMatch(message);
    }
  }
  const folder = await freshFolder();
  const server = createServer().listen(join(folder, 'socket'));
  await new Promise((resolve) => server.once('listening', resolve));
  expect(() => walked(folder)).toThrow('special file');
  server.close();
});

test('names that are one on other file systems are found, folder by folder', async () => {
  const folder = await freshFolder();
  for (const path of ['A/x', 'a/x', 'b/É', 'b/e\u0301', 'c/A', 'd/a', 'e/ß']) await put(folder, path);
  for (const how of [{}, { large: 0 }]) {
    const walk = new FolderWalk(folder, how);
    while (walk.next());
    expect(walk.clashes.found.map((pair) => pair.toSorted())).toEqual([
      ['A', 'a'],
      ['b/e\u0301', 'b/É'],
    ]);
  }
  const clashes = new PathClashes();
  const found = ['A/x', 'A/y', 'B/c/d', 'B/c/e', 'a/z', 'b'].map((path) => clashes.look(path));
  expect(found).toEqual([null, null, null, null, 'A', 'B']);
});
