// Which objects a project needs to have somewhere else.
import { byCodeUnit } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import type { NameSpace, PushRoot } from '../store/store.ts';
import { loadLock, loadLockAt, requireDataset } from './lock.ts';
import { pushRootOf, readLockedManifest } from './manifest.ts';
import { requireCommit } from './revision.ts';
import type { Lock } from './schema.ts';

/** What to send or to keep: versions with all that they are made of, and the names that lead to some. */
export interface Reachable {
  readonly roots: readonly PushRoot[];
  readonly names: readonly NameSpace[];
}

/** The lock of a revision. @throws PlumbError GIT_REVISION_UNKNOWN, LOCK_CONFLICT */
export async function lockOfRevision(project: Project, revision: string): Promise<Lock> {
  return loadLockAt(project, await requireCommit(project.git, revision));
}

/** Entries of a lock: those asked for, or all, sorted by name. @throws PlumbError DATASET_UNKNOWN */
export function chooseDatasets(lock: Lock, names: readonly string[]): { name: string; entry: Lock['datasets'][string] }[] {
  const chosen = names.length === 0 ? Object.keys(lock.datasets) : [...new Set(names)];
  return chosen.toSorted(byCodeUnit).map((name) => ({ name, entry: requireDataset(lock, name) }));
}

/**
 * Data of a lock.
 * @param what lock: default that of the work tree; names: default all
 * @throws PlumbError BYTES_MISSING when a manifest is nowhere, MANIFEST_INVALID, DATASET_UNKNOWN, LOCK_CONFLICT
 */
export async function collectObjects(project: Project, what: { readonly lock?: Lock; readonly names?: readonly string[] } = {}): Promise<Reachable> {
  const lock = what.lock ?? (await loadLock(project));
  const chosen = chooseDatasets(lock, what.names ?? []);
  if (chosen.length === 0) return { roots: [], names: [] };
  for (const { name, entry } of chosen) await readLockedManifest(project.store, name, entry);
  let asked: Promise<Lock[]> | undefined;
  const bases = async (name: string, now: Digest): Promise<Digest[]> => basesOf(name, now, await (asked ??= earlierLocks(project)));
  return { roots: chosen.map(({ name, entry }) => pushRootOf(project.store, entry.digest, () => bases(name, entry.digest))), names: [] };
}

/** Versions of a data set that the remote may have: more are not worth asking for. */
const mostBases = 3;

/** Locks of the last commits that changed it, newest first. What cannot be read is no base. */
async function earlierLocks(project: Project): Promise<Lock[]> {
  const locks: Lock[] = [];
  try {
    const commits = await project.git.log('HEAD', { path: project.prefix + files.lock, max: mostBases + 1 });
    for (const { oid } of commits) locks.push(await loadLockAt(project, oid));
  } catch (error) {
    if (!isPlumbError(error)) throw error;
    // no commit yet, a shallow clone, a lock of an unfinished merge: HEAD's alone may do
    if (locks.length === 0) locks.push(...(await lockOfHead(project)));
  }
  return locks;
}

async function lockOfHead(project: Project): Promise<Lock[]> {
  try {
    const head = await project.git.resolve('HEAD');
    return head === null ? [] : [await loadLockAt(project, head)];
  } catch (error) {
    if (isPlumbError(error)) return [];
    throw error;
  }
}

function basesOf(name: string, now: Digest, earlier: readonly Lock[]): Digest[] {
  const digests = earlier.flatMap((lock) => (Object.hasOwn(lock.datasets, name) ? (lock.datasets[name]?.digest ?? []) : []));
  return [...new Set(digests)].filter((digest) => digest !== now).slice(0, mostBases);
}
