// What a command means by a word: a data set of the lock (as it stands in the work tree, or in a revision), or any file of rows.
import { isAbsolute, join, relative } from 'node:path';
import { digestOfFile } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { didYouMean, listed } from '../base/names.ts';
import type { Progress } from '../base/progress.ts';
import { loadLock } from '../datasets/lock.ts';
import { lockOfRevision } from '../datasets/reachable.ts';
import { formatOfName, requireFormatOfName } from '../datasets/row-format.ts';
import { RowVersions, type RowsEntry } from '../datasets/row-versions.ts';
import type { Lock } from '../datasets/schema.ts';
import { digestOfPath, openStatIndex, type StatIndex } from '../datasets/stat-index.ts';
import { stateOf } from '../datasets/working-copy.ts';
import type { Project } from '../project/open.ts';
import { domainOf, readJobEvent, type Environment } from '../project/trust-domain.ts';
import type { CheckedRows, CheckWorld } from './checked-rows.ts';
import { memoryFolder, noMemory, openMemory, type CheckMemory } from './memory.ts';

export interface OpenedData {
  readonly rows: CheckedRows;
  readonly world: CheckWorld;
  /** null: a file that is no data set */
  readonly entry: RowsEntry | null;
}

interface Asking {
  /** what paths are relative to, absolute */
  readonly cwd: string;
  /** a revision, whose data sets are meant; default: the work tree */
  readonly rev?: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** of the process, by which a job of the main branch is known; default: its own */
  readonly env?: Environment;
}

/** Names of the data sets of rows, sorted: what a check looks at that was not told. */
export async function rowDatasets(project: Project, rev?: string): Promise<string[]> {
  const lock = await lockOf(project, rev);
  return Object.keys(lock.datasets)
    .filter((name) => lock.datasets[name]?.format !== 'files')
    .toSorted();
}

/**
 * The data set that a word means, by its name or its path; null: a file of rows, whether it is there or not.
 * @throws PlumbError DATASET_UNKNOWN, DATASET_FORMAT for a data set of files, GIT_REVISION_UNKNOWN
 */
export async function nameOfRows(project: Project, word: string, { cwd, rev }: Pick<Asking, 'cwd' | 'rev'>): Promise<string | null> {
  return nameOf(project, await lockOf(project, rev), word, cwd)?.name ?? null;
}

/**
 * @param word name of a data set, its path, or a path of a file with rows (relative to cwd)
 * @throws PlumbError DATASET_UNKNOWN, DATASET_FORMAT for a data set of files, FILE_MISSING, GIT_REVISION_UNKNOWN, BYTES_MISSING, ROW_SYNTAX and the like
 */
export async function openCheckedData(project: Project, word: string, asking: Asking): Promise<OpenedData> {
  const lock = await lockOf(project, asking.rev);
  const named = nameOf(project, lock, word, asking.cwd);
  const index = await openStatIndex(project);
  try {
    return named === null ? await plainFile(project, word, asking, index) : await dataset(project, named, { ...asking, index });
  } finally {
    index.save();
  }
}

/**
 * The same, and outside of any project a file of rows, of which nothing is remembered.
 * @param open the project that the command runs in
 * @throws PlumbError NOT_A_PROJECT, NO_GIT_REPOSITORY for a word that is no file of rows, and what openCheckedData throws
 */
export async function openRowsAnywhere(open: () => Promise<Project>, word: string, asking: Asking): Promise<OpenedData> {
  const project = await open().catch((error: unknown) => {
    const isOutside = isPlumbError(error, 'NOT_A_PROJECT') || isPlumbError(error, 'NO_GIT_REPOSITORY');
    if (!isOutside || asking.rev !== undefined || formatOfName(word) === null) throw error;
    return null;
  });
  return project === null ? looseFile(word, asking) : openCheckedData(project, word, asking);
}

async function looseFile(word: string, { cwd, progress, signal }: Asking): Promise<OpenedData> {
  const path = isAbsolute(word) ? word : join(cwd, word);
  const { digest } = await digestOfFile(path, { signal }).catch((error: unknown) => {
    throw isPlumbError(error, 'FILE_MISSING') ? noFile(word) : error;
  });
  const source = { path, format: requireFormatOfName(word), name: word };
  const readNode: CheckWorld['readNode'] = () => Promise.reject(new Error('a file that is no data set has no tree'));
  return { rows: { source, content: digest }, world: { memory: noMemory, readNode, pathOf: async () => null, progress, signal }, entry: null };
}

