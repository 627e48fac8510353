// Making a folder what a version says: what is in the way goes, and what differs comes. Files that are right are not touched.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sweepKilled } from '../base/atomic.ts';
import type { Digest } from '../base/digest.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import { silentProgress } from '../base/progress.ts';
import type { FileStamp } from '../store/cache/cache.ts';
import type { ObjectRef, Store } from '../store/store.ts';
import { compareUtf8 } from '../store/tree/keys.ts';
import { cacheState } from './cache-state.ts';
import { wasPlaced } from './file-stamp.ts';
import { headOf, planFolder, type FolderPlan, type Wanted } from './folder-plan.ts';
import { keepIndex } from './index-writer.ts';
import type { FolderOptions } from './survey-options.ts';
import { TargetFolder } from './folder-target.ts';
import { NewFolder } from './new-folder.ts';
import type { IndexHead, IndexRow } from './index-file.ts';
import { differs } from './index-row.ts';
import type { IndexReader } from './index-reader.ts';
import { readManifest } from './manifest.ts';
import { ignoresCase, PathClashes } from './name-clashes.ts';
import { fileClock } from './stat-index.ts';

export interface PlaceOptions extends FolderOptions {
  /** the files may be the cache's own (read-only); else they may be written to */
  readonly link: boolean;
  /** files that were written to since the plan was made are replaced, too */
  readonly force: boolean;
}

/** What a checkout did. */
export interface Placed {
  /** that were written, and their bytes */
  readonly files: number;
  readonly bytes: number;
  /** files that the version does not have, and that stood there */
  readonly removed: number;
}

/**
 * Makes the folder what the plan wants: at once where nothing stood there, else file by file.
 * @throws PlumbError FILE_CHANGED when it was written to since, BYTES_MISSING, DIGEST_MISMATCH, PATH_OUTSIDE, NAME_INVALID, DISK_FULL. Of a folder that
 *   stood there, what was written until then is whole, and the next try goes on from there
 */
export async function carryOutFolder(store: Store, wanted: Wanted, plan: FolderPlan, options: PlaceOptions): Promise<Placed> {
  const { folder } = wanted;
  if (plan.state === 'missing' && !existsSync(folder)) return makeFolder(store, wanted, plan, options);
  const target = new TargetFolder(folder, options);
  target.make();
  if (ignoresCase(folder)) await refuseClashes(plan);
  let removed = 0;
  for await (const rows of plan.rows()) {
    for (const row of rows) {
      if (!differs(row) || row.version !== null) continue;
      target.remove(row);
      removed += 1;
    }
  }
  target.removeEmptied();
  const swept = new Set<string>();
  const prepare = async (rows: readonly IndexRow[]): Promise<void> => {
    for (const row of rows) target.makeRoomFor(row);
    await sweepFolders(folder, rows, swept);
  };
  return { ...(await placePlan(store, wanted, plan, options, { folder, fresh: false, prepare, settle: () => undefined })), removed };
}

async function makeFolder(store: Store, wanted: Wanted, plan: FolderPlan, options: PlaceOptions): Promise<Placed> {
  const indexFile = options.index?.fileOf(wanted.folder);
  const made = new NewFolder(wanted.folder, indexFile === undefined ? null : dirname(indexFile));
  const target = new TargetFolder(made.path);
  const prepare = async (rows: readonly IndexRow[]): Promise<void> => rows.forEach((row) => target.makeFolderOf(row));
  try {
    if (ignoresCase(made.path)) await refuseClashes(plan);
    const placed = await placePlan(store, wanted, plan, options, { folder: made.path, fresh: true, prepare, settle: () => made.settle() });
    return { ...placed, removed: 0 };
  } catch (error) {
    made.abandon();
    throw error;
  }
}

/** Where files are placed. */
interface Destination {
  /** absolute */
  readonly folder: string;
  /** nothing stands in it, and nobody sees it yet */
  readonly fresh: boolean;
  prepare(rows: readonly IndexRow[]): Promise<void>;
  settle(): void;
}

