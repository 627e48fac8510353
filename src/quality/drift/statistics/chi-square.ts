// Whether two bags of categories are from one distribution.
import { totalOf, type Aligned } from './counts.ts';
import { chiSquareTail } from './special.ts';

export interface ChiSquare {
  readonly statistic: number;
  readonly freedom: number;
  /** 1 where there is nothing to tell apart: fewer than two categories */
  readonly p: number;
  /** Cramer's V of the table of two rows: 0 to 1 */
  readonly cramersV: number;
}

/**
 * Pearson's test of the table of two rows, without correction.
 * @returns null when one side is empty
 * Source: equal to scipy.stats.chi2_contingency(correction=False) and its contingency.association, see drift.reference.py
 */
export function chiSquare({ before, after }: Aligned): ChiSquare | null {
  const [old, now] = [totalOf(before), totalOf(after)];
  if (old === 0 || now === 0) return null;
  const all = old + now;
  let [statistic, categories] = [0, 0];
  before.forEach((count, at) => {
    const both = count + (after[at] ?? 0);
    if (both === 0) return;
    categories += 1;
    // of a table of two rows each column deviates by the same amount in both
    const deviation = count - (both * old) / all;
    statistic += (deviation * deviation * all * all) / (both * old * now);
  });
  const freedom = categories - 1;
  return { statistic, freedom, p: freedom < 1 ? 1 : chiSquareTail(statistic, freedom), cramersV: Math.sqrt(statistic / all) };
}

/** Rows that a category must be expected to have on either side, for the test's chance to be right. Source: Cochran 1954 */
const leastExpected = 5;

/** The categories that are expected too seldom, together as one. */
export function poolRare({ categories, before, after }: Aligned): Aligned {
  const [old, now] = [totalOf(before), totalOf(after)];
  const share = Math.min(old, now) / (old + now);
  const rare = { before: 0, after: 0 };
  const kept: { category: string; before: number; after: number }[] = [];
  categories.forEach((category, at) => {
    const [was, is] = [before[at] ?? 0, after[at] ?? 0];
    if ((was + is) * share >= leastExpected) kept.push({ category, before: was, after: is });
    else {
      rare.before += was;
      rare.after += is;
    }
  });
  if (rare.before + rare.after > 0) kept.push({ category: '', ...rare });
  return { categories: kept.map((one) => one.category), before: kept.map((one) => one.before), after: kept.map((one) => one.after) };
}
