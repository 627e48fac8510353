// A disk that fills up under the cache, the remote or the work tree: real, small ones. One clear error, nothing half there, and the same command goes on
// when there is more room. Mounting takes root, so this is skipped elsewhere, but never in CI.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesBelow, TestProject, type Answer } from '../project.ts';
import { checkData, checkNames, checkNoTemporary, errorOf } from './stored-checks.ts';
import { addAndCommit, createStored, dataOf, dataSets, writeData } from './stored.ts';

const disk = mkdtempSync(join(tmpdir(), 'plumb-full-'));

/** Why there can be no small disk here, or null. */
const obstacle = ((): string | null => {
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk], { encoding: 'utf8' });
  if (mounted.status === 0) return null;
  return `cannot mount a tmpfs: ${mounted.error?.message ?? mounted.stderr.trim()}`;
})();
if (obstacle !== null && process.env['CI'] !== undefined) throw new Error(`${obstacle}; in CI this test must run`);
const note = obstacle === null ? '' : ` (skipped: ${obstacle})`;

/** Two versions that are locked, committed and pushed. */
let base: TestProject;
beforeAll(async () => {
  base = createStored(0);
  await addAndCommit(base, 'one');
  await base.done('push');
  writeData(base, dataOf(1));
  await addAndCommit(base, 'two');
  await base.done('push');
});
afterAll(() => {
  if (obstacle === null) execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true, force: true });
  base[Symbol.dispose]();
});

const filler = join(disk, 'filler');

/** Fills the disk but for so many pages of 4 KiB. */
function leave(pages: number): void {
  rmSync(filler, { force: true });
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(filler, Buffer.alloc(Math.max(0, bavail - pages) * bsize));
}

interface Place {
  /** brings the project to where the command is tried, with the disk empty but for what belongs there */
  readonly prepare: (project: TestProject) => void;
  readonly words: readonly string[];
  readonly env?: Record<string, string>;
  /** room that there is, in pages, one try after the other; the last is enough for nobody */
  readonly pages: readonly number[];
  readonly refusal: { readonly exit: number; readonly code: string };
  /** what must hold when it was refused */
  readonly refused: (project: TestProject) => void;
  readonly done: (project: TestProject) => void;
}

const cache = join(disk, 'cache');
const onDisk = { PLUMB_CACHE: cache };
const full = { exit: 6, code: 'DISK_FULL' };
const sameData = (project: TestProject): void => checkData(project, dataOf(1));
const lockOf = (project: TestProject): string => project.git('show', 'HEAD:datasets.lock');

const places: Readonly<Record<string, Place>> = {
  'add into a cache': {
    prepare: (project) => rmSync(project.path('datasets.lock')),
    words: ['add', ...dataSets],
    env: onDisk,
    pages: [0, 1, 5, 60, 300, 460],
    refusal: full,
    refused: (project) => {
      sameData(project);
      checkNames(cache);
    },
    done: (project) => expect(project.read('datasets.lock').trim()).toBe(lockOf(project)),
  },
  'push into a folder': {
    prepare: (project) => project.write('plumbline.yaml', `version: 1\nremote: ${join(disk, 'remote')}\n`),
    words: ['push'],
    pages: [0, 1, 5, 60, 300, 500],
    refusal: { exit: 4, code: 'REMOTE_FAILED' },
    refused: () => {
      checkNames(join(disk, 'remote'));
      expect(filesBelow(join(disk, 'remote', 'receipts'))).toEqual([]);
      expect(filesBelow(join(disk, 'remote', 'tmp'))).toEqual([]);
    },
    done: (project) => {
      const clone = new TestProject(join(project.top, 'clone'));
      execFileSync('git', ['clone', '-q', project.root, clone.root]);
      clone.write('plumbline.yaml', project.read('plumbline.yaml'));
      const pulled = spawnSync(process.execPath, [join(import.meta.dirname, '../../bin/plumb.js'), 'pull'], { cwd: clone.root, env: project.env });
      expect(pulled.status).toBe(0);
      sameData(clone);
    },
  },
  'push out of a cache': {
    prepare: (project) => {
      execFileSync('cp', ['-a', project.path('.plumb/cache'), cache]);
      rmSync(project.remote, { recursive: true });
    },
    words: ['push'],
    env: onDisk,
    pages: [0, 1, 5, 60, 300],
    refusal: full,
    refused: (project) => {
      checkNames(cache);
      expect(filesBelow(join(project.remote, 'receipts'))).toEqual([]);
      expect(filesBelow(join(cache, 'remotes')).filter((path) => path.includes('/outgoing/'))).toEqual([]);
    },
    done: (project) => checkNames(project.remote),
  },
  'fetch into a cache': {
    prepare: () => undefined,
    words: ['fetch'],
    env: onDisk,
    pages: [0, 1, 5, 60, 300],
    refusal: full,
    refused: () => checkNames(cache),
    done: () => checkNames(cache),
  },
  'checkout into a work tree': {
    prepare: (project) => {
      // the folder of the data is a disk of its own
      rmSync(project.path('data'), { recursive: true });
      mkdirSync(project.path('data'));
      execFileSync('mount', ['--bind', disk, project.path('data')]);
      writeFileSync(filler, '');
    },
    words: ['checkout'],
    pages: [0, 1, 5, 60, 300, 500],
    refusal: full,
    refused: (project) => {
      const wanted = dataOf(1);
      for (const path of filesBelow(project.path('data')).filter((name) => name !== 'filler'))
        expect(readFileSync(project.path('data', path)).equals(wanted[`data/${path}`] ?? Buffer.from('no such file')), path).toBe(true);
    },
    done: (project) => {
      rmSync(filler, { force: true });
      sameData(project);
    },
  },
  'pull into a project that is on it as a whole': {
    prepare: () => undefined,
    words: ['pull'],
    pages: [0, 1, 5, 60, 300, 600, 900],
    refusal: full,
    refused: (project) => {
      checkNames(project.path('.plumb/cache'));
      for (const [path, bytes] of Object.entries(dataOf(1)))
        if (existsSync(project.path(path))) expect(readFileSync(project.path(path)).equals(bytes), path).toBe(true);
    },
    done: sameData,
  },
};

