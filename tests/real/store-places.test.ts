// Places that are not as one would wish: a cache that can only be read, a work tree whose files are edited through their links, clocks that jump.
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesBelow, node, plumbFile, sha256, type Answer, type TestProject } from '../project.ts';
import { clock } from './store-world.ts';
import { checkData, checkNames, checkNoTemporary, errorOf } from './stored-checks.ts';
import { addAndCommit, cloneOf, createStored, dataOf, dataSets, noise, writeData } from './stored.ts';

/** Two versions, locked, committed and pushed. */
let base: TestProject;
beforeAll(async () => {
  base = createStored(0);
  await addAndCommit(base, 'one');
  writeData(base, dataOf(1));
  await addAndCommit(base, 'two');
  await base.done('push');
});
afterAll(() => base[Symbol.dispose]());

const isRoot = process.getuid?.() === 0;
/** Nobody: root is not refused anything. */
const nobody = isRoot ? 65534 : process.getuid?.();

describe('a cache that can only be read', () => {
  let project: TestProject;
  let cache: string;
  /** a clone of somebody who may not write to the cache */
  let clone: TestProject;
  beforeAll(async () => {
    project = base.copy();
    cache = join(project.top, 'shared');
    cpSync(project.path('.plumb/cache'), cache, { recursive: true, preserveTimestamps: true });
    clone = cloneOf(project, 'clone');
    clone.git('config', 'user.name', 'Nobody');
    await own(clone.root);
    await own(project.remote);
    allow(cache, false);
    chmodSync(project.top, 0o755);
  });
  afterAll(() => {
    allow(cache, true);
    project[Symbol.dispose]();
  });

  /** The whole tree of a folder becomes nobody's. */
  async function own(folder: string): Promise<void> {
    if (isRoot) await new Promise((resolve) => spawn('chown', ['-R', `${nobody}:${nobody}`, folder]).once('exit', resolve));
  }
  function allow(folder: string, write: boolean): void {
    for (const path of ['', ...filesBelow(folder)])
      for (let place = join(folder, path); place.length >= folder.length; place = join(place, '..'))
        if (lstatSync(place).isDirectory()) chmodSync(place, write ? 0o755 : 0o555);
  }
  /** The command as nobody, with that cache. */
  function plumb(words: readonly string[], remote = true): Promise<Answer> {
    clone.write('plumbline.yaml', `version: 1\n${remote ? 'remote: ../remote\n' : ''}`);
    const env = { ...clone.env, PLUMB_CACHE: cache, GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' };
    const who = nobody === undefined || !isRoot ? {} : { uid: nobody, gid: nobody };
    const child = spawn(node, [plumbFile, '--json', ...words], { cwd: clone.root, env: { ...env, NODE_COMPILE_CACHE: undefined }, ...who });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (piece: Buffer) => (stdout += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()));
    return new Promise((resolve) =>
      child.once('close', (exit, signal) => {
        const json = (stdout.startsWith('{') ? JSON.parse(stdout) : {}) as Record<string, unknown>;
        resolve({ exit, signal, stdout, stderr, json, code: (json['error'] as { code?: string } | undefined)?.code });
      }),
    );
  }
  const contents = (): string[] => filesBelow(cache).map((path) => `${path} ${sha256(readFileSync(join(cache, path)))}`);

  test('what it has is checked out and compared', async () => {
    const before = contents();
    const checked = await plumb(['checkout']);
    expect(checked, checked.stdout + checked.stderr).toMatchObject({ exit: 0, code: undefined });
    checkData(clone, dataOf(1));
    expect((await plumb(['status', '--check'])).exit).toBe(0);
    const diff = await plumb(['diff', 'HEAD~1']);
    expect(diff, diff.stdout + diff.stderr).toMatchObject({ exit: 0, code: undefined });
    expect((await plumb(['checkout', '--rev', 'HEAD~1'])).exit).toBe(0);
    checkData(clone, dataOf(0));
    expect((await plumb(['checkout'])).exit).toBe(0);
    checkData(clone, dataOf(1));
    expect(contents()).toEqual(before);
  });

  test('what it lacks, or has damaged, is told by name; nothing is written', async () => {
    const before = contents();
    const object = filesBelow(join(cache, 'objects')).find((path) => statSync(join(cache, 'objects', path)).size === 1_500_000) as string;
    const path = join(cache, 'objects', object);
    const good = readFileSync(path);
    const { atime, mtime } = statSync(path);
    rmSync(clone.path('data'), { recursive: true, force: true });
    // damaged: its seal is broken, and it cannot be moved away
    chmodSync(path, 0o644);
    writeFileSync(path, Buffer.concat([Buffer.from('x'), good.subarray(1)]));
    const damaged = await plumb(['checkout', 'large', '--rev', 'HEAD'], false);
    expect(damaged.exit, damaged.stdout).toBe(4);
    expect(errorOf(damaged).what).toContain(object.replace('/', ''));
    expect(filesBelow(clone.path('data')).filter((name) => name.includes('edited'))).toEqual([]);
    // missing
    chmodSync(join(path, '..'), 0o755);
    rmSync(path);
    chmodSync(join(path, '..'), 0o555);
    const missing = await plumb(['checkout', 'large'], false);
    expect(missing, missing.stdout).toMatchObject({ exit: 4, code: 'BYTES_MISSING' });
    expect(errorOf(missing).what).toContain(object.replace('/', ''));
    // the remote has it, and there is no place for it
    const fetched = await plumb(['checkout', 'large']);
    expect(fetched, fetched.stdout).toMatchObject({ exit: 6, code: 'FILE_UNREADABLE' });
    expect(errorOf(fetched).what).toContain(cache);
    chmodSync(join(path, '..'), 0o755);
    writeFileSync(path, good, { mode: 0o444 });
    utimesSync(path, atime, mtime);
    chmodSync(join(path, '..'), 0o555);
    expect(contents()).toEqual(before);
  });

  test.each([
    ['add', ['add', 'data/rows.jsonl']],
    ['gc', ['gc', '--yes', '--now']],
    ['a push of what the remote lacks', ['push']],
  ])('%s says what cannot be written', async (_, words) => {
    const before = contents();
    clone.write('datasets.lock', project.read('datasets.lock'));
    expect((await plumb(['checkout', '--force'])).exit).toBe(0);
    clone.write('data/rows.jsonl', '{"id":1}\n');
    // of a version that was never pushed; what only it names, a gc would let go of
    if (words[0] === 'push') clone.write('datasets.lock', `${project.git('show', 'HEAD~1:datasets.lock')}\n`);
    const answer = await plumb(words);
    expect(answer, answer.stdout).toMatchObject({ exit: 6, code: 'FILE_UNREADABLE' });
    expect(errorOf(answer).what).toContain(cache);
    expect(contents()).toEqual(before);
    checkNoTemporary(clone);
  });
});

