// The Git interface by the git command.
import { createCommitReader, type CommitReader } from './commit-reader.ts';
import { createObjectReader, type ObjectReader } from './cat-file.ts';
import { needWorkTree, readShallow, tooShallow, unknownRevision } from './failures.ts';
import type { Commit, CommitChanges, Git, Oid, TreeEntry } from './git.ts';
import { checkFolder, checkOid, checkPath, isOid } from './names.ts';
import { fileMode, newestFirst, withoutTree } from './object.ts';
import { createGitProgram, failure, finish, inPortions, records, type Environment, type GitProgram } from './process.ts';
import { openRefs, type Refs } from './refs.ts';
import type { Repository } from './repository.ts';
import { findRef, splitRevision } from './revision.ts';
import { byCodeUnit } from '../base/canonical.ts';
import { isPlumbError } from '../base/errors.ts';
import type { Writer, WriterParts } from './command-write.ts';

/** The parts that answers are made of. */
interface Parts {
  readonly repository: Repository;
  readonly git: GitProgram;
  readonly refs: Refs;
  readonly commits: CommitReader;
}

/** @param program absolute path of the git command */
export function createCommandGit(repository: Repository, program: string, env: Environment): Git {
  const git = createGitProgram(program, repository, env);
  const refs = openRefs(repository);
  const objects = createObjectReader(git);
  const commits = createCommitReader(objects, repository);
  const parts: Parts = { repository, git, refs, commits };
  const changed = (paths: readonly string[]): Promise<string[]> => dirtyPaths(parts, paths);
  return {
    workTree: repository.workTree,
    gitDir: repository.commonDir,
    how: 'command',
    program: git,
    resolve: (revision) => resolveRevision(parts, revision),
    branch: () => currentBranch(parts),
    tips: () => readTips(parts),
    isShallow: async () => (await readShallow(repository)).size > 0,
    refToken: (branch) => refs.token(branch),
    readBlob: async (commit, path) => (await commits.blobs(commit, [path], (name) => entryAt(parts, commit, name)))[0] ?? null,
    readBlobs: (commit, paths) => commits.blobs(commit, paths, (name) => entryAt(parts, commit, name)),
    readStaged: (paths) => readStaged(parts, objects, paths),
    listTree: (commit, folder) => listTree(parts, commit, folder),
    log: (revision, options = {}) => readLog(parts, revision, options),
    logChanges: (revision, options) => readLogChanges(parts, revision, options),
    readCommit: async (oid) => withoutTree(await commits.read(oid)),
    mergeBase: (a, b) => mergeBase(parts, a, b),
    changedPaths: (from, to) => changedPaths(parts, from, to),
    dirtyPaths: changed,
    isIgnored: (path) => isIgnored(parts, path),
    isTracked: (path) => isTracked(parts, path),
    identity: () => identity(parts),
    ...loadedWhenUsed({
      repository,
      git,
      commits,
      head: () => resolveRevision(parts, 'HEAD'),
      entries: (commit, paths) => entriesAt(parts, commit, paths),
      filesOf: async (commit) => (await listTree(parts, commit, '')).map((entry) => entry.path),
      dirtyPaths: changed,
      changedPaths: (from, to) => changedPaths(parts, from, to),
    }),
  };
}

/** Most commands only read. */
function loadedWhenUsed(parts: WriterParts): Writer {
  const writer = async (): Promise<Writer> => (await import('./command-write.ts')).createWriter(parts);
  return {
    commit: async (message, paths) => (await writer()).commit(message, paths),
    revert: async (oid, message) => (await writer()).revert(oid, message),
    resetIndex: async (paths) => (await writer()).resetIndex(paths),
    stage: async (paths) => (await writer()).stage(paths),
    createBranch: async (name, at) => (await writer()).createBranch(name, at),
    switchTo: async (branch) => (await writer()).switchTo(branch),
  };
}

