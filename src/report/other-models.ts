// Against what the model's metrics stand: what is served, and what the branch began from.
import type { Interval } from '../evaluate/schema.ts';
import { count, probability } from './figures.ts';
import type { MetricRow } from './headline.ts';
import type { Report } from './schema.ts';

/** A model that stands beside the one that the report is about. */
export interface OtherModel {
  readonly name: string;
  readonly value: (row: MetricRow) => number | null;
  readonly interval: (row: MetricRow) => MetricRow['interval'];
}

/** What is served, and the merge base's where that is neither of the two. */
export function otherModels({ baseline, baselineEvaluation, mergeBase, candidate }: Report): OtherModel[] {
  const served: OtherModel[] =
    baselineEvaluation === null ? [] : [{ name: baseline?.what ?? 'before', value: (row) => row.before, interval: (row) => row.interval }];
  const metrics = mergeBase?.metrics ?? null;
  const at = mergeBase?.model?.artifact;
  if (metrics === null || at === baseline?.artifact || at === candidate?.artifact) return served;
  const { comparison } = mergeBase ?? {};
  const values: Readonly<Record<string, number>> = {
    Accuracy: metrics.accuracy,
    'Macro F1': metrics.macroF1,
    'Calibration error (ECE)': metrics.ece,
  };
  const intervals: Readonly<Record<string, Interval | undefined>> = { Accuracy: comparison?.difference, 'Macro F1': comparison?.macroF1 };
  const interval = ({ name }: MetricRow): MetricRow['interval'] => {
    const found = intervals[name];
    return found === undefined ? null : { of: 'change', low: found.low, high: found.high };
  };
  return [...served, { name: 'merge base', value: ({ name }) => values[name] ?? null, interval }];
}

/** What there is to say of the merge base beyond the figures; '' where that is nothing. */
export function mergeBaseInWords({ mergeBase, candidate, baseline }: Report): string {
  if (mergeBase === undefined) return '';
  const { commit, model, comparison } = mergeBase;
  if (model === null) return `The merge base ${commit} has no run that can be had: nothing is compared with it.`;
  if (model.artifact === candidate?.artifact) return 'The model is the very same as at the merge base.';
  if (model.artifact === baseline?.artifact) return '';
  if (comparison === null) return 'The model of the merge base was asked other cases and cannot be asked these.';
  const { gained, lost, p, answer } = comparison;
  const words = answer === 'no evidence' ? 'no evidence of a difference' : answer;
  return `Against the merge base: ${words} (${count(gained)} fixed, ${count(lost)} broken, ${probability(p)}).`;
}
