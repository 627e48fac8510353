// Two versions, column by column: what is another than before, how large the difference is, and whether chance may have made it. Pure.
import { valueKinds, noNumbers, noTexts, type ColumnCounts, type RowsCounts } from './column-counts.ts';
import { categoriesOf, distinctOf, kindOf, presentOf, type BothSides, type ColumnKind } from './column-kind.ts';
import { plotOf } from './plot.ts';
import type { DriftAspect, DriftColumn, DriftSettings } from './schema.ts';
import { chiSquare, poolRare } from './statistics/chi-square.ts';
import { align, totalOf, type Aligned, type CategoryCounts, type NumberCounts } from './statistics/counts.ts';
import { jensenShannon, stabilityIndex, totalVariation } from './statistics/distance.ts';
import { kolmogorovP } from './statistics/kolmogorov.ts';
import { adjusted } from './statistics/multiplicity.ts';
import {
  binned,
  decileEdges,
  describeNumbers,
  kolmogorovSmirnov,
  wasserstein,
  wassersteinNormed,
  type NumberShape,
} from './statistics/number-distance.ts';
import { twoProportions } from './statistics/proportions.ts';
import { shownText } from './shown.ts';

export interface Versions {
  readonly before: RowsCounts;
  readonly after: RowsCounts;
}

type Untested = Omit<DriftAspect, 'drifted' | 'test'> & { readonly test: Omit<DriftAspect['test'], 'adjusted'> };
type Draft = Omit<DriftColumn, 'state' | 'aspects'> & { readonly state: 'new' | 'gone' | null; readonly aspects: readonly Untested[] };

const absent: ColumnCounts = { kinds: { number: 0, text: 0, boolean: 0, list: 0, object: 0 }, trues: 0, numbers: noNumbers, texts: noTexts };

/**
 * @param label name of the column of labels; null: none
 * @returns columns that drifted first, and how many tests there were
 */
export function compareColumns(versions: Versions, label: string | null, settings: DriftSettings): { columns: DriftColumn[]; tests: number } {
  const names = [...new Set([...versions.before.columns.keys(), ...versions.after.columns.keys()])].toSorted();
  const drafts = names.map((name) => compareColumn(name, versions, { isLabel: name === label, settings }));
  const corrected = adjusted(
    drafts.flatMap(({ aspects }) => aspects.map(({ test }) => test.p)),
    settings.correction,
  );
  let at = 0;
  const columns = drafts.map(({ state, aspects, ...rest }): DriftColumn => {
    const tested = aspects.map(({ test, effect, aspect }): DriftAspect => {
      const p = rounded(corrected[at++] ?? 1);
      return { aspect, effect, test: { ...test, adjusted: p }, drifted: effect.value >= effect.threshold && p < settings.alpha };
    });
    return { ...rest, state: state ?? (tested.some(({ drifted }) => drifted) ? 'drifted' : 'same'), aspects: tested };
  });
  return { columns: columns.toSorted((a, b) => weightOf(b) - weightOf(a) || (a.column < b.column ? -1 : 1)), tests: corrected.length };
}

/** Columns that came or went first, then by how far the largest drift is over its threshold. */
function weightOf({ state, aspects, label }: DriftColumn): number {
  if (state === 'new' || state === 'gone') return Infinity;
  const drifts = aspects.filter(({ drifted }) => drifted).map(({ effect }) => effect.value / effect.threshold);
  return Math.max(0, ...drifts) * (label ? 1000 : 1);
}

interface Asked {
  readonly isLabel: boolean;
  readonly settings: DriftSettings;
}

