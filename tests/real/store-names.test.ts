// Names that no version may hold are refused by name before anything is stored; all others come back as they were, byte by byte.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { filesBelow, TestProject } from '../project.ts';
import { errorOf } from './stored-checks.ts';
import { cloneOf } from './stored.ts';

const project = TestProject.create({}, { remote: true });
afterAll(() => project[Symbol.dispose]());

const folder = project.path('data/set');
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/good`, 'good\n');

const isRoot = process.getuid?.() === 0;

function made(program: string, ...words: string[]): void {
  expect(spawnSync(program, words, { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
}

/** Path of bytes that need not be UTF-8. */
const bytesPath = (name: string): Buffer => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')]);

interface Refusal {
  readonly make: (path: string) => unknown;
  /** relative to the folder */
  readonly name: string;
  readonly code: string;
  /** how the name is said; default: as it is */
  readonly said?: string;
}

const refusals: Readonly<Record<string, Refusal>> = {
  'a symlink to a file beside it': { name: 'link', make: (path) => symlinkSync('good', path), code: 'FILE_KIND' },
  'a symlink out of the folder': { name: 'way-out', make: (path) => symlinkSync('../../plumbline.yaml', path), code: 'PATH_OUTSIDE' },
  'a symlink to a folder': { name: 'circle', make: (path) => symlinkSync('.', path), code: 'PATH_OUTSIDE' },
  'a symlink to nothing': { name: 'deep/nowhere', make: (path) => symlinkSync('nothing', path), code: 'PATH_OUTSIDE' },
  'a fifo': { name: 'deep/pipe', make: (path) => made('mkfifo', path), code: 'FILE_KIND' },
  'a socket': {
    name: 'socket',
    make: (path) =>
      new Promise<void>((resolve) => {
        const server = createServer().unref();
        // the socket's file goes with its server
        server.listen(path, resolve);
      }),
    code: 'FILE_KIND',
  },
  ...(isRoot ? { 'a device': { name: 'null', make: (path: string) => made('mknod', path, 'c', '1', '3'), code: 'FILE_KIND' } } : {}),
  'a name that is not UTF-8': { name: '\xe9t\xe9', make: () => writeFileSync(bytesPath('\xe9t\xe9'), ''), code: 'NAME_INVALID' },
  'a folder whose name is not UTF-8': { name: '\xff', make: () => mkdirSync(bytesPath('\xff')), code: 'NAME_INVALID' },
  'a name with a line end': { name: 'one\ntwo', make: (path) => writeFileSync(path, ''), code: 'NAME_INVALID', said: 'one\\ntwo' },
  'a name with a backslash': { name: 'one\\two', make: (path) => writeFileSync(path, ''), code: 'NAME_INVALID', said: 'one\\\\two' },
  'a name with an escape': { name: '\u001b[2J', make: (path) => writeFileSync(path, ''), code: 'NAME_INVALID', said: '\\u001b[2J' },
  'a repository inside': { name: 'deep/.git', make: (path) => made('git', 'init', '-q', path.replace(/\/.git$/, '')), code: 'NAME_INVALID' },
  "git's name in capitals": { name: '.Git', make: (path) => writeFileSync(path, ''), code: 'NAME_INVALID' },
};

describe('refused', () => {
  test.each(Object.entries(refusals))('%s: nothing is stored or locked', async (_, { name, make, code, said }) => {
    mkdirSync(`${folder}/deep`, { recursive: true });
    await make(`${folder}/${name}`);
    const answer = await project.plumb(['add', 'data/set']);
    expect(answer).toMatchObject({ exit: 3, code });
    expect(errorOf(answer).what).toContain(said ?? name);
    expect(existsSync(project.path('datasets.lock'))).toBe(false);
    expect(filesBelow(project.path('.plumb/cache'))).toEqual([]);
    expect(project.git('status', '--porcelain', '-uall', '--', '.gitignore', '.gitattributes', 'data/.gitignore')).toBe('');
    rmSync(bytesPath(name), { recursive: true, force: true });
    rmSync(`${folder}/${name}`, { recursive: true, force: true });
    rmSync(`${folder}/deep`, { recursive: true, force: true });
  });

  test('a path that is longer than the system takes: nothing is stored or locked', async () => {
    // no call of ours reaches so deep by a path: a shell goes there step by step
    const deep = `set -e; cd "$1"; for at in $(seq 19); do mkdir ${'d'.repeat(200)}; cd ${'d'.repeat(200)}; done; : > ${'f'.repeat(255)}`;
    made('bash', '-c', deep, 'bash', folder);
    const answer = await project.plumb(['add', 'data/set']);
    expect(answer).toMatchObject({ exit: 3, code: 'NAME_INVALID' });
    expect(errorOf(answer).what.length).toBeLessThan(1000);
    expect(existsSync(project.path('datasets.lock'))).toBe(false);
    expect(filesBelow(project.path('.plumb/cache'))).toEqual([]);
    made('rm', '-r', `${folder}/${'d'.repeat(200)}`);
  });

  test.each([
    ['a fifo', 'pipe', 'FILE_KIND'],
    ['what looks like an option', '-n', 'FILE_MISSING'],
    ['a path that is too long', 'x/'.repeat(3000), 'NAME_INVALID'],
    ['a name that is too long', 'x'.repeat(256), 'NAME_INVALID'],
  ])('%s as the argument', async (_, name, code) => {
    if (code === 'FILE_KIND') made('mkfifo', project.path(name));
    const answer = await project.plumb(['add', '--', name]);
    expect(answer).toMatchObject({ exit: 3, code });
    expect(errorOf(answer).what.length).toBeLessThan(1000);
  });
});

test('unusual names come back from the remote as they were, and are told apart', async () => {
  const names = [
    'A',
    'a',
    '\u00e9 composed',
    'e\u0301 composed',
    'x'.repeat(255),
    `${'\u{1f600}'.repeat(63)}zzz`,
    '-n',
    '--help',
    ' ',
    '~',
    '*',
    '?',
    '"quoted" \'twice\' `thrice`',
    '$(touch broken)',
    'CON',
    'trailing. ',
    '\ufffd is a letter',
    '\u202egnp.exe',
    '.gitignore',
    '.gitx',
    'datasets.lock',
    '__proto__',
    'sub/-rf/constructor',
    `${`${'e'.repeat(200)}/`.repeat(18)}deep`,
  ];
  for (const name of names) project.write(`data/set/${name}`, `this is ${name}\n`);
  const added = await project.done('add', 'data/set');
  expect((added['datasets'] as { clashes: unknown[] }[])[0]?.clashes).toEqual([
    ['A', 'a'],
    ['e\u0301 composed', '\u00e9 composed'],
  ]);
  project.git('add', '-A');
  project.git('commit', '-qm', 'names');
  await project.done('push');
  const clone = cloneOf(project, 'clone');
  expect((await clone.plumb(['pull'])).exit).toBe(0);
  const below = (root: string): string[] => filesBelow(root).toSorted();
  expect(below(clone.path('data/set'))).toEqual(below(folder));
  for (const name of names) expect(readFileSync(clone.path('data/set', name), 'utf8')).toBe(`this is ${name}\n`);
  expect(
    readdirSync(clone.path('data/set'), { encoding: 'buffer' })
      .map((name) => name.toString('hex'))
      .toSorted(),
  ).toEqual(
    readdirSync(folder, { encoding: 'buffer' })
      .map((name) => name.toString('hex'))
      .toSorted(),
  );
  expect(await clone.plumb(['status', '--check'])).toMatchObject({ exit: 0 });
});

test('a version with paths that are too long where it is checked out is refused there by name, and nothing of ours is left', async () => {
  const deeper = cloneOf(project, 'c'.repeat(250));
  const far = cloneOf(project, `${'f'.repeat(230)}/${'f'.repeat(230)}`);
  expect((await deeper.plumb(['pull'])).exit).toBe(0);
  far.write('plumbline.yaml', `version: 1\nremote: ${far.remote}\n`);
  const answer = await far.plumb(['pull']);
  expect(answer).toMatchObject({ exit: 3, code: 'NAME_INVALID' });
  expect(errorOf(answer).what).toContain('too long');
  expect(filesBelow(far.path('data')).filter((path) => path.includes('.plumb-tmp-'))).toEqual([]);
});
