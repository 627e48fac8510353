// kill -9 of whole process groups at random instants, over 200 times, from one kill to the next in the same cache and remote: whatever was killed before,
// nothing that a datasets.lock names is lost, nothing is half there, and the same command again ends as if nobody had killed it.
//
// The seed is said with each failure; PLUMB_TEST_SEED takes another.
import { cpSync, existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jsonl, type TestProject } from '../project.ts';
import { faultAfter, type Step } from './day.ts';
import { startVersitygw, type S3Server } from './servers/servers.ts';
import { Beginning, clock, killPlumb, passing, rootsOf, tagged, World } from './store-world.ts';
import { checkData, checkNames, checkNoTemporary, temporaryInRemote } from './stored-checks.ts';
import { createStored, dataOf, dataSets, oneOf, randomNumbers, writeData } from './stored.ts';

const seed = Number(process.env['PLUMB_TEST_SEED'] ?? 5);

let beginning: Beginning;
beforeAll(async () => {
  beginning = await Beginning.make();
});
afterAll(() => beginning[Symbol.dispose]());

/** What may be done next where the lock and the work tree are at these versions. */
function* someSteps(draw: () => number, at: { locked: number; standing: number }): Generator<Step> {
  let { locked, standing } = at;
  const step = (words: string, exits?: readonly number[]): Step => ({
    words: words.split(' '),
    locked,
    standing,
    ...(exits === undefined ? {} : { exits }),
  });
  const checkout = (version: number): Step => step(`checkout --rev v${(standing = version)}`);
  const add = (): Step => step(`add ${dataSets.join(' ')}`);
  for (;;) {
    const kind = Math.floor(draw() * 12);
    if (kind === 0) yield checkout(oneOf(draw, tagged));
    if (kind === 1) yield checkout(oneOf(draw, tagged));
    if (kind === 2) yield { edit: (standing = oneOf(draw, passing)), locked, standing };
    if (kind >= 1 && kind <= 3) {
      locked = standing;
      yield add();
    }
    if (kind === 4 || kind === 5) yield step('push');
    if (kind === 6) yield step(oneOf(draw, ['fetch', 'fetch --all-branches', 'fetch --rev v1']));
    if (kind === 7 || kind === 8) {
      standing = locked;
      yield step(kind === 7 ? 'checkout' : 'pull');
    }
    if (kind === 9) yield step('gc --yes --now');
    // what is only here is not let go of: that is refused
    if (kind === 10 && standing === locked) yield step('gc --workspace --yes --now', [0, 4]);
    if (kind === 11) yield step('gc --remote --yes --now');
  }
}

/** Versions that the remote has, as far as pushes have ended. */
async function checkClones(world: World, versions: Iterable<number>): Promise<void> {
  for (const version of versions) {
    if (!tagged.includes(version)) continue;
    const clone = world.clone(`clone-${version}`, version);
    const pulled = await killPlumb(clone, ['pull'], { env: world.env });
    expect(pulled, `a fresh clone of version ${version}`).toMatchObject({ end: 0 });
    checkData(clone, dataOf(version));
    world.checkPlaces([clone]);
    rmSync(clone.root, { recursive: true });
  }
}

const counts = { rounds: 0, killed: 0 };
afterAll(() => {
  // a kill that comes too late tries nothing
  if (counts.killed <= counts.rounds / 2) throw new Error(`only ${counts.killed} of ${counts.rounds} were killed before they had ended`);
});

/** A day that is killed again and again, and goes on where it was killed. */
async function liveThrough(world: World, draw: () => number, rounds: number): Promise<void> {
  const steps: Step[] = [];
  const more = someSteps(draw, { locked: 4, standing: 4 });
  const pushed = new Set<number>();
  let next = 0;
  let mostMs = 600;
  for (let round = 0; round < rounds; round += 1) {
    while (steps.length < next + 15) steps.push(more.next().value as Step);
    const afterMs = draw() * mostMs;
    const from = next;
    counts.rounds += 1;
    try {
      const told = await world.killDay(steps.slice(0, next + 15), from, afterMs);
      if (!told.ended) counts.killed += 1;
      next = told.next;
      // on a slow machine a step takes longer than that: each must end some time
      mostMs = next > from ? 600 : mostMs * 1.5;
      for (const { words, locked } of steps.slice(from, next)) if (words?.[0] === 'push') pushed.add(locked);
      world.checkNothingLost();
      world.checkPlaces();
      const { locks } = world.beginning;
      // one data set after the other is locked
      const right = [steps[next - 1], steps[next]].flatMap((step) => rootsOf(locks[step?.locked ?? 4] ?? ''));
      expect(right).toEqual(expect.arrayContaining(rootsOf(world.project.read('datasets.lock'))));
      if (round % 12 === 11)
        await checkClones(
          world,
          [oneOf(draw, [...pushed, 4])].filter((version) => pushed.has(version)),
        );
    } catch (error) {
      const day = steps.slice(from, next + 1).map(({ words, edit }) => words?.join(' ') ?? `edit ${edit}`);
      throw new Error(`seed ${seed}, round ${round}, killed ${afterMs} ms into ${JSON.stringify(day)}`, { cause: error });
    }
  }
  // and it ends as if nobody had killed it
  await world.killDay(steps.slice(0, next + 1), next, 600_000);
  await checkClones(world, pushed);
  expect(next).toBeGreaterThan(rounds / 5);
}

