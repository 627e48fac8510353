// Rows of a survey on their way out, a batch at a time: files that are not as they were are hashed together, by several threads.
import { dirname, join } from 'node:path';
import { isSameStamp, stampOf, wasAtRest } from './file-stamp.ts';
import type { FolderWalk } from './folder-walk.ts';
import type { IndexRow } from './index-file.ts';
import { KnownRow } from './index-row.ts';
import { fileClock } from './stat-index.ts';
import { rowsAtOnce, type IsKept, type Rows, type SurveyOptions } from './survey-options.ts';

/** Enough to keep all threads busy. */
const hashesAtOnce = 1024;

/** Rows on their way out: a batch is hashed while the next is gathered. */
export class Batches {
  readonly #options: SurveyOptions;
  readonly #isKept: IsKept | null;
  #batch = emptyBatch();
  #underWay: Promise<readonly IndexRow[]> | null = null;

  constructor(options: SurveyOptions, isKept: IsKept | null) {
    this.#options = options;
    this.#isKept = isKept;
  }

  get full(): boolean {
    const { rows, hash, bytes } = this.#batch;
    return hash.length >= hashesAtOnce || rows.length >= (hash.length > 0 ? 2 * hashesAtOnce : rowsAtOnce) || bytes >= bytesAtOnce;
  }

  asItWas(row: IndexRow): void {
    if (this.#isKept !== null) this.#batch.check.push(this.#batch.rows.length);
    this.#batch.rows.push(row);
  }

  gone({ path, version }: IndexRow): void {
    if (version !== null) this.#batch.rows.push({ path, version, found: null });
  }

  /** @param row of the file that the walk is at */
  look(walk: FolderWalk, row: IndexRow): void {
    if (row instanceof KnownRow && row.isAsFound(walk.facts)) {
      this.asItWas(row);
      return;
    }
    const { path, version, found } = row;
    const stamp = stampOf(walk.facts);
    const { executable } = walk;
    if (found?.stamp && isSameStamp(found.stamp, stamp)) {
      this.asItWas(found.executable === executable ? row : { path, version, found: { ...found, executable } });
      return;
    }
    this.#batch.hash.push({ at: this.#batch.rows.length, executable });
    this.#batch.bytes += stamp.bytes;
    this.#batch.rows.push(row);
  }

  /** Hands out the batch before, and begins with this one. */
  async *turn(): Rows {
    const before = this.#underWay;
    const batch = this.#batch;
    this.#batch = emptyBatch();
    this.#underWay = batch.rows.length === 0 ? null : this.#settle(batch);
    this.#underWay?.catch(() => undefined); // told at the next turn
    const rows = await before;
    if (rows !== null) yield rows;
  }

  /** Nothing goes on when this is done. */
  async end(): Promise<void> {
    await this.#underWay?.catch(() => undefined);
  }

  async #settle(batch: Batch): Promise<readonly IndexRow[]> {
    const { folder, signal, onBytes } = this.#options;
    signal.throwIfAborted();
    const { rows } = batch;
    for (const at of batch.check) {
      const row = rows[at] as IndexRow;
      const kept = this.#isKept?.(row) ?? true;
      if (!(typeof kept === 'boolean' ? kept : await kept)) batch.hash.push({ at, executable: row.found?.executable === true });
    }
    if (batch.hash.length === 0) return rows;
    const begun = this.#clock();
    const paths = batch.hash.map(({ at }) => ({ path: join(folder, (rows[at] as IndexRow).path) }));
    const hashed = await this.#options.hash(paths, { signal, ...(onBytes === undefined ? {} : { onBytes }) });
    for (const [turn, { at, executable }] of batch.hash.entries()) {
      const { path, version } = rows[at] as IndexRow;
      const file = hashed[turn] ?? null;
      const stamp = file !== null && wasAtRest(file.stamp, begun) ? file.stamp : null;
      rows[at] = { path, version, found: file === null ? null : { digest: file.digest, bytes: file.bytes, executable, stamp } };
    }
    return rows.filter((row) => row instanceof KnownRow || row.version !== null || row.found !== null);
  }

  #clock(): number {
    const { indexFile } = this.#options;
    return indexFile === null ? Date.now() : fileClock(dirname(indexFile));
  }
}

/** Bytes of files that are hashed in one batch, unless one file has more. */
const bytesAtOnce = 256 << 20;

interface Batch {
  readonly rows: IndexRow[];
  /** to be hashed: place of the row */
  readonly hash: { readonly at: number; readonly executable: boolean }[];
  /** to be looked for: place of the row */
  readonly check: number[];
  bytes: number;
}

function emptyBatch(): Batch {
  return { rows: [], hash: [], check: [], bytes: 0 };
}
