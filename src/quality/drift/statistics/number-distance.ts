// How far two bags of numbers are apart, and what one looks like.
import { alignNumbers, totalOf, type Aligned, type NumberCounts } from './counts.ts';

/**
 * Wasserstein distance (earth mover's), in the unit of the numbers.
 * @returns null when one side is empty
 * Source: equal to scipy.stats.wasserstein_distance, see drift.reference.py
 */
export function wasserstein(before: NumberCounts, after: NumberCounts): number | null {
  const [old, now] = [totalOf(before.counts), totalOf(after.counts)];
  if (old === 0 || now === 0) return null;
  let [below, belowNow, sum] = [0, 0, 0];
  let last: number | null = null;
  for (const { value, before: count, after: countNow } of alignNumbers(before, after)) {
    // by halves: numbers may lie further apart than a number can say
    if (last !== null) sum += 2 * Math.abs(below / old - belowNow / now) * (value / 2 - last / 2);
    below += count;
    belowNow += countNow;
    last = value;
  }
  return sum;
}

/** The same in standard deviations of `before` (of 0.001 at least), as Evidently norms it. */
export function wassersteinNormed(before: NumberCounts, after: NumberCounts): number | null {
  const distance = wasserstein(before, after);
  const shape = describeNumbers(before);
  return distance === null || shape === null ? null : distance / Math.max(shape.deviation, 0.001);
}

/** Kolmogorov-Smirnov: the largest difference of the two shares of values up to a number; 0 to 1, null when one side is empty. */
export function kolmogorovSmirnov(before: NumberCounts, after: NumberCounts): number | null {
  const [old, now] = [totalOf(before.counts), totalOf(after.counts)];
  if (old === 0 || now === 0) return null;
  let [below, belowNow, most] = [0, 0, 0];
  for (const { before: count, after: countNow } of alignNumbers(before, after)) {
    below += count;
    belowNow += countNow;
    most = Math.max(most, Math.abs(below / old - belowNow / now));
  }
  return most;
}

export interface NumberShape {
  readonly least: number;
  readonly most: number;
  readonly mean: number;
  /** of the bag itself, not the estimate for a population */
  readonly deviation: number;
  /** 5, 25, 50, 75 and 95 % */
  readonly quantiles: readonly [number, number, number, number, number];
}

/** @returns null for an empty bag */
export function describeNumbers(bag: NumberCounts): NumberShape | null {
  const { values, counts } = bag;
  const total = totalOf(counts);
  const [least, most] = [values[0], values.at(-1)];
  if (least === undefined || most === undefined) return null;
  // shifted and scaled: squares of large numbers that lie close together would cancel out, those of huge ones overflow
  const scale = most - least > 1e100 || most - least === Infinity ? 2 ** -600 : 1;
  const middle = least * 0.5 + most * 0.5;
  let [sum, squares] = [0, 0];
  values.forEach((value, at) => {
    const apart = value * scale - middle * scale;
    const count = counts[at] as number;
    sum += apart * count;
    squares += apart * apart * count;
  });
  const shift = sum / total;
  const deviation = Math.sqrt(Math.max(0, squares / total - shift * shift)) / scale;
  const [a = least, b = least, c = least, d = least, e = least] = quantiles(bag, [0.05, 0.25, 0.5, 0.75, 0.95]);
  return { least, most, mean: middle + shift / scale, deviation, quantiles: [a, b, c, d, e] };
}

/**
 * Quantiles with linear interpolation, as numpy's default.
 * @param shares rising, 0 to 1
 * @returns none for an empty bag
 */
export function quantiles({ values, counts }: NumberCounts, shares: readonly number[]): number[] {
  const total = totalOf(counts);
  if (total === 0) return [];
  const found: number[] = [];
  let at = 0;
  let passed = counts[0] as number;
  for (const share of shares) {
    const place = (total - 1) * share;
    const whole = Math.floor(place);
    while (passed <= whole) {
      at += 1;
      passed += counts[at] as number;
    }
    const low = values[at] as number;
    const high = place > whole && passed === whole + 1 ? (values[at + 1] as number) : low;
    found.push(low + (high - low) * (place - whole));
  }
  return found;
}

/** Edges between bins that hold a tenth of `before` each; equal ones are one. A number on an edge lies below it. */
export function decileEdges(before: NumberCounts): number[] {
  return [...new Set(quantiles(before, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]))];
}

/**
 * Both bags in bins.
 * @param edges rising; bin i holds what is above edge i - 1 and not above edge i
 */
export function binned(before: NumberCounts, after: NumberCounts, edges: readonly number[]): Aligned {
  return {
    categories: Array.from({ length: edges.length + 1 }, (_, at) => String(at)),
    before: binCounts(before, edges),
    after: binCounts(after, edges),
  };
}

function binCounts({ values, counts }: NumberCounts, edges: readonly number[]): number[] {
  const bins = edges.map(() => 0).concat(0);
  let bin = 0;
  values.forEach((value, at) => {
    while (bin < edges.length && (edges[bin] as number) < value) bin += 1;
    bins[bin] = (bins[bin] as number) + (counts[at] as number);
  });
  return bins;
}
