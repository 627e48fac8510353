import { byCodeUnit } from '../base/canonical.ts';
import type { Comparison, Evaluation, GateResult } from '../evaluate/schema.ts';
import { bounds, boundsDividedBy, lengths, type Bounds } from './bounds.ts';
import { boundData, boundParams, boundValidation } from './build-change.ts';
import { boundDrift, boundFindings } from './build-checks.ts';
import type { ReportParts } from './parts.ts';
import type { Curve, Report, Side, Verdict } from './schema.ts';
import { label, labelOrNull, sentence, Shortener, bounded } from './shortener.ts';

/** Puts the parts in order, cuts lists and texts at their bounds and says where. Pure; equal parts make equal reports. */
export function buildReport(parts: ReportParts): Report {
  for (let divisor = 1; ; divisor *= 2) {
    const report = boundReport(parts, new Shortener(boundsDividedBy(divisor)));
    if (divisor > bounds.classes || Buffer.byteLength(JSON.stringify(report)) <= bounds.bytes) return report;
  }
}

function boundReport(parts: ReportParts, list: Shortener): Report {
  return {
    plumbline: 'report/1',
    model: parts.model,
    title: { revision: label(parts.title.revision), branch: labelOrNull(parts.title.branch), base: labelOrNull(parts.title.base) },
    verdict: decideVerdict(parts),
    gate: parts.gate === null ? null : boundGate(parts.gate, list),
    candidate: parts.candidate === null ? null : boundSide(parts.candidate),
    ...boundPullRequest(parts, list),
    baseline: parts.baseline === null ? null : { ...boundSide(parts.baseline), what: label(parts.baseline.what) },
    data: boundData(parts.data, list),
    params: boundParams(parts.params, list),
    stages: boundStages(parts.stages, list),
    ...boundEvaluations(parts.evaluation, parts.baselineEvaluation, list),
    comparison: parts.comparison === null ? null : boundComparison(parts.comparison, list),
    curves: list.keep('curves', parts.curves, 'curves').map((curve) => boundCurve(curve, list.bounds)),
    cost: { ...parts.cost, measured: boundMeasured(parts.cost.measured ?? {}, list) },
    warnings: list.keep('warnings', parts.warnings, 'warnings').map(sentence),
    shortened: list.said(),
  };
}

/** What only some reports have; a part that is not given is not there, so that the bytes of the others stay as they are. */
function boundPullRequest({ problem, change, validation, findings, drift, mergeBase, links }: ReportParts, list: Shortener): Partial<Report> {
  return {
    ...(problem === undefined ? {} : { problem: { code: label(problem.code), what: sentence(problem.what), mend: sentence(problem.mend) } }),
    ...(change === undefined
      ? {}
      : { change: { ...change, since: label(change.since), why: list.keep('reasons of the change', change.why, 'changeReasons').map(sentence) } }),
    ...(validation === undefined ? {} : { validation: boundValidation(validation, list) }),
    ...(findings === undefined ? {} : { findings: boundFindings(findings, list) }),
    ...(drift === undefined ? {} : { drift: boundDrift(drift, list) }),
    ...(mergeBase === undefined
      ? {}
      : { mergeBase: { ...mergeBase, commit: label(mergeBase.commit), model: mergeBase.model === null ? null : boundSide(mergeBase.model) } }),
    ...(links === undefined ? {} : { links: links.filter(({ url }) => isShortAddress(url)).slice(0, 2) }),
  };
}

