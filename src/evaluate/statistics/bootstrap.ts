import type { Random } from '../../train/random.ts';

/**
 * Percentile bootstrap interval (95 %) of a number computed from cases. Cases come as counts of kinds: those with equal results are exchangeable, so a
 * resample is nothing but other counts. Pairs stay together because a kind holds the results of both models.
 * @param sample.counts how many cases there are of each kind (counts, at least one case)
 * @param sample.statistic the number, from counts of kinds; it gets one array, overwritten between calls
 * @param resamples from 40, below which no 2.5 % tail exists; 1,000 put the bounds within a few hundredths of the width
 * Cost: resamples times (cases + the statistic).
 * Source: Efron 1979, percentile method with linear interpolation; checked against scipy.stats.bootstrap, see bootstrap.reference.py
 */
export function bootstrapInterval(
  sample: { counts: readonly number[]; statistic: (counts: Uint32Array) => number },
  resamples: number,
  random: Random,
): { low: number; high: number } {
  if (resamples < 40) throw new Error(`${resamples} resamples have no 2.5 % tail`);
  const kinds = kindOfEachCase(sample.counts);
  const counts = new Uint32Array(sample.counts.length);
  const values = new Float64Array(resamples);
  // multiply instead of `random.below`, three times as fast: a case is at most cases / 2^32 likelier than another, 1 in 40,000 for 100,000 cases
  const scale = kinds.length / 2 ** 32;
  for (let resample = 0; resample < resamples; resample += 1) {
    counts.fill(0);
    for (let drawn = 0; drawn < kinds.length; drawn += 1) {
      const kind = kinds[Math.floor(random.next() * scale)] as number;
      counts[kind] = (counts[kind] as number) + 1;
    }
    values[resample] = sample.statistic(counts);
  }
  values.sort();
  return { low: quantile(values, 0.025), high: quantile(values, 0.975) };
}

function kindOfEachCase(counts: readonly number[]): Uint32Array {
  const cases = counts.reduce((sum, count) => sum + count, 0);
  if (cases === 0) throw new Error('nothing to resample');
  const kinds = new Uint32Array(cases);
  let at = 0;
  for (const [kind, count] of counts.entries()) {
    kinds.fill(kind, at, at + count);
    at += count;
  }
  return kinds;
}

/** Between the two values beside the place (Hyndman and Fan 1996, type 7: what numpy does). */
function quantile(sorted: Float64Array, share: number): number {
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (place - below);
}
