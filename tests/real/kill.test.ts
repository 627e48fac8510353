// kill -9, everywhere. First at every step by which a command changes the world, plumb alone; then at random instants, its whole process group.
// Each time: what is there is whole, nothing holds a lock, and the same command again ends in the very state of a run that nobody killed.
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseLock } from '../../src/datasets/lock.ts';
import { parsePointer } from '../../src/registry/pointer.ts';
import type { TestProject } from '../project.ts';
import { filesBelow, isAlive, sha256, type Answer } from '../project.ts';
import { createTopics, createTrained, topicRows } from '../topics.ts';

const preload = `--import=${new URL('./dying.ts', import.meta.url).href}`;
/** two plumbs at once: these machines have two processors */
const lanes = 2;

interface Attack {
  readonly words: readonly string[];
  readonly prepare: () => Promise<TestProject>;
  /** what must come out equal; default: the snapshot */
  readonly state?: (project: TestProject) => unknown;
  /** command after the kill; default: the same */
  readonly again?: readonly string[];
  /** kills of the whole group at random instants */
  readonly random: number;
}

const pictures = { 'data/pictures/a.bin': 'aaaa', 'data/pictures/b.bin': 'bbbb', 'data/pictures/deep/c.bin': 'cccc' };

async function twoVersions(): Promise<TestProject> {
  const project = createTopics();
  for (const [path, text] of Object.entries(pictures)) project.write(path, text);
  await project.done('add', 'data/topics.jsonl', 'data/pictures');
  project.git('add', '.');
  project.git('commit', '-qm', 'one');
  project.write('data/topics.jsonl', topicRows(21, 'more'));
  project.write('data/pictures/b.bin', 'changed');
  project.write('data/pictures/d.bin', 'new');
  await project.done('add', 'data/topics.jsonl', 'data/pictures');
  project.git('commit', '-qam', 'two');
  return project;
}

async function withPictures(): Promise<TestProject> {
  const project = createTopics();
  for (const [path, text] of Object.entries(pictures)) project.write(path, text);
  return project;
}

/** One built-in step, and a command of a shell that writes a folder: what writes, without what learns. */
const small = `stages:
  check: { uses: plumb/validate, with: { data: topics, rules: rules.yaml } }
  files: { cmd: "mkdir out/files; echo a > out/files/a; echo b > out/files/b", outs: [out/files], needs: [check] }
`;

async function notRun(options: { remote?: boolean } = {}): Promise<TestProject> {
  const project = createTopics(options);
  project.write('pipeline.yaml', small);
  await project.done('add', 'data/topics.jsonl', '--key', 'id');
  project.git('add', '.');
  project.git('commit', '-qm', 'data');
  return project;
}

async function notPushed(): Promise<TestProject> {
  const project = await notRun({ remote: true });
  await project.done('run');
  return project;
}

async function promotedTwice(): Promise<TestProject> {
  const project = await createTrained();
  await project.done('promote', 'topics', '--to', 'production');
  project.write('params.yaml', 'train: { epochs: 3, validation: 0 }\n');
  project.git('commit', '-qam', 'more epochs');
  await project.done('run');
  await project.done('promote', 'topics', '--to', 'production', '--force', '--reason', 'for the way back');
  return project;
}

/** A promotion holds its time, which is in one file of the evidence, and that file's digest in the pointer: names are left out, files counted. */
function promoted(project: TestProject): unknown {
  const evidence = /evidence\/production\/[0-9a-f]{64}/;
  const pointer = JSON.parse(project.read('models/topics/production.json')) as Record<string, unknown>;
  const others = Object.entries(project.snapshot()).filter(([path]) => !path.startsWith('models/') && !['(tree)', '(index)'].includes(path));
  const index = project.git('ls-files').split('\n');
  return {
    others,
    pointer: { ...pointer, promotion: 'of its time' },
    index: index.map((path) => path.replace(evidence, 'evidence')).toSorted(),
    isCommitted: project.git('ls-tree', '-r', '--name-only', 'HEAD') === index.join('\n'),
  };
}

function remoteState(project: TestProject): unknown {
  return filesBelow(project.remote, (name) => name === 'tmp').map((path) => [path, sha256(readFileSync(join(project.remote, path)))]);
}

