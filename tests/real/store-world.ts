// A project with versions, a remote and a clone, in which commands are killed; and what must be there after each kill: all bytes that any
// datasets.lock names, here or in the remote.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Digest } from '../../src/base/digest.ts';
import { objectsOf } from '../../src/datasets/manifest.ts';
import { openStore } from '../../src/store/open.ts';
import { openPackFile } from '../../src/store/pack/reader.ts';
import { filesBelow, node, plumbFile, sha256, TestProject } from '../project.ts';
import type { Day } from './day.ts';
import { checkNames } from './stored-checks.ts';
import { addAndCommit, createStored, dataOf, dataSets, writeData } from './stored.ts';

const dayFile = fileURLToPath(new URL('./day.ts', import.meta.url));
export const clock = `--import=${new URL('./clock.ts', import.meta.url).href}`;

/** Versions that have a commit and a tag; those from 100 on are never committed. */
export const tagged: readonly number[] = [0, 1, 2, 3, 4];
export const passing: readonly number[] = [100, 101, 102];

/** What every world begins with, made once: versions, their locks, and the objects that each is made of. */
export class Beginning {
  readonly project: TestProject;
  readonly locks: Record<string, string> = {};
  /** digest of a manifest -> digests of all that its version needs */
  readonly needed = new Map<Digest, readonly Digest[]>();

  private constructor(project: TestProject) {
    this.project = project;
  }

  static async make(): Promise<Beginning> {
    const project = createStored(0);
    project.write('plumbline.yaml', 'version: 1\nremote: ../remote\nrepository: tests\n');
    const beginning = new Beginning(project);
    for (const version of tagged) {
      writeData(project, dataOf(version));
      await addAndCommit(project, `v${version}`);
      project.git('tag', `v${version}`);
      await beginning.#learn(version);
    }
    // what is never committed is learnt in a copy
    using other = project.copy();
    for (const version of passing) {
      writeData(other, dataOf(version));
      await other.done('add', ...dataSets);
      await beginning.#learn(version, other);
    }
    return beginning;
  }

  async #learn(version: number, project: TestProject = this.project): Promise<void> {
    this.locks[version] = project.read('datasets.lock');
    const store = await openStore({ cacheDir: project.path('.plumb/cache') });
    const roots = rootsOf(this.locks[version] ?? '');
    if (roots.length !== dataSets.length) throw new Error(`the lock of version ${version} names ${roots.length} versions`);
    for (const root of roots) {
      const digests = new Set<Digest>();
      for await (const { digest } of objectsOf(store, root)) digests.add(digest);
      this.needed.set(root, [...digests]);
    }
  }

  [Symbol.dispose](): void {
    this.project[Symbol.dispose]();
  }
}

/** Digests of the manifests that a datasets.lock names. */
export function rootsOf(lock: string): Digest[] {
  return [...lock.matchAll(/^ {4}digest: (sha256:[0-9a-f]{64})/gm)].map(([, digest]) => digest as Digest);
}

export class World {
  readonly beginning: Beginning;
  readonly project: TestProject;
  /** of the commands */
  readonly env: Readonly<Record<string, string>>;
  /** the remote, as a folder */
  readonly remote: string;
  readonly cache: string;
  /** names of the remote whose bytes were hashed, and when they were written */
  readonly #hashed = new Map<string, number>();

  /** @param where remote: its address, and where it is as a folder */
  constructor(beginning: Beginning, where: { env?: Record<string, string>; remote?: { address: string; folder: string } } = {}) {
    this.beginning = beginning;
    this.project = beginning.project.copy(realpathSync(mkdtempSync(join(tmpdir(), 'plumb-world-'))));
    this.env = { ...where.env };
    this.remote = where.remote?.folder ?? this.project.remote;
    if (where.remote !== undefined) this.project.write('plumbline.yaml', `version: 1\nremote: ${where.remote.address}\nrepository: tests\n`);
    this.cache = this.project.path('.plumb/cache');
  }

  [Symbol.dispose](): void {
    this.project[Symbol.dispose]();
  }

  /** A clone with its own cache, at a version. */
  clone(name: string, version: number): TestProject {
    const clone = new TestProject(this.project.top);
    Object.defineProperty(clone, 'root', { value: join(this.project.top, name) });
    this.project.git('clone', '-q', this.project.root, clone.root);
    clone.git('checkout', '-q', `v${version}`);
    clone.write('plumbline.yaml', this.project.read('plumbline.yaml'));
    return clone;
  }

  /** Of every version that a commit names, or the work tree, each object is in the cache or can be had from the remote. */
  checkNothingLost(projects: readonly TestProject[] = [this.project]): void {
    const here = new Set<Digest>();
    for (const project of projects) for (const digest of objectsIn(project.path('.plumb/cache'))) here.add(digest);
    const { locks, needed } = this.beginning;
    const texts = [...tagged.map((version) => locks[version] ?? ''), ...projects.map((project) => project.read('datasets.lock'))];
    for (const root of new Set(texts.flatMap(rootsOf))) {
      const lacking = (needed.get(root) ?? fail(`no version has ${root}`)).filter((digest) => !here.has(digest));
      const there = lacking.length === 0 ? new Set<Digest>() : this.#objectsOfReceipt(root);
      const [lost] = lacking.filter((digest) => !there.has(digest));
      if (lost !== undefined) throw new Error(`${lost} of ${root} is lost: neither in the cache nor in the remote`);
    }
  }

