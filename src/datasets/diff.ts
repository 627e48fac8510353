// What changed in the data between two revisions, or between a revision and what stands in the work tree.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { byCodeUnit } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import type { Project } from '../project/open.ts';
import { diffFolders, type FilesDiff } from './folder-diff.ts';
import { loadLock, loadLockAt } from './lock.ts';
import { requireCommit } from './revision.ts';
import { diffRows, type RowsDiff } from './row-diff.ts';
import { RowVersions } from './row-versions.ts';
import type { Lock, LockEntry } from './schema.ts';
import { openStatIndex, type StatIndex } from './stat-index.ts';
import { stateOf } from './working-copy.ts';

export type { FilesDiff } from './folder-diff.ts';

/** One side of a comparison, as far as one data set goes. */
export interface DataSetVersion {
  /** manifest; null: a working copy that is not added */
  readonly digest: Digest | null;
  readonly path: string;
  readonly format: LockEntry['format'];
  /** rows, or files; null: a working copy that was not counted */
  readonly count: number | null;
  readonly bytes: number;
}

/** Exactly one of rows and files is there where both sides are of one kind; neither where one side is missing or the kind changed. */
export interface DataSetDiff {
  readonly name: string;
  /** replaced: rows became files, or files rows */
  readonly change: 'added' | 'removed' | 'changed' | 'replaced';
  readonly before: DataSetVersion | null;
  readonly after: DataSetVersion | null;
  readonly rows: RowsDiff | null;
  readonly files: FilesDiff | null;
}

export interface DataDiff {
  /** a commit's id; null: there is no commit yet */
  readonly before: string | null;
  /** a commit's id; null: the work tree */
  readonly after: string | null;
  /** data sets that changed, sorted by name */
  readonly datasets: readonly DataSetDiff[];
}

export interface DiffOptions {
  /** examples of each kind, for each data set */
  readonly limit: number;
  /** only these data sets; a name that neither side has is an error */
  readonly names?: readonly string[];
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Compares data sets. Two versions of one digest are not read.
 * @param sides revisions: before null: nothing was there; after null: working copies (a missing one: what the lock says)
 * @throws PlumbError GIT_REVISION_UNKNOWN, DATASET_UNKNOWN, BYTES_MISSING, and what reading rows throws
 */
export async function diffDatasets(
  project: Project,
  sides: { readonly before: string | null; readonly after: string | null },
  options: DiffOptions,
): Promise<DataDiff> {
  const before = sides.before === null ? null : await requireCommit(project.git, sides.before);
  const after = sides.after === null ? null : await requireCommit(project.git, sides.after);
  const locks = {
    before: before === null ? emptyLock : await loadLockAt(project, before),
    after: after === null ? await loadLock(project) : await loadLockAt(project, after),
  };
  const index = await openStatIndex(project);
  const datasets: DataSetDiff[] = [];
  const bar = options.progress.start('compare', undefined, 'bytes');
  try {
    for (const name of namesIn(locks, options.names)) {
      const pair = { before: entryOf(locks.before, name), after: entryOf(locks.after, name) };
      const place: Place = {
        project,
        index,
        workTree: after === null,
        limit: options.limit,
        signal: options.signal,
        onBytes: (bytes) => bar.advance(bytes),
      };
      const diff = await diffOne(place, name, pair.before, pair.after);
      if (diff !== null) datasets.push(diff);
    }
  } finally {
    bar.end();
    index.save();
  }
  return { before, after, datasets };
}

const emptyLock: Lock = { version: 1, datasets: {} };

function entryOf(lock: Lock, name: string): LockEntry | null {
  return (Object.hasOwn(lock.datasets, name) ? lock.datasets[name] : undefined) ?? null;
}

function namesIn(locks: { before: Lock; after: Lock }, wanted: readonly string[] | undefined): string[] {
  const all = new Set([...Object.keys(locks.before.datasets), ...Object.keys(locks.after.datasets)]);
  const unknown = wanted?.find((name) => !all.has(name));
  if (unknown !== undefined) {
    throw new PlumbError('DATASET_UNKNOWN', {
      what: `neither side has a data set "${unknown.slice(0, 120)}"`,
      mend: all.size === 0 ? 'add one with `plumb add FILE`' : `there are: ${[...all].toSorted(byCodeUnit).slice(0, 20).join(', ')}`,
    });
  }
  return (wanted === undefined || wanted.length === 0 ? [...all] : [...new Set(wanted)]).toSorted(byCodeUnit);
}

interface Place {
  readonly project: Project;
  readonly index: StatIndex;
  /** the version after is what stands in the work tree */
  readonly workTree: boolean;
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

async function diffOne(place: Place, name: string, before: LockEntry | null, after: LockEntry | null): Promise<DataSetDiff | null> {
  const state = place.workTree && after !== null ? await stateOf(place.project, after, place.index, place) : 'same';
  const modified = state === 'modified';
  if (!modified && before?.digest === after?.digest) return null;
  const versions = {
    before: before === null ? null : versionOf(before),
    after: after === null ? null : modified ? await workingVersion(place, after) : versionOf(after),
  };
  const none = { name, ...versions, rows: null, files: null };
  if (before === null || after === null) return { ...none, change: before === null ? 'added' : 'removed' };
  if (before.format === 'files' && after.format === 'files') {
    const files = await diffFolders(place, name, { before, after, modified });
    return files.added + files.removed + files.edited === 0 ? null : { ...none, change: 'changed', files };
  }
  if (before.format === 'files' || after.format === 'files') return { ...none, change: 'replaced' };
  const rows = new RowVersions(place.project, place);
  const sources = {
    before: await rows.locked(name, before),
    after: modified ? await rows.working(name, after) : await rows.locked(name, after),
  };
  return { ...none, change: 'changed', rows: await diffRows(sources.before, sources.after, { ...place, readNode: rows.readNode }) };
}

function versionOf(entry: LockEntry): DataSetVersion {
  const { digest, path, format, bytes } = entry;
  return { digest, path, format, count: entry.format === 'files' ? entry.files : entry.rows, bytes };
}

async function workingVersion(place: Place, entry: LockEntry): Promise<DataSetVersion> {
  const facts = await stat(join(place.project.root, entry.path));
  return { digest: null, path: entry.path, format: entry.format, count: null, bytes: facts.isFile() ? facts.size : 0 };
}
