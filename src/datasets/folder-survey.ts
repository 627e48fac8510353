// How a folder stands: a walk through it, merged with what its index knows. Where nothing was changed that is one stat a file and nothing else. Else each
// file that is not as it was is hashed, and rows come out: for every path, what the version has and what the folder has.
//
// In memory are a few thousand rows at a time, whatever the folder holds.
import { rmSync } from 'node:fs';
import type { Digest } from '../base/digest.ts';
import { compareUtf8 } from '../store/tree/keys.ts';
import type { FileChange, FileEntry } from '../store/tree/tree.ts';
import { FolderWalk } from './folder-walk.ts';
import type { FileState, IndexHead, IndexRow } from './index-file.ts';
import { IndexReader } from './index-reader.ts';
import { SpoiledIndex } from './index-row.ts';
import { digestOfManifest, filesManifest, type FilesManifest } from './manifest.ts';
import { Batches } from './survey-batches.ts';
import { rowsAtOnce, type IsKept, type Rows, type SurveyOptions } from './survey-options.ts';

/**
 * Looks at a folder.
 * @param wanted digest of the manifest that the folder is compared with; null: of whatever version its index is of
 * @param work is done once more, without what was known, where the index turns out to be spoiled
 */
export async function surveyFolder<T>(options: SurveyOptions, wanted: Digest | null, work: (survey: FolderSurvey) => Promise<T>): Promise<T> {
  const run = async (): Promise<T> => {
    const survey = new FolderSurvey(options, wanted);
    try {
      return await work(survey);
    } finally {
      survey.close();
    }
  };
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof SpoiledIndex) || options.indexFile === null) throw error;
    rmSync(options.indexFile, { force: true });
    return run();
  }
}

export class FolderSurvey {
  /** what the index is of; null: there is no index */
  readonly head: IndexHead | null;
  /** the folder is, to the last file, the version that the index is of; that may be another than the one that is wanted */
  readonly untouched: boolean;
  /** is the index of the version that is wanted? */
  readonly indexed: boolean;
  readonly #options: SurveyOptions;
  #reader: IndexReader | null;
  #walk: FolderWalk;
  /** rows that were found to be as they were; the walk stands behind them */
  #passed = 0;
  #atFile = false;

