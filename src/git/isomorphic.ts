// The Git interface by isomorphic-git, for hosts without the git command. Names of branches, the order of commits and what counts
// as changed are ours, so that both implementations agree; isomorphic-git reads and writes objects and the index.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { byCodeUnit } from '../base/canonical.ts';
import { PlumbError } from '../base/errors.ts';
import { readShallow, tooShallow, unknownRevision } from './failures.ts';
import type { Commit, CommitChanges, Git, Oid, TreeEntry } from './git.ts';
import { filesFor } from './isomorphic-files.ts';
import { changedFiles, createObjects, emptyTree, type Objects, type Place } from './isomorphic-objects.ts';
import { createStatus, type Status } from './isomorphic-status.ts';
import { createIsomorphicWriter } from './isomorphic-write.ts';
import { checkFolder, checkOid, checkPath, isOid } from './names.ts';
import { newestFirst, withoutTree, type CommitObject } from './object.ts';
import type { Environment } from './process.ts';
import { openRefs, type Refs } from './refs.ts';
import type { Repository } from './repository.ts';
import { findRef, splitRevision } from './revision.ts';
import { identityOf, readUserConfig } from './user-config.ts';
import { findMergeBases, walkCommits } from './walk.ts';

interface Parts {
  readonly repository: Repository;
  readonly refs: Refs;
  readonly objects: Objects;
}

/** @throws PlumbError GIT_UNSUPPORTED for forms of a repository that isomorphic-git cannot read */
export async function createIsomorphicGit(repository: Repository, env: Environment): Promise<Git> {
  await checkSupported(repository);
  // its module for Node is CommonJS: the functions are on `default`
  const { default: git } = await import('isomorphic-git');
  const place: Place = { git, fs: filesFor(repository), gitdir: repository.headDir, cache: {} };
  const refs = openRefs(repository);
  const objects = createObjects(place, repository);
  const parts: Parts = { repository, refs, objects };
  const head = (): Promise<Oid | null> => resolveRevision(parts, 'HEAD');
  const status = createStatus({ place, repository, objects, head });
  const changed = async (from: Oid, to: Oid): Promise<string[]> =>
    changedFiles(objects, (await objects.commit(from)).tree, (await objects.commit(to)).tree);
  return {
    workTree: repository.workTree,
    gitDir: repository.commonDir,
    how: 'isomorphic',
    program: null,
    resolve: (revision) => resolveRevision(parts, revision),
    branch: async () => {
      const now = await refs.head();
      return now !== null && 'branch' in now ? now.branch : null;
    },
    tips: () => readTips(parts),
    isShallow: async () => (await readShallow(repository)).size > 0,
    refToken: (branch) => refs.token(branch),
    readBlob: async (commit, path) => (await readBlobs(parts, commit, [path]))[0] ?? null,
    readBlobs: (commit, paths) => readBlobs(parts, commit, paths),
    readStaged: (paths) => readStaged(parts, status, paths),
    listTree: (commit, folder) => listTree(parts, commit, folder),
    log: (revision, options = {}) => readLog(parts, revision, options),
    logChanges: (revision, options) => readLogChanges(parts, revision, options),
    readCommit: async (oid) => withoutTree(await objects.commit(oid)),
    mergeBase: (a, b) => mergeBase(parts, a, b),
    changedPaths: changed,
    dirtyPaths: status.dirtyPaths,
    isIgnored: status.isIgnored,
    isTracked: status.isTracked,
    identity: async () => identityOf(await readUserConfig(repository, env), env, 'author'),
    ...createIsomorphicWriter({ place, repository, refs, objects, env, head, status }),
  };
}

async function readTips({ refs, objects }: Parts): Promise<{ name: string; commit: Oid }[]> {
  const tips: { name: string; commit: Oid }[] = [];
  const keep = async (name: string, oid: string | null): Promise<void> => {
    const commit = oid === null ? null : await objects.peel(oid);
    if (commit !== null) tips.push({ name, commit });
  };
  for (const name of await refs.names()) await keep(name, await refs.read(name));
  for (const { head } of await refs.heads()) await keep('HEAD', 'oid' in head ? head.oid : await refs.read(`refs/heads/${head.branch}`));
  return tips.toSorted((a, b) => byCodeUnit(a.name, b.name) || byCodeUnit(a.commit, b.commit));
}