describe.concurrent('days of commands in one process', { timeout: 600_000 }, () => {
  test('a folder as remote, working copies as copies', async () => {
    using world = new World(beginning, { env: { PLUMB_LINK: 'copy' } });
    await liveThrough(world, randomNumbers(seed), 50);
  });

  test('a folder as remote, working copies as hard links', async () => {
    using world = new World(beginning, { env: { PLUMB_LINK: 'hardlink' } });
    await liveThrough(world, randomNumbers(seed + 1), 50);
  });

  test('S3 as remote', async () => {
    const server: S3Server = await startVersitygw({ buckets: ['data'] });
    try {
      const remote = { address: `s3://data/team?endpoint=${server.url}`, folder: join(server.folder, 'objects/data/team') };
      using world = new World(beginning, { env: keysOf(server), remote });
      await liveThrough(world, randomNumbers(seed + 2), 25);
    } finally {
      await server.stop();
    }
  });
});

const keysOf = (server: S3Server): Record<string, string> => ({
  AWS_ACCESS_KEY_ID: server.accessKeyId,
  AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
  AWS_REGION: server.region,
  AWS_EC2_METADATA_DISABLED: 'true',
});

/** Kills a command at some moment of the time that such a command takes, and counts it. */
class Killer {
  readonly #draw: () => number;
  readonly #world: World;
  /** of the first word of a command, how long one took that nobody killed */
  readonly #ms = new Map<string, number>();

  constructor(world: World, draw: () => number) {
    this.#world = world;
    this.#draw = draw;
  }

