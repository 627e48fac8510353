// Merging rows without a key, as bags of rows: a row that one side put in comes in, one that one side took out goes, and what both did alike is
// done once. A row that both edited differently is, for the bag, one row less and two rows more: there are no conflicts.
import { Placed, type MergedRows } from './row-merge-text.ts';
import type { MergeVersions, Version } from './row-merge-side.ts';

/** How often a row stands in the merged version, from how often it stands in the three. */
export function mergedCount(base: number, ours: number, theirs: number): number {
  const [mine, others] = [ours - base, theirs - base];
  // the same change of both is one change, as far as it is the same
  if (mine > 0 && others > 0) return base + Math.max(mine, others);
  if (mine < 0 && others < 0) return base + Math.min(mine, others);
  return base + mine + others;
}

export function planByContent({ base, ours, theirs }: MergeVersions): { merged: MergedRows; conflicts: 0; examples: [] } {
  const placed = new Placed(ours, theirs);
  const counts = { base: base === null ? null : countOf(base), ours: countOf(ours), theirs: countOf(theirs) };
  const standsIn = (version: Version | null, count: Uint32Array | null, from: Version, entry: number): number => {
    if (version === null || count === null) return 0;
    const found = version.names.findSame(from.names, entry);
    return found === -1 ? 0 : (count[found] as number);
  };
  // the last of equal rows go, and the last of equal rows come
  const nth = new Uint32Array(ours.names.size);
  const places = new Occurrences(ours);
  for (let row = 0; row < ours.rows; row += 1) {
    const entry = ours.entries[row] as number;
    const number = (nth[entry] = (nth[entry] as number) + 1);
    const before = standsIn(base, counts.base, ours, entry);
    const others = standsIn(theirs, counts.theirs, ours, entry);
    if (number > mergedCount(before, counts.ours[entry] as number, others)) placed.remove(row);
    else if (number > before && number > others) placed.own(row);
  }
  const nthOfTheirs = new Uint32Array(theirs.names.size);
  for (let row = 0; row < theirs.rows; row += 1) {
    const entry = theirs.entries[row] as number;
    const number = (nthOfTheirs[entry] = (nthOfTheirs[entry] as number) + 1);
    const there = ours.names.findSame(theirs.names, entry);
    const mine = there === -1 ? 0 : (counts.ours[there] as number);
    const wanted = mergedCount(standsIn(base, counts.base, theirs, entry), mine, counts.theirs[entry] as number);
    const counterpart = number > Math.min(mine, wanted) ? -1 : places.next(there);
    if (counterpart !== -1) placed.follow(counterpart);
    else if (number > (counts.theirs[entry] as number) - Math.max(0, wanted - mine)) placed.insert(row);
  }
  return { merged: placed.done(), conflicts: 0, examples: [] };
}

function countOf({ names, entries }: Version): Uint32Array {
  const counts = new Uint32Array(names.size);
  for (const entry of entries) counts[entry] = (counts[entry] as number) + 1;
  return counts;
}

/** Rows that say the same, one after the other. */
class Occurrences {
  /** next row that says what this one says, + 1 */
  readonly #next: Uint32Array;
  /** first such row that was not asked for yet, + 1 */
  readonly #first: Uint32Array;

  constructor({ rows, names, entries }: Version) {
    this.#next = new Uint32Array(rows);
    this.#first = new Uint32Array(names.size);
    for (let row = rows - 1; row >= 0; row -= 1) {
      const entry = entries[row] as number;
      this.#next[row] = this.#first[entry] as number;
      this.#first[entry] = row + 1;
    }
  }

  next(entry: number): number {
    const row = (this.#first[entry] as number) - 1;
    if (row >= 0) this.#first[entry] = this.#next[row] as number;
    return row;
  }
}