const attacks: Readonly<Record<string, Attack>> = {
  add: { words: ['add', 'data/topics.jsonl', 'data/pictures'], prepare: withPictures, random: 4 },
  checkout: { words: ['checkout', '--rev', 'HEAD~1'], prepare: twoVersions, random: 4 },
  run: { words: ['run'], prepare: () => notRun(), random: 6 },
  promote: { words: ['promote', 'topics', '--to', 'production'], prepare: () => createTrained(), state: promoted, random: 8 },
  rollback: { words: ['rollback', 'topics'], prepare: promotedTwice, random: 6 },
  push: { words: ['push'], prepare: notPushed, state: remoteState, random: 4 },
};

/** Nothing half-written, whatever was reached. */
async function checkWhole(project: TestProject, options: { models: boolean } = { models: true }): Promise<void> {
  if (existsSync(project.path('datasets.lock'))) await parseLock(project.read('datasets.lock'));
  for (const file of ['.gitignore', '.gitattributes', 'data/.gitignore'])
    if (existsSync(project.path(file))) expect(project.read(file)).toMatch(/^(([/.a-z-]+\*?|[a-z.]+ merge=union)\n)+$/);
  for (const path of options.models ? filesBelow(project.path('models')) : []) {
    const name = path.split('/').at(-1) ?? '';
    if (name === 'production.json') await parsePointer(project.read(`models/${path}`), { model: 'topics', stage: 'production' });
    else if (!name.startsWith('.plumb-tmp-')) expect(sha256(project.read(`models/${path}`))).toBe(name.split('.')[0]);
  }
  for (const store of [project.path('.plumb/cache'), project.remote]) {
    for (const path of filesBelow(join(store, 'objects'))) expect(sha256(readFileSync(join(store, 'objects', path)))).toBe(path.replace('/', ''));
    for (const path of filesBelow(join(store, 'names'))) expect(readFileSync(join(store, 'names', path), 'utf8')).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  }
  expect(project.git('fsck', '--strict', '--no-dangling')).toBe('');
}

/** All that is there but databases, which hold times: two equal answers are two equal worlds for the next command. */
function describeAll(project: TestProject): string {
  const chance = /\.plumb-tmp-\d+-[0-9a-f]{12}|(?<=work\/)\d+-[0-9a-f]{12}/g;
  return filesBelow(project.top)
    .filter((path) => !/\.db(-journal)?$/.test(path))
    .map(
      (path) =>
        `${path.replaceAll(chance, 'random')} ${lstatSync(join(project.top, path)).isFile() ? sha256(readFileSync(join(project.top, path))) : 'link'}`,
    )
    .toSorted()
    .join('\n');
}

/** As after a run that nobody killed: the state, no lock, nothing temporary in the work tree, and the log of runs readable. */
async function checkDone(project: TestProject, attack: Attack, wanted: unknown): Promise<void> {
  await checkWhole(project);
  expect((attack.state ?? ((one: TestProject) => one.snapshot()))(project)).toEqual(wanted);
  expect(filesBelow(project.root, (name) => name === '.git' || name === '.plumb').filter((path) => path.includes('.plumb-tmp-'))).toEqual([]);
  expect(existsSync(project.path('.git/index.lock'))).toBe(false);
  expect(existsSync(project.path('.plumb/undo.json'))).toBe(false);
  expect(existsSync(project.path('.plumb/work')) ? readdirSync(project.path('.plumb/work')) : []).toEqual([]);
}

/** Processes that a plumb started, itself too: they carry a mark in their environment. */
function marked(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark);
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function untilGone(mark: string): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (marked(mark).filter(isAlive).length === 0) return;
    await sleep(10);
  }
  throw new Error(
    `still there 4 s after the kill: ${marked(mark)
      .map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
      .join(' | ')}`,
  );
}

let marks = 0;

async function killed(project: TestProject, attack: Attack, env: Record<string, string>, options: { afterMs?: number } = {}): Promise<Answer> {
  marks += 1;
  const mark = `PLUMB_TEST_MARK=${process.pid}-${marks}-`;
  const [name = '', value = ''] = mark.split('=');
  let timer: NodeJS.Timeout | undefined;
  const answer = await project.plumb(attack.words, {
    env: { ...env, [name]: value },
    started: (child) => {
      if (options.afterMs !== undefined) timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), options.afterMs);
    },
  });
  clearTimeout(timer);
  await untilGone(mark);
  return answer;
}

