// Commits, reverts and branches without the git command. Order of writing: objects, then the branch, then the index. A process that
// is killed leaves objects that nobody names, or an index that lags behind HEAD, which `git reset` mends.
import { lstat, mkdir, readFile, readlink, rm, rmdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';
import { PlumbError } from '../base/errors.ts';
import { branchExists, checkNothingUnfinished, dirty, needWorkTree, noBranch, noHead, nothingToCommit } from './failures.ts';
import type { Git, Oid } from './git.ts';
import { changedFiles, codeOf, emptyTree, fromIsomorphic, type Objects, type Place } from './isomorphic-objects.ts';
import { checkBranchName, checkOid, checkPath, cleanMessage } from './names.ts';
import type { Environment } from './process.ts';
import { describePath, type Status } from './isomorphic-status.ts';
import type { Refs } from './refs.ts';
import type { Repository } from './repository.ts';
import { conflict, planRevert, type Entries } from './revert.ts';
import { isTrue, lastValue } from './config.ts';
import { identityOf, readUserConfig, type Person } from './user-config.ts';
import { checkCommittable } from './work-tree.ts';

interface Parts {
  readonly place: Place;
  readonly repository: Repository;
  readonly refs: Refs;
  readonly objects: Objects;
  readonly env: Environment;
  readonly head: () => Promise<Oid | null>;
  readonly status: Status;
}

/** What shall be at a path: mode and id, or null for nothing. */
type Changes = ReadonlyMap<string, { readonly mode: string; readonly oid: Oid } | null>;

export function createIsomorphicWriter(parts: Parts): Pick<Git, 'commit' | 'revert' | 'resetIndex' | 'stage' | 'createBranch' | 'switchTo'> {
  return {
    commit: (message, paths) => commitFiles(parts, message, paths),
    revert: (oid, message) => revertCommit(parts, oid, message),
    resetIndex: (paths) => resetIndex(parts, paths),
    stage: (paths) => stage(parts, paths),
    createBranch: (name, at) => createBranch(parts, name, at),
    switchTo: (branch) => switchTo(parts, branch),
  };
}

async function commitFiles(parts: Parts, message: string, paths: readonly string[]): Promise<Oid> {
  const top = needWorkTree(parts.repository, 'commit');
  for (const path of paths) checkWritable(path);
  await checkNothingUnfinished(parts.repository, 'commit');
  if (paths.length === 0) throw nothingToCommit('no file is to be committed');
  const people = await whoCommits(parts);
  await refuseLineEnds(parts);
  const head = await parts.head();
  const tree = head === null ? emptyTree : (await parts.objects.commit(head)).tree;
  const present = await checkCommittable(top, paths, async (missing) => {
    const known = new Set((await parts.status.readIndex()).map((entry) => entry.path));
    for (const path of missing) if ((await parts.objects.entryAt(tree, path))?.isFolder === false) known.add(path);
    return known;
  });
  const changes = new Map<string, { mode: string; oid: Oid } | null>(paths.map((path) => [path, null]));
  for (const path of present) changes.set(path, await writeBlobOf(parts, top, path));
  const changed = await writeTreeWith(parts, tree, changes);
  if (changed === tree) throw nothingToCommit('these files are as the last commit has them');
  const oid = await writeCommit(parts, { tree: changed, parents: head === null ? [] : [head], message, people });
  await moveHead(parts, head, oid);
  await updateIndex(parts, top, changes);
  return oid;
}

/** isomorphic-git takes a backslash for a slash when it writes the index. */
function checkWritable(path: string): void {
  if (!checkPath(path).includes('\\')) return;
  throw new PlumbError('GIT_UNSUPPORTED', {
    what: `${path} has a backslash in its name, which needs the git command to be committed`,
    where: { file: path },
    mend: 'install git, or give the file another name',
  });
}

interface People {
  readonly author: Person;
  readonly committer: Person;
}

/** @throws PlumbError before anything is written, where git would sign, or does not know who commits */
async function whoCommits({ repository, env }: Parts): Promise<People> {
  const config = await readUserConfig(repository, env);
  if (isTrue(lastValue(config, 'commit.gpgsign'))) {
    throw new PlumbError('GIT_UNSUPPORTED', {
      what: 'commits of this repository are signed (commit.gpgsign), which needs the git command',
      mend: 'install git, or turn commit.gpgsign off',
    });
  }
  const author = identityOf(config, env, 'author');
  const committer = identityOf(config, env, 'committer');
  if (author !== null && committer !== null) return { author, committer };
  throw new PlumbError('GIT_FAILED', {
    what: 'git knows no name and e-mail address to commit with',
    mend: 'set user.name and user.email in ~/.gitconfig, or GIT_AUTHOR_NAME, GIT_AUTHOR_EMAIL, GIT_COMMITTER_NAME and GIT_COMMITTER_EMAIL',
  });
}

/** isomorphic-git converts line ends by rules of its own; a file that says something else than its commit would be the result. */
async function refuseLineEnds({ repository, env }: Parts): Promise<void> {
  const value = lastValue(await readUserConfig(repository, env), 'core.autocrlf');
  if (!isTrue(value) && value !== 'input') return;
  throw new PlumbError('GIT_UNSUPPORTED', {
    what: `line ends are to be converted (core.autocrlf is ${value}), which needs the git command`,
    mend: 'install git, or set core.autocrlf to false in this repository',
  });
}

async function writeBlobOf(parts: Parts, top: string, path: string): Promise<{ mode: string; oid: Oid }> {
  const { git, fs, gitdir } = parts.place;
  const file = join(top, path);
  const facts = await lstat(file);
  const bytes = facts.isSymbolicLink() ? await readlink(file, { encoding: 'buffer' }) : await readFile(file);
  const oid = await git.writeBlob({ fs, gitdir, blob: bytes });
  return { oid, mode: facts.isSymbolicLink() ? '120000' : (facts.mode & 0o100) === 0 ? '100644' : '100755' };
}

/** The tree with these files in the place of what was there; folders that end up empty go. */
async function writeTreeWith(parts: Parts, tree: Oid, changes: Changes): Promise<Oid> {
  const { git, fs, gitdir } = parts.place;
  const entries = new Map(await parts.objects.folder(tree));
  const deeper = new Map<string, Map<string, { mode: string; oid: Oid } | null>>();
  for (const [path, change] of changes) {
    const slash = path.indexOf('/');
    if (slash !== -1) {
      const name = path.slice(0, slash);
      const inner = deeper.get(name) ?? new Map<string, { mode: string; oid: Oid } | null>();
      inner.set(path.slice(slash + 1), change);
      deeper.set(name, inner);
    } else if (change !== null) entries.set(path, { ...change, isFolder: false });
    else if (entries.get(path)?.isFolder !== true) entries.delete(path);
  }
  for (const [name, inner] of deeper) {
    const old = entries.get(name);
    const isEmptied = [...inner.values()].every((change) => change === null);
    // a file has the name of a folder in which nothing shall be: it stays
    if (old?.isFolder === false && isEmptied) continue;
    const oid = await writeTreeWith(parts, old?.isFolder === true ? old.oid : emptyTree, inner);
    if (oid === emptyTree) entries.delete(name);
    else entries.set(name, { mode: '40000', oid, isFolder: true });
  }
  if (entries.size === 0) return git.writeTree({ fs, gitdir, tree: [] });
  return git.writeTree({
    fs,
    gitdir,
    tree: [...entries].map(([path, { mode, oid, isFolder }]) => ({
      path,
      oid,
      mode: mode.padStart(6, '0'),
      type: isFolder ? 'tree' : mode === '160000' ? 'commit' : 'blob',
    })),
  });
}

interface NewCommit {
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  readonly message: string;
  readonly people: People;
}

async function writeCommit({ place: { git, fs, gitdir } }: Parts, { tree, parents, message, people }: NewCommit): Promise<Oid> {
  const now = new Date();
  const when = { timestamp: Math.floor(now.getTime() / 1000), timezoneOffset: now.getTimezoneOffset() };
  return git.writeCommit({
    fs,
    gitdir,
    commit: {
      tree,
      parent: [...parents],
      message: cleanMessage(message),
      author: { ...people.author, ...when },
      committer: { ...people.committer, ...when },
    },
  });
}

/** Moves the branch that HEAD is on, or HEAD itself when detached. @throws PlumbError REPOSITORY_BUSY when it moved meanwhile */
async function moveHead({ repository, refs, head }: Parts, from: Oid | null, to: Oid): Promise<void> {
  if ((await head()) !== from) {
    throw new PlumbError('REPOSITORY_BUSY', { what: 'HEAD moved while a commit was made', mend: 'run the command again' });
  }
  const now = await refs.head();
  const file = now !== null && 'branch' in now ? join(repository.commonDir, 'refs', 'heads', now.branch) : join(repository.headDir, 'HEAD');
  await writeFileAtomic(file, `${to}\n`);
}

async function updateIndex({ place: { git, fs, gitdir } }: Parts, top: string, changes: Changes): Promise<void> {
  const cache = {};
  const gone = [...changes].filter(([, change]) => change === null).map(([path]) => path);
  const there = [...changes].filter(([, change]) => change !== null).map(([path]) => path);
  for (const filepath of gone) await git.remove({ fs, dir: top, gitdir, cache, filepath });
  if (there.length > 0) await git.add({ fs, dir: top, gitdir, cache, filepath: there, force: true });
}

async function resetIndex(parts: Parts, paths: readonly string[]): Promise<void> {
  const { git, fs, gitdir } = parts.place;
  const dir = needWorkTree(parts.repository, 'reset the index');
  const head = await parts.head();
  const cache = {};
  for (const path of paths) {
    checkWritable(path);
    if (head === null) await git.remove({ fs, dir, gitdir, cache, filepath: path });
    else await git.resetIndex({ fs, dir, gitdir, cache, filepath: path });
  }
}

async function stage(parts: Parts, paths: readonly string[]): Promise<void> {
  const { git, fs, gitdir } = parts.place;
  const dir = needWorkTree(parts.repository, 'stage files');
  for (const path of paths) checkWritable(path);
  await checkCommittable(dir, paths, async () => new Set());
  await refuseLineEnds(parts);
  if (paths.length > 0) await git.add({ fs, dir, gitdir, cache: {}, filepath: [...paths], force: true });
}

async function revertCommit(parts: Parts, oid: Oid, message: string): Promise<Oid> {
  const { objects } = parts;
  const top = needWorkTree(parts.repository, 'revert');
  await checkNothingUnfinished(parts.repository, 'revert');
  const undone = await objects.commit(oid);
  const head = await parts.head();
  if (head === null) throw noHead();
  const parent = undone.parents[0];
  const before = parent === undefined ? emptyTree : (await objects.commit(parent)).tree;
  const { tree } = await objects.commit(head);
  const paths = await changedFiles(objects, before, undone.tree);
  const plan = planRevert(paths, {
    before: await entriesAt(objects, before, paths),
    after: await entriesAt(objects, undone.tree, paths),
    now: await entriesAt(objects, tree, paths),
  });
  if (plan.kind === 'nothing') throw nothingToCommit(`nothing of commit ${oid.slice(0, 12)} is left to undo`);
  const inTheWay = await parts.status.dirtyPaths(paths);
  if (inTheWay.length > 0 && !(plan.kind === 'restore' && (await isBegun(top, await changesTo(objects, before, plan.paths), inTheWay)))) {
    throw dirty(inTheWay, `undo commit ${oid.slice(0, 12)}`);
  }
  // to merge texts is what the git command can and this cannot
  if (plan.kind === 'merge') throw conflict(oid, plan.paths);
  const people = await whoCommits(parts);
  const changes = await changesTo(objects, before, plan.paths);
  const made = await writeCommit(parts, { tree: await writeTreeWith(parts, tree, changes), parents: [head], message, people });
  try {
    await checkOut(parts, top, changes);
    await moveHead(parts, head, made);
  } catch (error) {
    await checkOut(parts, top, await changesTo(objects, tree, plan.paths));
    throw error;
  }
  await updateIndex(parts, top, changes);
  return made;
}

/** A revert that was killed before its commit has left the very files that this one is about to write: it goes on from there. */
async function isBegun(top: string, changes: Changes, inTheWay: readonly string[]): Promise<boolean> {
  if (inTheWay.some((path) => !changes.has(path))) return false;
  for (const [path, change] of changes) {
    const now = await describePath(top, path, change?.mode ?? '');
    if (now !== (change === null ? undefined : `${change.mode} ${change.oid}`)) return false;
  }
  return true;
}

async function entriesAt(objects: Objects, tree: Oid, paths: readonly string[]): Promise<Entries> {
  const entries = new Map<string, string>();
  for (const path of paths) {
    const entry = await objects.entryAt(tree, path);
    if (entry !== null && !entry.isFolder) entries.set(path, `${entry.mode} ${entry.oid}`);
  }
  return entries;
}

async function changesTo(objects: Objects, tree: Oid, paths: readonly string[]): Promise<Changes> {
  const changes = new Map<string, { mode: string; oid: Oid } | null>();
  for (const path of paths) {
    const entry = await objects.entryAt(tree, path);
    if (entry?.mode === '160000') {
      throw new PlumbError('GIT_UNSUPPORTED', { what: `${path} is a submodule, which needs the git command`, mend: 'install git' });
    }
    changes.set(path, entry === null || entry.isFolder ? null : entry);
  }
  return changes;
}

/** Files of the work tree as `changes` has them: those that go first, for a folder may come in the place of a file. */
async function checkOut({ objects }: Parts, top: string, changes: Changes): Promise<void> {
  for (const [path] of changes) await checkFolders(top, path);
  for (const [path, change] of changes) {
    if (change !== null) continue;
    await rm(join(top, path), { force: true });
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
      if (
        !(await rmdir(join(top, folder)).then(
          () => true,
          () => false,
        ))
      )
        break;
    }
  }
  for (const [path, change] of changes) {
    if (change === null) continue;
    const bytes = await objects.blob(change.oid);
    const file = join(top, path);
    if (change.mode !== '120000') await writeFileAtomic(file, bytes, { mode: change.mode === '100755' ? 0o777 : 0o666 });
    else {
      await mkdir(dirname(file), { recursive: true });
      await rm(file, { force: true });
      await symlink(Buffer.from(bytes), file);
    }
  }
}

