// What can be wrong with a machine and a repository, looked at one by one. A check finds, it never throws: the last one tells as much as the first.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ZodType } from 'zod';
import { byCodeUnit } from '../base/canonical.ts';
import { readYamlFile } from '../base/config.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { formatBytes, formatSeconds } from '../base/progress.ts';
import type { Git } from '../git/git.ts';
import { openGit } from '../git/open.ts';
import { findGitProgram } from '../git/process.ts';
import { files } from '../project/layout.ts';
import { openProject, type Project } from '../project/open.ts';
import { describeUnfinished } from '../project/together.ts';

export type Level = 'ok' | 'warn' | 'fail';

export interface Finding {
  readonly level: Level;
  /** what was looked at, one word */
  readonly name: string;
  /** what was found, one line */
  readonly text: string;
  readonly mend?: string;
}

export interface World {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  now(): Date;
}

const ok = (name: string, text: string): Finding => ({ level: 'ok', name, text });
const warn = (name: string, text: string, mend: string): Finding => ({ level: 'warn', name, text, mend });
const fail = (name: string, text: string, mend: string): Finding => ({ level: 'fail', name, text, mend });

function failBy(name: string, error: unknown): Finding {
  if (isPlumbError(error)) {
    const place = [error.where?.file, error.where?.line, error.where?.column].filter((part) => part !== undefined).join(':');
    return fail(name, `${place === '' ? '' : `${place}: `}${error.message}`, error.mend);
  }
  return fail(name, error instanceof Error ? error.message : String(error), 'run `plumb doctor --debug` and report it');
}

/** All checks, in the order in which one builds on the other; those that have nothing to look at are left out. */
export async function* examine(world: World): AsyncGenerator<Finding> {
  yield checkNode(process.versions.node);
  yield await checkGitProgram(world);
  yield await checkOnnx();
  const git = await attempt(() => openGit(world.cwd, world.env));
  if (git instanceof Failure) return yield failBy('repository', git.cause);
  yield checkRepository(git);
  yield await checkIdentity(git);
  const project = await attempt(() => openProject(world));
  if (project instanceof Failure) return yield failBy('project', project.cause);
  yield ok('project', project.root);
  yield* checkFiles(project);
  yield await checkMain(project);
  yield* checkUnfinished(project);
  yield* checkIgnored(project);
  yield* checkCache(project, world);
  yield await checkRemote(project, world);
  yield await checkHistoryClock(project, world);
}

class Failure {
  readonly cause: unknown;
  constructor(cause: unknown) {
    this.cause = cause;
  }
}

async function attempt<T>(work: () => Promise<T>): Promise<T | Failure> {
  try {
    return await work();
  } catch (error) {
    return new Failure(error);
  }
}

/** @param version as process.versions.node */
export function checkNode(version: string): Finding {
  if (Number(version.split('.')[0]) >= 24) return ok('node', `v${version}`);
  return fail('node', `v${version}, Plumbline needs 24 or newer`, 'npm install --save-dev node@24, then npx plumb');
}

async function checkGitProgram(world: World): Promise<Finding> {
  const program = findGitProgram(world.env);
  if (program === null) return warn('git', 'no git command in PATH; a slower one in JavaScript is used', 'install git');
  const { execFile } = await import('node:child_process');
  const text = await new Promise<string>((answer) =>
    execFile(program, ['--version'], { timeout: 10_000 }, (error, stdout) => answer(error === null ? stdout : '')),
  );
  const version = /(\d+)\.(\d+)(\.\d+)?/.exec(text);
  if (version === null) return fail('git', `${program} does not tell its version`, 'install git again');
  const [number, major, minor] = version;
  if (Number(major) < 2 || (Number(major) === 2 && Number(minor) < 25)) return fail('git', `${number}, too old`, 'install git 2.25 or newer');
  return ok('git', `${number} (${program})`);
}

async function checkOnnx(): Promise<Finding> {
  try {
    const runtime = await import('onnxruntime-node');
    return ok('onnxruntime', runtime.env.versions.node ?? runtime.env.versions.common);
  } catch (error) {
    return fail(
      'onnxruntime',
      `does not load: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`,
      'npm install onnxruntime-node (Linux, macOS or Windows, x64 or arm64)',
    );
  }
}

