import { PlumbError } from '../../base/errors.ts';
import type { Interval } from '../schema.ts';
import { checkCounts } from './counts.ts';
import { wilsonInterval } from './wilson.ts';

/** Paired pass/fail results, counted: right twice, wrong before and right after, right before and wrong after, wrong twice. */
export interface PairedCounts {
  readonly both: number;
  readonly gained: number;
  readonly lost: number;
  readonly neither: number;
}

/**
 * Difference of two paired shares, after minus before, with its 95 % interval: the Wilson bounds of both shares, joined by their correlation.
 * @returns -1 <= low <= value <= high <= 1
 * @throws PlumbError STAT_NOT_A_COUNT, for no cases at all too
 * Source: Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions based on paired data", method 10;
 * checked against an exact restatement and against published values, see newcombe.reference.py
 */
export function newcombeInterval(pairs: PairedCounts): Interval {
  const { both, gained, lost, neither } = pairs;
  checkCounts({ both, gained, lost, neither });
  const cases = both + gained + lost + neither;
  if (cases === 0) throw new PlumbError('STAT_NOT_A_COUNT', { what: 'a difference of no cases', mend: 'compare at least one case' });
  const after = wilsonInterval({ successes: both + gained, trials: cases });
  const before = wilsonInterval({ successes: both + lost, trials: cases });
  const phi = correlation(pairs, cases);
  const value = (gained - lost) / cases;
  const down = joined(after.value - after.low, before.high - before.value, phi);
  const up = joined(before.value - before.low, after.high - after.value, phi);
  return { value, low: Math.max(-1, value - down), high: Math.min(1, value + up) };
}

/** Correlation of the two results, a positive one drawn towards 0 by half a case (what makes method 10 of method 8). */
function correlation({ both, gained, lost, neither }: PairedCounts, cases: number): number {
  // product of roots, not root of the product: the product of four margins of 100,000 cases leaves the exact integers
  const margins = Math.sqrt(both + gained) * Math.sqrt(lost + neither) * Math.sqrt(both + lost) * Math.sqrt(gained + neither);
  if (margins === 0) return 0;
  const surplus = both * neither - gained * lost;
  return (surplus > 0 ? Math.max(0, surplus - cases / 2) : surplus) / margins;
}

function joined(one: number, other: number, phi: number): number {
  return Math.sqrt(Math.max(0, one * one - 2 * phi * one * other + other * other));
}