async function placePlan(
  store: Store,
  wanted: Wanted,
  plan: FolderPlan,
  options: PlaceOptions,
  into: Destination,
): Promise<Pick<Placed, 'files' | 'bytes'>> {
  let files = 0;
  let bytes = 0;
  const indexFile = options.index?.fileOf(wanted.folder) ?? null;
  const index = new NewIndex(indexFile, plan.others);
  const now = indexFile === null ? 0 : fileClock(into.folder, dirname(indexFile));
  const placePiece = async (rows: readonly IndexRow[], toPlace: readonly IndexRow[], before: Promise<void>): Promise<void> => {
    const stamps = (await placeRows(store, wanted.digest, toPlace, options, into)).values();
    await before;
    for (const row of rows) index.add(!differs(row) || row.version === null ? row : placedRow(row, stamps.next().value, now));
  };
  let underWay: Promise<void> = Promise.resolve();
  try {
    for await (const rows of plan.rows()) {
      options.signal?.throwIfAborted();
      const toPlace = rows.filter((row) => differs(row) && row.version !== null);
      await into.prepare(toPlace);
      files += toPlace.length;
      bytes += toPlace.reduce((sum, { version }) => sum + (version?.bytes ?? 0), 0);
      const before = underWay;
      underWay = placePiece(rows, toPlace, before);
      underWay.catch(() => undefined); // told when it is waited for
      await before;
    }
    await underWay;
    into.settle();
    const state = cacheState(store.cache.root);
    index.commit(headOf(wanted.manifest, state === plan.restKept ? state : null));
    return { files, bytes };
  } catch (error) {
    await underWay.catch(() => undefined);
    index.abandon();
    throw error;
  }
}

/** What a killed checkout left beside the files that it placed. Each folder once. */
async function sweepFolders(folder: string, rows: readonly IndexRow[], swept: Set<string>): Promise<void> {
  for (const { path } of rows) {
    const own = dirname(path);
    if (swept.has(own)) continue;
    swept.add(own);
    await sweepKilled(join(folder, own));
  }
}

/** The index of what the folder has become: what was placed, and between that what was right before. */
class NewIndex {
  readonly #index: ReturnType<typeof keepIndex>;
  readonly #others: IndexReader | null;
  #more: boolean;

  constructor(file: string | null, others: IndexReader | null) {
    this.#index = keepIndex(file);
    this.#others = others;
    others?.restart();
    this.#more = others?.next() === true;
  }

  add(row: IndexRow): void {
    this.#copy((path) => compareUtf8(path, row.path) < 0);
    if (this.#more && this.#others?.path === row.path) this.#more = this.#others.next();
    if (!differs(row) || row.version !== null) this.#index.add(row);
  }

  commit(head: IndexHead): void {
    this.#copy(() => true);
    this.#index.commit(head);
  }

  abandon(): void {
    this.#index.abandon();
  }

  #copy(isNext: (path: string) => boolean): void {
    const others = this.#others;
    for (; others !== null && this.#more && isNext(others.path); this.#more = others.next()) this.#index.copy(others);
  }
}

function placedRow({ path, version }: IndexRow, stamp: FileStamp | undefined, now: number): IndexRow {
  if (version === null) throw new Error('a file that the version does not have was placed');
  return { path, version, found: { ...version, stamp: stamp !== undefined && wasPlaced(stamp, now) ? stamp : null } };
}

/** Places files; what turns out to be missing in the cache is fetched, once. */
async function placeRows(
  store: Store,
  digest: Digest,
  rows: readonly IndexRow[],
  options: PlaceOptions,
  { folder, fresh }: Destination,
): Promise<FileStamp[]> {
  const { onBytes } = options;
  const signal = options.signal ?? new AbortController().signal;
  const bulk = { signal, ...(onBytes === undefined ? {} : { onBytes }) };
  const files = rows.flatMap(({ path, version }) => (version === null ? [] : [{ ...version, target: join(folder, path) }]));
  try {
    return await store.cache.placeFiles(files, { link: options.link, fresh }, bulk);
  } catch (error) {
    if (!isPlumbError(error, 'BYTES_MISSING')) throw error;
    const objects = files.map((file): ObjectRef => ({ digest: file.digest, bytes: file.bytes, role: 'data' }));
    await store.fetch(objects, { progress: silentProgress, signal, within: [digest] });
    // some of them stand there by now
    return store.cache.placeFiles(files, { link: options.link }, bulk);
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