function compareColumn(name: string, versions: Versions, { isLabel, settings }: Asked): Draft {
  const sides = { before: versions.before.columns.get(name) ?? absent, after: versions.after.columns.get(name) ?? absent };
  const rows = { before: versions.before.rows, after: versions.after.rows };
  const kind = kindOf(sides, isLabel);
  const missing = { before: rows.before - presentOf(sides.before), after: rows.after - presentOf(sides.after) };
  const head = {
    column: name,
    kind,
    label: isLabel,
    missing,
    distinct: { before: distinctOf(sides.before), after: distinctOf(sides.after) },
  };
  const none = { measures: {}, aspects: [], come: [], gone: [] };
  if (presentOf(sides.before) === 0) return { ...head, ...none, state: rows.before === 0 ? null : 'new' };
  if (presentOf(sides.after) === 0) return { ...head, ...none, state: rows.after === 0 ? null : 'gone' };
  const compared = compareValues(sides, kind, settings);
  const common = [missingAspect(missing, rows, settings), typesAspect(sides, settings)];
  const plot = plotOf(sides, kind);
  return {
    ...head,
    ...compared,
    state: null,
    aspects: [...compared.aspects, ...common].filter((one) => one !== null),
    ...(plot === null ? {} : { plot }),
  };
}

type Compared = Pick<Draft, 'measures' | 'aspects' | 'come' | 'gone' | 'shape' | 'length'>;

function compareValues(sides: BothSides, kind: ColumnKind, settings: DriftSettings): Compared {
  switch (kind) {
    case 'number':
      return compareNumbers(sides.before.numbers, sides.after.numbers, settings);
    case 'category':
      return compareCategories(categoriesOf(sides.before) ?? new Map(), categoriesOf(sides.after) ?? new Map(), settings);
    case 'text':
      return compareTexts(sides, settings);
    case 'other':
      return { measures: {}, aspects: [], come: [], gone: [] };
  }
}

function compareNumbers(before: NumberCounts, after: NumberCounts, { numbers }: DriftSettings): Compared {
  const bins = binned(before, after, decileEdges(before));
  const measures = known({
    wasserstein: wasserstein(before, after),
    wasserstein_normed: wassersteinNormed(before, after),
    ks: kolmogorovSmirnov(before, after),
    psi: stabilityIndex(bins),
    jensen_shannon: jensenShannon(bins),
    total_variation: totalVariation(bins),
  });
  const value = measures[numbers.measure];
  const aspects = value === undefined ? [] : [{ aspect: 'values' as const, effect: { ...numbers, value }, test: ksTest(before, after) }];
  return { measures, aspects, come: [], gone: [], shape: { before: shapeOf(before), after: shapeOf(after) } };
}

function ksTest(before: NumberCounts, after: NumberCounts): Untested['test'] {
  const distance = kolmogorovSmirnov(before, after) ?? 0;
  const p = kolmogorovP(distance, totalOf(before.counts), totalOf(after.counts));
  return { name: 'kolmogorov-smirnov', statistic: rounded(distance), p: rounded(p) };
}

function compareCategories(before: CategoryCounts, after: CategoryCounts, { categories }: DriftSettings): Compared {
  const both = align(before, after);
  const measures = known({
    jensen_shannon: jensenShannon(both),
    psi: stabilityIndex(both),
    total_variation: totalVariation(both),
    cramers_v: chiSquare(both)?.cramersV ?? null,
  });
  const value = measures[categories.measure];
  const test = chiSquareTest(both);
  const aspects = value === undefined || test === null ? [] : [{ aspect: 'values' as const, effect: { ...categories, value }, test }];
  return { measures, aspects, come: onlyIn(after, before), gone: onlyIn(before, after) };
}

function chiSquareTest(both: Aligned): Untested['test'] | null {
  const found = chiSquare(poolRare(both));
  return found === null ? null : { name: 'chi-square', statistic: rounded(found.statistic), p: rounded(found.p) };
}

/** A word that is in one row may be a slip of the pen: it is no news. */
const leastRowsOfWord = 3;

function compareTexts({ before, after }: BothSides, settings: DriftSettings): Compared {
  const aspects: Untested[] = [];
  const measures: Record<string, number> = {};
  const [old, now] = [before.texts, after.texts];
  const length = wassersteinNormed(old.lengths, now.lengths);
  if (length !== null) {
    const effect = { measure: 'wasserstein_normed', value: rounded(length), threshold: settings.length };
    aspects.push({ aspect: 'length', effect, test: ksTest(old.lengths, now.lengths) });
  }
  const words = old.words === null || now.words === null ? null : align(old.words, now.words);
  const test = words === null ? null : chiSquareTest(words);
  const far = words === null ? null : totalVariation(poolRare(words));
  if (words !== null && test !== null && far !== null) {
    Object.assign(measures, known({ words_total_variation: far, words_jensen_shannon: jensenShannon(words) }));
    aspects.push({ aspect: 'words', effect: { measure: 'total_variation', value: rounded(far), threshold: settings.words }, test });
  }
  const unique = uniqueAspect({ before, after }, settings);
  if (unique !== null) aspects.push(unique);
  return {
    measures,
    aspects,
    length: { before: shapeOf(old.lengths), after: shapeOf(now.lengths) },
    come: onlyIn(now.words, old.words).filter(({ rows }) => rows >= leastRowsOfWord),
    gone: onlyIn(old.words, now.words).filter(({ rows }) => rows >= leastRowsOfWord),
  };
}

