// What a drift's plot shows: both versions in the same bins, few enough to be looked at.
import type { ColumnCounts } from './column-counts.ts';
import { categoriesOf, type ColumnKind } from './column-kind.ts';
import type { DriftPlot } from './schema.ts';
import { shownText } from './shown.ts';
import { align, totalOf, type NumberCounts } from './statistics/counts.ts';
import { binned, quantiles } from './statistics/number-distance.ts';

const bins = 20;
const bars = 12;

/** @returns null: there is nothing to be drawn */
export function plotOf({ before, after }: { readonly before: ColumnCounts; readonly after: ColumnCounts }, kind: ColumnKind): DriftPlot | null {
  if (kind === 'number') return histogram('values', before.numbers, after.numbers);
  if (kind === 'text') return histogram('length', before.texts.lengths, after.texts.lengths);
  return kind === 'category' ? barsOf(before, after) : null;
}

/** Bins of equal width between the outermost hundredths of both: a single outlier does not squeeze all else into one. */
function histogram(of: 'values' | 'length', before: NumberCounts, after: NumberCounts): DriftPlot | null {
  const ends = [before, after].map((bag) => quantiles(bag, [0.01, 0.99]));
  const low = Math.min(...ends.flatMap(([least = Infinity]) => least));
  const high = Math.max(...ends.flatMap(([, most = -Infinity]) => most));
  if (!Number.isFinite(low) || !Number.isFinite(high) || !Number.isFinite(high - low)) return null;
  const width = (high - low) / (bins - 2);
  const edges = [...new Set(Array.from({ length: bins - 1 }, (_, at) => Number((low + width * at).toPrecision(10))))].toSorted((a, b) => a - b);
  const both = binned(before, after, edges);
  return { kind: 'histogram', of, edges, before: [...both.before], after: [...both.after] };
}

function barsOf(before: ColumnCounts, after: ColumnCounts): DriftPlot | null {
  const both = align(categoriesOf(before) ?? new Map(), categoriesOf(after) ?? new Map());
  const [old, now] = [Math.max(1, totalOf(both.before)), Math.max(1, totalOf(both.after))];
  const shares = both.categories.map((label, at) => ({ label, before: both.before[at] ?? 0, after: both.after[at] ?? 0 }));
  const moved = (one: (typeof shares)[number]): number => Math.abs(one.after / now - one.before / old);
  const largest = (a: (typeof shares)[number], b: (typeof shares)[number]): number =>
    b.before / old + b.after / now - a.before / old - a.after / now || (a.label < b.label ? -1 : 1);
  // of 77 classes, the twelve whose shares moved are news, not the twelve largest
  const shown = shares
    .toSorted((a, b) => moved(b) - moved(a) || largest(a, b))
    .slice(0, bars)
    .toSorted(largest);
  const others = (side: 'before' | 'after'): number => totalOf(both[side]) - totalOf(shown.map((one) => one[side]));
  return {
    kind: 'bars',
    labels: shown.map(({ label }) => shownText(label)),
    before: shown.map((one) => one.before),
    after: shown.map((one) => one.after),
    others: { before: others('before'), after: others('after') },
  };
}
