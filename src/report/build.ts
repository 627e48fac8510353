import { byCodeUnit } from '../base/canonical.ts';
import type { JsonValue } from '../base/schema.ts';
import type { Comparison, Evaluation, GateResult } from '../evaluate/schema.ts';
import { bounds } from './bounds.ts';
import { rowKinds, type Curve, type DataChange, type Report, type RowSample, type Verdict } from './schema.ts';
import { cut } from './visible.ts';

/** A row that changed, as the data diff has it: any JSON value, usually column -> value. */
export interface SampleRow {
  readonly kind: RowSample['kind'];
  readonly key: string;
  readonly before: JsonValue | null;
  readonly after: JsonValue | null;
}

/** One data set; `balance` may hold labels that did not change. */
export type DataPart = Omit<DataChange, 'samples'> & { readonly samples: readonly SampleRow[] };

/** What a report is made of, unbounded and in any order (stages: the pipeline's). */
export interface ReportParts {
  readonly model: string;
  readonly title: Report['title'];
  readonly gate: GateResult | null;
  readonly candidate: Report['candidate'];
  readonly baseline: Report['baseline'];
  readonly data: readonly DataPart[];
  /** undefined: the hyperparameter is not there on that side */
  readonly params: readonly { readonly key: string; readonly before?: JsonValue | undefined; readonly after?: JsonValue | undefined }[];
  readonly stages: Report['stages'];
  readonly evaluation: Evaluation | null;
  readonly baselineEvaluation: Evaluation | null;
  readonly comparison: Comparison | null;
  readonly curves: readonly Curve[];
  readonly cost: { readonly seconds: number; readonly measured?: Readonly<Record<string, number>> };
  readonly warnings: readonly string[];
}

/** Puts the parts in order, cuts lists and texts at their bounds and says where. Pure; equal parts make equal reports. */
export function buildReport(parts: ReportParts): Report {
  const list = new Shortener();
  const comparison = parts.comparison === null ? null : boundComparison(parts.comparison, list);
  return {
    plumbline: 'report/1',
    model: parts.model,
    title: { revision: label(parts.title.revision), branch: labelOrNull(parts.title.branch), base: labelOrNull(parts.title.base) },
    verdict: decideVerdict(parts),
    gate: parts.gate === null ? null : boundGate(parts.gate, list),
    candidate: parts.candidate,
    baseline: parts.baseline === null ? null : { ...parts.baseline, what: label(parts.baseline.what) },
    data: boundData(parts.data, list),
    params: boundParams(parts.params, list),
    stages: list.keep('stages', parts.stages, bounds.stages).map((stage) => ({
      ...stage,
      stage: label(stage.stage),
      why: list.keep(`reasons of stage ${label(stage.stage)}`, stage.why, bounds.reasons).map((why) => cut(why, bounds.sentence)),
    })),
    ...boundEvaluations(parts.evaluation, parts.baselineEvaluation, list),
    comparison,
    curves: list.keep('curves', parts.curves, bounds.curves).map(boundCurve),
    cost: { seconds: parts.cost.seconds, measured: { ...parts.cost.measured } },
    warnings: list.keep('warnings', parts.warnings, bounds.warnings).map((warning) => cut(warning, bounds.sentence)),
    shortened: list.shortened,
  };
}

function decideVerdict(parts: ReportParts): Verdict {
  if (parts.baseline === null) return 'first model';
  return parts.comparison?.answer ?? 'no evidence';
}

/** Cuts lists and remembers which. */
class Shortener {
  readonly shortened: Report['shortened'] = [];

  keep<T>(what: string, items: readonly T[], limit: number): T[] {
    if (items.length <= limit) return [...items];
    this.shortened.push({ what, shown: limit, of: items.length });
    return items.slice(0, limit);
  }
}

function label(text: string): string {
  return cut(text, bounds.label);
}

function labelOrNull(text: string | null): string | null {
  return text === null ? null : label(text);
}

function boundGate(gate: GateResult, list: Shortener): GateResult {
  // a check that broke the gate is never the one left out
  const broken = [...gate.checks.filter((check) => !check.holds), ...gate.checks.filter((check) => check.holds)];
  return {
    ...gate,
    checks: list.keep('checks of the gate', gate.checks.length > bounds.checks ? broken : gate.checks, bounds.checks).map((check) => ({
      ...check,
      check: cut(check.check, bounds.sentence),
      why: cut(check.why, bounds.sentence),
      labels: list.keep('labels of a check', check.labels, bounds.classes).map(label),
    })),
  };
}