async function again(project: TestProject, attack: Attack, wanted: unknown): Promise<void> {
  const words = attack.again ?? attack.words;
  const answer = await project.plumb(words);
  // a promotion whose commit was made before the kill is a promotion, and a way back is one
  if (answer.code === 'NOTHING_TO_ROLL_BACK') expect(answer.stdout).toContain('was the first');
  else if (answer.code === 'PROMOTION_REFUSED') expect(answer.stdout).toContain('is in production already');
  else expect(answer).toMatchObject({ exit: 0, code: undefined });
  await checkDone(project, attack, wanted);
}

/** The state of a run that nobody kills, and how long it takes. */
async function undisturbed(base: TestProject, attack: Attack): Promise<{ wanted: unknown; ms: number }> {
  using project = base.copy();
  const started = performance.now();
  const answer = await project.plumb(attack.words);
  expect(answer).toMatchObject({ exit: 0, code: undefined });
  const ms = performance.now() - started;
  return { wanted: (attack.state ?? ((one: TestProject) => one.snapshot()))(project), ms };
}

/** mulberry32: small, and the same numbers everywhere. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

async function inLanes(next: () => (() => Promise<void>) | undefined): Promise<void> {
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let work = next(); work !== undefined; work = next()) await work();
    }),
  );
}

describe.each(Object.entries(attacks))('%s', (name, attack) => {
  let base: TestProject;
  let wanted: unknown;
  let ms: number;
  beforeAll(async () => {
    base = await attack.prepare();
    ({ wanted, ms } = await undisturbed(base, attack));
  });
  afterAll(() => base[Symbol.dispose]());

  test('killed at every step that changes something', async () => {
    let step = 0;
    let ended = false;
    // a step such as fsync leaves the very files that the one before it left: to go on from there once is enough
    const seen = new Set<string>();
    await inLanes(() => {
      if (ended) return undefined;
      step += 1;
      const at = step;
      return async () => {
        using project = base.copy();
        const answer = await killed(project, attack, { NODE_OPTIONS: preload, PLUMB_TEST_DIE_AT: String(at) });
        if (answer.signal === null) ended = true;
        try {
          // git ends what it has begun when plumb alone is killed
          expect(existsSync(project.path('.git/index.lock'))).toBe(false);
          await checkWhole(project);
          const left = describeAll(project);
          if (!seen.has(left)) await again(project, attack, wanted);
          seen.add(left);
        } catch (error) {
          throw new Error(`killed at step ${at}`, { cause: error });
        }
      };
    });
    // a command of a handful of steps would mean that the preload missed them
    expect(step).toBeGreaterThan(15);
  });

  test('its whole process group killed at random instants', async () => {
    const draw = random(name.length * 1000 + 7);
    let round = 0;
    await inLanes(() => {
      if (round === attack.random) return undefined;
      round += 1;
      const afterMs = draw() * ms * 1.2;
      return async () => {
        using project = base.copy();
        await killed(project, attack, {}, { afterMs });
        try {
          const lock = project.path('.git/index.lock');
          if (existsSync(lock)) await refusedByLock(project, attack, lock);
          // git writes the files of a revert itself, and not atomically: killed with us it may leave one cut. The undo list is there then, and `again` uses it.
          const unfinished = name === 'rollback' && existsSync(project.path('.plumb/undo.json'));
          if (unfinished)
            expect((await project.plumb(['status'])).json['unfinished']).toMatchObject({ what: expect.stringContaining('between two states') });
          await checkWhole(project, { models: !unfinished });
          await again(project, attack, wanted);
        } catch (error) {
          throw new Error(`killed after ${afterMs} ms`, { cause: error });
        }
      };
    });
  });
});

/** A git that is killed itself leaves its lock, which nobody can tell from that of a git at work: plumb names it and does nothing. */
async function refusedByLock(project: TestProject, attack: Attack, lock: string): Promise<void> {
  const answer = await project.plumb(attack.words);
  expect(answer).toMatchObject({ exit: 7, code: 'REPOSITORY_BUSY' });
  expect(answer.stdout).toContain(lock);
  rmSync(lock);
}
