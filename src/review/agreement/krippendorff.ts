// Krippendorff's alpha: any number of people, of whom each may have looked at some rows only.

export type AlphaScale = 'nominal' | 'ordinal' | 'interval';

export interface Alpha {
  /** at most 1; null: nobody ever says anything else, or no row was looked at twice: nothing can be said */
  readonly alpha: number | null;
  /** rows that two people or more looked at: only they count */
  readonly rows: number;
  /** values in them */
  readonly values: number;
}

/**
 * @param units each row's values, one a person; a value is the place of its category
 * @param categories in their order; of interval they are numbers
 * Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability. Checked against the package krippendorff, see agreement.reference.py
 */
export function krippendorffAlpha(units: readonly (readonly number[])[], categories: readonly number[], scale: AlphaScale): Alpha {
  const size = categories.length;
  const coincidences = Array.from({ length: size }, () => new Float64Array(size));
  const paired = units.filter((unit) => unit.length > 1);
  for (const unit of paired) addPairs(coincidences, unit);
  const totals = coincidences.map((row) => row.reduce((a, b) => a + b, 0));
  const values = totals.reduce((a, b) => a + b, 0);
  const distance = distanceOf(scale, categories, totals);
  let observed = 0;
  let expected = 0;
  for (let c = 0; c < size; c += 1) {
    for (let k = 0; k < size; k += 1) {
      const delta = distance(c, k);
      observed += (coincidences[c]?.[k] ?? 0) * delta;
      expected += (totals[c] ?? 0) * (totals[k] ?? 0) * delta;
    }
  }
  const alpha = expected === 0 || values < 2 ? null : 1 - ((values - 1) * observed) / expected;
  return { alpha, rows: paired.length, values: Math.round(values) };
}

/** Each value of a row with each other one, so that the row counts as often as it has values. */
function addPairs(coincidences: readonly Float64Array[], unit: readonly number[]): void {
  const weight = 1 / (unit.length - 1);
  for (const [at, a] of unit.entries()) {
    for (const [other, b] of unit.entries()) {
      const row = coincidences[a];
      if (at !== other && row !== undefined) row[b] = (row[b] ?? 0) + weight;
    }
  }
}

function distanceOf(scale: AlphaScale, categories: readonly number[], totals: readonly number[]): (c: number, k: number) => number {
  if (scale === 'nominal') return (c, k) => (c === k ? 0 : 1);
  if (scale === 'interval') return (c, k) => ((categories[c] ?? 0) - (categories[k] ?? 0)) ** 2;
  // how many values lie between the two, half of each end among them
  return (c, k) => {
    const [low, high] = c < k ? [c, k] : [k, c];
    let between = 0;
    for (let at = low; at <= high; at += 1) between += totals[at] ?? 0;
    return (between - ((totals[low] ?? 0) + (totals[high] ?? 0)) / 2) ** 2;
  };
}
