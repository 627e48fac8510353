// Adding a data set: read it whole, check it, store it, and only then lock it. Until the last rename nothing that anybody reads has changed.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFilesAtomic } from '../base/atomic.ts';
import { byCodeUnit, canonicalJson } from '../base/canonical.ts';
import { PlumbError } from '../base/errors.ts';
import { checkName } from '../base/names.ts';
import type { Project } from '../project/open.ts';
import { addFolder } from './add-folder.ts';
import type { AddRequest } from './add-request.ts';
import { addRows } from './add-rows.ts';
import { planIgnore, planUnionMerge, type IgnoreResult } from './git-lines.ts';
import { loadLock, planLock } from './lock.ts';
import { findDataPath, type DataPath } from './paths.ts';
import type { Lock, LockEntry } from './schema.ts';
import { openStatIndex } from './stat-index.ts';

export type { AddRequest } from './add-request.ts';

export interface AddResult {
  readonly name: string;
  readonly entry: LockEntry;
  /** what was locked under the name before */
  readonly before: LockEntry | null;
  /** false: the lock says all this already */
  readonly changed: boolean;
  readonly ignore: IgnoreResult;
  /** pairs of paths of a folder that are one where 'A' and 'a' are: it cannot be checked out there; a few */
  readonly clashes: readonly (readonly [string, string])[];
}

/**
 * Locks a data set. Whatever fails, datasets.lock and .gitignore are as they were; bytes that nobody names may be left in the cache.
 * @throws PlumbError PATH_OUTSIDE, FILE_KIND, FILE_MISSING, FILE_CHANGED, DATASET_EMPTY, DATASET_FORMAT, DATASET_COLUMN, DATASET_TAKEN,
 *   ROW_SYNTAX, ROW_ENCODING, ROW_RAGGED, ROW_KEY, NAME_INVALID, LOCK_CONFLICT, DISK_FULL, REPOSITORY_BUSY
 */
export async function addDataset(project: Project, request: AddRequest): Promise<AddResult> {
  const data = await findDataPath(request.argument, { cwd: request.cwd, root: project.root });
  const lock = await loadLock(project);
  const name = await chooseName(project, lock, data, request.name);
  const before = entryOf(lock, name);
  const index = await openStatIndex(project);
  try {
    const added =
      data.kind === 'folder'
        ? await addFolder(project, data, request, index)
        : { entry: await addRows(project, data, { name, before, request }, index), clashes: [] };
    const { entry, clashes } = added;
    return await project.mutex(async () => {
      // whoever held the mutex before may have written the lock since we read it
      const now = await loadLock(project);
      await chooseName(project, now, data, name);
      const ignore = await planIgnore(project, data.path);
      const known = entryOf(now, name);
      const changed = known === null || canonicalJson(known) !== canonicalJson(entry);
      // the lock last: whoever finds it finds the data ignored
      const wanted = [await planUnionMerge(project), ignore.file, changed ? planLock(project, withEntry(now, name, entry)) : null];
      await writeFilesAtomic(wanted.filter((file) => file !== null));
      return { name, entry, before: known, changed, ignore: ignore.result, clashes };
    });
  } finally {
    index.save();
  }
}

function entryOf(lock: Lock, name: string): LockEntry | null {
  return (Object.hasOwn(lock.datasets, name) ? lock.datasets[name] : undefined) ?? null;
}

function withEntry(lock: Lock, name: string, entry: LockEntry): Lock {
  return { version: 1, datasets: Object.fromEntries([...Object.entries(lock.datasets).filter(([other]) => other !== name), [name, entry]]) };
}

/** One name, one path: a data set that would silently take the place of another is refused. */
async function chooseName(project: Project, lock: Lock, data: DataPath, wanted: string | undefined): Promise<string> {
  const sets = Object.entries(lock.datasets).toSorted(([a], [b]) => byCodeUnit(a, b));
  const atPath = sets.find(([, entry]) => entry.path === data.path)?.[0];
  const name = checkName('data set', wanted ?? atPath ?? nameOfPath(data));
  if (atPath !== undefined && atPath !== name) {
    throw taken(`${data.path} is locked as data set "${atPath}" already`, `add it without --name, or take "${atPath}" out of datasets.lock first`);
  }
  const overlap = sets.find(([, entry]) => entry.path.startsWith(`${data.path}/`) || data.path.startsWith(`${entry.path}/`));
  if (overlap !== undefined) {
    throw taken(
      `${data.path} overlaps with ${overlap[1].path}, which is data set "${overlap[0]}"`,
      'a file belongs to one data set: move one of the two elsewhere',
    );
  }
  const other = entryOf(lock, name);
  // a file that was moved keeps its name
  if (other !== null && other.path !== data.path && (await isThere(join(project.root, other.path)))) {
    throw taken(`data set "${name}" is ${other.path}, which is still there`, `give ${data.path} a name of its own with --name`);
  }
  return name;
}

function taken(what: string, mend: string): PlumbError {
  return new PlumbError('DATASET_TAKEN', { what, mend });
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function nameOfPath(data: DataPath): string {
  const file = data.path.slice(data.path.lastIndexOf('/') + 1);
  const dot = file.lastIndexOf('.');
  return data.kind === 'file' && dot > 0 ? file.slice(0, dot) : file;
}