function boundData(data: readonly DataPart[], list: Shortener): DataChange[] {
  const sorted = data.toSorted((a, b) => byCodeUnit(a.name, b.name));
  let room: number = bounds.samples;
  return list.keep('data sets', sorted, bounds.dataSets).map((set) => {
    const balance = set.balance
      .filter((entry) => entry.before !== entry.after)
      .toSorted((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before) || byCodeUnit(a.label, b.label));
    const samples = chooseSamples(set.samples, Math.min(room, bounds.samplesOfOneDataSet));
    room -= samples.length;
    const changed = Math.max(set.added + set.removed + set.edited, set.samples.length);
    if (samples.length < changed) list.shortened.push({ what: `example rows of ${set.name}`, shown: samples.length, of: changed });
    return {
      ...set,
      balance: list.keep(`class balance of ${set.name}`, balance, bounds.balance).map((entry) => ({ ...entry, label: label(entry.label) })),
      schema: list
        .keep(`schema of ${set.name}`, set.schema, bounds.schema)
        .map((entry) => ({ column: label(entry.column), before: labelOrNull(entry.before), after: labelOrNull(entry.after) })),
      samples: samples.map(boundSample),
    };
  });
}

/** As many of each kind as there is room for, kinds taking turns, so that 5,000 added rows do not hide one relabelled row. */
function chooseSamples(samples: readonly SampleRow[], room: number): SampleRow[] {
  const byKind = rowKinds.map((kind) => samples.filter((sample) => sample.kind === kind));
  const quota = byKind.map(() => 0);
  for (let left = room; left > 0;) {
    const open = byKind.flatMap((rows, index) => ((quota[index] ?? 0) < rows.length ? [index] : []));
    if (open.length === 0) break;
    for (const index of open.slice(0, left)) quota[index] = (quota[index] ?? 0) + 1;
    left -= Math.min(left, open.length);
  }
  return byKind.flatMap((rows, index) => rows.slice(0, quota[index] ?? 0));
}

function boundSample(sample: SampleRow): RowSample {
  const before = columnsOf(sample.before);
  const after = columnsOf(sample.after);
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  const changed = (name: string): number => (before?.[name] === after?.[name] ? 1 : 0);
  const kept = names.toSorted((a, b) => changed(a) - changed(b) || byCodeUnit(a, b)).slice(0, bounds.columns);
  const pick = (row: Record<string, string> | null): Record<string, string> | null =>
    row === null
      ? null
      : Object.fromEntries(
          kept.flatMap((name) => {
            const value = row[name];
            return value === undefined ? [] : [[label(name), cut(value, bounds.text)]];
          }),
        );
  return { kind: sample.kind, key: label(sample.key), before: pick(before), after: pick(after) };
}

function columnsOf(row: JsonValue | null): Record<string, string> | null {
  if (row === null) return null;
  const columns = typeof row === 'object' && !Array.isArray(row) ? row : { value: row };
  const texts: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(columns)) texts[name] = typeof value === 'string' ? value : valueText(value);
  return texts;
}

/** JSON with sorted keys. Not canonicalJson: values may hold lone surrogates, which that refuses and this escapes. */
function valueText(value: JsonValue): string {
  return JSON.stringify(value, (_, inner: JsonValue) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => byCodeUnit(a, b)))
      : inner,
  );
}

function boundParams(params: ReportParts['params'], list: Shortener): Report['params'] {
  const text = (value: JsonValue | undefined): string | null => (value === undefined ? null : cut(valueText(value), bounds.text));
  const same = (entry: ReportParts['params'][number]): number => (text(entry.before) === text(entry.after) ? 1 : 0);
  // changed ones first into the bound, then by key
  const chosen = list.keep(
    'hyperparameters',
    params.toSorted((a, b) => same(a) - same(b) || byCodeUnit(a.key, b.key)),
    bounds.params,
  );
  return chosen
    .toSorted((a, b) => byCodeUnit(a.key, b.key))
    .map((entry) => ({ key: label(entry.key), before: text(entry.before), after: text(entry.after) }));
}

/** Both evaluations keep the same confused pairs where they can, so that a pair has its before and its after. */
function boundEvaluations(
  after: Evaluation | null,
  before: Evaluation | null,
  list: Shortener,
): { evaluation: Evaluation | null; baselineEvaluation: Evaluation | null } {
  const chosen = new Set(confusedPairs(after).slice(0, bounds.confusion).map(pairName));
  return {
    evaluation: after === null ? null : boundEvaluation(after, 'the candidate', chosen, list),
    baselineEvaluation: before === null ? null : boundEvaluation(before, 'the baseline', chosen, list),
  };
}

