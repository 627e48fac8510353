// What the statistics of drift look at: bags of values, each value once with how often it is there. Sums go over the values in their order, so that
// they depend on what is in the bag and on nothing else, to the last bit.

/** Distinct finite numbers, rising, with counts above 0. */
export interface NumberCounts {
  readonly values: Float64Array;
  readonly counts: Uint32Array;
}

/** How often each category is there. */
export type CategoryCounts = ReadonlyMap<string, number>;

/** Two bags over the same categories, in one order: counts of the one and of the other, each 0 or more. */
export interface Aligned {
  readonly categories: readonly string[];
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** @param values in any order, one time or several */
export function countNumbers(values: Iterable<number>): NumberCounts {
  const counts = new Map<number, number>();
  // of 0 and -0 there is one
  for (const value of values) counts.set(value === 0 ? 0 : value, (counts.get(value) ?? 0) + 1);
  return numberCounts(counts);
}

export function numberCounts(counts: ReadonlyMap<number, number>): NumberCounts {
  const values = Float64Array.from(counts.keys()).toSorted();
  return { values, counts: Uint32Array.from(values, (value) => counts.get(value) ?? 0) };
}

/** By index: an iterator takes ten times as long, and bags of whole columns go through. */
export function totalOf(counts: ArrayLike<number>): number {
  let total = 0;
  for (let at = 0; at < counts.length; at += 1) total += counts[at] as number;
  return total;
}

/** Categories of either side, sorted by UTF-16 code units. */
export function align(before: CategoryCounts, after: CategoryCounts): Aligned {
  const categories = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  return {
    categories,
    before: categories.map((category) => before.get(category) ?? 0),
    after: categories.map((category) => after.get(category) ?? 0),
  };
}

interface NumberRuns {
  readonly values: Float64Array;
  readonly counts: ArrayLike<number>;
}

/** Both bags of numbers, value by value in rising order. */
export function* alignNumbers(before: NumberRuns, after: NumberRuns): Generator<{ value: number; before: number; after: number }> {
  let [at, to] = [0, 0];
  while (at < before.values.length || to < after.values.length) {
    const [old, now] = [before.values[at] ?? Infinity, after.values[to] ?? Infinity];
    const value = Math.min(old, now);
    yield { value, before: old === value ? (before.counts[at++] as number) : 0, after: now === value ? (after.counts[to++] as number) : 0 };
  }
}
