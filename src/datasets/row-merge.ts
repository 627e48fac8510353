// A three-way merge of rows: what each side did to the version that both came from is done once. Memory holds digests and places of rows, not
// rows: about 100 bytes for each row of each version. Bytes of rows are copied as they stand in the files, so a merge with a side that
// changed nothing is the other side's file, byte for byte.
//
// The order is that of ours. What theirs added stands behind the row that it follows there, and behind what ours added at that place.
import { PlumbError } from '../base/errors.ts';
import { planByContent } from './row-merge-content.ts';
import { planByKey, type RowConflict } from './row-merge-key.ts';
import { readVersion, type MergeVersions, type Version } from './row-merge-side.ts';
import { writeSpans, type MergedRows } from './row-merge-text.ts';
import type { RowSource } from './row-source.ts';

export type { RowConflict } from './row-merge-key.ts';

export interface RowMergeOptions {
  /** whose row stands where both changed one; left out: such rows are conflicts, and nothing can be written */
  readonly take?: 'ours' | 'theirs';
  /** examples of conflicts */
  readonly limit: number;
  readonly signal?: AbortSignal;
}

export interface RowMerge {
  /** content: rows have no key that names them; then a row that both sides edited stands there twice */
  readonly by: 'key' | 'content';
  /** why by content although a key is named */
  readonly note: string | null;
  /** of the merged file */
  readonly rows: number;
  /** what theirs brings into ours */
  readonly added: number;
  readonly edited: number;
  readonly removed: number;
  /** rows that both sides changed in different ways, those that `take` decided too */
  readonly conflicts: number;
  /** the first of them, by their place in ours, then in theirs */
  readonly examples: readonly RowConflict[];
  /** Writes the merged file. @throws PlumbError MERGE_CONFLICT where conflicts are not decided, DISK_FULL */
  writeTo(path: string): Promise<void>;
}

/**
 * Plans the merge of two versions of a file of rows; each file is read once, and rows that differ are read again when the merge is written.
 * @param versions base: null where both sides have added the data set
 * @throws PlumbError MERGE_CONFLICT when the columns of CSV files differ, DATASET_FORMAT when formats differ or are not text; and what reading rows throws
 */
export async function planRowMerge(
  versions: { readonly base: RowSource | null; readonly ours: RowSource; readonly theirs: RowSource },
  options: RowMergeOptions,
): Promise<RowMerge> {
  const { ours, theirs } = versions;
  requireText(ours, theirs);
  if (versions.base !== null) requireText(ours, versions.base);
  const key = ours.key === theirs.key ? ours.key : undefined;
  const read = async (by: string | null): Promise<MergeVersions> => {
    const reading = { key: by, ...(options.signal ? { signal: options.signal } : {}) };
    const sides = {
      base: versions.base === null ? null : await readVersion(versions.base, reading),
      ours: await readVersion(ours, reading),
      theirs: await readVersion(theirs, reading),
    };
    requireColumns(sides.ours, sides.theirs);
    return sides;
  };
  if (key !== undefined) {
    const plan = await planByKey(await read(key), options);
    if ('merged' in plan) return assemble('key', null, plan, options);
    return assemble('content', plan.note, planByContent(await read(null)), options);
  }
  const note = ours.key === theirs.key ? null : `the key is "${ours.key ?? ''}" in ours and "${theirs.key ?? ''}" in theirs`;
  return assemble('content', note, planByContent(await read(null)), options);
}

interface Plan {
  readonly merged: MergedRows;
  readonly conflicts: number;
  readonly examples: readonly RowConflict[];
}

function assemble(by: RowMerge['by'], note: string | null, { merged, conflicts, examples }: Plan, options: RowMergeOptions): RowMerge {
  return {
    by,
    note,
    rows: merged.rows,
    added: merged.added,
    edited: merged.edited,
    removed: merged.removed,
    conflicts,
    examples,
    async writeTo(path) {
      if (conflicts > 0 && options.take === undefined) throw undecided(merged.ours.source.name, conflicts);
      await writeSpans(merged, path, options.signal);
    },
  };
}

function undecided(file: string, conflicts: number): PlumbError {
  return new PlumbError('MERGE_CONFLICT', {
    what: `${conflicts} ${conflicts === 1 ? 'row' : 'rows'} of ${file} ${conflicts === 1 ? 'was' : 'were'} changed on both sides in different ways`,
    where: { file },
    mend: 'decide with --take ours or --take theirs',
    details: { conflicts },
  });
}

function requireText(ours: RowSource, other: RowSource): void {
  if (ours.format === other.format && ours.format !== 'parquet') return;
  throw new PlumbError('DATASET_FORMAT', {
    what:
      ours.format === other.format
        ? `${ours.name} is Parquet, whose rows cannot be merged`
        : `${ours.name} is ${ours.format} on one side of the merge and ${other.format} on another`,
    where: { file: ours.name },
    mend: 'take one side as a whole: --take ours or --take theirs',
  });
}

/** CSV files of one set of columns can be put together, whatever the order of the columns. */
function requireColumns(ours: Version, theirs: Version): void {
  if (ours.columns === null || theirs.columns === null) return;
  const only = (left: readonly string[], right: readonly string[]): string[] => left.filter((name) => !right.includes(name));
  const [mine, others] = [only(ours.columns, theirs.columns), only(theirs.columns, ours.columns)];
  if (mine.length + others.length === 0) return;
  const told = (which: string, names: readonly string[]): string =>
    names.length === 0 ? '' : `; only ${which} has ${names.slice(0, 10).join(', ')}`;
  throw new PlumbError('MERGE_CONFLICT', {
    what: `the two sides of ${ours.source.name} have different columns${told('ours', mine)}${told('theirs', others)}`,
    where: { file: ours.source.name },
    mend: 'give both sides the same columns and add them again, or take one side as a whole: --take ours or --take theirs',
    details: { ours: mine, theirs: others },
  });
}