/** Where hardly a value repeated, that some now do is told. */
function uniqueAspect({ before, after }: BothSides, { uniqueness }: DriftSettings): Untested | null {
  const share = (side: ColumnCounts): { hits: number; of: number } => ({ hits: distinctOf(side), of: presentOf(side) });
  const [old, now] = [share(before), share(after)];
  if (old.hits < old.of * 0.95) return null;
  const test = proportionTest(old, now);
  const value = rounded(Math.max(0, old.hits / old.of - now.hits / now.of));
  return test === null ? null : { aspect: 'uniqueness', effect: { measure: 'share of values that repeat', value, threshold: uniqueness }, test };
}

type Counts = { readonly before: number; readonly after: number };

function missingAspect(missing: Counts, rows: Counts, settings: DriftSettings): Untested | null {
  const test = proportionTest({ hits: missing.before, of: rows.before }, { hits: missing.after, of: rows.after });
  if (test === null || missing.before + missing.after === 0) return null;
  const value = rounded(Math.abs(missing.after / rows.after - missing.before / rows.before));
  return { aspect: 'missing', effect: { measure: 'difference of shares', value, threshold: settings.missing }, test };
}

function proportionTest(before: { hits: number; of: number }, after: { hits: number; of: number }): Untested['test'] | null {
  const found = twoProportions(before, after);
  if (found === null) return null;
  return {
    name: found.test === 'fisher' ? 'fisher' : 'two proportions',
    statistic: found.statistic === null ? null : rounded(found.statistic),
    p: rounded(found.p),
  };
}

/** Only where values are of more than one type. */
function typesAspect({ before, after }: BothSides, settings: DriftSettings): Untested | null {
  const counts = (side: ColumnCounts): number[] => valueKinds.map((kind) => side.kinds[kind]);
  const both = { categories: valueKinds, before: counts(before), after: counts(after) };
  if (valueKinds.filter((kind) => before.kinds[kind] + after.kinds[kind] > 0).length < 2) return null;
  const [value, test] = [totalVariation(both), chiSquareTest(both)];
  if (value === null || test === null) return null;
  return { aspect: 'types', effect: { measure: 'total_variation', value: rounded(value), threshold: settings.types }, test };
}

const shownMost = 20;

function onlyIn(counts: CategoryCounts | null, others: CategoryCounts | null): { value: string; rows: number }[] {
  if (counts === null || others === null) return [];
  return [...counts]
    .filter(([name]) => !others.has(name))
    .toSorted(([a, many], [b, more]) => more - many || (a < b ? -1 : 1))
    .slice(0, shownMost)
    .map(([name, rows]) => ({ value: shownText(name), rows }));
}

function shapeOf(bag: NumberCounts): (NumberShape & { quantiles: [number, number, number, number, number] }) | null {
  const shape = describeNumbers(bag);
  if (shape === null) return null;
  const [a, b, c, d, e] = shape.quantiles;
  return {
    least: shape.least,
    most: shape.most,
    mean: rounded(shape.mean),
    deviation: rounded(shape.deviation),
    quantiles: [rounded(a), rounded(b), rounded(c), rounded(d), rounded(e)],
  };
}

function known(measures: Readonly<Record<string, number | null>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(measures).flatMap(([name, value]) => (value === null || !Number.isFinite(value) ? [] : [[name, rounded(value)]])),
  );
}

/** Ten digits: logarithms differ in their last one from machine to machine. */
function rounded(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(10)) : Number.MAX_VALUE;
}
