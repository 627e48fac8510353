// Does a gate hold? Pure: the same evaluation, comparisons and checks always give the same answer and the same words, so that whoever has the
// evidence can judge again. It reads no list of the evaluation, only its figures: a report may have shortened the lists.
import { significance } from './compare.ts';
import type { Comparison, Evaluation, GateCheck, GateResult } from './schema.ts';
import { count, counted, labelWord, percent, percentApart, points, probability } from './words.ts';

type CheckResult = GateResult['checks'][number];
type MetricCheck = Extract<GateCheck, { at_least?: number | undefined }>;
type AccuracyCheck = Exclude<Extract<GateCheck, { against: string }>, { slices: unknown }>;
type SliceCheck = Extract<GateCheck, { slices: unknown }>;
type ClassChange = Comparison['classes'][number];

/** What a model is compared with. A stage that holds no model yet has none. */
/** What is known of each stage; 'same model': the candidate is what is there, so there is nothing to compare. */
export type Comparisons = { readonly production?: Comparison | 'same model'; readonly staging?: Comparison | 'same model' };

/**
 * Judges every check of a gate; it holds when all of them do. A check against a stage that holds no model does not apply, and holds.
 *
 * - A metric must reach its figure; with `bound: wilson` the lower 95 % bound must (the upper one for `at_most`).
 * - `against` without slices is a test of non-inferiority: the lower 95 % bound of the difference must lie above minus the margin. Too few cases to say
 *   are not a pass.
 * - `slices: [label]` looks at each class: one that lost more recall than the margin, and significantly (p < 0.05, after the correction), breaks it.
 *   Here too few cases are a pass, or any suite with a rare class could never pass; such classes are named in `why`.
 * @param input.gate name of the gate in policy.yaml
 */
export function decideGate(input: { gate: string; checks: readonly GateCheck[]; evaluation: Evaluation; comparisons: Comparisons }): GateResult {
  const checks = input.checks.map((check) => {
    if ('slices' in check) return decideSlices(check, input.comparisons[check.against]);
    if ('against' in check) return decideAgainst(check, input.comparisons[check.against]);
    return decideMetric(check, input.evaluation);
  });
  return { gate: input.gate, holds: checks.every((check) => check.holds), checks };
}

const metricWords: Record<MetricCheck['metric'], string> = {
  accuracy: 'accuracy',
  macro_f1: 'macro F1',
  macro_precision: 'macro precision',
  macro_recall: 'macro recall',
  ece: 'calibration error (ECE)',
};

function decideMetric(check: MetricCheck, evaluation: Evaluation): CheckResult {
  const word = metricWords[check.metric];
  const value = metricOf(evaluation, check.metric);
  const least = check.at_least !== undefined;
  const target = check.at_least ?? check.at_most ?? Number.NaN;
  const { low, high } = evaluation.accuracy;
  const judged = check.bound === 'none' ? value : least ? low : high;
  const holds = least ? judged >= target : judged <= target;
  const [judgedText, targetText] = percentApart(judged, target);
  const side = `${least ? 'lower' : 'upper'} 95 % bound`;
  const relation = holds ? '' : `, ${least ? 'less' : 'more'} than ${targetText}`;
  const why =
    check.bound === 'none'
      ? `${word} is ${judgedText} on ${counted(evaluation.cases, 'case')}${relation}`
      : `${word} is ${percent(value)} on ${counted(evaluation.cases, 'case')}; its ${side} is ${judgedText}${relation}`;
  return {
    check: `${word} ${least ? 'at least' : 'at most'} ${targetText}${check.bound === 'none' ? '' : ` by its ${side}`}`,
    holds,
    applies: true,
    why,
    labels: [],
  };
}