function projectFor(name: string): TestProject {
  if (!name.startsWith('pull')) return base.copy();
  const top = join(disk, 'top');
  mkdirSync(top);
  const project = base.copy(top);
  rmSync(project.path('data'), { recursive: true });
  rmSync(project.path('.plumb'), { recursive: true });
  return project;
}

test.skipIf(obstacle !== null).each(Object.entries(places))(`%s on a disk that is full, and less and less so${note}`, async (name, place) => {
  using project = projectFor(name);
  place.prepare(project);
  const run = (): Promise<Answer> => project.plumb(place.words, { env: place.env ?? {} });
  try {
    let refusals = 0;
    for (const pages of place.pages) {
      leave(pages);
      const answer = await run();
      const what = `${pages} pages: ${answer.stdout}${answer.stderr}`;
      // what earlier tries have kept may be enough for this one
      if (answer.exit === 0) break;
      refusals += 1;
      expect([answer.exit, errorOf(answer).code], what).toEqual([place.refusal.exit, place.refusal.code]);
      rmSync(filler);
      place.refused(project);
      checkNoTemporary(project);
      if (existsSync(join(cache, 'tmp'))) expect(filesBelow(join(cache, 'tmp')), what).toEqual([]);
      // on a full disk it can still be said how things stand
      leave(0);
      expect((await project.plumb(['status'], { env: place.env ?? {} })).code, what).toBeUndefined();
    }
    expect(refusals).toBeGreaterThan(2);
    rmSync(filler, { force: true });
    const answer = await run();
    expect(answer, answer.stdout).toMatchObject({ exit: 0, code: undefined });
    place.done(project);
  } finally {
    if (name.startsWith('checkout')) execFileSync('umount', [project.path('data')]);
    for (const path of ['cache', 'remote', 'many', 'large', 'rows.jsonl', 'filler']) rmSync(join(disk, path), { recursive: true, force: true });
  }
});

test.skipIf(obstacle !== null)(`a gc makes room on a disk that has none${note}`, async () => {
  using project = base.copy();
  const env = onDisk;
  for (const version of [7, 8]) {
    writeData(project, dataOf(version));
    expect((await project.plumb(['add', ...dataSets], { env })).exit).toBe(0);
  }
  leave(0);
  const before = statfsSync(disk).bavail;
  const answer = await project.plumb(['gc', '--yes', '--now'], { env });
  expect(answer, answer.stdout).toMatchObject({ exit: 0, code: undefined });
  expect(statfsSync(disk).bavail - before).toBeGreaterThan(300);
  checkNames(cache);
  rmSync(project.path('data'), { recursive: true });
  expect((await project.plumb(['checkout'], { env })).exit).toBe(0);
  checkData(project, dataOf(8));
  for (const path of ['cache', 'filler']) rmSync(join(disk, path), { recursive: true, force: true });
});
