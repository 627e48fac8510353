// Which rows differ between two versions. Where the trees of both are known, only rows of chunks that differ are read. Memory holds digests of rows
// that are read, not rows: about 60 bytes a row of the version before. They are read once more at the end, for what changed rows said.
import { compareByContent } from './content-diff.ts';
import { compareByKey } from './key-diff.ts';
import type { RowsDiff } from './row-findings.ts';
import { createSides, type RowDiffOptions } from './row-sides.ts';
import type { RowSource } from './row-source.ts';

export type { RowSample, RowsDiff } from './row-findings.ts';
export type { RowDiffOptions } from './row-sides.ts';
export type { RowSource } from './row-source.ts';

/**
 * Compares two files of rows, of whatever formats.
 * @throws PlumbError ROW_SYNTAX, ROW_ENCODING, ROW_RAGGED, FILE_MISSING, FILE_CHANGED; MANIFEST_INVALID for a tree that is none, and what readNode throws
 */
export async function diffRows(before: RowSource, after: RowSource, options: RowDiffOptions): Promise<RowsDiff> {
  const key = after.key ?? before.key;
  const side = await createSides(before, after, options);
  if (key !== undefined) {
    const result = await compareByKey(side(), key, options);
    if (!('note' in result)) return result.diff;
    return compareByContent(side(), result.note, options);
  }
  return compareByContent(side(), null, options);
}
