// Pushes in a loop, while another process collects the remote in a loop.
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { addDataset } from '../datasets/add.ts';
import { loadLock } from '../datasets/lock.ts';
import { pushRootOf } from '../datasets/manifest.ts';
import { quiet, type TestProject } from '../datasets/project.fixture.ts';
import { openProject, type Project } from '../project/open.ts';
import { createShared, fetchAnew, pushVersion, quietly } from './upkeep.fixture.ts';

const script = fileURLToPath(new URL('gc-loop.fixture.ts', import.meta.url));
/** For long enough that each has met the other often; however slow the machine. */
const fewestRounds = 3;
const fewestPushes = 4;

/** A clone that commits, tells the origin, and pushes data; some branches go again. */
class Pusher {
  readonly versions = new Map<string, Digest>();
  refused = 0;
  readonly #root: string;
  readonly #label: string;
  #before: Digest[] = [];

  constructor(root: string, label: string) {
    this.#root = root;
    this.#label = label;
  }

  async git(...words: string[]): Promise<void> {
    await promisify(execFile)('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...words], { cwd: this.#root });
  }

  async round(number: number): Promise<void> {
    const folder = join(this.#root, 'data');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${this.#label}-${number % 7}.bin`), randomBytes(20_000));
    await writeFile(join(folder, `same-${number % 3}.txt`), `shared by all ${number % 3}`);
    const project = await openProject({ cwd: this.#root, env: {} });
    await addDataset(project, { argument: 'data', cwd: this.#root, ...quiet });
    const version = (await loadLock(project)).datasets['data']!.digest;
    const branch = `${this.#label}-${number}`;
    await this.git('commit', '-qam', branch);
    await this.git('push', '-q', 'origin', `HEAD:refs/heads/${branch}`);
    await this.#send(project, version);
    this.versions.set(branch, version);
    this.#before = [version, ...this.#before].slice(0, 3);
    const old = [...this.versions.keys()][this.versions.size - 4];
    if (old === undefined || number % 2 === 0) return;
    await this.git('push', '-q', 'origin', '--delete', old);
    this.versions.delete(old);
  }

  async #send(project: Project, version: Digest): Promise<void> {
    for (let trial = 0; trial < 20; trial += 1) {
      try {
        await project.store.push([pushRootOf(project.store, version, async () => this.#before)], [], quietly);
        return;
      } catch (error) {
        // told, and nothing lost: it is tried again
        if (!isPlumbError(error, 'REMOTE_FAILED')) throw error;
        this.refused += 1;
      }
    }
    throw new Error('20 pushes were refused one after the other');
  }
}

async function clone(project: TestProject, name: string): Promise<string> {
  await project.git('clone', '-q', project.root, `../${name}`);
  return join(project.root, '..', name);
}

interface Collected {
  readonly rounds: number;
  readonly takenBack: number;
}

test.each([0, 1500])('with a grace time of %i ms nothing that a branch names is lost', { timeout: 120_000 }, async (graceMs) => {
  const project = await createShared();
  await pushVersion(project, { 'first.txt': 'first' });
  const pushers = [new Pusher(await clone(project, 'one'), 'one'), new Pusher(await clone(project, 'two'), 'two')];
  const child = spawn(process.execPath, [script, project.root, String(graceMs)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [said, complaint] = ['', ''];
  let isOver = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  void ended.then(() => (isOver = true));
  const soFar = (): Collected => JSON.parse(said.trimEnd().split('\n').at(-1) || '{"rounds":0,"takenBack":0}') as Collected;
  const enough = (): boolean => isOver || (soFar().rounds >= fewestRounds && soFar().takenBack > 0);
  await Promise.all(
    pushers.map(async (pusher) => {
      for (let number = 0; number < fewestPushes || !enough(); number += 1) await pusher.round(number);
    }),
  );
  child.kill('SIGTERM');
  expect(await ended, complaint).toBe(0);
  expect(soFar().rounds).toBeGreaterThanOrEqual(fewestRounds);
  expect(soFar().takenBack).toBeGreaterThan(0);
  const versions = pushers.flatMap((pusher) => [...pusher.versions.values()]);
  expect(versions.length).toBeGreaterThan(5);
  for (const version of versions) expect(await fetchAnew(project.remote, version, await mkdtemp(join(tmpdir(), 'plumb-empty-')))).toBeGreaterThan(2);
});
