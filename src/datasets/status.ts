// What stands in the work tree against what datasets.lock says: a stat a file when nothing changed.
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isTemporary } from '../base/atomic.ts';
import { byCodeUnit } from '../base/canonical.ts';
import type { Project } from '../project/open.ts';
import { loadLock } from './lock.ts';
import { formatOfName } from './row-format.ts';
import type { Lock } from './schema.ts';
import { openStatIndex } from './stat-index.ts';
import { compareWorkingCopy, type WorkingCopy } from './working-copy.ts';

export { stateOf } from './working-copy.ts';

export interface DatasetStatus extends WorkingCopy {
  readonly name: string;
  readonly path: string;
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
    const { store } = project;
    const asked = store.lookInRemote(sets.map(([, entry]) => entry.digest));
    asked.catch(() => undefined); // told when it is waited for
    const copies: WorkingCopy[] = [];
    for (const [, entry] of sets) copies.push(await compareWorkingCopy(project, entry, index, options));
    const unlocked = await findUnlocked(project, lock);
    const there = await asked;
    const isKnown = store.remoteUrl !== null && store.unreachable === null;
    return {
      datasets: sets.map(([name, entry], at) => ({
        name,
        path: entry.path,
        ...(copies[at] as WorkingCopy),
        pushed: isKnown ? there.has(entry.digest) : null,
      })),
      unlocked,
      remote: store.remoteUrl,
      ...(store.unreachable === null ? {} : { remoteFault: store.unreachable.message }),
    };
  } finally {
    index.save();
  }
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
  const isOurs = !locked.has(usualPlace) && (await lstat(join(project.root, usualPlace)).catch(() => null))?.isDirectory() === true;
  if (isOurs) await walk(usualPlace);
  const tracked = await Promise.all(found.map((path) => project.git.isTracked(project.prefix + path)));
  return found.filter((_, at) => tracked[at] !== true);
}
