// Adding a data set: read it whole, check it, store it, and only then lock it. Until the last rename nothing that anybody reads has changed.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFilesAtomic } from '../base/atomic.ts';
import { byCodeUnit, canonicalJson } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { checkName, didYouMean } from '../base/names.ts';
import type { Progress } from '../base/progress.ts';
import type { Project } from '../project/open.ts';
import type { Store } from '../store/store.ts';
import { describeFolder, storeFolder } from './folder.ts';
import { planIgnore, planUnionMerge, type IgnoreResult } from './git-lines.ts';
import { KeyCheck } from './keys.ts';
import { loadLock, planLock } from './lock.ts';
import { agrees, digestOfManifest, manifestText, readManifest, rowsManifest } from './manifest.ts';
import { findDataPath, type DataPath } from './paths.ts';
import { readRowBatches, requireFormatOfName } from './rows.ts';
import type { Lock, LockEntry, RowFormat } from './schema.ts';
import { SchemaInference } from './schema-inference.ts';
import { digestOfPath, openStatIndex, type StatIndex } from './stat-index.ts';

export interface AddRequest {
  /** file or folder, relative to cwd */
  readonly argument: string;
  readonly cwd: string;
  /** default: the name that the path is locked under, else the file's name without extension */
  readonly name?: string;
  /** default: what is locked for this data set; '' takes it away */
  readonly key?: string;
  readonly label?: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface AddResult {
  readonly name: string;
  readonly entry: LockEntry;
  /** what was locked under the name before */
  readonly before: LockEntry | null;
  /** false: the lock says all this already */
  readonly changed: boolean;
  readonly ignore: IgnoreResult;
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
    const entry = data.kind === 'folder' ? await addFolder(project, data, request, index) : await addRows(project, data, before, request, index);
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
      return { name, entry, before: known, changed, ignore: ignore.result };
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

async function addFolder(project: Project, data: DataPath, request: AddRequest, index: StatIndex): Promise<LockEntry> {
  if (request.key !== undefined || request.label !== undefined) {
    throw new PlumbError('USAGE', { what: `${data.path} is a folder of files: --key and --label are for rows`, mend: 'add the file of rows itself' });
  }
  const bar = request.progress.start(`add ${data.path}`, undefined, 'bytes');
  try {
    const stored = await storeFolder(project.store, data.absolute, { index, signal: request.signal, onBytes: (bytes) => bar.advance(bytes) });
    if (stored.files === 0) throw empty(data.path, 'holds no files');
    const again = digestOfManifest(await describeFolder(index, data.absolute, { signal: request.signal }));
    if (again !== stored.digest) throw changedMeanwhile(data.path);
    return { digest: stored.digest, path: data.path, format: 'files', files: stored.files, bytes: stored.bytes, source: { kind: 'files' } };
  } finally {
    bar.end();
  }
}

async function addRows(project: Project, data: DataPath, before: LockEntry | null, request: AddRequest, index: StatIndex): Promise<LockEntry> {
  const format = requireFormatOfName(data.path);
  const { store } = project;
  const locked = before !== null && before.format !== 'files' ? before : null;
  const key = orNone(request.key ?? locked?.key);
  const label = orNone(request.label ?? locked?.label);
  const { size } = await stat(data.absolute);
  if (size === 0) throw empty(data.path, 'is empty');
  const bar = request.progress.start(`add ${data.path}`, size, 'bytes');
  try {
    const file = await digestOfPath(index, data.absolute, { signal: request.signal });
    if (file === null) throw changedMeanwhile(data.path);
    if (locked?.content === file.digest && locked.format === format && locked.key === key && locked.label === label) {
      if (await isStored(store, locked)) return { ...locked, path: data.path };
    }
    const { rows, schema } = await checkRows(data, format, { key, label }, request, bar.advance.bind(bar));
    const stored = await store.putFile(data.absolute, { signal: request.signal });
    if (stored.digest !== file.digest) throw changedMeanwhile(data.path);
    const { digest: content, bytes } = file;
    const digest = await store.putBytes(manifestText(rowsManifest({ format, key, label, rows, schema }, { digest: content, bytes })));
    return { digest, content, path: data.path, format, ...only({ key, label }), rows, bytes, schema, source: { kind: 'files' } };
  } finally {
    bar.end();
  }
}

/** Whether the cache has what is locked, and it is what the lock says: then no row needs to be read. */
async function isStored(store: Store, locked: Extract<LockEntry, { content: Digest }>): Promise<boolean> {
  if (!(await store.has(locked.digest)) || !(await store.has(locked.content))) return false;
  try {
    return agrees(locked, await readManifest(store, locked.digest));
  } catch (error) {
    if (isPlumbError(error)) return false; // damaged: it is made again
    throw error;
  }
}

function orNone(column: string | undefined): string | undefined {
  return column === '' ? undefined : column;
}

function only(columns: { key: string | undefined; label: string | undefined }): { key?: string; label?: string } {
  return { ...(columns.key === undefined ? {} : { key: columns.key }), ...(columns.label === undefined ? {} : { label: columns.label }) };
}

/** Reads every row once. */
async function checkRows(
  data: DataPath,
  format: RowFormat,
  columns: { key: string | undefined; label: string | undefined },
  request: AddRequest,
  onBytes: (bytes: number) => void,
): Promise<{ rows: number; schema: Record<string, string> }> {
  const inference = new SchemaInference();
  const keys = columns.key === undefined ? null : new KeyCheck(columns.key, data.path);
  for await (const batch of readRowBatches(data.absolute, format, { name: data.path, signal: request.signal, onBytes })) {
    for (const row of batch) {
      inference.add(row.value);
      if (row.row === 1 && columns.key !== undefined && !inference.has(columns.key))
        throw noColumn('--key', columns.key, data.path, inference.names());
      keys?.add(row);
    }
  }
  if (inference.rows === 0) throw empty(data.path, 'holds no rows');
  if (columns.label !== undefined && !inference.has(columns.label)) throw noColumn('--label', columns.label, data.path, inference.names());
  return { rows: inference.rows, schema: inference.schema() };
}

function noColumn(option: string, column: string, file: string, names: readonly string[]): PlumbError {
  return new PlumbError('DATASET_COLUMN', {
    what: `${option} names column "${column}", which ${file} does not have.${didYouMean(column, names)}`,
    where: { file },
    mend: `its columns are: ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', ...' : ''}`,
  });
}

function empty(path: string, what: string): PlumbError {
  return new PlumbError('DATASET_EMPTY', { what: `${path} ${what}`, where: { file: path }, mend: 'put the data there, then add it' });
}

function changedMeanwhile(path: string): PlumbError {
  return new PlumbError('FILE_CHANGED', {
    what: `${path} was changed while it was being added`,
    where: { file: path },
    mend: 'run the command again when whoever writes it has finished',
  });
}