/** Longer than any that a forge makes. */
function isShortAddress(url: string): boolean {
  return url.length <= 1000 && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

function boundStages(stages: ReportParts['stages'], list: Shortener): Report['stages'] {
  return list.keep('stages', stages, 'stages').map((stage) => ({
    ...stage,
    stage: label(stage.stage),
    why: list.keep(`reasons of stage ${label(stage.stage)}`, stage.why, 'reasons').map(sentence),
    ...(stage.origin === undefined ? {} : { origin: label(stage.origin) }),
  }));
}

function boundSide(side: Side): Side {
  return { artifact: side.artifact, run: side.run, commit: labelOrNull(side.commit) };
}

function boundMeasured(measured: Readonly<Record<string, number>>, list: Shortener): Record<string, number> {
  const names = Object.keys(measured).toSorted(byCodeUnit);
  return Object.fromEntries(list.keep('measured values', names, 'measured').map((name) => [label(name), measured[name] ?? 0]));
}

function decideVerdict(parts: ReportParts): Verdict {
  if (parts.candidate === null) return 'no model';
  if (parts.baseline === null) return 'first model';
  return parts.comparison?.answer ?? 'no evidence';
}

function boundGate(gate: GateResult, list: Shortener): GateResult {
  // a check that broke the gate is never the one left out
  const broken = [...gate.checks.filter((check) => !check.holds), ...gate.checks.filter((check) => check.holds)];
  return {
    ...gate,
    checks: list.keep('checks of the gate', gate.checks.length > list.bounds.checks ? broken : gate.checks, 'checks').map((check, index) => ({
      ...check,
      check: sentence(check.check),
      why: sentence(check.why),
      labels: list.keep(`labels of check ${index + 1}`, check.labels, 'labelsOfOneCheck').map(label),
    })),
  };
}

/** Both evaluations keep the same confused pairs where they can, so that a pair has its before and its after. */
function boundEvaluations(
  after: Evaluation | null,
  before: Evaluation | null,
  list: Shortener,
): { evaluation: Evaluation | null; baselineEvaluation: Evaluation | null } {
  const chosen = new Set(confusedPairs(after).slice(0, list.bounds.confusion).map(pairName));
  return {
    evaluation: after === null ? null : boundEvaluation(after, 'the candidate', chosen, list),
    baselineEvaluation: before === null ? null : boundEvaluation(before, 'the baseline', chosen, list),
  };
}

type Cell = Evaluation['confusion'][number];

function pairName(cell: Cell): string {
  // its length says where the first label ends
  return `${cell.expected.length} ${cell.expected}${cell.got}`;
}

/** Of each evaluation once, however often a report is built with smaller bounds. */
const confused = new WeakMap<Evaluation, Cell[]>();

/** Cells off the diagonal, most cases first. The diagonal says what recall and support say already. */
function confusedPairs(evaluation: Evaluation | null): Cell[] {
  if (evaluation === null) return [];
  const known = confused.get(evaluation);
  if (known !== undefined) return known;
  const pairs = evaluation.confusion
    .filter((cell) => cell.expected !== cell.got)
    .toSorted((a, b) => b.cases - a.cases || byCodeUnit(a.expected, b.expected) || byCodeUnit(a.got, b.got));
  confused.set(evaluation, pairs);
  return pairs;
}

function boundEvaluation(evaluation: Evaluation, whose: string, chosen: ReadonlySet<string>, list: Shortener): Evaluation {
  const pairs = confusedPairs(evaluation);
  const first = [...pairs.filter((cell) => chosen.has(pairName(cell))), ...pairs.filter((cell) => !chosen.has(pairName(cell)))];
  const confusion = list.keep(`confused pairs of ${whose}`, first, 'confusion');
  const worst = evaluation.classes.toSorted((a, b) => a.f1 - b.f1 || byCodeUnit(a.label, b.label));
  return {
    ...evaluation,
    suite: label(evaluation.suite),
    classes: list
      .keep(`classes of ${whose}`, worst, 'classes')
      .toSorted((a, b) => byCodeUnit(a.label, b.label))
      .map((entry) => ({ ...entry, label: label(entry.label) })),
    confusion: confusion
      .toSorted((a, b) => byCodeUnit(a.expected, b.expected) || byCodeUnit(a.got, b.got))
      .map((cell) => ({ ...cell, expected: label(cell.expected), got: label(cell.got) })),
  };
}

function boundComparison(comparison: Comparison, list: Shortener): Comparison {
  const classes = comparison.classes.map((entry) => ({ ...entry, label: label(entry.label) }));
  return {
    ...comparison,
    classes: list.keep('classes that changed', classes, 'classes'),
    broken: boundCases('newly broken cases', comparison.broken, comparison.lost, list),
    fixed: boundCases('newly fixed cases', comparison.fixed, comparison.gained, list),
  };
}

/** `compareCases` put them so that the first few show every class that changed. */
function boundCases(what: string, cases: Comparison['broken'], total: number, list: Shortener): Comparison['broken'] {
  const kept = cases.slice(0, list.bounds.cases);
  list.note(what, kept.length, Math.max(total, cases.length));
  return kept.map((entry) => ({
    id: label(entry.id),
    input: bounded(entry.input, lengths.text),
    expected: label(entry.expected),
    before: label(entry.before),
    after: label(entry.after),
  }));
}

function boundCurve(curve: Curve, limits: Bounds): Curve {
  const last = curve.points.length - 1;
  const step = Math.max(1, last / (limits.curvePoints - 1));
  const indexes =
    last < 0 ? [] : Array.from({ length: Math.min(curve.points.length, limits.curvePoints) }, (_, i) => Math.min(last, Math.round(i * step)));
  const series = [...new Set(curve.points.flatMap((point) => Object.keys(point.y)))].toSorted(byCodeUnit).slice(0, limits.series);
  return {
    stage: label(curve.stage),
    name: label(curve.name),
    points: indexes.flatMap((index) => {
      const point = curve.points[index];
      if (point === undefined) return [];
      const y = Object.fromEntries(
        series.flatMap((name) => {
          const value = point.y[name];
          return value === undefined ? [] : [[label(name), value]];
        }),
      );
      return [{ x: point.x, y }];
    }),
  };
}