  async kill(project: TestProject, words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
    // the first part of the time is that of starting
    const share = 0.3 + this.#draw() * 0.65;
    counts.rounds += 1;
    const { end } = await killPlumb(project, words, { env: { ...this.#world.env, ...env }, afterMs: share * (this.#ms.get(words[0] ?? '') ?? 400) });
    if (end === 'SIGKILL') counts.killed += 1;
  }

  async run(
    project: TestProject,
    words: readonly string[],
    exits: readonly number[] = [0],
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const { end, said, ms } = await killPlumb(project, words, { env: { ...this.#world.env, ...env } });
    if (typeof end === 'string' || !exits.includes(end)) throw new Error(`${words.join(' ')} ended with ${end}: ${said}`);
    this.#ms.set(words[0] ?? '', ms);
  }
}

describe.concurrent('the command itself', { timeout: 600_000 }, () => {
  test('killed, and then run again', async () => {
    using world = new World(beginning);
    const draw = randomNumbers(seed + 3);
    const killer = new Killer(world, draw);
    let round = 0;
    for (const step of someSteps(draw, { locked: 4, standing: 4 })) {
      const { edit, words } = step;
      if (edit !== undefined) writeData(world.project, dataOf(edit));
      if (words === undefined) continue;
      try {
        await killer.kill(world.project, words);
        const killed = temporaryInRemote(world.project);
        world.checkNothingLost();
        world.checkPlaces();
        await killer.run(world.project, words, step.exits);
        expect(faultAfter(world.project, step, world.beginning.locks)).toBeNull();
        world.checkNothingLost();
        checkNoTemporary(world.project, killed);
      } catch (error) {
        throw new Error(`seed ${seed}, round ${round}: ${words.join(' ')}`, { cause: error });
      }
      round += 1;
      if (round === 40) break;
    }
  });

  test('two at once, in one project and in two that share a remote', async () => {
    using world = new World(beginning);
    const draw = randomNumbers(seed + 4);
    const killer = new Killer(world, draw);
    const ada = world.project;
    const ben = world.clone('ben', 2);
    cpSync(world.cache, ben.path('.plumb/cache'), { recursive: true, preserveTimestamps: true });
    // versions that nobody names any more, here and in the remote
    for (const version of [100, 101]) {
      writeData(ada, dataOf(version));
      await killer.run(ada, ['add', ...dataSets]);
      await killer.run(ada, ['push']);
    }
    let days = 0;
    /** A gc with its grace time, of some days later: what it meets is old. */
    const later = (hours: number): Record<string, string> => ({ NODE_OPTIONS: clock, PLUMB_TEST_CLOCK_MS: String((days += hours) * 3_600_000) });
    const lock = (project: TestProject, version: number): void => project.write('datasets.lock', world.beginning.locks[version] ?? '');
    const pairs: readonly (() => readonly [TestProject, readonly string[], Record<string, string>?][])[] = [
      () => {
        const version = oneOf(draw, tagged);
        lock(ada, version);
        lock(ben, version);
        return [
          [ada, ['push']],
          [ben, ['push']],
        ];
      },
      () => {
        lock(ada, oneOf(draw, tagged));
        lock(ben, oneOf(draw, [...tagged, 100]));
        return [
          [ada, ['push']],
          [ben, ['push']],
        ];
      },
      () => {
        lock(ben, oneOf(draw, [...tagged, 100, 101]));
        return [
          [ada, ['gc', '--remote', '--yes'], later(8 * 24)],
          [ben, ['push']],
        ];
      },
      () => {
        writeData(ada, dataOf(oneOf(draw, [100, 101])));
        return [
          [ada, ['gc', '--yes'], later(25)],
          [ada, ['add', ...dataSets]],
        ];
      },
      () => {
        lock(ada, oneOf(draw, tagged));
        return [
          [ada, ['gc', '--yes'], later(25)],
          [ada, ['checkout', '--force']],
        ];
      },
      () => {
        lock(ada, 4);
        return [
          [ada, ['push']],
          [ada, ['checkout', '--rev', `v${oneOf(draw, tagged)}`, '--force']],
        ];
      },
    ];
    for (let round = 0; round < 20; round += 1) {
      const pair = (pairs[round % pairs.length] as (typeof pairs)[number])();
      const what = pair.map(([project, words]) => `${project === ada ? 'ada' : 'ben'}: ${words.join(' ')}`);
      try {
        const spared = Math.floor(draw() * 3);
        await Promise.all(
          pair.map(([project, words, env], at) => (at === spared ? killer.run(project, words, [0], env) : killer.kill(project, words, env))),
        );
        world.checkNothingLost([ada, ben]);
        world.checkPlaces([ada, ben]);
        for (const [project, words, env] of pair) await killer.run(project, words, [0], env);
        world.checkNothingLost([ada, ben]);
        for (const [project, words] of pair)
          if (words[0] === 'push')
            for (const root of rootsOf(project.read('datasets.lock')))
              expect(existsSync(join(world.remote, 'receipts', root.slice(7, 9), root.slice(7)))).toBe(true);
      } catch (error) {
        throw new Error(`seed ${seed}, round ${round}: ${what.join(' beside ')}`, { cause: error });
      }
    }
    lock(ada, 3);
    await killer.run(ada, ['push']);
    await checkClones(world, [3]);
  });

  test('a merge of rows and files', async () => {
    using world = new World(beginning);
    const killer = new Killer(world, randomNumbers(seed + 5));
    using base = await inTheMiddleOfAMerge();
    using twin = base.copy();
    await twin.done('merge');
    const wanted = twin.snapshot();
    for (let round = 0; round < 12; round += 1) {
      using project = base.copy(realpathSync(mkdtempSync(join(tmpdir(), 'plumb-merge-'))));
      await killer.kill(project, ['merge']);
      checkNames(project.path('.plumb/cache'));
      await killer.run(project, ['merge']);
      expect(project.snapshot()).toEqual(wanted);
      checkNoTemporary(project);
    }
  });
});

test('an index of files that a killed writer left is taken away by the next command, one that is being written is not', async () => {
  using project = beginning.project.copy();
  const left = '.plumb/stat/.plumb-tmp-4194305-0123456789ab-x.folder'; // no process has such a number
  const written = `.plumb/stat/.plumb-tmp-${process.pid}-0123456789ab-x.folder`;
  for (const path of [left, written]) project.write(path, 'half an index');
  await project.done('status');
  expect([existsSync(project.path(left)), existsSync(project.path(written))]).toEqual([false, true]);
});

/** Two branches that changed other rows and other files. */
async function inTheMiddleOfAMerge(): Promise<TestProject> {
  const project = createStored(0);
  const rows = (left: boolean, right: boolean): string =>
    jsonl(
      Array.from({ length: 3000 }, (_, at) => ({
        id: `r${at}`,
        text: `${left && at < 50 ? 'left' : right && at >= 2900 ? 'right' : 'as it was'} ${at}`,
      })),
    );
  const commit = async (message: string): Promise<void> => {
    await project.done('add', 'data/large', 'data/many');
    await project.done('add', 'data/rows.jsonl', '--key', 'id');
    project.git('add', '-A');
    project.git('commit', '-qm', message);
  };
  project.write('data/rows.jsonl', rows(false, false));
  await commit('base');
  project.git('checkout', '-qb', 'right');
  project.write('data/rows.jsonl', rows(false, true));
  project.write('data/many/1/1.bin', 'right');
  project.write('data/many/right.bin', 'right');
  await commit('right');
  project.git('checkout', '-q', 'main');
  await project.done('checkout', '--force');
  project.write('data/rows.jsonl', rows(true, false));
  project.write('data/many/2/2.bin', 'left');
  await commit('left');
  try {
    project.git('merge', '-q', 'right');
  } catch {
    // it may say so by an error that the lock needs `plumb merge`
  }
  return project;
}