async function resolveRevision(parts: Parts, text: string): Promise<Oid | null> {
  const revision = splitRevision(text);
  if (revision === null) return null;
  const { base, steps } = revision;
  if (parts.repository.refFormat === 'reftable') return revParse(parts, base + steps);
  const ref = await findRef(parts.refs, base);
  if (ref === null) return base === 'HEAD' ? null : revParse(parts, base + steps);
  // a branch holds a commit and nothing else; a tag may hold a tag
  if (steps === '' && (base === 'HEAD' || ref.name.startsWith('refs/heads/'))) return ref.oid;
  const found = await revParse(parts, (steps.startsWith('@{') ? ref.name : ref.oid) + steps);
  const [boundary] = found === null && /^[~^]/.test(steps) ? await readShallow(parts.repository) : [];
  if (boundary !== undefined) throw tooShallow(`${text} is asked for`, boundary);
  return found;
}

async function readTips(parts: Parts): Promise<{ name: string; commit: Oid }[]> {
  const format = '--format=%(refname)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)';
  const lines = (await parts.git.run(['for-each-ref', format])).stdout.toString('utf8').split('\n');
  const tips: { name: string; commit: Oid }[] = [];
  for (const line of lines.filter((text) => text !== '')) {
    const [name = '', type, oid = '', peeledType, peeled = ''] = line.split('\0');
    // before git 2.45 a tag of a tag is peeled once
    const commit = type === 'commit' ? oid : peeledType === 'commit' ? peeled : peeledType === 'tag' ? await revParse(parts, name) : null;
    if (commit !== null) tips.push({ name, commit });
  }
  const trees = (await parts.git.run(['worktree', 'list', '--porcelain'])).stdout.toString('utf8');
  for (const [, commit = ''] of trees.matchAll(/^HEAD ([0-9a-f]{40}|[0-9a-f]{64})$/gm)) {
    if (!/^0+$/.test(commit)) tips.push({ name: 'HEAD', commit });
  }
  return tips.toSorted((a, b) => byCodeUnit(a.name, b.name) || byCodeUnit(a.commit, b.commit));
}

