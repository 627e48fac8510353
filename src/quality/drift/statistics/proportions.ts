// Whether two shares are one: rows without a value, before and after.
import { lnChoose, normalTwoSided } from './special.ts';

export interface Share {
  readonly hits: number;
  readonly of: number;
}

/**
 * Two-sided p of two proportions: Fisher's exact test where a cell is expected below 5 and there are few hits, else the pooled z-test.
 * @returns null when one side has no rows
 * Source: equal to scipy.stats.fisher_exact and statsmodels' proportions_ztest, see drift.reference.py
 */
export function twoProportions(
  before: Share,
  after: Share,
): { readonly test: 'fisher' | 'z'; readonly statistic: number | null; readonly p: number } | null {
  if (before.of === 0 || after.of === 0) return null;
  const hits = before.hits + after.hits;
  const all = before.of + after.of;
  const least = (Math.min(hits, all - hits) * Math.min(before.of, after.of)) / all;
  if (least < 5 && Math.min(hits, all - hits) <= 100_000) return { test: 'fisher', statistic: null, p: fisherP(before, after) };
  const pooled = hits / all;
  const z = (after.hits / after.of - before.hits / before.of) / Math.sqrt(pooled * (1 - pooled) * (1 / before.of + 1 / after.of));
  return { test: 'z', statistic: z, p: normalTwoSided(z) };
}

/** All tables with these sums that are no likelier than the one at hand. */
function fisherP(before: Share, after: Share): number {
  const hits = before.hits + after.hits;
  const all = before.of + after.of;
  // of hits and misses the rarer: the sum has as many terms
  if (hits * 2 > all) return fisherP({ hits: before.of - before.hits, of: before.of }, { hits: after.of - after.hits, of: after.of });
  const whole = lnChoose(all, hits);
  const lnOf = (k: number): number => lnChoose(before.of, k) + lnChoose(after.of, hits - k) - whole;
  // equal chances differ in their last digits
  const limit = lnOf(before.hits) + 1e-7;
  let p = 0;
  for (let k = Math.max(0, hits - after.of); k <= Math.min(hits, before.of); k += 1) {
    const ln = lnOf(k);
    if (ln <= limit) p += Math.exp(ln);
  }
  return Math.min(1, p);
}
