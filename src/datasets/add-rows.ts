// Adding a file of rows.
import { stat } from 'node:fs/promises';
import type { Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import type { Project } from '../project/open.ts';
import type { Store } from '../store/store.ts';
import { changedMeanwhile, emptyData, type AddRequest } from './add-request.ts';
import { KeyCheck } from './keys.ts';
import { agrees, manifestText, readManifest, rowsManifest } from './manifest.ts';
import type { DataPath } from './paths.ts';
import { readRowBatches, requireFormatOfName } from './rows.ts';
import type { LockEntry, RowFormat } from './schema.ts';
import { SchemaInference } from './schema-inference.ts';
import { digestOfPath, type StatIndex } from './stat-index.ts';

/** Checks and stores a file of rows. @returns what the lock shall say. @throws as addDataset */
export async function addRows(project: Project, data: DataPath, before: LockEntry | null, request: AddRequest, index: StatIndex): Promise<LockEntry> {
  const format = requireFormatOfName(data.path);
  const { store } = project;
  const locked = before !== null && before.format !== 'files' ? before : null;
  const key = orNone(request.key ?? locked?.key);
  const label = orNone(request.label ?? locked?.label);
  const { size } = await stat(data.absolute);
  if (size === 0) throw emptyData(data.path, 'is empty');
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
  if (inference.rows === 0) throw emptyData(data.path, 'holds no rows');
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
