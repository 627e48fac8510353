import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { errnoOf, PlumbError, systemError } from '../base/errors.ts';
import { isBlankYaml, loadYaml, parseYaml, readTextFile } from '../base/config.ts';
import { sweepKilled } from '../base/atomic.ts';
import { withMutex } from '../base/mutex.ts';
import type { Git, Oid } from '../git/git.ts';
import { openGit } from '../git/open.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import type { ProjectConfig } from './config.ts';
import { files } from './layout.ts';
import { quickConfig } from './quick-config.ts';
import { registerAt } from './shared-cache.ts';
import { isCi, isForkJob, type Environment } from './trust-domain.ts';

/** An opened project: its place in git, its settings, its bytes. */
export interface Project {
  /** absolute path of the folder of plumbline.yaml */
  readonly root: string;
  readonly git: Git;
  /** root relative to the top of the git repository: '' or 'sub/folder/' */
  readonly prefix: string;
  /** in a job on a pull request with the remote of its base */
  readonly config: ProjectConfig;
  readonly store: Store;
  /** absolute; ignored by git */
  readonly localDir: string;
  /** Text of a file of the work tree, by project-relative path; undefined when it is not there. */
  readText(path: string): Promise<string | undefined>;
  /** The same of a commit. */
  readTextAt(commit: Oid, path: string): Promise<string | undefined>;
  /** One writer at a time in this project. */
  mutex<T>(work: () => Promise<T>): Promise<T>;
}

interface World {
  /** absolute */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Where the project is that a folder belongs to, whatever its settings say.
 * @throws PlumbError NO_GIT_REPOSITORY, NOT_A_PROJECT
 */
export async function findProject({ cwd, env }: World): Promise<{ readonly git: Git; readonly root: string }> {
  const git = await openGit(cwd, env);
  return { git, root: findRoot(cwd, git.workTree) };
}

/** Of a text that does not parse: undefined. Who parses it closely says why. */
function valueOf(text: string): unknown {
  try {
    return isBlankYaml(text) ? undefined : loadYaml(text, files.config);
  } catch {
    return undefined;
  }
}

/**
 * Opens the project that a folder belongs to.
 * @throws PlumbError NO_GIT_REPOSITORY, NOT_A_PROJECT, CONFIG_INVALID, YAML_SYNTAX
 */
export async function openProject(world: World): Promise<Project> {
  const { git, root } = await findProject(world);
  const text = await readFile(join(root, files.config), 'utf8');
  const quick = quickConfig(valueOf(text));
  const config = quick ?? (await parseYaml(text, files.config, (await import('./config.ts')).projectConfigSchema));
  return assemble({ root, git, config, env: world.env });
}

async function assemble(parts: {
  root: string;
  git: Git;
  config: ProjectConfig;
  refused?: PlumbError;
  env: Readonly<Record<string, string | undefined>>;
}): Promise<Project> {
  const { root, git, env } = parts;
  const prefix = git.workTree === null ? '' : prefixOf(git.workTree, root);
  const { config, refused } = isJob(env) ? await (await import('./base-remote.ts')).bindRemote(parts.config, { git, prefix, env }) : parts;
  const localDir = join(root, files.local);
  const cacheDir = env['PLUMB_CACHE'] === undefined ? join(localDir, 'cache') : resolve(root, env['PLUMB_CACHE']);
  registerAt(cacheDir, root);
  const store = await openStore({
    cacheDir,
    root,
    env,
    ...(config.remote === undefined ? {} : { remote: config.remote }),
    ...(refused === undefined ? {} : { refused }),
    ...(await apartFromRemote(config, env)),
    ...(config.repository === undefined ? {} : { repository: config.repository }),
    ...(config.cache.link === undefined ? {} : { link: config.cache.link }),
  });
  return {
    root,
    git,
    prefix,
    config,
    store,
    localDir,
    readText: (path) => readTextFile(join(root, path), path),
    readTextAt: async (commit, path) => {
      const bytes = await git.readBlob(commit, prefix + path);
      return bytes === null ? undefined : Buffer.from(bytes).toString('utf8');
    },
    mutex: (work) =>
      withMutex(join(localDir, 'mutex.db'), async () => {
        await keepFromGit(localDir);
        await sweepKilled(root);
        return work();
      }),
  };
}

/** A project that no `plumb init` made has no line for it in .gitignore. */
async function keepFromGit(localDir: string): Promise<void> {
  await writeFile(join(localDir, '.gitignore'), '*\n', { flag: 'wx' }).catch((error: unknown) => {
    if (errnoOf(error) !== 'EEXIST') throw systemError(error, 'write', join(localDir, '.gitignore'));
  });
}

/** A laptop asks nothing of what a job has. */
function isJob(env: Environment): boolean {
  return isCi(env) || Boolean(env['PLUMB_RUN_DOMAIN']);
}

/** What a fork's code writes never reaches the remote. */
async function apartFromRemote(config: ProjectConfig, env: Environment): Promise<{ apart?: string }> {
  if (config.remote === undefined || !isForkJob(env)) return {};
  const { untrustedAddress } = await import('../store/remotes/overlay.ts');
  const apart = config.untrusted ?? untrustedAddress(config.remote);
  return apart === null ? {} : { apart };
}

function findRoot(cwd: string, workTree: string | null): string {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    if (existsSync(join(folder, files.config))) return folder;
    if (folder === workTree || folder === dirname(folder)) break;
  }
  throw new PlumbError('NOT_A_PROJECT', {
    what: `no ${files.config} in ${cwd} or a folder above it`,
    mend: 'run `plumb init` in the folder that shall be the project',
  });
}

function prefixOf(top: string, root: string): string {
  const path = relative(top, root).split(sep).join('/');
  return path === '' ? '' : `${path}/`;
}