async function checkSupported(repository: Repository): Promise<void> {
  const alternates = await stat(join(repository.commonDir, 'objects', 'info', 'alternates')).catch(() => null);
  const reason =
    repository.objectFormat === 'sha256'
      ? 'its objects are named by SHA-256'
      : repository.refFormat === 'reftable'
        ? 'its branches are kept in a reftable'
        : alternates !== null
          ? 'it borrows objects from another repository (git clone --shared or --reference)'
          : undefined;
  if (reason === undefined) return;
  throw new PlumbError('GIT_UNSUPPORTED', {
    what: `${repository.commonDir} cannot be read without the git command: ${reason}`,
    where: { file: repository.commonDir },
    mend: 'install git, or clone again in the plain form',
  });
}

async function resolveRevision({ repository, refs, objects }: Parts, text: string): Promise<Oid | null> {
  const revision = splitRevision(text);
  if (revision === null) return null;
  const { base, steps } = revision;
  if (!/^(?:\^\{(?:commit)?\}|[~^]\d*)*$/.test(steps)) {
    throw new PlumbError('GIT_UNSUPPORTED', {
      what: `"${text}" is a form of a revision that only the git command understands`,
      mend: 'write a branch, a tag, an id, with ~2 or ^2 behind, or install git',
    });
  }
  const ref = await findRef(refs, base);
  const first = ref?.oid ?? (isOid(base) ? base : await byShortId(objects, base));
  let current = first === null ? null : await objects.peel(first);
  for (const step of steps.match(/\^\{(?:commit)?\}|[~^]\d*/g) ?? []) {
    if (current === null) return null;
    if (!step.includes('{')) current = await takeStep({ repository, objects, text }, current, step);
  }
  return current;
}

/** As `git describe` writes it, 'v1.0-3-g1a2b3c4', or its digits alone. */
async function byShortId(objects: Objects, base: string): Promise<Oid | null> {
  const digits = /^(?:.+-g)?([0-9a-f]{4,40})$/i.exec(base)?.[1]?.toLowerCase();
  return digits === undefined ? null : objects.expand(digits);
}

async function takeStep(
  { repository, objects, text }: { repository: Repository; objects: Objects; text: string },
  from: Oid,
  step: string,
): Promise<Oid | null> {
  const count = step.length === 1 ? 1 : Number(step.slice(1));
  const hops = step.startsWith('~') ? Array.from({ length: count }, () => 1) : count === 0 ? [] : [count];
  let current: Oid = from;
  for (const nth of hops) {
    const { parents } = await objects.commit(current);
    if ((await readShallow(repository)).has(current)) throw tooShallow(`${text} is asked for`, current);
    const parent = parents[nth - 1];
    if (parent === undefined) return null;
    current = parent;
  }
  return current;
}

async function readBlobs({ objects }: Parts, commit: Oid, paths: readonly string[]): Promise<(Uint8Array | null)[]> {
  const { tree } = await objects.commit(commit);
  const blobs: (Uint8Array | null)[] = [];
  for (const path of paths) {
    const entry = await objects.entryAt(tree, checkPath(path));
    blobs.push(entry === null || entry.isFolder || entry.mode === '160000' ? null : await objects.blob(entry.oid));
  }
  return blobs;
}

async function readStaged({ repository, objects }: Parts, status: Status, paths: readonly string[]): Promise<{ path: string; bytes: Uint8Array }[]> {
  if (repository.workTree === null) return [];
  const wanted = paths.map(checkPath);
  const isWanted = (path: string): boolean => wanted.some((name) => path === name || path.startsWith(`${name}/`));
  // git add -N: there is no content yet
  const entries = (await status.readIndex()).filter(({ path, mode, intentToAdd }) => isWanted(path) && mode !== '160000' && !intentToAdd);
  const staged: { path: string; bytes: Uint8Array }[] = [];
  for (const { path, oid } of entries) staged.push({ path, bytes: await objects.blob(oid) });
  return staged.toSorted((a, b) => byCodeUnit(a.path, b.path));
}

