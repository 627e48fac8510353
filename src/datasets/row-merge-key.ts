// Merging rows that a key names: a row that one side changed is that side's, one that both changed alike is both's, the rest are conflicts.
import { keyText } from './keys.ts';
import { rowText } from './row-content.ts';
import { Placed, type MergedRows } from './row-merge-text.ts';
import type { MergeVersions, Version } from './row-merge-side.ts';
import { openRows, type RowsByNumber } from './row-merge-read.ts';

export interface RowConflict {
  readonly key: string;
  /** the row on each side; null: it is not there */
  readonly base: Readonly<Record<string, unknown>> | null;
  readonly ours: Readonly<Record<string, unknown>> | null;
  readonly theirs: Readonly<Record<string, unknown>> | null;
}

interface KeyPlan {
  readonly merged: MergedRows;
  readonly conflicts: number;
  readonly examples: readonly RowConflict[];
}

/** Numbers of one row in the three versions; -1: not there. */
interface Place {
  readonly base: number;
  readonly ours: number;
  readonly theirs: number;
}

/** @returns the note where rows of a version cannot be told apart by the key */
export async function planByKey(
  versions: MergeVersions,
  options: { readonly take?: 'ours' | 'theirs'; readonly limit: number },
): Promise<KeyPlan | { readonly note: string }> {
  const note = versions.ours.note ?? versions.theirs.note ?? versions.base?.note ?? null;
  if (note !== null) return { note };
  const rows = { base: versions.base === null ? null : openRows(versions.base), ours: openRows(versions.ours), theirs: openRows(versions.theirs) };
  try {
    const merging = new Merging(versions, rows, options);
    await merging.run();
    return { merged: merging.placed.done(), conflicts: merging.conflicts, examples: await describe(versions, rows, merging.examples) };
  } finally {
    await Promise.all([rows.base?.close(), rows.ours.close(), rows.theirs.close()]);
  }
}

/** A row of one of the versions. */
interface Which {
  readonly side: 'base' | 'ours' | 'theirs';
  readonly row: number;
}

interface Files {
  readonly base: RowsByNumber | null;
  readonly ours: RowsByNumber;
  readonly theirs: RowsByNumber;
}

// every row has a name of its own, so that the entry of a row's name is the row's number
class Merging {
  readonly placed: Placed;
  readonly examples: Place[] = [];
  conflicts = 0;
  readonly #versions: MergeVersions;
  readonly #files: Files;
  readonly #takeTheirs: boolean;
  readonly #limit: number;

  constructor(versions: MergeVersions, files: Files, options: { readonly take?: 'ours' | 'theirs'; readonly limit: number }) {
    this.#versions = versions;
    this.#files = files;
    this.#takeTheirs = options.take === 'theirs';
    this.#limit = options.limit;
    this.placed = new Placed(versions.ours, versions.theirs);
  }

  async run(): Promise<void> {
    const { ours, theirs } = this.#versions;
    for (let row = 0; row < ours.rows; row += 1) {
      const other = theirs.names.findSame(ours.names, row);
      if (other === -1 || !isWrittenAlike(ours, row, theirs, other)) await this.#ofOurs(row, other);
    }
    for (let row = 0; row < theirs.rows; row += 1) {
      const there = ours.names.findSame(theirs.names, row);
      if (there !== -1) this.placed.follow(there);
      else if (await this.#comesIn(row)) this.placed.insert(row);
    }
  }

  /** @param other the row of theirs with the same key, or -1 */
  async #ofOurs(row: number, other: number): Promise<void> {
    const { base, ours } = this.#versions;
    const before = base === null ? -1 : base.names.findSame(ours.names, row);
    if (other === -1 && before === -1) return this.placed.own(row);
    if (other !== -1 && (await this.#isSame({ side: 'ours', row }, { side: 'theirs', row: other }))) return;
    const place = { base: before, ours: row, theirs: other };
    if (before !== -1) {
      if (await this.#isSame({ side: 'ours', row }, { side: 'base', row: before })) return this.#takeFromTheirs(place);
      if (other !== -1 && (await this.#isSame({ side: 'theirs', row: other }, { side: 'base', row: before }))) return;
    }
    this.#conflict(place);
    if (this.#takeTheirs) this.#takeFromTheirs(place);
  }

  #takeFromTheirs({ ours, theirs }: Place): void {
    if (theirs === -1) this.placed.remove(ours);
    else this.placed.replace(ours, theirs);
  }

  /** A row of theirs that ours has not: new there, or gone here. */
  async #comesIn(row: number): Promise<boolean> {
    const { base, theirs } = this.#versions;
    const before = base === null ? -1 : base.names.findSame(theirs.names, row);
    if (before === -1) return true;
    if (await this.#isSame({ side: 'theirs', row }, { side: 'base', row: before })) return false;
    this.#conflict({ base: before, ours: -1, theirs: row });
    return this.#takeTheirs;
  }

  /** Do two rows say the same? Those that are not written alike are read. */
  async #isSame(one: Which, other: Which): Promise<boolean> {
    const [left, right] = [this.#versions[one.side], this.#versions[other.side]];
    if (left === null || right === null) return false;
    if (isWrittenAlike(left, one.row, right, other.row)) return true;
    const text = async ({ side, row }: Which): Promise<string> => rowText((await this.#files[side]?.valueOf(row)) ?? {}, false);
    return (await text(one)) === (await text(other));
  }

  #conflict(place: Place): void {
    this.conflicts += 1;
    if (this.examples.length < this.#limit) this.examples.push(place);
  }
}

function isWrittenAlike(left: Version, row: number, right: Version, other: number): boolean {
  return left.names.get(row, 0) === right.names.get(other, 0) && left.names.get(row, 1) === right.names.get(other, 1);
}

async function describe({ ours }: MergeVersions, files: Files, places: readonly Place[]): Promise<RowConflict[]> {
  const value = async (rows: RowsByNumber | null, row: number): Promise<Record<string, unknown> | null> =>
    rows === null || row === -1 ? null : rows.valueOf(row);
  const conflicts: RowConflict[] = [];
  for (const place of places) {
    const sides = {
      base: await value(files.base, place.base),
      ours: await value(files.ours, place.ours),
      theirs: await value(files.theirs, place.theirs),
    };
    const key = keyText((sides.ours ?? sides.theirs)?.[ours.source.key ?? '']) ?? '';
    conflicts.push({ key, ...sides });
  }
  return conflicts;
}
