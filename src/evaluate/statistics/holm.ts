/**
 * p-values corrected for their number, so that the chance of any false alarm among them stays below the level.
 * @param ps p-values, in any order
 * @param family how many tests there were; those not listed had p = 1
 * @returns corrected p-values in the order given, each >= its p and <= 1
 * Source: Holm 1979, step-down Bonferroni; checked against statsmodels, see holm.reference.py
 */
export function holmAdjusted(ps: readonly number[], family: number = ps.length): number[] {
  if (family < ps.length) throw new Error(`a family of ${family} cannot hold ${ps.length} tests`);
  const order = ps.map((_, index) => index).toSorted((a, b) => (ps[a] as number) - (ps[b] as number));
  const adjusted = new Array<number>(ps.length);
  let largest = 0;
  for (const [rank, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (family - rank) * (ps[index] as number)));
    adjusted[index] = largest;
  }
  return adjusted;
}