  /** @throws SpoiledIndex, and what FolderWalk throws */
  constructor(options: SurveyOptions, wanted: Digest | null) {
    this.#options = options;
    this.#walk = new FolderWalk(options.folder);
    this.#reader = options.indexFile === null ? null : IndexReader.open(options.indexFile);
    this.head = this.#reader?.head ?? null;
    const { version } = this.head ?? { version: null };
    this.indexed = version !== null && (wanted === null || digestOfManifest(manifestOfIndex(version)) === wanted);
    try {
      this.untouched = this.#reader !== null && version !== null && this.#isUntouched(this.#reader);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The version that the index is of. */
  get manifest(): FilesManifest {
    if (!this.head?.version) throw new Error('the index is of no version');
    return manifestOfIndex(this.head.version);
  }

  /** Names that are one on some file systems; known when the walk is at its end. */
  get clashes(): readonly (readonly [string, string])[] {
    return this.#walk.clashes.found;
  }

  /**
   * Every path of the version and of the folder, in order.
   * @param version the files of the version that is wanted; null: those of the index, if it has any
   * @param isKept a file whose object is not is taken for changed
   */
  rows(version: AsyncIterable<FileEntry> | null, isKept: IsKept | null = null): Rows {
    const known = this.#known();
    if (version === null) return this.#merged(known, isKept);
    // the rows are others than those that the walk has passed
    this.#walk = new FolderWalk(this.#options.folder);
    this.#passed = 0;
    this.#atFile = false;
    return this.#merged(rebased(known, version), isKept);
  }

  /**
   * Rows of files that the version that is wanted has otherwise, where the folder is as the version of the index.
   * @param changes from that version to the one that is wanted, in order
   */
  changed(changes: readonly FileChange[]): IndexRow[] {
    const reader = this.#reader;
    reader?.restart();
    let more = reader?.next() === true;
    return changes.map(({ path, before, after }) => {
      while (more && reader !== null && compareUtf8(reader.path, path) < 0) more = reader.next();
      const found = before !== null && more && reader?.path === path ? reader.row().found : null;
      return { path, version: after === null ? null : stateOfEntry(after), found };
    });
  }

  /** Gives the index that the survey was made with to somebody who closes it. */
  takeIndex(): IndexReader | null {
    const reader = this.#reader;
    this.#reader = null;
    return reader;
  }

  close(): void {
    this.#reader?.close();
  }

  /** One look a file, and nothing that is made on the way: this is what most commands pay. */
  #isUntouched(reader: IndexReader): boolean {
    const walk = this.#walk;
    for (;;) {
      this.#atFile = walk.next();
      if (!reader.next()) return !this.#atFile;
      if (!this.#atFile || walk.path !== reader.path || !reader.isVersion(walk.facts)) return false;
      this.#passed += 1;
    }
  }

  async *#known(): Rows {
    const reader = this.#reader;
    if (reader === null) return;
    reader.restart();
    for (;;) {
      const rows: IndexRow[] = [];
      while (rows.length < rowsAtOnce && reader.next()) rows.push(reader.row());
      if (rows.length === 0) return;
      yield rows;
    }
  }

  async *#merged(known: Rows, isKept: IsKept | null): Rows {
    const walk = this.#walk;
    const batches = new Batches(this.#options, isKept);
    if (this.#passed === 0 && !this.#atFile) this.#atFile = walk.next();
    let left = this.#passed;
    try {
      for await (const rows of known) {
        for (const row of rows) {
          if (left > 0) {
            left -= 1;
            batches.asItWas(row);
          } else {
            for (; this.#atFile && compareUtf8(walk.path, row.path) < 0; this.#atFile = walk.next()) {
              batches.look(walk, { path: walk.path, version: null, found: null });
              if (batches.full) yield* batches.turn();
            }
            if (this.#atFile && walk.path === row.path) {
              batches.look(walk, row);
              this.#atFile = walk.next();
            } else batches.gone(row);
          }
          if (batches.full) yield* batches.turn();
        }
      }
      for (; this.#atFile; this.#atFile = walk.next()) {
        batches.look(walk, { path: walk.path, version: null, found: null });
        if (batches.full) yield* batches.turn();
      }
      yield* batches.turn();
      yield* batches.turn();
    } finally {
      await batches.end();
    }
  }
}

/** What the index knows of the folder, with the files of another version. */
async function* rebased(known: Rows, version: AsyncIterable<FileEntry>): Rows {
  const files = version[Symbol.asyncIterator]();
  let rows: IndexRow[] = [];
  let file = await files.next();
  for await (const piece of known) {
    for (const { path, found } of piece) {
      for (; file.done !== true && compareUtf8(file.value.path, path) < 0; file = await files.next()) rows.push(rowOf(file.value));
      if (file.done !== true && file.value.path === path) {
        rows.push({ ...rowOf(file.value), found });
        file = await files.next();
      } else if (found !== null) rows.push({ path, version: null, found });
      if (rows.length >= rowsAtOnce) {
        yield rows;
        rows = [];
      }
    }
  }
  for (; file.done !== true; file = await files.next()) {
    rows.push(rowOf(file.value));
    if (rows.length < rowsAtOnce) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0) yield rows;
}

/** A file of a version, of which nothing is known in the folder. */
export function rowOf(entry: FileEntry): IndexRow {
  return { path: entry.path, version: stateOfEntry(entry), found: null };
}

function stateOfEntry({ digest, bytes, executable }: FileEntry): FileState {
  return { digest, bytes, executable };
}

export function manifestOfIndex({ tree, files, bytes }: NonNullable<IndexHead['version']>): FilesManifest {
  return filesManifest({ root: tree, count: files, bytes });
}
