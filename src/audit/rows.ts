// Which rows trained a model. Git says which data sets those were, by digest, and which files of rows the training itself read; the store has the rows.
import { createReadStream } from 'node:fs';
import type { Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { didYouMean } from '../base/names.ts';
import { parseLock } from '../datasets/lock.ts';
import { cacheOnly, filesOf, readManifest, type Manifest } from '../datasets/manifest.ts';
import { readRows } from '../datasets/rows.ts';
import type { Git } from '../git/git.ts';
import { files } from '../project/layout.ts';
import type { Store } from '../store/store.ts';
import { dataUses, type DataUse, type Dossier } from './dossier.ts';

/** A version of a data set that a model comes from. */
export interface DataRows extends DataUse {
  readonly kind: 'rows' | 'files' | 'unknown';
  /** of rows, or of files; null: neither the manifest nor the lock of its commit is here */
  readonly count: number | null;
  readonly bytes: number | null;
  /** SHA-256 of the file of rows, as `sha256sum` prints it; null: a folder, or not known */
  readonly content: Digest | null;
  /** are the rows on this machine? */
  readonly here: boolean;
}

/** A file of rows that a stage made, and that the training read: what is left of a data set after a split, for one. */
export interface InputRows {
  /** stage.output */
  readonly name: string;
  readonly digest: Digest;
  readonly bytes: number | null;
  readonly here: boolean;
}

export interface ModelRows {
  /** run record of the training */
  readonly run: Digest | null;
  readonly data: readonly DataRows[];
  readonly inputs: readonly InputRows[];
}

export interface RowsPlace {
  readonly git: Git;
  readonly prefix: string;
  readonly store: Store;
}

/** Asks git and the cache, and no remote. */
export async function rowsOf(dossier: Dossier, place: RowsPlace): Promise<ModelRows> {
  const { pointer, runs } = dossier;
  const data: DataRows[] = [];
  for (const use of dataUses(dossier)) data.push(await describeData(use, pointer?.code ?? null, place));
  const train = pointer === null ? undefined : runs.get(pointer.run);
  const inputs: InputRows[] = [];
  for (const { kind, ref, digest, run } of Object.values(train?.inputs ?? {})) {
    if (kind !== 'output') continue;
    const made = run === undefined ? undefined : Object.values(runs.get(run)?.outputs ?? {}).find((output) => output.digest === digest);
    inputs.push({ name: ref, digest, bytes: made?.bytes ?? null, here: await place.store.has(digest) });
  }
  return { run: pointer?.run ?? null, data, inputs };
}

async function describeData(use: DataUse, code: string | null, place: RowsPlace): Promise<DataRows> {
  const manifest = await orNull(readManifest(cacheOnly(place.store), use.manifest));
  if (manifest?.kind === 'rows')
    return {
      ...use,
      kind: 'rows',
      count: manifest.rows,
      bytes: manifest.bytes,
      content: manifest.content,
      here: await place.store.has(manifest.content),
    };
  if (manifest?.kind === 'files') return { ...use, kind: 'files', count: manifest.files, bytes: manifest.bytes, content: null, here: true };
  const locked = await lockedAt(use, code, place);
  if (locked === undefined) return { ...use, kind: 'unknown', count: null, bytes: null, content: null, here: false };
  if (locked.format === 'files') return { ...use, kind: 'files', count: locked.files, bytes: locked.bytes, content: null, here: false };
  return { ...use, kind: 'rows', count: locked.rows, bytes: locked.bytes, content: locked.content, here: await place.store.has(locked.content) };
}

/** What datasets.lock of the commit that was trained says of it, if it is the same version. */
async function lockedAt(
  { name, manifest }: DataUse,
  code: string | null,
  { git, prefix }: RowsPlace,
): Promise<Awaited<ReturnType<typeof parseLock>>['datasets'][string] | undefined> {
  if (code === null || (await git.resolve(code)) === null) return undefined;
  const bytes = await git.readBlob(code, prefix + files.lock);
  const lock = bytes === null ? null : await parseLock(Buffer.from(bytes).toString('utf8')).catch(() => null);
  const entry = lock !== null && Object.hasOwn(lock.datasets, name) ? lock.datasets[name] : undefined;
  return entry?.digest === manifest ? entry : undefined;
}

async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  return reading.catch((error: unknown) => {
    if (isPlumbError(error)) return null;
    throw error;
  });
}

/**
 * The rows of a data set, or of a file that the training read, as they stand in the file; of Parquet each as a line of JSON; of a folder a line a file:
 * SHA-256, two spaces and the path, as `sha256sum` has it. What the cache lacks is fetched where there is a remote.
 * @param name of a data set, or stage.output
 * @throws PlumbError DATASET_UNKNOWN, BYTES_MISSING, DIGEST_MISMATCH, MANIFEST_INVALID
 */
export async function* listRows(rows: ModelRows, name: string, store: Store, signal: AbortSignal): AsyncGenerator<string | Buffer> {
  const input = rows.inputs.find((one) => one.name === name);
  if (input !== undefined) {
    if (rows.run !== null) store.remember([rows.run]);
    yield* fileBytes(await store.pathOf(input.digest), signal);
    return;
  }
  const data = rows.data.find((one) => one.name === name);
  if (data === undefined) throw unknownRows(rows, name);
  store.remember([data.manifest]);
  yield* versionLines(await readManifest(store, data.manifest), store, signal);
}

async function* versionLines(manifest: Manifest, store: Store, signal: AbortSignal): AsyncGenerator<string | Buffer> {
  if (manifest.kind === 'files') {
    for await (const { path, digest } of filesOf(store, manifest)) yield `${digest.slice(7)}  ${path}\n`;
    return;
  }
  const path = await store.pathOf(manifest.content);
  if (manifest.format !== 'parquet') yield* fileBytes(path, signal);
  else for await (const { value } of readRows(path, 'parquet', { signal })) yield `${JSON.stringify(value)}\n`;
}

async function* fileBytes(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const piece of createReadStream(path, { signal })) yield piece as Buffer;
}

function unknownRows({ data, inputs }: ModelRows, name: string): PlumbError {
  const names = [...data, ...inputs].map((one) => one.name);
  return new PlumbError('DATASET_UNKNOWN', {
    what: `no data set "${name.slice(0, 100)}" went into this model.${didYouMean(name, names)}`,
    mend: names.length === 0 ? 'its evidence names none' : `name one of: ${names.join(', ')}`,
  });
}
