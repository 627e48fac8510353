// How large chunks are. Nothing that is stored depends on these numbers being what they are today: a recipe lists its chunks with their lengths, a
// tree of rows lists its own, and a reader takes both as they come. Other numbers only mean that bytes which were sent before are not recognised.

export interface ChunkSizes {
  /** No chunk is smaller, save the last of a file; in rows, one before a row that would make it too large, too. */
  readonly min: number;
  readonly average: number;
  /** No chunk is larger, save a row that is. */
  readonly max: number;
}

/** bytes: any file, cut anywhere; rows: text of rows, cut behind the end of a row */
export type ChunkKind = 'bytes' | 'rows';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Small enough that an edit here and there leaves most chunks as they were: with 1 row of 1,000 edited 6 % of the bytes are new, 46 % at 64 KiB. */
export const rowChunks: ChunkSizes = { min: 2 * KiB, average: 8 * KiB, max: 64 * KiB };

/** Below this a file is one chunk: to cut it would cost more entries than it would save bytes. */
const smallFile = 64 * KiB;
const smallAverage = 256 * KiB;
/** From here on chunks grow, so that an index stays small: with 256 KiB, files up to 4 GiB have no more chunks than this. */
const manyChunks = 16_384;
/** Four times this is the most that a frame of a pack holds. */
const largestAverage = 4 * MiB;

/**
 * @param size of the file in bytes
 * @returns null: the file is one chunk, whatever is in it
 */
export function chunkSizes(kind: ChunkKind, size: number): ChunkSizes | null {
  if (kind === 'rows') return rowChunks;
  if (size < smallFile) return null;
  let average = smallAverage;
  while (average < largestAverage && size / average > manyChunks) average *= 2;
  return { min: average / 4, average, max: average * 4 };
}