async function listTree({ objects }: Parts, commit: Oid, folder: string): Promise<TreeEntry[]> {
  const below = checkFolder(folder);
  const { tree } = await objects.commit(commit);
  const entry = below === '' ? { oid: tree, isFolder: true } : await objects.entryAt(tree, below);
  const files: TreeEntry[] = [];
  if (entry?.isFolder === true) for await (const file of objects.files(entry.oid, below === '' ? '' : `${below}/`)) files.push(file);
  return files.toSorted((a, b) => byCodeUnit(a.path, b.path));
}

interface LogOptions {
  readonly path?: string;
  readonly max?: number;
  readonly firstParent?: boolean;
  readonly since?: Oid;
}

async function readLog(parts: Parts, revision: string, options: LogOptions): Promise<Commit[]> {
  const { repository, objects } = parts;
  const start = await resolveRevision(parts, revision);
  if (start === null) throw await unknownRevision(revision, repository);
  const max = options.max ?? Infinity;
  if (max < 1) return [];
  const path = checkFolder(options.path ?? '');
  const shallow = await readShallow(repository);
  const found: Commit[] = [];
  let boundary: Oid | undefined;
  const read = remembering((oid: Oid) => objects.commit(oid));
  for await (const commit of walkCommits(read, start, { firstParent: options.firstParent === true, shallow })) {
    if (commit.oid === options.since) return found;
    if (boundary !== undefined || (path !== '' && shallow.has(commit.oid))) {
      throw tooShallow(`the history of ${path === '' ? revision : path} is asked for`, boundary ?? commit.oid);
    }
    if (path === '' || (await changes(objects, read, commit, path))) found.push(withoutTree(commit));
    if (found.length === max) break;
    if (shallow.has(commit.oid)) boundary = commit.oid;
  }
  if (boundary !== undefined && found.length < max) throw tooShallow(`the history of ${revision} is asked for`, boundary);
  return found;
}

async function readLogChanges(parts: Parts, revision: string, options: LogOptions & { readonly path: string }): Promise<CommitChanges[]> {
  const { objects } = parts;
  const below = checkFolder(options.path);
  const isBelow = (path: string): boolean => below === '' || path === below || path.startsWith(`${below}/`);
  const treeOf = async (oid: Oid | undefined): Promise<Oid> => (oid === undefined ? emptyTree : (await objects.commit(oid)).tree);
  const found: CommitChanges[] = [];
  for (const commit of await readLog(parts, revision, options)) {
    const paths = await changedFiles(objects, await treeOf(commit.parents[0]), await treeOf(commit.oid));
    found.push({ commit, paths: paths.filter(isBelow) });
  }
  return found;
}

async function changes(objects: Objects, read: (oid: Oid) => Promise<CommitObject>, commit: CommitObject, path: string): Promise<boolean> {
  const [parent] = commit.parents;
  const before = parent === undefined ? emptyTree : (await read(parent)).tree;
  if (before === commit.tree) return false;
  const [was, is] = [await objects.entryAt(before, path), await objects.entryAt(commit.tree, path)];
  return was?.oid !== is?.oid || was?.mode !== is?.mode;
}

/** A commit is wanted twice, as itself and as a parent. */
function remembering(read: (oid: Oid) => Promise<CommitObject>): (oid: Oid) => Promise<CommitObject> {
  const known = new Map<Oid, Promise<CommitObject>>();
  return (oid) => {
    const commit = known.get(oid) ?? read(oid);
    known.set(oid, commit);
    return commit;
  };
}

async function mergeBase({ repository, objects }: Parts, a: Oid, b: Oid): Promise<Oid | null> {
  const shallow = await readShallow(repository);
  const bases = await findMergeBases(
    remembering((oid) => objects.commit(oid)),
    [checkOid(a), checkOid(b)],
    shallow,
  );
  if (bases.length === 0 && shallow.size > 0) {
    throw tooShallow(`the commit where ${a.slice(0, 12)} and ${b.slice(0, 12)} parted is asked for`);
  }
  return bases.toSorted(newestFirst)[0]?.oid ?? null;
}
