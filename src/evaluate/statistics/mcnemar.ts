import { fairCoin } from './binomial.ts';
import { checkCounts } from './counts.ts';

/**
 * Exact two-sided McNemar test on paired pass/fail results: were the cases that changed sides equally likely to change either way?
 * @param pairs gained: cases only the model after passes; lost: cases only the model before passes (counts)
 * @returns p, 0 < p <= 1
 * @throws PlumbError STAT_NOT_A_COUNT
 * Cost: grows with the square root of the counts.
 * Source: McNemar 1947, exact binomial form; checked against statsmodels, see mcnemar.reference.py
 */
export function mcnemarExact(pairs: { gained: number; lost: number }): number {
  const { gained, lost } = pairs;
  checkCounts({ gained, lost });
  const changed = gained + lost;
  // the two tails overlap in the middle, or no case tells the models apart
  if (Math.abs(gained - lost) <= 1) return 1;
  const fewer = Math.min(gained, lost);
  // P(X <= fewer) as a multiple of its largest term, summed downwards until the terms no longer count
  let sum = 1;
  let term = 1;
  for (let k = fewer; k > 0 && term > sum * 1e-18; k -= 1) {
    term *= k / (changed - k + 1);
    sum += term;
  }
  return Math.min(1, Math.max(Number.MIN_VALUE, 2 * sum * fairCoin(fewer, changed)));
}

/**
 * What the exact test of so many changed cases can say: the largest p not above a level, or 0.
 * @param changed cases that only one of the models passes (count)
 * @returns a function of the level (0 to 1), as `HolmTest.reach` wants it
 */
export function mcnemarReach(changed: number): (level: number) => number {
  checkCounts({ changed });
  const p = (fewer: number): number => mcnemarExact({ gained: fewer, lost: changed - fewer });
  return (level) => {
    // a p of this very test must be found again, whatever its last bit
    const limit = level * (1 + 1e-12);
    let [from, to] = [0, Math.floor(changed / 2) + 1];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (p(middle) <= limit) from = middle + 1;
      else to = middle;
    }
    return from === 0 ? 0 : p(from - 1);
  };
}
