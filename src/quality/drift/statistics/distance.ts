// How far two distributions over the same categories are apart.
import { totalOf, type Aligned } from './counts.ts';

/**
 * Jensen-Shannon distance: the square root of the divergence, in natural logarithms; 0 (equal) to 0.8326 (nothing in common).
 * @returns null when one side is empty
 * Source: Endres and Schindelin 2003; equal to scipy.spatial.distance.jensenshannon and to Evidently's, see drift.reference.py
 */
export function jensenShannon({ before, after }: Aligned): number | null {
  const [old, now] = [totalOf(before), totalOf(after)];
  if (old === 0 || now === 0) return null;
  let divergence = 0;
  before.forEach((count, at) => {
    const [p, q] = [count / old, (after[at] ?? 0) / now];
    const middle = (p + q) / 2;
    if (p > 0) divergence += (p * Math.log(p / middle)) / 2;
    if (q > 0) divergence += (q * Math.log(q / middle)) / 2;
  });
  return Math.sqrt(Math.max(0, divergence));
}

/** Total variation: the share of rows that would have to be others; 0 to 1, null when one side is empty. */
export function totalVariation({ before, after }: Aligned): number | null {
  const [old, now] = [totalOf(before), totalOf(after)];
  if (old === 0 || now === 0) return null;
  return before.reduce((sum, count, at) => sum + Math.abs(count / old - (after[at] ?? 0) / now), 0) / 2;
}

/** A share below it counts as it: a category that one side lacks would be infinitely far else. */
const leastShare = 1e-4;

/**
 * Population stability index: the sum of (after - before) * ln(after / before) over shares; below 0.1 is called stable, above 0.25 another population.
 * @returns null when one side is empty
 * Source: Siddiqi 2006, "Credit Risk Scorecards"; the floor of 1e-4 is that of the common implementations
 */
export function stabilityIndex({ before, after }: Aligned): number | null {
  const [old, now] = [totalOf(before), totalOf(after)];
  if (old === 0 || now === 0) return null;
  return before.reduce((sum, count, at) => {
    const [p, q] = [Math.max(count / old, leastShare), Math.max((after[at] ?? 0) / now, leastShare)];
    return sum + (q - p) * Math.log(q / p);
  }, 0);
}