function noFile(word: string): PlumbError {
  return new PlumbError('FILE_MISSING', {
    what: `there is no file ${word}`,
    where: { file: word },
    mend: 'name a data set, or a file of rows that is there',
  });
}

function lockOf(project: Project, rev: string | undefined): Promise<Lock> {
  return rev === undefined ? loadLock(project) : lockOfRevision(project, rev);
}

function nameOf(project: Project, lock: Lock, word: string, cwd: string): { name: string; entry: RowsEntry } | null {
  const path = relative(project.root, isAbsolute(word) ? word : join(cwd, word));
  const name = Object.hasOwn(lock.datasets, word) ? word : Object.keys(lock.datasets).find((other) => lock.datasets[other]?.path === path);
  const entry = name === undefined ? undefined : lock.datasets[name];
  if (name === undefined || entry === undefined) {
    if (formatOfName(word) !== null) return null;
    throw new PlumbError('DATASET_UNKNOWN', {
      what: `no data set "${word.slice(0, 120)}".${didYouMean(word, Object.keys(lock.datasets))}`,
      mend: `name one (${listed(Object.keys(lock.datasets)) || 'there is none'}), or a file of rows: .jsonl, .csv, .parquet`,
    });
  }
  if (entry.format !== 'files') return { name, entry };
  throw new PlumbError('DATASET_FORMAT', {
    what: `data set "${name}" is a folder of files, and has no rows`,
    where: { file: entry.path },
    mend: 'name a data set of rows',
  });
}

async function plainFile(project: Project, word: string, asking: Asking, index: StatIndex): Promise<OpenedData> {
  const path = isAbsolute(word) ? word : join(asking.cwd, word);
  const found = await digestOfPath(index, path, { signal: asking.signal });
  if (found === null) throw noFile(word);
  const versions = new RowVersions(project, { signal: asking.signal });
  const source = { path, format: requireFormatOfName(word), name: word };
  return { rows: { source, content: found.digest }, world: worldOf(project, versions, asking, false), entry: null };
}

async function dataset(
  project: Project,
  { name, entry }: { readonly name: string; readonly entry: RowsEntry },
  asking: Asking & { readonly index: StatIndex },
): Promise<OpenedData> {
  const versions = new RowVersions(project, { signal: asking.signal });
  const state = asking.rev === undefined ? await stateOf(project, entry, asking.index, asking) : 'missing';
  if (state !== 'modified') {
    const source = await versions.locked(name, entry);
    return { rows: { source: { ...source, name }, content: entry.content }, world: worldOf(project, versions, asking, true), entry };
  }
  const source = await versions.working(name, entry);
  const found = await digestOfPath(asking.index, source.path, { signal: asking.signal });
  if (found === null) throw new PlumbError('FILE_CHANGED', { what: `${entry.path} went away while it was read`, mend: 'run the command again' });
  return { rows: { source: { ...source, name }, content: found.digest }, world: worldOf(project, versions, asking, false), entry };
}

/** As in a pipeline: what the main branch says is found in the bytes alone, for jobs on pull requests may have written into the same folder. */
export function recallsHere(env: Environment): boolean {
  try {
    return domainOf(env, () => readJobEvent(env)).kind !== 'trusted';
  } catch (error) {
    // a job of CI that is not understood may be one of the main branch
    if (isPlumbError(error, 'RUN_DOMAIN')) return false;
    throw error;
  }
}

/** @param lasting of a version that is not in the cache nothing is kept: nobody could read again what it was */
function worldOf(project: Project, versions: RowVersions, { progress, signal, env = process.env }: Asking, lasting: boolean): CheckWorld {
  const memory = openMemory(memoryFolder(project.store.cacheDir), { recalls: recallsHere(env) });
  const recallOnly: CheckMemory = { recall: (check) => memory.recall(check), keep: async () => undefined };
  return {
    memory: lasting ? memory : recallOnly,
    readNode: versions.readNode,
    pathOf: (content) => project.store.cache.path(content),
    progress,
    signal,
  };
}
