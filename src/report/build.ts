import { byCodeUnit } from '../base/canonical.ts';
import type { JsonValue } from '../base/schema.ts';
import type { Comparison, Evaluation, GateResult } from '../evaluate/schema.ts';
import { bounds, boundsDividedBy, lengths, type Bounds } from './bounds.ts';
import { rowKinds } from './row-kinds.ts';
import type { Curve, DataChange, Report, RowSample, Verdict } from './schema.ts';
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
    candidate: boundSide(parts.candidate),
    baseline: parts.baseline === null ? null : { ...boundSide(parts.baseline), what: label(parts.baseline.what) },
    data: boundData(parts.data, list),
    params: boundParams(parts.params, list),
    stages: list.keep('stages', parts.stages, 'stages').map((stage) => ({
      ...stage,
      stage: label(stage.stage),
      why: list.keep(`reasons of stage ${label(stage.stage)}`, stage.why, 'reasons').map((why) => cut(why, lengths.sentence)),
    })),
    ...boundEvaluations(parts.evaluation, parts.baselineEvaluation, list),
    comparison: parts.comparison === null ? null : boundComparison(parts.comparison, list),
    curves: list.keep('curves', parts.curves, 'curves').map((curve) => boundCurve(curve, list.bounds)),
    cost: { seconds: parts.cost.seconds, measured: boundMeasured(parts.cost.measured ?? {}, list) },
    warnings: list.keep('warnings', parts.warnings, 'warnings').map((warning) => cut(warning, lengths.sentence)),
    shortened: list.said(),
  };
}

function boundSide(side: Report['candidate']): Report['candidate'] {
  return { artifact: side.artifact, run: side.run, commit: labelOrNull(side.commit) };
}

function boundMeasured(measured: Readonly<Record<string, number>>, list: Shortener): Record<string, number> {
  const names = Object.keys(measured).toSorted(byCodeUnit);
  return Object.fromEntries(list.keep('measured values', names, 'measured').map((name) => [label(name), measured[name] ?? 0]));
}

function decideVerdict(parts: ReportParts): Verdict {
  if (parts.baseline === null) return 'first model';
  return parts.comparison?.answer ?? 'no evidence';
}

/** Cuts lists and remembers which. */
class Shortener {
  readonly bounds: Bounds;
  readonly #cuts: Report['shortened'] = [];

  constructor(limits: Bounds) {
    this.bounds = limits;
  }

  keep<T>(what: string, items: readonly T[], bound: keyof Bounds, room: number = this.bounds[bound]): T[] {
    this.note(what, Math.min(items.length, room), items.length);
    return items.slice(0, room);
  }

  note(what: string, shown: number, of: number): void {
    if (shown < of) this.#cuts.push({ what, shown, of });
  }

  /** The lists that were cut: the first hundred. */
  said(): Report['shortened'] {
    return this.#cuts.slice(0, 100);
  }
}

function label(text: string): string {
  return cut(text, lengths.label);
}

function labelOrNull(text: string | null): string | null {
  return text === null ? null : label(text);
}

function boundGate(gate: GateResult, list: Shortener): GateResult {
  // a check that broke the gate is never the one left out
  const broken = [...gate.checks.filter((check) => !check.holds), ...gate.checks.filter((check) => check.holds)];
  return {
    ...gate,
    checks: list.keep('checks of the gate', gate.checks.length > list.bounds.checks ? broken : gate.checks, 'checks').map((check, index) => ({
      ...check,
      check: cut(check.check, lengths.sentence),
      why: cut(check.why, lengths.sentence),
      labels: list.keep(`labels of check ${index + 1}`, check.labels, 'labelsOfOneCheck').map(label),
    })),
  };
}

function boundData(data: readonly DataPart[], list: Shortener): DataChange[] {
  const sorted = data.toSorted((a, b) => byCodeUnit(a.name, b.name));
  const room = { samples: list.bounds.samples, balance: list.bounds.balance, schema: list.bounds.schema };
  return list.keep('data sets', sorted, 'dataSets').map((set) => {
    const balance = set.balance
      .filter((entry) => entry.before !== entry.after)
      .toSorted((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before) || byCodeUnit(a.label, b.label));
    const samples = chooseSamples(set.samples, Math.min(room.samples, list.bounds.samplesOfOneDataSet));
    const shown = list.keep(`class balance of ${set.name}`, balance, 'balance', room.balance);
    const columns = list.keep(`schema of ${set.name}`, set.schema, 'schema', room.schema);
    room.samples -= samples.length;
    room.balance -= shown.length;
    room.schema -= columns.length;
    const changed = Math.max(set.added + set.removed + set.edited, set.samples.length);
    list.note(`example rows of ${set.name}`, samples.length, changed);
    return {
      ...set,
      balance: shown.map((entry) => ({ ...entry, label: label(entry.label) })),
      schema: columns.map((entry) => ({ column: label(entry.column), before: labelOrNull(entry.before), after: labelOrNull(entry.after) })),
      samples: samples.map((sample) => boundSample(sample, list.bounds.columns)),
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

function boundSample(sample: SampleRow, columns: number): RowSample {
  const before = columnsOf(sample.before);
  const after = columnsOf(sample.after);
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  const changed = (name: string): number => (before?.[name] === after?.[name] ? 1 : 0);
  const kept = names.toSorted((a, b) => changed(a) - changed(b) || byCodeUnit(a, b)).slice(0, columns);
  const pick = (row: Record<string, string> | null): Record<string, string> | null =>
    row === null
      ? null
      : Object.fromEntries(
          kept.flatMap((name) => {
            const value = row[name];
            return value === undefined ? [] : [[label(name), cut(value, lengths.text)]];
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
  const text = (value: JsonValue | undefined): string | null => (value === undefined ? null : cut(valueText(value), lengths.text));
  const texts = params
    .map((entry) => ({ key: entry.key, before: text(entry.before), after: text(entry.after) }))
    .toSorted((a, b) => byCodeUnit(a.key, b.key));
  // changed ones first into the bound
  const changed = texts.filter((entry) => entry.before !== entry.after);
  const same = texts.filter((entry) => entry.before === entry.after);
  return list
    .keep('hyperparameters', [...changed, ...same], 'params')
    .toSorted((a, b) => byCodeUnit(a.key, b.key))
    .map((entry) => ({ ...entry, key: label(entry.key) }));
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
    input: cut(entry.input, lengths.text),
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