describe('a work file that is written to through its hard link', () => {
  const link = { PLUMB_LINK: 'hardlink' };
  const edited = 'data/large/edited.bin';
  const edits: Readonly<Record<string, (path: string) => void>> = {
    'a byte in its middle': (path) => {
      const file = openSync(path, 'r+');
      writeSync(file, 'edited', 700_000);
      closeSync(file);
    },
    'something behind its end': (path) => appendFileSync(path, 'more'),
    'cut off': (path) => truncateSync(path, 1000),
    'written anew in place': (path) => writeFileSync(path, noise('anew', 1_500_000)),
  };

  /** A project whose large file is the cache's own, and which is edited. */
  async function edit(how: (path: string) => void, remote: boolean): Promise<TestProject> {
    const project = base.copy();
    if (!remote) project.write('plumbline.yaml', 'version: 1\n');
    rmSync(project.path('data'), { recursive: true });
    expect((await project.plumb(['checkout'], { env: link })).exit).toBe(0);
    const path = project.path(edited);
    const { nlink, mode } = statSync(path);
    expect(nlink).toBe(2);
    if (!isRoot) chmodSync(path, mode | 0o200);
    how(path);
    return project;
  }

  test.each(Object.entries(edits))('%s: others get the locked bytes from the remote, and the edit stays', async (_, how) => {
    using project = await edit(how, true);
    const after = readFileSync(project.path(edited));
    const env = { ...link, PLUMB_CACHE: project.path('.plumb/cache') };
    const other = cloneOf(project, 'other');
    const answer = await other.plumb(['checkout'], { env });
    expect(answer, answer.stdout).toMatchObject({ exit: 0, code: undefined });
    checkData(other, dataOf(1));
    checkNames(project.path('.plumb/cache'));
    expect(readFileSync(project.path(edited)).equals(after)).toBe(true);
    expect((await project.done('status'))['datasets']).toMatchObject([{ name: 'large', state: 'modified' }, {}, {}]);
    // kept as a version of its own, or given up
    expect((await project.plumb(['add', 'data/large'], { env: link })).exit).toBe(0);
    checkNames(project.path('.plumb/cache'));
    project.git('checkout', '-q', 'datasets.lock');
    expect((await project.plumb(['checkout'], { env: link })).exit).toBe(0);
    checkData(project, dataOf(1));
  });

  test.each(Object.entries(edits))('%s: without a remote the error says what happened, and the right bytes can be added again', async (_, how) => {
    using project = await edit(how, false);
    const other = cloneOf(project, 'other');
    other.write('plumbline.yaml', 'version: 1\n');
    const env = { ...link, PLUMB_CACHE: project.path('.plumb/cache') };
    const answer = await other.plumb(['checkout'], { env });
    expect(answer, answer.stdout).toMatchObject({ exit: 4, code: 'DIGEST_MISMATCH' });
    const error = errorOf(answer);
    expect(error.what).toContain(sha256(dataOf(1)[edited] ?? ''));
    expect(error.what).toContain('damaged');
    expect(existsSync(other.path(edited))).toBe(false);
    const fsck = await project.plumb(['fsck'], { env: link });
    expect(fsck.code).toBeUndefined();
    rmSync(project.path(edited));
    project.write(edited, dataOf(1)[edited] ?? '');
    expect((await project.plumb(['add', 'data/large'], { env: link })).exit).toBe(0);
    expect((await other.plumb(['checkout'], { env })).exit).toBe(0);
    checkData(other, dataOf(1));
  });
});

