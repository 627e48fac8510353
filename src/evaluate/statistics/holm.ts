/** One of several tests. */
export interface HolmTest {
  /** its p-value */
  readonly p: number;
  /**
   * The largest p-value not above `level` that this test can give at all; 0 when even its smallest lies above. A continuous test gives `level` itself;
   * an exact test of a few cases has few p-values and often none that small. Tests that share the function are counted together.
   */
  readonly reach: (level: number) => number;
}

/**
 * p-values corrected for their number, so that the chance of any false alarm among them stays below the level, however the tests depend on each other.
 *
 * Holm's step-down, with each test weighed by what it can do: p of a test is multiplied not by the number of tests left but by as many as could have given
 * such a p by chance. For continuous tests that is Holm 1979. For exact tests it never is larger, and much sharper when many of them hold few cases:
 * a class in which nothing changed cannot raise a false alarm, so it costs the others nothing.
 * @param tests in any order
 * @returns corrected p-values in the order given, each >= its p and <= 1
 * Source: Holm 1979; Westfall and Wolfinger 1997, "Multiple tests with discrete distributions". Checked against statsmodels and by fractions, see
 * holm.reference.py
 */
export function holmAdjusted(tests: readonly HolmTest[]): number[] {
  const left = new Map<HolmTest['reach'], number>();
  for (const { reach } of tests) left.set(reach, (left.get(reach) ?? 0) + 1);
  const adjusted = tests.map(() => 1);
  let largest = 0;
  for (const [index, test] of [...tests.entries()].toSorted(([, a], [, b]) => a.p - b.p)) {
    let alarms = 0;
    for (const [reach, count] of left) alarms += count * reach(test.p);
    largest = Math.max(largest, test.p, alarms);
    // the rest are no smaller
    if (largest >= 1) break;
    adjusted[index] = largest;
    left.set(test.reach, (left.get(test.reach) ?? 1) - 1);
  }
  return adjusted;
}