function checkRepository(git: Git): Finding {
  const where = git.workTree ?? git.gitDir;
  if (git.workTree === null) return warn('repository', `${where} is bare: models can be served from it, not made in it`, 'work in a clone');
  if (existsSync(join(git.gitDir, 'shallow')))
    return warn('repository', `${where} is a shallow clone: history and verify --all see a part`, 'git fetch --unshallow');
  return ok('repository', where);
}

async function checkIdentity(git: Git): Promise<Finding> {
  const identity = await git.identity();
  if (identity !== null) return ok('identity', `${identity.name} <${identity.email}>`);
  return warn(
    'identity',
    'git knows no name and e-mail; promote and rollback make commits',
    'git config --global user.name "..." and user.email "..."',
  );
}

async function checkMain({ git, config }: Project): Promise<Finding> {
  if ((await git.resolve(`refs/heads/${config.main}`)) !== null) return ok('main', `branch ${config.main}`);
  if ((await git.resolve(`refs/remotes/origin/${config.main}`)) !== null) {
    return warn(
      'main',
      `branch ${config.main} is only at origin; the gate reads policy and production from the local one`,
      `git branch ${config.main} origin/${config.main}`,
    );
  }
  if ((await git.resolve('HEAD')) === null) return warn('main', 'there is no commit yet', 'git add . && git commit');
  return fail(
    'main',
    `there is no branch "${config.main}", which plumbline.yaml calls the main one`,
    `correct "main" in ${files.config}, or fetch the branch`,
  );
}

function* checkUnfinished({ localDir }: Project): Generator<Finding> {
  const unfinished = describeUnfinished(localDir);
  if (unfinished !== null) yield warn('models', unfinished.what, unfinished.mend);
}

/** Every configuration file against its schema. */
async function* checkFiles(project: Project): AsyncGenerator<Finding> {
  const { root } = project;
  const good: string[] = [files.config];
  const check = async function* (path: string, schema: ZodType): AsyncGenerator<Finding> {
    try {
      if ((await readYamlFile(join(root, path), path, schema)) !== undefined) good.push(path);
    } catch (error) {
      yield failBy('files', error);
    }
  };
  const [{ lockSchema }, { pipelineSchema }, { policySchema, pointerSchema }, { suiteSchema }, { rulesSchema }, { jsonSchema }] = await Promise.all([
    import('../datasets/schema.ts'),
    import('../pipeline/schema.ts'),
    import('../registry/schema.ts'),
    import('../evaluate/schema.ts'),
    import('../quality/rules/schema.ts'),
    import('../base/schema.ts'),
  ]);
  yield* check(files.lock, lockSchema);
  yield* check(files.pipeline, pipelineSchema);
  yield* check(files.params, jsonSchema);
  yield* check(files.policy, policySchema);
  for (const path of await yamlFiles(root, 'evals')) yield* check(path, suiteSchema);
  for (const path of await yamlFiles(root, 'rules')) yield* check(path, rulesSchema);
  for (const path of await pointerFiles(root)) yield* check(path, pointerSchema);
  yield ok('files', good.join(', '));
}

async function yamlFiles(root: string, folder: string): Promise<string[]> {
  const names = await readdir(join(root, folder)).catch(() => []);
  return names
    .filter((name) => /\.ya?ml$/.test(name))
    .toSorted(byCodeUnit)
    .map((name) => `${folder}/${name}`);
}

async function pointerFiles(root: string): Promise<string[]> {
  const models = (await readdir(join(root, files.models)).catch(() => [])).toSorted(byCodeUnit);
  return models
    .flatMap((model) => ['staging', 'production'].map((stage) => `${files.models}/${model}/${stage}.json`))
    .filter((path) => existsSync(join(root, path)));
}

async function* checkIgnored({ git, prefix, readText }: Project): AsyncGenerator<Finding> {
  if (git.workTree === null) return;
  const open: string[] = [];
  for (const folder of [files.local, files.out]) if (!(await git.isIgnored(`${prefix}${folder}/x`))) open.push(`${folder}/`);
  if (open.length > 0) yield warn('.gitignore', `git would take ${open.join(' and ')}`, `add ${open.join(' and ')} to .gitignore`);
  const attributes = (await readText('.gitattributes').catch(() => undefined)) ?? '';
  if (/^datasets\.lock\s.*merge=union/m.test(attributes)) return;
  yield warn(
    'merging',
    'two branches that add data sets would conflict in datasets.lock',
    'add the line "datasets.lock merge=union" to .gitattributes',
  );
}

