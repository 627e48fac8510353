// What stands in the work tree against what datasets.lock says: a stat a file when nothing changed.
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { byCodeUnit } from '../base/canonical.ts';
import { isPlumbError } from '../base/errors.ts';
import { isTemporary } from '../base/atomic.ts';
import type { Project } from '../project/open.ts';
import { digestOfFolder } from './folder.ts';
import { loadLock } from './lock.ts';
import { checkProjectPath, refuseWayOut } from './paths.ts';
import { formatOfName } from './rows.ts';
import type { Lock, LockEntry } from './schema.ts';
import { digestOfPath, openStatIndex, type StatIndex } from './stat-index.ts';

/** same: bytes are those of the lock */
export type DataState = 'same' | 'modified' | 'missing';

export interface DatasetStatus {
  readonly name: string;
  readonly path: string;
  readonly state: DataState;
  /** Is this version in the remote? null: no remote is configured, or it does not answer */
  readonly pushed: boolean | null;
}

export interface Status {
  /** sorted by name */
  readonly datasets: readonly DatasetStatus[];
  /** data files below data/ that belong to no data set, sorted; at most 100 */
  readonly unlocked: readonly string[];
  /** the remote that was asked, or null */
  readonly remote: string | null;
  /** why the remote could not be asked */
  readonly remoteFault?: string;
}

/** @throws PlumbError LOCK_CONFLICT, CONFIG_INVALID, PATH_OUTSIDE, FILE_UNREADABLE */
export async function readStatus(project: Project, options: { signal?: AbortSignal } = {}): Promise<Status> {
  const lock = await loadLock(project);
  const index = await openStatIndex(project);
  try {
    const sets = Object.entries(lock.datasets).toSorted(([a], [b]) => byCodeUnit(a, b));
    const pushed = askRemote(project, sets);
    const states: DataState[] = [];
    for (const [, entry] of sets) states.push(await stateOf(project, entry, index, options));
    const unlocked = await findUnlocked(project, lock);
    const { there, fault } = await pushed;
    return {
      datasets: sets.map(([name, entry], at) => ({
        name,
        path: entry.path,
        state: states[at] ?? 'missing',
        pushed: there === null ? null : there.has(entry.digest),
      })),
      unlocked,
      remote: project.store.remote?.url ?? null,
      ...(fault === undefined ? {} : { remoteFault: fault }),
    };
  } finally {
    index.save();
  }
}

/** A manifest is sent after its parts: where it is, they are. */
async function askRemote(project: Project, sets: readonly [string, LockEntry][]): Promise<{ there: Set<string> | null; fault?: string }> {
  if (project.store.remote === null) return { there: null };
  try {
    return { there: await project.store.remote.has(sets.map(([, entry]) => entry.digest)) };
  } catch (error) {
    if (!isPlumbError(error, 'REMOTE_FAILED')) throw error;
    return { there: null, fault: error.message };
  }
}

/**
 * How a working copy stands to its entry in the lock.
 * @throws PlumbError PATH_OUTSIDE, FILE_UNREADABLE
 */
export async function stateOf(
  project: Pick<Project, 'root'>,
  entry: LockEntry,
  index: StatIndex,
  options: { signal?: AbortSignal } = {},
): Promise<DataState> {
  checkProjectPath(entry.path);
  await refuseWayOut(project.root, entry.path);
  const absolute = join(project.root, entry.path);
  const facts = await stat(absolute).catch(() => null);
  if (facts === null) return 'missing';
  if (entry.format === 'files') {
    if (!facts.isDirectory()) return 'modified';
    return (await digestOfFolder(index, absolute, options)) === entry.digest ? 'same' : 'modified';
  }
  if (!facts.isFile() || facts.size !== entry.bytes) return 'modified';
  const found = await digestOfPath(index, absolute, options);
  if (found === null) return 'missing';
  return found.digest === entry.content ? 'same' : 'modified';
}

const usualPlace = 'data';
const mostUnlocked = 100;
const mostLookedAt = 10_000;

/** Files of rows below data/ that nobody locked and git does not track: most likely forgotten. */
async function findUnlocked(project: Project, lock: Lock): Promise<string[]> {
  const locked = new Set(Object.values(lock.datasets).map((entry) => entry.path));
  const found: string[] = [];
  let looked = 0;
  const walk = async (folder: string): Promise<void> => {
    const entries = await readdir(join(project.root, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries.toSorted((a, b) => byCodeUnit(a.name, b.name))) {
      const path = `${folder}/${entry.name}`;
      looked += 1;
      if (looked > mostLookedAt || found.length >= mostUnlocked) return;
      if (locked.has(path) || isTemporary(entry.name)) continue;
      if (entry.isDirectory()) await walk(path);
      else if (entry.isFile() && formatOfName(entry.name) !== null) found.push(path);
    }
  };
  if ((await lstat(join(project.root, usualPlace)).catch(() => null))?.isDirectory() === true) await walk(usualPlace);
  const tracked = await Promise.all(found.map((path) => project.git.isTracked(project.prefix + path)));
  return found.filter((_, at) => tracked[at] !== true);
}