async function revParse({ git }: Parts, revision: string): Promise<Oid | null> {
  const result = await git.run(['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`], { allow: [1, 128] });
  const oid = result.stdout.toString('latin1').trim();
  return result.code === 0 && isOid(oid) ? oid : null;
}

async function currentBranch({ git, refs }: Parts): Promise<string | null> {
  const head = await refs.head();
  if (head !== null) return 'branch' in head ? head.branch : null;
  const result = await git.run(['symbolic-ref', '--quiet', 'HEAD'], { allow: [1] });
  return /^refs\/heads\/(.+)\n$/.exec(result.stdout.toString('utf8'))?.[1] ?? null;
}

/** Runs what needs these commits; when git fails because one is not here, says that. */
async function withCommits<T>(parts: Parts, oids: readonly Oid[], work: () => Promise<T>): Promise<T> {
  for (const oid of oids) checkOid(oid);
  try {
    return await work();
  } catch (error) {
    if (isPlumbError(error, 'GIT_FAILED')) for (const oid of oids) await parts.commits.read(oid);
    throw error;
  }
}

async function listTree(parts: Parts, commit: Oid, folder: string): Promise<TreeEntry[]> {
  const below = checkFolder(folder);
  const { stdout } = await withCommits(parts, [commit], () =>
    parts.git.run(['ls-tree', '-r', '-z', '--full-tree', commit, ...(below === '' ? [] : ['--', `${below}/`])]),
  );
  return parseTree(stdout)
    .map(({ path, oid, mode }) => ({ path, oid, mode }))
    .toSorted((a, b) => byCodeUnit(a.path, b.path));
}

/** Object at a path; for the names that `cat-file --batch` cannot be asked for. */
async function entryAt(parts: Parts, commit: Oid, path: string): Promise<Oid | null> {
  const { stdout } = await withCommits(parts, [commit], () => parts.git.run(['ls-tree', '-z', '--full-tree', commit, '--', path]));
  return parseTree(stdout).find((entry) => entry.path === path)?.oid ?? null;
}

/** path -> mode and id, for those of the paths that are there. */
async function entriesAt({ git }: Parts, commit: Oid, paths: readonly string[]): Promise<Map<string, string>> {
  const entries = new Map<string, string>();
  for (const some of inPortions(paths)) {
    const { stdout } = await git.run(['ls-tree', '-z', '--full-tree', commit, '--', ...some]);
    for (const { path, mode, oid, isFolder } of parseTree(stdout)) if (!isFolder) entries.set(path, `${mode} ${oid}`);
  }
  return entries;
}

/** '<mode> <type> <oid>\t<path>\0' */
function parseTree(stdout: Buffer): (TreeEntry & { readonly isFolder: boolean })[] {
  return records(stdout).map((record) => {
    const tab = record.indexOf('\t');
    const [mode = '', type, oid = ''] = record.slice(0, tab).split(' ');
    return { path: record.slice(tab + 1), oid, mode: fileMode(mode), isFolder: type === 'tree' };
  });
}

interface LogOptions {
  readonly path?: string;
  readonly max?: number;
  readonly firstParent?: boolean;
  readonly since?: Oid;
}

async function readLog(parts: Parts, revision: string, options: LogOptions): Promise<Commit[]> {
  const found = await findCommits(parts, revision, options);
  return Promise.all(found.map(async ({ oid }) => withoutTree(await parts.commits.read(oid))));
}

async function readLogChanges(parts: Parts, revision: string, options: LogOptions): Promise<CommitChanges[]> {
  const found = await findCommits(parts, revision, options, { names: true });
  return Promise.all(
    found.map(async ({ oid, paths }) => ({ commit: withoutTree(await parts.commits.read(oid)), paths: paths.toSorted(byCodeUnit) })),
  );
}

async function findCommits(parts: Parts, revision: string, options: LogOptions, { names } = { names: false }): Promise<WalkedCommit[]> {
  const start = await resolveRevision(parts, revision);
  if (start === null) throw await unknownRevision(revision, parts.repository);
  const max = options.max ?? Infinity;
  if (max < 1) return [];
  const path = checkFolder(options.path ?? '');
  const shallow = await readShallow(parts.repository);
  const found: WalkedCommit[] = [];
  let boundary: Oid | undefined;
  for await (const step of walkedCommits(parts, start, { path, firstParent: options.firstParent === true, names })) {
    if (step.oid === options.since) return found;
    // what a shallow clone holds in place of this commit's parents is nothing: neither a change nor what comes next can be told
    if (boundary !== undefined || (path !== '' && shallow.has(step.oid))) {
      throw tooShallow(`the history of ${path === '' ? revision : path} is asked for`, boundary ?? step.oid);
    }
    if (path === '' || step.paths.length > 0) found.push(step);
    if (found.length === max) break;
    if (shallow.has(step.oid)) boundary = step.oid;
  }
  if (boundary !== undefined && found.length < max) throw tooShallow(`the history of ${revision} is asked for`, boundary);
  return found;
}

interface WalkedCommit {
  readonly oid: Oid;
  /** files at or below the path that was asked for that it changed */
  readonly paths: readonly string[];
}

/**
 * All commits that git walks over, each with what it changed at or below the path against its first parent. git's own `log -- path` leaves side
 * branches out that brought nothing new; an audit wants them.
 */
async function* walkedCommits(
  { git }: Parts,
  start: Oid,
  { path, firstParent, names }: { path: string; firstParent: boolean; names: boolean },
): AsyncGenerator<WalkedCommit> {
  const order = firstParent ? ['--first-parent'] : [];
  const args =
    path === '' && !names
      ? ['log', '-z', '--format=tformat:/%H', ...order, start, '--']
      : [
          'log',
          '-z',
          '--full-history',
          '--sparse',
          '--diff-merges=first-parent',
          '--name-only',
          '--no-renames',
          '--no-ext-diff',
          '--format=tformat:/%H',
          ...order,
          start,
          '--',
          ...(path === '' ? [] : [path]),
        ];
  const child = git.start(args);
  const ended = finish(child, '', { keepStdout: false });
  let current: { oid: Oid; paths: string[] } | undefined;
  let rest = '';
  try {
    for await (const chunk of child.stdout.setEncoding('latin1') as AsyncIterable<string>) {
      const words = (rest + chunk).split('\0');
      rest = words.pop() ?? '';
      for (const word of words) {
        // names of files are relative, so only a commit begins with a slash
        if (word.startsWith('/')) {
          if (current !== undefined) yield current;
          current = { oid: word.slice(1), paths: [] };
        } else if (current !== undefined) {
          // an empty line parts a commit from the first of its files
          const name = current.paths.length === 0 && word.startsWith('\n') ? word.slice(1) : word;
          current.paths.push(Buffer.from(name, 'latin1').toString('utf8'));
        }
      }
    }
    const result = await ended;
    if (result.code !== 0) throw failure(args, result);
    if (current !== undefined) yield current;
  } finally {
    child.kill();
  }
}

async function mergeBase(parts: Parts, a: Oid, b: Oid): Promise<Oid | null> {
  const { stdout } = await withCommits(parts, [a, b], () => parts.git.run(['merge-base', '--all', a, b], { allow: [1] }));
  const bases = await Promise.all(
    stdout
      .toString('latin1')
      .split('\n')
      .filter(isOid)
      .map((oid) => parts.commits.read(oid)),
  );
  if (bases.length === 0 && (await readShallow(parts.repository)).size > 0) {
    throw tooShallow(`the commit where ${a.slice(0, 12)} and ${b.slice(0, 12)} parted is asked for`);
  }
  return bases.toSorted(newestFirst)[0]?.oid ?? null;
}

async function changedPaths(parts: Parts, from: Oid, to: Oid): Promise<string[]> {
  const { stdout } = await withCommits(parts, [from, to], () =>
    parts.git.run(['diff-tree', '-r', '-z', '--name-only', '--no-renames', '--no-ext-diff', from, to]),
  );
  return records(stdout).toSorted(byCodeUnit);
}

async function dirtyPaths(parts: Parts, paths: readonly string[]): Promise<string[]> {
  needWorkTree(parts.repository, 'look for changes');
  const found = new Set<string>();
  for (const some of inPortions(paths.map((path) => checkFolder(path) || '.'))) {
    const args = ['status', '--porcelain=v1', '-z', '--untracked-files=all', '--no-renames', '--ignore-submodules=none', '--', ...some];
    for (const record of records((await parts.git.run(args)).stdout)) found.add(record.slice(3).replace(/\/$/, ''));
  }
  return [...found].toSorted(byCodeUnit);
}

async function isIgnored({ repository, git }: Parts, path: string): Promise<boolean> {
  needWorkTree(repository, 'look for ignored files');
  checkFolder(path);
  // this command takes no literal path specs and needs none; './' keeps ':' and '-' from meaning something
  return (await git.run(['check-ignore', '--quiet', '--', `./${path}`], { allow: [1], literal: false })).code === 0;
}

/** '<mode> <oid> <stage>\t<path>\0' */
async function readStaged(
  { repository, git }: Parts,
  objects: ObjectReader,
  paths: readonly string[],
): Promise<{ path: string; bytes: Uint8Array }[]> {
  if (repository.workTree === null) return [];
  const { stdout } = await git.run(['ls-files', '--stage', '-z', '--full-name', '--', ...paths.map(checkPath)]);
  const staged = records(stdout).map((record) => {
    const tab = record.indexOf('\t');
    return { path: record.slice(tab + 1), oid: record.slice(0, tab).split(' ')[1] ?? '' };
  });
  const found = await Promise.all(staged.map(async ({ path, oid }) => ({ path, object: await objects.read(oid) })));
  return found
    .flatMap(({ path, object }) => (object?.type === 'blob' ? [{ path, bytes: object.bytes }] : []))
    .toSorted((a, b) => byCodeUnit(a.path, b.path));
}

async function isTracked({ repository, git }: Parts, path: string): Promise<boolean> {
  needWorkTree(repository, 'look for tracked files');
  return (await git.run(['ls-files', '-z', '--', checkPath(path)])).stdout.length > 0;
}

async function identity({ git }: Parts): Promise<{ name: string; email: string } | null> {
  const result = await git.run(['var', 'GIT_AUTHOR_IDENT'], { allow: [1, 128] });
  const match = /^(.*) <(.*)> \d+ [+-]\d+\n$/.exec(result.stdout.toString('utf8'));
  return result.code === 0 && match !== null ? { name: match[1] ?? '', email: match[2] ?? '' } : null;
}
