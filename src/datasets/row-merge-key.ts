// Merging rows that a key names: a row that one side changed is that side's, one that both changed alike is both's, the rest are conflicts.
import { keyText } from './keys.ts';
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
  const merging = new Merging(versions, options.take === 'theirs', options.limit);
  merging.run();
  return { merged: merging.placed.done(), conflicts: merging.conflicts, examples: await describe(versions, merging.examples) };
}

// every row has a name of its own, so that the entry of a row's name is the row's number
class Merging {
  readonly placed: Placed;
  readonly examples: Place[] = [];
  conflicts = 0;
  readonly #versions: MergeVersions;
  readonly #takeTheirs: boolean;
  readonly #limit: number;

  constructor(versions: MergeVersions, takeTheirs: boolean, limit: number) {
    this.#versions = versions;
    this.#takeTheirs = takeTheirs;
    this.#limit = limit;
    this.placed = new Placed(versions.ours, versions.theirs);
  }

  run(): void {
    const { ours, theirs } = this.#versions;
    for (let row = 0; row < ours.rows; row += 1) this.#ofOurs(row);
    for (let row = 0; row < theirs.rows; row += 1) {
      const there = ours.names.findSame(theirs.names, row);
      if (there !== -1) this.placed.follow(there);
      else if (this.#comesIn(row)) this.placed.insert(row);
    }
  }

  #ofOurs(row: number): void {
    const { base, ours, theirs } = this.#versions;
    const before = base === null ? -1 : base.names.findSame(ours.names, row);
    const other = theirs.names.findSame(ours.names, row);
    if (other !== -1 && isSame(ours, row, theirs, other)) return;
    if (other === -1 && before === -1) return this.placed.own(row);
    const place = { base: before, ours: row, theirs: other };
    if (base !== null && before !== -1) {
      if (isSame(ours, row, base, before)) return this.#takeFromTheirs(place);
      if (other !== -1 && isSame(theirs, other, base, before)) return;
    }
    this.#conflict(place);
    if (this.#takeTheirs) this.#takeFromTheirs(place);
  }

  #takeFromTheirs({ ours, theirs }: Place): void {
    if (theirs === -1) this.placed.remove(ours);
    else this.placed.replace(ours, theirs);
  }

  /** A row of theirs that ours has not: new there, or gone here. */
  #comesIn(row: number): boolean {
    const { base, theirs } = this.#versions;
    const before = base === null ? -1 : base.names.findSame(theirs.names, row);
    if (base === null || before === -1) return true;
    if (isSame(theirs, row, base, before)) return false;
    this.#conflict({ base: before, ours: -1, theirs: row });
    return this.#takeTheirs;
  }

  #conflict(place: Place): void {
    this.conflicts += 1;
    if (this.examples.length < this.#limit) this.examples.push(place);
  }
}

function isSame(left: Version, row: number, right: Version, other: number): boolean {
  return left.names.get(row, 0) === right.names.get(other, 0) && left.names.get(row, 1) === right.names.get(other, 1);
}

async function describe({ base, ours, theirs }: MergeVersions, places: readonly Place[]): Promise<RowConflict[]> {
  if (places.length === 0) return [];
  const files = [base, ours, theirs].map((version) => (version === null ? null : openRows(version)));
  try {
    const value = async (rows: RowsByNumber | null | undefined, row: number): Promise<Record<string, unknown> | null> =>
      rows === null || rows === undefined || row === -1 ? null : rows.valueOf(row);
    const conflicts: RowConflict[] = [];
    for (const place of places) {
      const sides = {
        base: await value(files[0], place.base),
        ours: await value(files[1], place.ours),
        theirs: await value(files[2], place.theirs),
      };
      const key = keyText((sides.ours ?? sides.theirs)?.[ours.source.key ?? '']) ?? '';
      conflicts.push({ key, ...sides });
    }
    return conflicts;
  } finally {
    for (const file of files) await file?.close();
  }
}