/** @returns a metric of a gate from an evaluation, as a share (0 to 1) */
export function metricOf(evaluation: Evaluation, metric: MetricCheck['metric']): number {
  switch (metric) {
    case 'accuracy':
      return evaluation.accuracy.value;
    case 'macro_f1':
      return evaluation.macro.f1;
    case 'macro_precision':
      return evaluation.macro.precision;
    case 'macro_recall':
      return evaluation.macro.recall;
    case 'ece':
      return evaluation.calibration.ece;
  }
}

function decideAgainst(check: AccuracyCheck, comparison: Comparisons['production']): CheckResult {
  const words = `accuracy less than ${points(check.not_worse_by).slice(1)} points below ${check.against}`;
  if (comparison === undefined) return notAsked(words, `there is no model in ${check.against} to compare with`);
  if (comparison === 'same model') return notAsked(words, `this is the model that is in ${check.against}`);
  const { value, low } = comparison.difference;
  const holds = low > -check.not_worse_by;
  const before = (comparison.both + comparison.lost) / comparison.cases;
  const after = (comparison.both + comparison.gained) / comparison.cases;
  const margin = points(check.not_worse_by).slice(1);
  const limit = holds
    ? `a loss of ${margin} points is ruled out`
    : `a loss of up to ${points(low).slice(1)} points is not ruled out, ${margin} is the limit`;
  return {
    check: words,
    holds,
    applies: true,
    why:
      `${comparison.answer}: accuracy ${percent(before)} in ${check.against}, ${percent(after)} now, ${points(value)} points ` +
      `(95 %: ${points(low)} to ${points(comparison.difference.high)}; ${probability(comparison.p)}; ` +
      `${count(comparison.gained)} fixed, ${count(comparison.lost)} broken of ${counted(comparison.cases, 'case')}); ${limit}`,
    labels: [],
  };
}

function decideSlices(check: SliceCheck, comparison: Comparisons['production']): CheckResult {
  const holm = check.correction === 'holm';
  const margin = points(check.not_worse_by).slice(1);
  const words = `no class loses more than ${margin} points of recall against ${check.against}${holm ? ', corrected by Holm' : ', each class tested by itself'}`;
  if (comparison === undefined) return notAsked(words, `there is no model in ${check.against} to compare with`);
  if (comparison === 'same model') return notAsked(words, `this is the model that is in ${check.against}`);
  const worse = comparison.classes.filter((entry) => losesMore(entry, check.not_worse_by));
  const significant = (entry: ClassChange): boolean => (holm ? entry.adjusted : entry.p) < significance;
  const broken = worse.filter(significant);
  const labels = broken.map(({ label }) => label);
  const show = (entry: ClassChange): string => describeClass(entry, holm ? entry.adjusted : entry.p);
  if (broken.length > 0) {
    return { check: words, holds: false, applies: true, why: `${counted(broken.length, 'class', 'classes')} broke: ${listed(broken, show)}`, labels };
  }
  const chance = worse.length === 0 ? '' : `; ${counted(worse.length, 'class', 'classes')} lost more, but not beyond chance: ${listed(worse, show)}`;
  return { check: words, holds: true, applies: true, why: `no class lost significantly more than ${margin} points${chance}`, labels };
}

/** In cases, not in shares: 0.90 - 0.85 is more than 0.05 in binary, 2 of 40 cases is not. */
function losesMore(entry: ClassChange, margin: number): boolean {
  return entry.lost - entry.gained > margin * entry.cases + 1e-9;
}

function describeClass(entry: ClassChange, p: number): string {
  return `${labelWord(entry.label)} ${percent(entry.before)} to ${percent(entry.after)} (${count(entry.lost)} of ${count(entry.cases)} lost, ${count(entry.gained)} gained, ${probability(p)})`;
}

const most = 5;

function listed(entries: readonly ClassChange[], show: (entry: ClassChange) => string): string {
  const rest = entries.length - most;
  return entries.slice(0, most).map(show).join('; ') + (rest > 0 ? `; and ${count(rest)} more` : '');
}

function notAsked(words: string, why: string): CheckResult {
  return { check: words, holds: true, applies: false, why, labels: [] };
}
