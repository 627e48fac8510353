// What it takes to make a folder what a version says: all of it is looked at, and what is wanted is written down beside what is there. The index of the
// folder is that list, so that no memory has to hold it.
import { rmSync } from 'node:fs';
import { temporaryBeside } from '../base/atomic.ts';
import type { Digest } from '../base/digest.ts';
import { isPlumbError, systemError } from '../base/errors.ts';
import { formatBytes } from '../base/progress.ts';
import type { ObjectRef, Store } from '../store/store.ts';
import { diffFileTrees } from '../store/tree/file-diff.ts';
import type { FileChange } from '../store/tree/tree.ts';
import { cacheState } from './cache-state.ts';
import { rowOf, surveyFolder, type FolderSurvey } from './folder-survey.ts';
import { TargetFolder } from './folder-target.ts';
import { openIndexWriter } from './index-writer.ts';
import { surveyOptions, type FolderOptions, type Rows } from './survey-options.ts';
import type { IndexHead, IndexRow } from './index-file.ts';
import { differs } from './index-row.ts';
import { IndexReader } from './index-reader.ts';
import { cacheOnly, filesOf, type FilesManifest } from './manifest.ts';

/** What stands in a folder, beside what shall. */
export interface FolderPlan {
  readonly state: 'same' | 'modified' | 'missing';
  /** files that are in no cache: they would be lost; a few by name and size, and how many */
  readonly lost: { readonly paths: readonly string[]; readonly count: number };
  /** Every path, in order; without those that are in `others`. Can be asked for more than once. */
  rows(): Rows;
  /** an index of files that are right as they are, where only the rest was listed; it is in the order of paths, too */
  readonly others: IndexReader | null;
  /** are the objects of all that is wanted known to be in the cache? */
  readonly isKept: boolean;
  /** state of the cache in which it has the objects of all that need not be placed; null: that is not known */
  readonly restKept: string | null;
  close(): void;
}

export interface Wanted {
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
  const how = surveyOptions(folder, options, (files, bulk) => store.cache.hashFiles(files, bulk));
  const state = cacheState(store.cache.root);
  if (new TargetFolder(folder).isEmpty()) {
    const isKept = isWhole(how.indexFile === null ? null : headOfIndex(how.indexFile), manifest, state);
    return { ...nothing, state: 'missing', rows: () => inPieces(filesOf(store, manifest)), isKept, restKept: state };
  }
  const list = how.indexFile ?? temporaryBeside(`${folder}.list`);
  return surveyFolder(how, digest, async (survey) => {
    if (survey.untouched && survey.indexed) return { ...nothing, state: 'same' };
    const quick = survey.untouched ? await planFromIndex(store, survey, manifest) : null;
    if (quick !== null) return quick;
    const rows = survey.rows(survey.indexed ? null : filesOf(store, manifest));
    const isKept = isWhole(survey.head, manifest, state);
    const found = await writeDown(store, rows, list, headOf(manifest, isKept ? state : null));
    const reader = IndexReader.open(list);
    if (how.indexFile === null) rmSync(list, { force: true });
    if (reader === null) throw new Error(`${list} cannot be read again`);
    return { ...nothing, ...found, rows: () => rowsOf(reader), isKept, restKept: isKept ? state : null, close: () => reader.close() };
  });
}

const nothing: Omit<FolderPlan, 'state'> = {
  lost: { paths: [], count: 0 },
  rows: () => noRows(),
  others: null,
  isKept: false,
  restKept: null,
  close: () => undefined,
};

/** Had the cache all of a version when it was as it is now? */
function isWhole(head: IndexHead | null, { tree }: FilesManifest, state: string | null): boolean {
  return state !== null && head?.version?.tree === tree && head.cacheState === state;
}

function headOfIndex(file: string): IndexHead | null {
  const reader = IndexReader.open(file);
  reader?.close();
  return reader?.head ?? null;
}

/** More changes than this are not held in memory. */
const mostChanges = 20_000;

/**
 * Where the folder is another version, to the last file, the two trees say what differs: a switch costs what changes.
 * @returns null: there is too much of it, or the version that it is is not on this machine
 */
async function planFromIndex(store: Store, survey: FolderSurvey, { tree }: FilesManifest): Promise<FolderPlan | null> {
  const changes: FileChange[] = [];
  try {
    for await (const change of diffFileTrees((digest) => cacheOnly(store).readBytes(digest), survey.manifest.tree, tree)) {
      if (changes.push(change) > mostChanges) return null;
    }
  } catch (error) {
    if (isPlumbError(error, 'BYTES_MISSING')) return null;
    throw error;
  }
  const rows = survey.changed(changes);
  const lost = new Lost(store);
  for (const row of rows) await lost.look(row);
  const others = survey.takeIndex();
  const restKept = survey.head?.cacheState ?? null;
  return { ...nothing, state: 'modified', lost: lost.found(), rows: () => onePiece(rows), others, restKept, close: () => others?.close() };
}

/** Files that would be lost. */
class Lost {
  readonly #store: Store;
  readonly #paths: string[] = [];
  #count = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  async look({ path, version, found }: IndexRow): Promise<void> {
    if (found === null || found.digest === version?.digest || (await this.#store.has(found.digest))) return;
    this.#count += 1;
    if (this.#paths.length < mostNamed) this.#paths.push(`${path} (${formatBytes(found.bytes)})`);
  }

  found(): FolderPlan['lost'] {
    return { paths: this.#paths, count: this.#count };
  }
}

/** Some of what is looked at in one go, so that no list of all is needed. */
const rowsAtOnce = 2048;
const mostNamed = 1000;

async function writeDown(store: Store, rows: Rows, list: string, head: IndexHead): Promise<Pick<FolderPlan, 'state' | 'lost'>> {
  const lost = new Lost(store);
  let same = true;
  const writer = openIndexWriter(list);
  try {
    for await (const piece of rows) {
      for (const row of piece) {
        writer.add(row);
        if (!differs(row)) continue;
        same = false;
        await lost.look(row);
      }
    }
    writer.commit(head);
  } catch (error) {
    writer.abandon();
    throw systemError(error, 'write', list);
  }
  return { state: same ? 'same' : 'modified', lost: lost.found() };
}

export function headOf({ tree, files, bytes }: FilesManifest, kept: string | null): IndexHead {
  return { version: { tree, files, bytes }, cacheState: kept };
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

// oxlint-disable-next-line require-await -- as above
async function* onePiece(rows: readonly IndexRow[]): Rows {
  for (let at = 0; at < rows.length; at += rowsAtOnce) yield rows.slice(at, at + rowsAtOnce);
}

/** The objects that are to be placed: a fetch brings those that the cache lacks. */
export async function* objectsToPlace(plan: FolderPlan): AsyncGenerator<ObjectRef> {
  if (plan.isKept) return;
  for await (const rows of plan.rows()) {
    for (const row of rows) {
      if (!differs(row)) continue;
      const { version, found } = row;
      if (version !== null && version.digest !== found?.digest) yield { digest: version.digest, bytes: version.bytes, role: 'data' };
    }
  }
}
