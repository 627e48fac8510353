// Where a repository is, found by looking at folders: no process is started to open one.
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { PlumbError, errnoOf } from '../base/errors.ts';
import { isTrue, lastValue, parseGitConfig, type GitConfigEntry } from './config.ts';

/** The folders of one repository as one work tree of it sees them. All absolute. */
export interface Repository {
  /** null in a bare repository */
  readonly workTree: string | null;
  /** HEAD and index of this work tree: .git, or .git/worktrees/<name> of a linked one */
  readonly headDir: string;
  /** objects, branches, config: the same for all work trees */
  readonly commonDir: string;
  readonly objectFormat: 'sha1' | 'sha256';
  readonly refFormat: 'files' | 'reftable';
}

/**
 * The repository that a folder belongs to: its own, or the nearest above it.
 * @throws PlumbError NO_GIT_REPOSITORY
 */
export async function findRepository(cwd: string): Promise<Repository> {
  const start = resolve(cwd);
  for (let folder = start; ; folder = dirname(folder)) {
    const found = await repositoryAt(folder);
    if (found !== null) return found;
    if (folder === dirname(folder)) break;
  }
  throw new PlumbError('NO_GIT_REPOSITORY', {
    what: `${start} is in no git repository`,
    where: { file: start },
    mend: 'run `git init` in the folder that shall hold the project, or change to a clone of it',
  });
}

async function repositoryAt(folder: string): Promise<Repository | null> {
  const dotGit = join(folder, '.git');
  const facts = await stat(dotGit).catch(() => null);
  if (facts?.isFile() === true) return describe(await followGitFile(dotGit), folder);
  if (facts?.isDirectory() === true && (await isGitDir(dotGit))) return describe(dotGit, folder);
  // `git clone --bare`, or a hook that runs inside the repository's own folder
  if (!(await isGitDir(folder))) return null;
  return describe(folder, basename(folder) === '.git' ? dirname(folder) : null);
}

/** A work tree of its own (git worktree) and a submodule have a file that says where the rest is. */
async function followGitFile(file: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  const target = /^gitdir: ([^\n]+?)\r?\n?$/.exec(text)?.[1];
  const gitDir = target === undefined ? null : resolve(dirname(file), target);
  if (gitDir !== null && (await isGitDir(gitDir))) return gitDir;
  throw new PlumbError('NO_GIT_REPOSITORY', {
    what: `${file} does not lead to a repository${gitDir === null ? '' : `: ${gitDir} is none`}`,
    where: { file },
    mend: 'run `git worktree repair` in the main work tree (or `git submodule update --init`), or clone again',
  });
}

async function isGitDir(folder: string): Promise<boolean> {
  const head = await readFile(join(folder, 'HEAD'), 'utf8').catch(() => null);
  if (head === null || !/^(ref: refs\/|[0-9a-f]{40})/.test(head)) return false;
  const common = await commonDirOf(folder);
  const objects = await stat(join(common, 'objects')).catch(() => null);
  const refs = await stat(join(common, 'refs')).catch(() => null);
  return objects?.isDirectory() === true && refs?.isDirectory() === true;
}

async function commonDirOf(gitDir: string): Promise<string> {
  const text = await readFile(join(gitDir, 'commondir'), 'utf8').catch(() => null);
  if (text === null) return gitDir;
  const path = text.trimEnd();
  return isAbsolute(path) ? path : resolve(gitDir, path);
}

async function describe(headDir: string, folder: string | null): Promise<Repository> {
  const commonDir = await commonDirOf(headDir);
  const config = await readConfig(commonDir);
  // a linked work tree of a bare repository is a work tree: `core.bare` speaks of the main one
  const bare = headDir === commonDir && isTrue(lastValue(config, 'core.bare'));
  return {
    workTree: bare ? null : folder,
    headDir,
    commonDir,
    objectFormat: lastValue(config, 'extensions.objectformat') === 'sha256' ? 'sha256' : 'sha1',
    refFormat: lastValue(config, 'extensions.refstorage')?.startsWith('reftable') === true ? 'reftable' : 'files',
  };
}

async function readConfig(commonDir: string): Promise<GitConfigEntry[]> {
  const read = async (name: string): Promise<GitConfigEntry[]> => {
    try {
      return parseGitConfig(await readFile(join(commonDir, name), 'utf8'));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
  };
  const config = await read('config');
  return isTrue(lastValue(config, 'extensions.worktreeconfig')) ? [...config, ...(await read('config.worktree'))] : config;
}