  /** Every receipt can be fetched, and nothing has a name that is not its own. */
  checkPlaces(projects: readonly TestProject[] = [this.project]): void {
    for (const project of projects) checkNames(project.path('.plumb/cache'));
    for (const kind of ['packs', 'condemned']) {
      for (const hex of filesBelow(join(this.remote, kind))) {
        const path = join(this.remote, kind, hex);
        const { mtimeMs } = statSync(path);
        if (this.#hashed.get(hex) !== mtimeMs && sha256(readFileSync(path)) !== hex) throw new Error(`${path} is not what its name says`);
        this.#hashed.set(hex, mtimeMs);
      }
    }
    for (const path of filesBelow(join(this.remote, 'receipts'))) this.#objectsOfReceipt(`sha256:${path.replace(/.*\//, '')}`);
  }

  /** What the packs of a receipt hold. Packs that are not there are a failure. */
  #objectsOfReceipt(root: Digest): Set<Digest> {
    const hex = root.slice(7);
    const path = join(this.remote, 'receipts', hex.slice(0, 2), hex);
    if (!existsSync(path)) return new Set();
    const receipt = JSON.parse(readFileSync(path, 'utf8')) as { packs: { digest: Digest }[] };
    return new Set(
      receipt.packs.flatMap(({ digest }) => {
        const places = ['packs', 'condemned'].map((kind) => join(this.remote, kind, digest.slice(7)));
        const place = places.find((one) => existsSync(one));
        return objectsOfPack(place ?? fail(`the pack ${digest} of the receipt ${root} is gone`));
      }),
    );
  }

  /** Runs the steps of a day from one on, and kills it so many ms after it has begun. @returns the step that has not ended, and what was said */
  async killDay(steps: Day['steps'], from: number, afterMs: number): Promise<{ next: number; ended: boolean; said: string }> {
    const file = join(this.project.top, 'day.json');
    writeFileSync(file, JSON.stringify({ top: this.project.top, locks: this.beginning.locks, steps } satisfies Day));
    const env = { ...this.project.env, ...this.env };
    const child = spawn(node, [dayFile, file, String(from)], {
      cwd: this.project.root,
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    let told = '';
    let said = '';
    let timer: NodeJS.Timeout | undefined;
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(-4000)));
    (child.stdio[3] as import('node:stream').Readable).on('data', (piece: Buffer) => {
      if (told === '') timer = setTimeout(() => killGroup(child.pid), afterMs);
      told += piece.toString();
    });
    const signal = await new Promise<NodeJS.Signals | null>((resolve) => child.once('close', (_, by) => resolve(by)));
    clearTimeout(timer);
    await untilGone(child.pid);
    const fault = /^fault .*$/m.exec(told)?.[0];
    if (fault !== undefined || (signal === null && !told.includes('begin'))) fail(`${fault}\n${said}`);
    const done = [...told.matchAll(/^done (\d+)$/gm)].length;
    return { next: from + done, ended: signal === null, said };
  }
}

/** Runs plumb in a group of its own and kills that so many ms later. @returns the signal that it died of, or its exit code */
export async function killPlumb(
  project: TestProject,
  words: readonly string[],
  options: { env?: Readonly<Record<string, string>>; afterMs?: number },
): Promise<{ end: string | number; said: string; ms: number }> {
  const began = performance.now();
  const env = { ...project.env, ...options.env };
  const child = spawn(node, [plumbFile, '--debug', ...words], { cwd: project.root, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const timer = options.afterMs === undefined ? undefined : setTimeout(() => killGroup(child.pid), options.afterMs);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(-4000)));
  const end = await new Promise<string | number>((resolve) => child.once('close', (exit, signal) => resolve(signal ?? exit ?? -1)));
  clearTimeout(timer);
  await untilGone(child.pid);
  return { end, said, ms: performance.now() - began };
}

function killGroup(pid: number | undefined): void {
  try {
    process.kill(-(pid ?? 0), 'SIGKILL');
  } catch {
    // it has ended
  }
}

/** Until no process of the group is left. */
async function untilGone(pid: number | undefined): Promise<void> {
  for (let tries = 0; tries < 2000; tries += 1) {
    try {
      process.kill(-(pid ?? 0), 0);
    } catch {
      return;
    }
    await sleep(5);
  }
  throw new Error('its group is still there');
}

function fail(what: string): never {
  throw new Error(what);
}

/** Digests of a cache: files, what lies in packs, and what lies in the trash, where whoever misses it finds it. */
function objectsIn(cache: string): Set<Digest> {
  const found = new Set<Digest>();
  const trash = join(cache, 'trash');
  const heaps = existsSync(trash) ? readdirSync(trash).map((name) => join(trash, name)) : [];
  for (const root of [cache, ...heaps]) {
    for (const path of filesBelow(join(root, 'objects'))) found.add(`sha256:${path.replace('/', '')}`);
    for (const path of filesBelow(join(root, 'packs'))) for (const digest of objectsOfPack(join(root, 'packs', path))) found.add(digest);
  }
  return found;
}

function objectsOfPack(path: string): Digest[] {
  const pack = openPackFile(path);
  pack.close();
  return Array.from({ length: pack.index.objects }, (_, entry) => pack.index.digestAt(entry));
}