describe('clocks that jump', () => {
  const hour = 3_600_000;
  const at = (hours: number): Record<string, string> => ({ NODE_OPTIONS: clock, PLUMB_TEST_CLOCK_MS: String(hours * hour) });
  const years = 24 * 365;

  test.each([
    ['2100', new Date('2100-01-01T00:00:00.123Z')],
    ['1970', new Date(0)],
    ['1960', new Date('1960-01-01T00:00:00Z')],
  ])('files of the year %s: an edit that keeps size and time is seen, and status believes nothing else', async (_, time) => {
    for (const env of [{ PLUMB_LINK: 'copy' }, { PLUMB_LINK: 'hardlink' }]) {
      using project = base.copy();
      const path = project.path('data/many/0/0.bin');
      for (const file of Object.keys(dataOf(1))) utimesSync(project.path(file), time, time);
      expect((await project.plumb(['add', ...dataSets], { env })).exit).toBe(0);
      expect(project.git('status', '--porcelain')).toBe('');
      expect((await project.plumb(['status', '--check'], { env })).exit).toBe(0);
      const bytes = readFileSync(path);
      bytes[0] = (bytes[0] as number) ^ 1;
      writeFileSync(path, bytes);
      utimesSync(path, time, time);
      expect((await project.plumb(['status', '--check'], { env })).exit).toBe(1);
      checkNames(project.path('.plumb/cache'));
      expect((await project.plumb(['checkout', '--force'], { env })).exit).toBe(0);
      checkData(project, dataOf(1));
    }
  });

  test('objects whose times were changed are hashed again, and are as good as before', async () => {
    using project = base.copy();
    for (const [turn, path] of filesBelow(project.path('.plumb/cache')).entries()) {
      const time = new Date(turn % 2 === 0 ? '2100-01-01T00:00:00Z' : '1980-01-01T00:00:00Z');
      utimesSync(project.path('.plumb/cache', path), time, time);
    }
    rmSync(project.path('data'), { recursive: true });
    await project.done('checkout');
    checkData(project, dataOf(1));
    await project.done('checkout', '--rev', 'HEAD~1');
    checkData(project, dataOf(0));
    expect(filesBelow(project.path('.plumb/cache/bad'))).toEqual([]);
  });

  test.each([
    ['ten years ahead', 10 * years],
    ['ten years behind', -10 * years],
  ])('a machine that is %s, and then right again, loses nothing', async (_, hours) => {
    using project = base.copy();
    project.write('plumbline.yaml', 'version: 1\nremote: ../remote\nrepository: tests\n');
    const later = async (...words: string[]): Promise<void> => {
      const answer = await project.plumb(words, { env: at(hours) });
      expect(answer, answer.stdout).toMatchObject({ exit: 0, code: undefined });
    };
    writeData(project, dataOf(2));
    await later('add', ...dataSets);
    project.git('commit', '-qam', 'three');
    await later('push');
    // of yesterday by its clock, or of tomorrow: versions that nobody names go to the trash at most, and come back
    writeData(project, dataOf(3));
    await later('add', ...dataSets);
    const lock = project.read('datasets.lock');
    project.git('checkout', '-q', 'datasets.lock');
    await later('gc', '--yes');
    await later('gc', '--remote', '--yes');
    project.write('datasets.lock', lock);
    rmSync(project.path('data'), { recursive: true });
    await project.done('checkout');
    checkData(project, dataOf(3));
    await project.done('push');
    await project.done('gc', '--yes');
    await project.done('gc', '--remote', '--yes');
    for (const version of [2, 1]) {
      const clone = cloneOf(project, `clone-${version}`);
      clone.git('checkout', '-q', `HEAD~${2 - version}`);
      await clone.done('pull');
      checkData(clone, dataOf(version));
    }
    await project.done('fsck');
    await project.done('fsck', '--remote');
    checkNoTemporary(project);
  });

  test('an hour that passes at once for one command takes nothing from another that is at work', async () => {
    using project = base.copy();
    for (let round = 0; round < 4; round += 1) {
      rmSync(project.path('.plumb/cache'), { recursive: true });
      rmSync(project.path('.plumb/stat'), { recursive: true, force: true });
      const other = mkdirSync(project.path(`more-${round}`), { recursive: true }) ?? '';
      for (let file = 0; file < 300; file += 1) writeFileSync(join(other, String(file)), noise(`${round} ${file}`, 10_000));
      const [answer, jumped] = await Promise.all([project.plumb(['add', ...dataSets]), project.plumb(['add', `more-${round}`], { env: at(3) })]);
      expect(answer, answer.stdout).toMatchObject({ exit: 0, code: undefined });
      expect(jumped, jumped.stdout).toMatchObject({ exit: 0, code: undefined });
      checkNames(project.path('.plumb/cache'));
    }
  });
});
