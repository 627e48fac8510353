// What a survey of a folder is asked for, and what comes out of it.
import type { BulkOptions, StoredFile } from '../store/cache/cache.ts';
import type { IndexRow } from './index-file.ts';
import type { StatIndex } from './stat-index.ts';

export interface FolderOptions {
  /** where given, files that it knows are not read again */
  readonly index?: StatIndex;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

export interface SurveyOptions {
  /** absolute */
  readonly folder: string;
  /** of the folder (`StatIndex.fileOf`); null: nothing is known of it, nor kept */
  readonly indexFile: string | null;
  /** Digests of files that are not as they were; null: there is no such file any more */
  readonly hash: (files: readonly { readonly path: string }[], options: BulkOptions) => Promise<readonly (StoredFile | null)[]>;
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

const neverAborted = new AbortController().signal;

export function surveyOptions(folder: string, options: FolderOptions, hash: SurveyOptions['hash']): SurveyOptions {
  const { index, signal = neverAborted, onBytes } = options;
  return { folder, indexFile: index?.fileOf(folder) ?? null, hash, signal, ...(onBytes === undefined ? {} : { onBytes }) };
}

/** Few enough that what is made for them is gone before the next garbage collection. */
export const rowsAtOnce = 1024;

/** Is the object of a file that is as it was where it should be? */
export type IsKept = (row: IndexRow) => boolean | Promise<boolean>;
export type Rows = AsyncGenerator<readonly IndexRow[]>;
