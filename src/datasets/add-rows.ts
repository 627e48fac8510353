// Adding a file of rows: one pass that hashes, cuts and checks it (row-scan.ts) while the cache takes its bytes in beside it.
import { stat } from 'node:fs/promises';
import { digestOfFile, type Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import type { Project } from '../project/open.ts';
import type { CacheWriter, FileStamp, StoredFile } from '../store/cache/cache.ts';
import type { Store } from '../store/store.ts';
import { changedMeanwhile, emptyData, type AddRequest } from './add-request.ts';
import { readFactsFile, type KnownFacts } from './facts-file.ts';
import { wasAtRest } from './file-stamp.ts';
import { agrees, manifestText, readManifest, rowsManifest } from './manifest.ts';
import type { DataPath } from './paths.ts';
import { checkRows, type RowFile } from './row-check.ts';
import { scanRows, type RowScan } from './row-scan.ts';
import { factsPath, type RowsEntry } from './row-versions.ts';
import { requireFormatOfName } from './row-format.ts';
import type { LockEntry } from './schema.ts';
import { digestOfPath, type StatIndex } from './stat-index.ts';

/** What is asked for, and what was locked before. */
export interface AddRows {
  /** of the data set */
  readonly name: string;
  readonly before: LockEntry | null;
  readonly request: AddRequest;
}

/** Checks and stores a file of rows. @returns what the lock shall say. @throws as addDataset */
export async function addRows(project: Project, data: DataPath, { name, before, request }: AddRows, index: StatIndex): Promise<LockEntry> {
  const locked = before !== null && before.format !== 'files' ? before : null;
  const file: RowFile = {
    path: data.path,
    absolute: data.absolute,
    format: requireFormatOfName(data.path),
    key: orNone(request.key ?? locked?.key),
    label: orNone(request.label ?? locked?.label),
  };
  const { size } = await stat(data.absolute);
  if (size === 0) throw emptyData(data.path, 'is empty');
  const bar = request.progress.start(`add ${data.path}`, size, 'bytes');
  try {
    const same = locked !== null && size === locked.bytes ? await sameAsLocked(project.store, file, locked, index, request.signal) : null;
    if (same !== null) return same;
    const begun = Date.now();
    const { entry, stamp } = await storeRowFile(project, file, { name, signal: request.signal, onBytes: (bytes) => bar.advance(bytes) });
    if (wasAtRest(stamp, begun)) index.set(data.absolute, { stamp, digest: entry.content });
    return entry;
  } finally {
    bar.end();
  }
}

function orNone(column: string | undefined): string | undefined {
  return column === '' ? undefined : column;
}

function columnsOf({ key, label }: RowFile): { key?: string; label?: string } {
  return { ...(key === undefined ? {} : { key }), ...(label === undefined ? {} : { label }) };
}

/** Where the file is what is locked, and the cache has it, no row needs to be read. */
async function sameAsLocked(store: Store, file: RowFile, locked: RowsEntry, index: StatIndex, signal: AbortSignal): Promise<RowsEntry | null> {
  if (locked.format !== file.format || locked.key !== file.key || locked.label !== file.label) return null;
  const found = await digestOfPath(index, file.absolute, { signal });
  if (found === null) throw changedMeanwhile(file.path);
  return found.digest === locked.content && (await isStored(store, locked)) ? { ...locked, path: file.path } : null;
}

/** Whether the cache has what is locked, and it is what the lock says. */
async function isStored(store: Store, locked: RowsEntry): Promise<boolean> {
  if (!(await store.has(locked.digest)) || !(await store.has(locked.content))) return false;
  try {
    const manifest = await readManifest(store, locked.digest);
    if (!agrees(locked, manifest)) return false;
    return manifest.tree === undefined || (await store.has(manifest.tree));
  } catch (error) {
    if (isPlumbError(error)) return false; // damaged: it is made again
    throw error;
  }
}

interface Storing {
  /** of the data set: facts of its chunks are kept from one add to the next */
  readonly name: string;
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Stores a file of rows, wherever it stands; nothing comes into the cache unless all rows are as they should be.
 * @returns what a lock says of it; the stamp of the file as it was stored
 * @throws as addDataset
 */
export async function storeRowFile(project: Project, file: RowFile, options: Storing): Promise<{ entry: RowsEntry; stamp: FileStamp }> {
  const writer = await project.store.openWriter();
  const facts = factsPath(project, options.name);
  try {
    const { found, stored } = await readAndStore(writer, file, { ...options, facts });
    const { scan, head } = found;
    const { digest: content, bytes, stamp } = stored;
    const { key, label, format, path } = file;
    const manifest = rowsManifest({ format, key, label, ...head }, { content, bytes, tree: scan?.tree.root ?? null, labels: scan?.labels ?? null });
    const digest = writer.addBytes(Buffer.from(manifestText(manifest)), 'meta');
    await writer.close();
    await scan?.writeFacts(facts);
    const { rows, schema } = head;
    return { entry: { digest, content, path, format, ...columnsOf(file), rows, bytes, schema, source: { kind: 'files' } }, stamp };
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

type Reading = Storing & { readonly facts: string };

interface Found {
  /** null: a format without chunks */
  readonly scan: RowScan | null;
  readonly head: { readonly rows: number; readonly schema: Record<string, string> };
  /** of the bytes that were read */
  readonly digest: Digest;
}

async function readAndStore(writer: CacheWriter, file: RowFile, options: Reading): Promise<{ found: Found; stored: StoredFile }> {
  const stop = new AbortController();
  // people edit rows: their file never becomes the cache's own
  const storing = writer.addFiles([{ path: file.absolute }], { link: false }, { signal: AbortSignal.any([options.signal, stop.signal]) });
  storing.catch(() => undefined);
  try {
    const found = await readRows(writer, file, options);
    const [stored] = await storing;
    if (stored?.digest !== found.digest) throw changedMeanwhile(file.path);
    return { found, stored };
  } catch (error) {
    stop.abort(error);
    await storing.catch(() => undefined);
    throw error;
  }
}

/** Reads a file in one pass; where that meets anything that it cannot vouch for, row by row, to the first fault. */
async function readRows(writer: CacheWriter, file: RowFile, options: Reading): Promise<Found> {
  const { format, key, label } = file;
  let scan: RowScan | null = null;
  if (format !== 'parquet') {
    const { signal, onBytes } = options;
    const known = (context: string): Promise<KnownFacts | null> => readFactsFile(options.facts, context);
    const keepNode = (bytes: Uint8Array): Digest => writer.addBytes(bytes, 'meta');
    scan = await scanRows(file.absolute, { format, key: key ?? null, label: label ?? null, known, keepNode, signal, onBytes });
    const good = scan !== null && !scan.doubtful && scan.rows > 0 && (label === undefined || Object.hasOwn(scan.schema, label));
    if (scan !== null && good) return { scan, head: { rows: scan.rows, schema: scan.schema }, digest: scan.digest };
  }
  const { digest } = await digestOfFile(file.absolute, options);
  if (scan !== null && scan.digest !== digest) throw changedMeanwhile(file.path);
  return { scan, head: await checkRows(file, options), digest };
}
