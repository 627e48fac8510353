// Search trees whose nodes are objects of the store (prolly trees, as noms and Dolt have them): sorted entries, cut into nodes by content. The same
// entries give the same tree, whatever the history; a change rewrites the nodes on its path; two trees are compared by walking only what differs.
//
// Two kinds:
//   files   entries sorted by path (bytes of its UTF-8): path -> digest, size, mode
//   rows    a sequence in file order: row-aligned chunks of one file: digest of the chunk, bytes, rows, smallest and largest key
import type { Digest } from '../../base/digest.ts';

export interface FileEntry {
  /** relative to the data set, '/' between names */
  readonly path: string;
  readonly digest: Digest;
  readonly bytes: number;
  readonly executable: boolean;
}

/** Some rows of a file, one behind the other. The bytes of all chunks together are the file. */
export interface RowChunk {
  /** SHA-256 of these bytes of the file */
  readonly digest: Digest;
  readonly bytes: number;
  readonly rows: number;
  /** keys of its rows as text, cut to 32 bytes of UTF-8: smallest and largest by their bytes; null where rows have no key */
  readonly keys: { readonly first: string; readonly last: string } | null;
}

/** Where a chunk lies in its file. */
export interface PlacedChunk extends RowChunk {
  readonly offset: number;
  /** rows before it */
  readonly row: number;
}

/** Reads a node: its bytes are verified against the digest by whoever reads. */
export type ReadNode = (digest: Digest) => Promise<Uint8Array>;
/** Keeps a node. @returns its SHA-256 */
export type KeepNode = (bytes: Uint8Array) => Digest;

export interface TreeSummary {
  readonly root: Digest;
  /** files, or rows */
  readonly count: number;
  /** of all files, or of the file of rows */
  readonly bytes: number;
}

export interface FileChange {
  readonly path: string;
  readonly before: FileEntry | null;
  readonly after: FileEntry | null;
}
