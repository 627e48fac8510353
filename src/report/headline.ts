// The words that all views share: what a reviewer reads first.
import { brokenInList, checksOf, heldInWords, saysBroken } from './data-verdict.ts';
import { count, counted, duration, percent, points, probability } from './figures.ts';
import type { Interval } from '../evaluate/schema.ts';
import type { Report } from './schema.ts';

export interface Headline {
  /** good: may go on; bad: the gate does not hold; mixed: it holds, or nothing judged, and something is to be looked at */
  readonly tone: 'good' | 'bad' | 'mixed';
  /** 'The gate holds' */
  readonly gate: string;
  /** 'better than production'; '' where there is no model to speak of */
  readonly verdict: string;
  /** One sentence with the figures, or the reason why the gate does not hold. Holds data: escape it. */
  readonly why: string;
  /** The same where there is room for more than one reason: at most five. */
  readonly reasons: readonly string[];
}

export function headlineOf(report: Report): Headline {
  if (report.change?.relevant === false) return nothingRelevant(report.model === null ? nothingChecked : nothingToJudge);
  if (report.model === null) return headlineOfData(report);
  if (report.problem !== undefined)
    return { tone: 'bad', gate: 'There is no model to judge', verdict: '', why: report.problem.what, reasons: [report.problem.what] };
  const failing = (report.gate?.checks ?? []).filter((check) => !check.holds);
  const gate = report.gate === null ? 'No gate judged this model' : report.gate.holds ? 'The gate holds' : 'The gate does not hold';
  const more = failing.length > 1 ? ` (and ${counted(failing.length - 1, 'more check')})` : '';
  const reasons = failing.length === 0 ? [evidence(report)] : failing.slice(0, 3).map((check) => sentenceCase(check.why));
  return { tone: toneOf(report), gate, verdict: verdictWords(report), why: `${reasons[0] ?? ''}${more}`, reasons };
}

const nothingToJudge = 'Nothing changed that a model comes out of, or is judged by';
const nothingChecked = 'Nothing changed that a check of the data reads';

function nothingRelevant(why: string): Headline {
  return { tone: 'good', gate: 'Nothing to judge', verdict: '', why, reasons: [why] };
}

function headlineOfData(report: Report): Headline {
  const { problem } = report;
  const told = (tone: Headline['tone'], gate: string, why: string): Headline => ({ tone, gate, verdict: '', why, reasons: [why] });
  if (problem !== undefined) {
    if (!saysBroken(problem.code)) return told('mixed', 'Not everything was looked at', problem.what);
    const all = brokenInList(report);
    const reasons = all.length > 5 ? [...all.slice(0, 4), `${count(all.length - 4)} more checks do not hold`] : all;
    return { ...told('bad', 'The checks do not hold', problem.what), reasons: reasons.length === 0 ? [problem.what] : reasons };
  }
  if (checksOf(report).length === 0) return told('mixed', 'No check judged these data', 'No stage of pipeline.yaml is a check of data');
  return told('good', 'The checks hold', heldInWords(report));
}

/** What a report is about, in a word: the model, or data. */
export function subjectOf(report: Report): string {
  return report.model ?? 'Data';
}

/** May what it is about go on? Never where something is not known. */
export function mayGoOn(report: Report): boolean {
  if (report.change?.relevant === false) return true;
  return report.model === null ? headlineOf(report).tone === 'good' : report.gate?.holds === true;
}

export function sentenceCase(text: string): string {
  return text.replace(/^[a-z]/, (letter) => letter.toUpperCase());
}

function toneOf(report: Report): Headline['tone'] {
  if (report.gate !== null && !report.gate.holds) return 'bad';
  if (report.gate === null || report.verdict === 'worse') return 'mixed';
  return 'good';
}

function verdictWords(report: Report): string {
  const than = report.baseline?.what ?? 'the baseline';
  if (report.verdict === 'first model') return 'first model (nothing to compare with)';
  if (report.comparison === null) return `not compared with ${than}`;
  return report.verdict === 'no evidence' ? `no evidence of a difference from ${than}` : `${report.verdict} than ${than}`;
}