const probe = (): string => `.plumb-doctor-${process.pid}-${randomBytes(4).toString('hex')}`;

async function* checkCache(project: Project, world: World): AsyncGenerator<Finding> {
  const { cacheDir } = project.store;
  const source = join(cacheDir, probe());
  try {
    await mkdir(cacheDir, { recursive: true });
    await writeFile(source, 'plumb doctor');
    yield ok('cache', `${cacheDir}, can be written`);
    yield await checkSpace(cacheDir);
    yield await checkLinks(project);
    yield await checkFileClock(source, world, 'clock');
  } catch (error) {
    yield failBy('cache', writeProblem(error, cacheDir));
  } finally {
    await rm(source, { force: true });
  }
}

function writeProblem(error: unknown, folder: string): PlumbError {
  return new PlumbError('FILE_UNREADABLE', {
    what: `cannot write in ${folder}: ${error instanceof Error ? error.message : String(error)}`,
    mend: 'give yourself the right to write there, or name another folder (PLUMB_CACHE for the cache, remote in plumbline.yaml)',
    cause: error,
  });
}

async function checkSpace(folder: string): Promise<Finding> {
  const disk = await statfs(folder);
  const free = disk.bavail * disk.bsize;
  const text = `${formatBytes(free)} free on the disk of the cache`;
  if (free < 100e6) return fail('space', text, 'make room');
  return free < 2e9 ? warn('space', text, 'make room before large data comes') : ok('space', text);
}

async function checkFileClock(file: string, world: World, name: string): Promise<Finding> {
  const skew = Math.abs((await stat(file)).mtimeMs - world.now().getTime()) / 1000;
  if (skew < 5) return ok(name, 'the disk and this machine agree');
  return warn(
    name,
    `the clock of the disk and this machine's differ by ${formatSeconds(skew)}`,
    'set the clocks by NTP; run records and history would show wrong times',
  );
}

async function checkRemote({ config, root }: Project, world: World): Promise<Finding> {
  if (config.remote === undefined) {
    return warn('remote', 'none: data and models are on this machine alone', `write "remote: <folder or address>" into ${files.config}`);
  }
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(config.remote) ? checkAddress(config.remote, root, world) : checkFolder(resolve(root, config.remote), world);
}

/** Is somebody there, and do they let us in? Nothing is written. */
async function checkAddress(address: string, root: string, world: World): Promise<Finding> {
  const { openRemote } = await import('../store/remotes/open.ts');
  try {
    const remote = openRemote(address, { root, env: world.env });
    await remote.has('receipts', '0'.repeat(64), { signal: AbortSignal.timeout(20_000) });
    return ok('remote', `${remote.url} answers${remote.canWrite ? '' : ', and can only be read'}`);
  } catch (error) {
    return failBy('remote', error);
  }
}

async function checkFolder(folder: string, world: World): Promise<Finding> {
  if (!existsSync(folder)) {
    if (existsSync(dirname(folder))) return warn('remote', `${folder} is not there yet; the first push makes it`, 'plumb push');
    return fail('remote', `${folder} is not there, nor the folder above it`, `mount it, or correct "remote" in ${files.config}`);
  }
  const file = join(folder, probe());
  try {
    await writeFile(file, 'plumb doctor');
    const clock = await checkFileClock(file, world, 'remote');
    return clock.level === 'ok' ? ok('remote', `${folder}, can be written`) : clock;
  } catch (error) {
    return failBy('remote', writeProblem(error, folder));
  } finally {
    await rm(file, { force: true }).catch(() => undefined);
  }
}

/** How folders of files come out of the cache, as found out by trying. */
async function checkLinks({ store, root }: Project): Promise<Finding> {
  const { kind, why } = await store.cache.linkKind(root);
  return ok('links', `${kind}: ${why}`);
}

/** A commit from the future: this clock is behind, or somebody's was ahead. */
async function checkHistoryClock({ git }: Project, world: World): Promise<Finding> {
  const head = await git.resolve('HEAD');
  if (head === null) return ok('history', 'no commit yet');
  const { date } = await git.readCommit(head);
  const ahead = (date.getTime() - world.now().getTime()) / 1000;
  if (ahead < 300) return ok('history', `HEAD is ${head.slice(0, 12)}`);
  return warn('history', `HEAD is ${formatSeconds(ahead)} in the future of this machine's clock`, 'set the clock by NTP');
}
