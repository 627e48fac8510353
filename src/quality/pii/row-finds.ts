// What is known of the rows of a version: those with finds, sparse, by number. It holds places and keyed hashes, never a value; the names of a path are those
// of the row, and stay on this machine.
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Digest } from '../../base/digest.ts';
import type { CellPath } from './cells.ts';

export interface Find {
  readonly path: CellPath;
  readonly entity: string;
  /** UTF-16 units of the text at the path */
  readonly start: number;
  readonly end: number;
  /** the same in code points */
  readonly span: readonly [number, number];
  readonly score: number;
  /** of the value, where there is a key */
  readonly hash: string | null;
  /** it stands in the last name of the path */
  readonly isName?: true;
}

export interface RowFinds {
  readonly row: number;
  /** value of the key column; null: none, or it is personal data itself */
  readonly key: string | null;
  readonly digest: Digest;
  readonly finds: readonly Find[];
}

export interface VersionFinds {
  readonly rows: number;
  /** by row number, rising */
  readonly flagged: readonly RowFinds[];
}

/** As it is remembered. */
export function encodeFinds(version: VersionFinds): Buffer {
  return gzipSync(JSON.stringify(version), { level: 1 });
}

/** @returns null: it is of another form */
export function decodeFinds(state: Uint8Array): VersionFinds | null {
  try {
    const value = JSON.parse(gunzipSync(state).toString()) as VersionFinds;
    return Number.isSafeInteger(value.rows) && Array.isArray(value.flagged) ? value : null;
  } catch {
    return null;
  }
}