/** 'Accuracy 92.14 % on 3,080 cases, +0.48 points (95 %: +0.06 to +0.91, p = 0.027); 31 fixed, 16 broken' */
function evidence(report: Report): string {
  const { evaluation, comparison } = report;
  if (evaluation === null) return 'There is no evaluation of this model';
  const accuracy = `Accuracy ${percent(evaluation.accuracy.value)} on ${counted(evaluation.cases, 'case')}`;
  if (comparison === null) return `${accuracy} (95 %: ${percent(evaluation.accuracy.low)} to ${percent(evaluation.accuracy.high)})`;
  const { value, low, high } = comparison.difference;
  return (
    `${accuracy}, ${points(value)} points (95 %: ${points(low)} to ${points(high)}, ${probability(comparison.p)}); ` +
    `${count(comparison.gained)} fixed, ${count(comparison.lost)} broken`
  );
}

export interface MetricRow {
  readonly name: string;
  readonly before: number | null;
  readonly after: number;
  /** percent: a share, shown as such; plain: four digits */
  readonly unit: 'percent' | 'plain';
  readonly better: 'higher' | 'lower';
  /** 95 % of the change (where there is a comparison) or of the value; null: none is known */
  readonly interval: { readonly of: 'change' | 'value'; readonly low: number; readonly high: number } | null;
}

/** The metrics of the candidate beside the baseline's, the most telling first. */
export function metricRows(report: Report): MetricRow[] {
  const { evaluation: after, baselineEvaluation: before, comparison } = report;
  if (after === null) return [];
  const share = { unit: 'percent', better: 'higher' } as const;
  const ofChange = (interval: Interval): MetricRow['interval'] => ({ of: 'change', low: interval.low, high: interval.high });
  const accuracy =
    comparison === null ? { of: 'value' as const, low: after.accuracy.low, high: after.accuracy.high } : ofChange(comparison.difference);
  const macroF1 = comparison?.macroF1 === undefined ? null : ofChange(comparison.macroF1);
  return [
    { name: 'Accuracy', before: before?.accuracy.value ?? null, after: after.accuracy.value, ...share, interval: accuracy },
    { name: 'Macro F1', before: before?.macro.f1 ?? null, after: after.macro.f1, ...share, interval: macroF1 },
    { name: 'Macro precision', before: before?.macro.precision ?? null, after: after.macro.precision, ...share, interval: null },
    { name: 'Macro recall', before: before?.macro.recall ?? null, after: after.macro.recall, ...share, interval: null },
    {
      name: 'Calibration error (ECE)',
      before: before?.calibration.ece ?? null,
      after: after.calibration.ece,
      unit: 'plain',
      better: 'lower',
      interval: null,
    },
  ];
}

/** '−1.42 to −0.14' points of a change, '89.71 % to 91.75 %' of a value */
export function intervalText(interval: MetricRow['interval']): string {
  if (interval === null) return '';
  const text = interval.of === 'change' ? points : percent;
  return `${text(interval.low)} to ${text(interval.high)}`;
}

export function metricText(value: number, unit: MetricRow['unit']): string {
  return unit === 'percent' ? percent(value) : value.toFixed(4);
}

/** Why a stage is another than before; it is said with '->', which a line may be broken in. */
export function reasonInWords(why: string): string {
  return why.replaceAll(' -> ', ' → ');
}

/** Hyperparameters that differ. */
export function changedParams(report: Report): Report['params'] {
  return report.params.filter((entry) => entry.before !== entry.after);
}

/** '3 ran, 2 cached' */
export function stagesInWords(report: Report): string {
  const states = [...new Set(report.stages.map((stage) => stage.state))].toSorted();
  return states.map((state) => `${count(report.stages.filter((stage) => stage.state === state).length)} ${state}`).join(', ');
}

/** '12.4 s of work, 3.5 GPU minutes, 2 min 05 s saved by the cache' */
export function costInWords({ cost }: Report): string {
  const saved = cost.savedSeconds ?? 0;
  return [
    `${duration(cost.seconds)} of work`,
    ...(cost.gpuMinutes === undefined ? [] : [`${cost.gpuMinutes} GPU minutes`]),
    ...(saved > 0 ? [`${duration(saved)} saved by the cache`] : []),
  ].join(', ');
}

/** 'example rows of intents: 20 of 95' */
export function shortenedInWords(report: Report): string[] {
  return report.shortened.map((entry) => `${entry.what}: ${count(entry.shown)} of ${count(entry.of)}`);
}

/** The labels of a check that its sentence does not name already. */
export function labelsBeside(check: { readonly why: string; readonly labels: readonly string[] }): readonly string[] {
  return check.labels.every((label) => check.why.includes(label)) ? [] : check.labels;
}
