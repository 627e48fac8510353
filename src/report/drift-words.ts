// Drift in words and small bars, the same in every view.
import type { DriftAspect, DriftColumn, DriftPlot } from '../quality/drift/schema.ts';
import { count, counted, percent, probability } from './figures.ts';

const measures: Readonly<Record<string, string>> = {
  wasserstein_normed: 'Wasserstein distance',
  ks: 'Kolmogorov-Smirnov distance',
  psi: 'population stability index',
  jensen_shannon: 'Jensen-Shannon distance',
  total_variation: 'total variation',
  cramers_v: 'Cramer’s V',
};

const subjects: Readonly<Record<DriftAspect['aspect'], string>> = {
  values: 'values',
  missing: 'rows without a value',
  types: 'types of values',
  length: 'length of texts',
  words: 'words',
  uniqueness: 'values that repeat',
};

/** 'values: Wasserstein distance 0.213 (told from 0.1), p < 0.001' */
export function aspectInWords({ aspect, effect, test }: DriftAspect, column: Pick<DriftColumn, 'missing'> & { readonly rows: Rows }): string {
  const told = probability(test.adjusted);
  if (aspect === 'missing') {
    const share = (side: 'before' | 'after'): string => percent(column.rows[side] === 0 ? 0 : column.missing[side] / column.rows[side]);
    return `${subjects.missing}: ${share('before')} → ${share('after')}, ${told}`;
  }
  return `${subjects[aspect]}: ${measures[effect.measure] ?? effect.measure} ${short(effect.value)} (told from ${short(effect.threshold)}), ${told}`;
}

export interface Rows {
  readonly before: number;
  readonly after: number;
}

/** Why a column is told, a line each. */
export function reasonsOf(column: DriftColumn, rows: Rows): string[] {
  if (column.state === 'new') return ['it had no values before'];
  if (column.state === 'gone') return ['it has no values any more'];
  return column.aspects.filter(({ drifted }) => drifted).map((aspect) => aspectInWords(aspect, { missing: column.missing, rows }));
}

/** 'new: wire (40 rows), crypto (12 rows)', or null */
export function comeInWords({ come, kind }: DriftColumn, most: number): string | null {
  if (come.length === 0) return null;
  const shown = come.slice(0, most).map(({ value, rows }) => `${value} (${counted(rows, 'row')})`);
  return `new ${kind === 'text' ? 'words' : 'values'}: ${shown.join(', ')}${come.length > most ? `, ${count(come.length - most)} more` : ''}`;
}

/** Three digits: 0.00378, 12.3, 1.2e+7 */
export function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

const steps = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** Shares as one character each; nothing at all is a blank. */
export function smallBars(counts: readonly number[], most?: number): string {
  const total = counts.reduce((sum, one) => sum + one, 0);
  const top = most ?? Math.max(...shares(counts));
  if (total === 0 || top === 0) return counts.map(() => '·').join('');
  return shares(counts)
    .map((share) => (share === 0 ? '·' : (steps[Math.min(7, Math.floor((share / top) * 7.999))] ?? '█')))
    .join('');
}

/** Both sides of a plot in small bars of one scale. */
export function plotInBars(plot: DriftPlot): { before: string; after: string } {
  const most = Math.max(...shares(plot.before), ...shares(plot.after));
  return { before: smallBars(plot.before, most), after: smallBars(plot.after, most) };
}

export function shares(counts: readonly number[], others = 0): number[] {
  const total = counts.reduce((sum, one) => sum + one, others);
  return counts.map((one) => (total === 0 ? 0 : one / total));
}