/** A symlink on the way would lead the write out of the repository. */
async function checkFolders(top: string, path: string): Promise<void> {
  checkPath(path);
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    if ((await lstat(join(top, folder)).catch(() => null))?.isSymbolicLink() !== true) continue;
    throw new PlumbError('PATH_OUTSIDE', { what: `${folder} is a symlink`, where: { file: folder }, mend: 'put the folder back in its place' });
  }
}

async function createBranch({ repository, refs, objects }: Parts, name: string, at: Oid): Promise<void> {
  checkBranchName(name);
  await objects.commit(checkOid(at));
  if ((await refs.read(`refs/heads/${name}`)) !== null) throw branchExists(name);
  // git keeps branches as files, so one cannot be the folder of another
  const below = await refs.firstBelow(`refs/heads/${name}/`);
  if (below !== null) throw branchExists(below.slice('refs/heads/'.length));
  const parts = name.split('/');
  for (let length = 1; length < parts.length; length += 1) {
    const above = parts.slice(0, length).join('/');
    if ((await refs.read(`refs/heads/${above}`)) !== null) throw branchExists(above);
  }
  const file = join(repository.commonDir, 'refs', 'heads', name);
  await rmdir(file).catch(() => undefined);
  await writeFileAtomic(file, `${at}\n`);
}

async function switchTo(parts: Parts, branch: string): Promise<void> {
  const { place, repository, refs, objects } = parts;
  const dir = needWorkTree(repository, 'switch branches');
  const target = await refs.read(`refs/heads/${checkBranchName(branch)}`);
  if (target === null) throw noBranch(branch);
  const head = await parts.head();
  const from = head === null ? emptyTree : (await objects.commit(head)).tree;
  const changed = await changedFiles(objects, from, (await objects.commit(target)).tree);
  const inTheWay = await parts.status.dirtyPaths(changed);
  if (inTheWay.length > 0) throw dirty(inTheWay, `switch to ${branch}`);
  const { git, fs, gitdir } = place;
  try {
    await git.checkout({ fs, dir, gitdir, cache: {}, ref: branch, track: false });
  } catch (error) {
    const files = (error as { data?: { filepaths?: string[] } }).data?.filepaths;
    if (codeOf(error) === 'CheckoutConflictError' && files !== undefined) throw dirty(files, `switch to ${branch}`);
    throw fromIsomorphic(error, `switch to ${branch}`);
  }
}