type Cell = Evaluation['confusion'][number];

function pairName(cell: Cell): string {
  return JSON.stringify([cell.expected, cell.got]);
}

/** Cells off the diagonal, most cases first. The diagonal says what recall and support say already. */
function confusedPairs(evaluation: Evaluation | null): Cell[] {
  return (evaluation?.confusion ?? [])
    .filter((cell) => cell.expected !== cell.got)
    .toSorted((a, b) => b.cases - a.cases || byCodeUnit(a.expected, b.expected) || byCodeUnit(a.got, b.got));
}

function boundEvaluation(evaluation: Evaluation, whose: string, chosen: ReadonlySet<string>, list: Shortener): Evaluation {
  const pairs = confusedPairs(evaluation);
  const first = [...pairs.filter((cell) => chosen.has(pairName(cell))), ...pairs.filter((cell) => !chosen.has(pairName(cell)))];
  const confusion = list.keep(`confused pairs of ${whose}`, first, bounds.confusion);
  const worst = evaluation.classes.toSorted((a, b) => a.f1 - b.f1 || byCodeUnit(a.label, b.label));
  return {
    ...evaluation,
    suite: label(evaluation.suite),
    classes: list
      .keep(`classes of ${whose}`, worst, bounds.classes)
      .toSorted((a, b) => byCodeUnit(a.label, b.label))
      .map((entry) => ({ ...entry, label: label(entry.label) })),
    confusion: confusion
      .toSorted((a, b) => byCodeUnit(a.expected, b.expected) || byCodeUnit(a.got, b.got))
      .map((cell) => ({ ...cell, expected: label(cell.expected), got: label(cell.got) })),
  };
}

function boundComparison(comparison: Comparison, list: Shortener): Comparison {
  const classes = comparison.classes.map((entry) => ({ ...entry, label: label(entry.label) }));
  const lost = new Map(comparison.classes.map((entry) => [entry.label, entry.lost]));
  const gained = new Map(comparison.classes.map((entry) => [entry.label, entry.gained]));
  return {
    ...comparison,
    classes: list.keep('classes that changed', classes, bounds.classes),
    broken: chooseCases('newly broken cases', comparison.broken, comparison.lost, lost, list),
    fixed: chooseCases('newly fixed cases', comparison.fixed, comparison.gained, gained, list),
  };
}

/**
 * A few cases of every class that changed before many of one: five of the class that changed most, five of the next, ...,
 * then the next five of each.
 */
function chooseCases(
  what: string,
  cases: Comparison['broken'],
  total: number,
  weight: ReadonlyMap<string, number>,
  list: Shortener,
): Comparison['broken'] {
  const seen = new Map<string, number>();
  const ranked = cases
    .toSorted((a, b) => byCodeUnit(a.id, b.id))
    .map((entry) => {
      const rank = seen.get(entry.expected) ?? 0;
      seen.set(entry.expected, rank + 1);
      return { entry, round: Math.floor(rank / 5) };
    })
    .toSorted(
      (a, b) =>
        a.round - b.round ||
        (weight.get(b.entry.expected) ?? 0) - (weight.get(a.entry.expected) ?? 0) ||
        byCodeUnit(a.entry.expected, b.entry.expected) ||
        byCodeUnit(a.entry.id, b.entry.id),
    )
    .slice(0, bounds.cases);
  const all = Math.max(total, cases.length);
  if (ranked.length < all) list.shortened.push({ what, shown: ranked.length, of: all });
  return ranked.map(({ entry }) => ({
    id: label(entry.id),
    input: cut(entry.input, bounds.text),
    expected: label(entry.expected),
    before: label(entry.before),
    after: label(entry.after),
  }));
}

function boundCurve(curve: Curve): Curve {
  const last = curve.points.length - 1;
  const step = Math.max(1, last / (bounds.curvePoints - 1));
  const indexes =
    last < 0 ? [] : Array.from({ length: Math.min(curve.points.length, bounds.curvePoints) }, (_, i) => Math.min(last, Math.round(i * step)));
  const series = [...new Set(curve.points.flatMap((point) => Object.keys(point.y)))].toSorted(byCodeUnit).slice(0, bounds.series);
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
