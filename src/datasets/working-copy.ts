// How a working copy stands to its entry in the lock: a stat a file when nothing changed.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Project } from '../project/open.ts';
import { checkProjectPath, refuseWayOut } from './paths.ts';
import type { LockEntry } from './schema.ts';
import { digestOfPath, type StatIndex } from './stat-index.ts';

/** same: bytes are those of the lock */
export type DataState = 'same' | 'modified' | 'missing';

export interface FileDifference {
  readonly kind: 'modified' | 'added' | 'removed';
  /** relative to the data set; of rows: the file itself */
  readonly path: string;
}

export interface WorkingCopy {
  readonly state: DataState;
  /** files; null: the locked version is not on this machine, so that only 'modified' is known */
  readonly modified: number | null;
  readonly added: number | null;
  readonly removed: number | null;
  /** the first few of them, in the order of paths */
  readonly some: readonly FileDifference[];
}

export interface LookOptions {
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

const same: WorkingCopy = { state: 'same', modified: 0, added: 0, removed: 0, some: [] };

/**
 * Compares a working copy with its entry in the lock.
 * @throws PlumbError PATH_OUTSIDE, FILE_UNREADABLE, and what describeFolder throws
 */
export async function compareWorkingCopy(
  project: Pick<Project, 'root' | 'store'>,
  entry: LockEntry,
  index: StatIndex,
  options: LookOptions = {},
): Promise<WorkingCopy> {
  checkProjectPath(entry.path);
  await refuseWayOut(project.root, entry.path);
  const absolute = join(project.root, entry.path);
  const facts = await stat(absolute).catch(() => null);
  const files = entry.format === 'files' ? entry.files : 1;
  if (facts === null) return { state: 'missing', modified: 0, added: 0, removed: files, some: [] };
  const changed: WorkingCopy = { state: 'modified', modified: 1, added: 0, removed: 0, some: [{ kind: 'modified', path: entry.path }] };
  if (facts.isDirectory() !== (entry.format === 'files')) return changed;
  // what walks folders is much, and rows do without
  if (entry.format === 'files') return (await import('./working-folder.ts')).compareFolder(project, { entry, absolute }, index, options);
  if (!facts.isFile() || facts.size !== entry.bytes) return changed;
  const found = await digestOfPath(index, absolute, options);
  if (found === null) return { state: 'missing', modified: 0, added: 0, removed: 1, some: [] };
  return found.digest === entry.content ? same : changed;
}

/** The state alone. @throws as compareWorkingCopy */
export async function stateOf(
  project: Pick<Project, 'root' | 'store'>,
  entry: LockEntry,
  index: StatIndex,
  options: LookOptions = {},
): Promise<DataState> {
  return (await compareWorkingCopy(project, entry, index, options)).state;
}
