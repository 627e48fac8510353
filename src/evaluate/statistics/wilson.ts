import { PlumbError } from '../../base/errors.ts';
import type { Interval } from '../schema.ts';
import { checkCounts } from './counts.ts';

/** 97.5 % quantile of the standard normal: bounds are 95 %, two-sided, everywhere in this folder. */
const z = 1.959963984540054;

/**
 * Share of successes with its 95 % score interval.
 * @param share successes out of trials (counts, trials from 1)
 * @returns 0 <= low <= value <= high <= 1
 * @throws PlumbError STAT_NOT_A_COUNT
 * Source: Wilson 1927; checked against statsmodels, see wilson.reference.py
 */
export function wilsonInterval(share: { successes: number; trials: number }): Interval {
  const { successes, trials } = share;
  checkCounts(share);
  if (trials === 0 || successes > trials) {
    throw new PlumbError('STAT_NOT_A_COUNT', {
      what: `${successes} successes in ${trials} trials`,
      mend: 'pass at most as many successes as trials, of one trial or more',
    });
  }
  const value = successes / trials;
  const square = (z * z) / trials;
  const middle = (value + square / 2) / (1 + square);
  const half = (z * Math.sqrt((value * (1 - value)) / trials + square / (4 * trials))) / (1 + square);
  // at 0 and 1 the bound is the value itself; rounding would leave it a bit off
  const low = successes === 0 ? 0 : Math.max(0, middle - half);
  const high = successes === trials ? 1 : Math.min(1, middle + half);
  return { value, low, high };
}
