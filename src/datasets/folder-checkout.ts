// Making a folder what a version says. First all of it is looked at, and what is wanted is written down beside what is there: the index of the folder is
// that list. Then what is in the way goes, and what differs comes. Files that are right are not touched.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryBeside } from '../base/atomic.ts';
import type { Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError, systemError } from '../base/errors.ts';
import { formatBytes, silentProgress } from '../base/progress.ts';
import type { FileStamp } from '../store/cache/cache.ts';
import type { ObjectRef, Store } from '../store/store.ts';
import { wasPlaced } from './file-stamp.ts';
import { keepIndex, openIndexWriter, rowOf, surveyFolder, surveyOptions, type FolderOptions, type Rows } from './folder-survey.ts';
import { TargetFolder } from './folder-target.ts';
import { differs, IndexReader, type IndexHead, type IndexRow } from './index-file.ts';
import { filesOf, readManifest, type FilesManifest } from './manifest.ts';
import { ignoresCase, PathClashes } from './name-clashes.ts';
import { fileClock } from './stat-index.ts';

/** What stands in a folder, beside what shall. */
export interface FolderPlan {
  readonly state: 'same' | 'modified' | 'missing';
  /** files that are in no cache: they would be lost; a few by name and size, and how many */
  readonly lost: { readonly paths: readonly string[]; readonly count: number };
  /** Every path, in order; can be asked for more than once. */
  rows(): Rows;
  close(): void;
}

interface Wanted {
  /** of the manifest */
  readonly digest: Digest;
  readonly manifest: FilesManifest;
  /** absolute */
  readonly folder: string;
}

/**
 * Looks at a folder, and changes nothing in it.
 * @throws PlumbError BYTES_MISSING, MANIFEST_INVALID, and what describeFolder throws
 */
export async function planFolder(store: Store, wanted: Wanted, options: FolderOptions): Promise<FolderPlan> {
  const { digest, manifest, folder } = wanted;
  const target = new TargetFolder(folder);
  if (target.isEmpty())
    return { state: 'missing', lost: { paths: [], count: 0 }, rows: () => inPieces(filesOf(store, manifest)), close: () => undefined };
  const how = surveyOptions(folder, options, (files, bulk) => store.cache.hashFiles(files, bulk));
  const list = how.indexFile ?? temporaryBeside(`${folder}.list`);
  return surveyFolder(how, digest, async (survey) => {
    if (survey.untouched) return { state: 'same', lost: { paths: [], count: 0 }, rows: () => noRows(), close: () => undefined };
    const rows = survey.rows(survey.indexed ? null : filesOf(store, manifest));
    const found = await writeDown(store, rows, list, headOf(manifest, survey.indexed ? (survey.head?.cacheState ?? null) : null));
    const reader = IndexReader.open(list);
    if (how.indexFile === null) rmSync(list, { force: true });
    if (reader === null) throw new Error(`${list} cannot be read again`);
    return { ...found, rows: () => rowsOf(reader), close: () => reader.close() };
  });
}

/** Some of what is looked at in one go, so that no list of all is needed. */
const rowsAtOnce = 4096;
const mostNamed = 1000;

async function writeDown(store: Store, rows: Rows, list: string, head: IndexHead): Promise<Pick<FolderPlan, 'state' | 'lost'>> {
  const lost: string[] = [];
  let count = 0;
  let same = true;
  const writer = openIndexWriter(list);
  try {
    for await (const piece of rows) {
      for (const row of piece) {
        writer.add(row);
        if (!differs(row)) continue;
        same = false;
        const { path, version, found } = row;
        if (found === null || found.digest === version?.digest || (await store.has(found.digest))) continue;
        count += 1;
        if (lost.length < mostNamed) lost.push(`${path} (${formatBytes(found.bytes)})`);
      }
    }
    writer.commit(head);
  } catch (error) {
    writer.abandon();
    throw systemError(error, 'write', list);
  }
  return { state: same ? 'same' : 'modified', lost: { paths: lost, count } };
}

function headOf({ tree, files, bytes }: FilesManifest, cacheState: string | null): IndexHead {
  return { version: { tree, files, bytes }, cacheState };
}

async function* inPieces(files: ReturnType<typeof filesOf>): Rows {
  let rows: IndexRow[] = [];
  for await (const file of files) {
    rows.push(rowOf(file));
    if (rows.length < rowsAtOnce) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0) yield rows;
}

// oxlint-disable-next-line require-await -- rows come in one way, wherever from
async function* rowsOf(reader: IndexReader): Rows {
  reader.restart();
  for (;;) {
    const rows: IndexRow[] = [];
    while (rows.length < rowsAtOnce && reader.next()) rows.push(reader.row());
    if (rows.length === 0) return;
    yield rows;
  }
}

async function* noRows(): Rows {}

/** The objects that are to be placed: a fetch brings those that the cache lacks. */
export async function* objectsToPlace(plan: FolderPlan): AsyncGenerator<ObjectRef> {
  for await (const rows of plan.rows()) {
    for (const { version, found } of rows) {
      if (version !== null && version.digest !== found?.digest) yield { digest: version.digest, bytes: version.bytes, role: 'data' };
    }
  }
}

export interface PlaceOptions extends FolderOptions {
  /** the files may be the cache's own (read-only); else they may be written to */
  readonly link: boolean;
  /** files that were written to since the plan was made are replaced, too */
  readonly force: boolean;
}

/**
 * Makes the folder what the plan wants.
 * @throws PlumbError FILE_CHANGED when it was written to since, BYTES_MISSING, DIGEST_MISMATCH, PATH_OUTSIDE, NAME_INVALID, DISK_FULL. What was written
 *   until then is whole; the next try goes on from there
 */
export async function carryOutFolder(store: Store, wanted: Wanted, plan: FolderPlan, options: PlaceOptions): Promise<void> {
  const { folder, manifest } = wanted;
  const target = new TargetFolder(folder, options);
  target.make();
  if (ignoresCase(folder)) await refuseClashes(plan);
  for await (const rows of plan.rows()) for (const row of rows) if (row.version === null && row.found !== null) target.remove(row);
  target.removeEmptied();
  const indexFile = options.index?.fileOf(folder) ?? null;
  const index = keepIndex(indexFile);
  const now = indexFile === null ? 0 : fileClock(folder);
  const placePiece = async (rows: readonly IndexRow[], toPlace: readonly IndexRow[]): Promise<void> => {
    const stamps = (await placeRows(store, wanted, toPlace, options)).values();
    for (const row of rows) index.add(differs(row) ? placedRow(row, stamps.next().value, now) : row);
  };
  let underWay: Promise<void> = Promise.resolve();
  try {
    for await (const rows of plan.rows()) {
      options.signal?.throwIfAborted();
      const wantedRows = rows.filter((row) => row.version !== null);
      const toPlace = wantedRows.filter(differs);
      for (const row of toPlace) target.makeRoomFor(row);
      await underWay;
      underWay = placePiece(wantedRows, toPlace);
      underWay.catch(() => undefined); // told when it is waited for
    }
    await underWay;
    index.commit(headOf(manifest, null));
  } catch (error) {
    await underWay.catch(() => undefined);
    index.abandon();
    throw error;
  }
}

function placedRow({ path, version }: IndexRow, stamp: FileStamp | undefined, now: number): IndexRow {
  if (version === null) throw new Error('a file that the version does not have was placed');
  return { path, version, found: { ...version, stamp: stamp !== undefined && wasPlaced(stamp, now) ? stamp : null } };
}

/** Places files; what turns out to be missing in the cache is fetched, once. */
async function placeRows(store: Store, { digest, folder }: Wanted, rows: readonly IndexRow[], options: PlaceOptions): Promise<FileStamp[]> {
  const { onBytes } = options;
  const signal = options.signal ?? new AbortController().signal;
  const bulk = { signal, ...(onBytes === undefined ? {} : { onBytes }) };
  const files = rows.flatMap(({ path, version }) => (version === null ? [] : [{ ...version, target: join(folder, path) }]));
  const place = (): Promise<FileStamp[]> => store.cache.placeFiles(files, { link: options.link }, bulk);
  try {
    return await place();
  } catch (error) {
    if (!isPlumbError(error, 'BYTES_MISSING')) throw error;
    const objects = files.map((file): ObjectRef => ({ digest: file.digest, bytes: file.bytes, role: 'data' }));
    await store.fetch(objects, { progress: silentProgress, signal, within: [digest] });
    return place();
  }
}

async function refuseClashes(plan: FolderPlan): Promise<void> {
  const clashes = new PathClashes();
  for await (const rows of plan.rows()) {
    for (const { path, version } of rows) {
      const other = version === null ? null : clashes.look(path);
      if (other === null) continue;
      throw new PlumbError('NAME_INVALID', {
        what: `${JSON.stringify(other)} and ${JSON.stringify(path)} are one name on this file system, which does not tell upper from lower case`,
        mend: 'check the data set out on a file system that does, or rename one of the two where it does and add the data set again',
        details: { paths: [other, path] },
      });
    }
  }
}

/**
 * Makes a folder hold exactly the files of a manifest, whatever stood there: what differs is written, file by file and each atomically; others go.
 * @param digest of a manifest of kind files
 * @param options link: the files may be the cache's own; default: they may be written to, as stages do
 * @throws PlumbError as carryOutFolder, and MANIFEST_INVALID
 */
export async function checkoutFolder(
  store: Store,
  digest: Digest,
  folder: string,
  options: FolderOptions & { readonly link?: boolean } = {},
): Promise<{ bytes: number; files: number }> {
  const manifest = await readManifest(store, digest);
  if (manifest.kind !== 'files') {
    throw new PlumbError('MANIFEST_INVALID', { what: `${digest} is a data set of rows, not a folder`, mend: 'check it out as a file' });
  }
  const wanted = { digest, manifest, folder };
  const plan = await planFolder(store, wanted, options);
  try {
    if (plan.state !== 'same') await carryOutFolder(store, wanted, plan, { ...options, link: options.link ?? false, force: true });
  } finally {
    plan.close();
  }
  return { bytes: manifest.bytes, files: manifest.files };
}
