// The HTML report's second half: what the change did to the model.
import type { Comparison, Evaluation } from '../evaluate/schema.ts';
import {
  axisTrack,
  balanceTrack,
  barTrack,
  changeTrack,
  domainAround,
  intervalTrack,
  linePlot,
  reliabilityPlot,
  ticksOf,
  type Domain,
} from './charts.ts';
import { count, counted, percent, points, probability, signed } from './figures.ts';
import { intervalText, metricRows, metricText } from './headline.ts';
import { labelMarkup, markup, type Markup } from './html-text.ts';
import { mergeBaseInWords, otherModels } from './other-models.ts';
import type { Report } from './schema.ts';

const whole: Domain = { low: 0, high: 1 };

export function metricsSection(report: Report): Markup | null {
  const { evaluation } = report;
  if (evaluation === null) return null;
  return markup`${accuracyTable(report, evaluation)}${report.comparison === null ? null : pairedTable(report.comparison)}${metricsTable(report)}${mergeBaseTable(report)}`;
}

function tickPercent(domain: Domain): (value: number) => string {
  const ticks = ticksOf(domain);
  const digits = ticks.some((tick) => Math.abs(tick * 100 - Math.round(tick * 100)) > 1e-9) ? 1 : 0;
  return (value) => `${(value * 100).toFixed(digits)} %`;
}

function accuracyTable(report: Report, evaluation: Evaluation): Markup {
  const before = report.baselineEvaluation;
  const shown = before === null ? [evaluation.accuracy] : [before.accuracy, evaluation.accuracy];
  const domain = domainAround(
    shown.flatMap((interval) => [interval.low, interval.high]),
    whole,
    0.02,
  );
  const row = (name: string, interval: Evaluation['accuracy'], kind: 'before' | 'after'): Markup =>
    markup`<tr><th scope="row">${name}</th><td class="track-cell">${intervalTrack(domain, interval, kind)}</td><td class="n"><b>${percent(interval.value)}</b></td><td class="n late">${percent(interval.low)} to ${percent(interval.high)}</td></tr>`;
  return markup`<table class="middle bare"><caption>Accuracy with its 95 % interval, ${counted(evaluation.cases, 'case')}</caption><thead><tr><th scope="col">Model</th><th scope="col">Accuracy</th><th scope="col" class="n">Value</th><th scope="col" class="n late">Interval</th></tr></thead><tbody>${
    before === null ? null : row(report.baseline?.what ?? 'baseline', before.accuracy, 'before')
  }${row('this model', evaluation.accuracy, 'after')}<tr aria-hidden="true"><td></td><td class="track-cell">${axisTrack(domain, tickPercent(domain))}</td><td></td><td class="late"></td></tr></tbody></table>`;
}

function pairedTable(comparison: Comparison): Markup {
  const { difference, lost, gained } = comparison;
  const reach = Math.max(Math.abs(difference.low), Math.abs(difference.high), 0.005) * 1.15;
  const domain = { low: -reach, high: reach };
  const tick = (value: number): string => (value === 0 ? '0' : signed(value * 100, Math.abs(value * 100) < 0.95 || reach < 0.02 ? 1 : 0));
  return markup`<h3>The same ${counted(comparison.cases, 'case')}, pair by pair</h3><table class="middle bare"><caption>${count(comparison.both)} right in both, ${count(comparison.neither)} in neither; exact McNemar ${probability(comparison.p)}: ${comparison.answer}</caption><thead><tr><th scope="col">Measure</th><th scope="col">Worse or better</th><th scope="col" class="n">Value</th><th scope="col" class="n late">Interval</th></tr></thead><tbody>
<tr><th scope="row">Broken and fixed</th><td class="track-cell">${balanceTrack(Math.max(lost, gained) * 1.1, lost, gained)}</td><td class="n"><span class="bad">−${count(lost)}</span> <span class="good">+${count(gained)}</span></td><td class="late"></td></tr>
<tr><th scope="row">Change of accuracy, points</th><td class="track-cell">${intervalTrack(domain, difference, 'after', 0)}</td><td class="n"><b>${points(difference.value)}</b></td><td class="n late">${points(difference.low)} to ${points(difference.high)}</td></tr>
<tr aria-hidden="true"><td></td><td class="track-cell">${axisTrack(domain, tick)}</td><td></td><td class="late"></td></tr></tbody></table>`;
}

function metricsTable(report: Report): Markup {
  const compared = report.baselineEvaluation !== null;
  const rows = metricRows(report).map((row) => {
    const difference = row.before === null ? null : row.after - row.before;
    const text = difference === null ? '' : row.unit === 'percent' ? points(difference) : signed(difference, 4);
    const better = difference !== null && (row.better === 'higher' ? difference > 0 : difference < 0);
    const tone = text === '' || text.startsWith('±') ? 'soft' : better ? 'good' : 'bad';
    const old = row.before === null ? null : markup`<td class="n">${metricText(row.before, row.unit)}</td>`;
    return markup`<tr><th scope="row">${row.name}</th>${old}<td class="n">${metricText(row.after, row.unit)}</td>${compared ? markup`<td class="n ${tone}">${text}</td>` : null}<td class="n late">${row.interval?.of === (compared ? 'change' : 'value') ? intervalText(row.interval) : ''}</td></tr>`;
  });
  const heads = compared
    ? markup`<th scope="col" class="n">${report.baseline?.what ?? 'Before'}</th><th scope="col" class="n">This model</th><th scope="col" class="n">Change</th><th scope="col" class="n late">95 % of the change</th>`
    : markup`<th scope="col" class="n">This model</th><th scope="col" class="n late">95 %</th>`;
  return markup`<h3>All metrics</h3><table><caption>Shares in percent, changes in percentage points</caption><thead><tr><th scope="col">Metric</th>${heads}</tr></thead><tbody>${rows}</tbody></table>`;
}

/** Beside what is served: what the branch itself did, where those are two. */
function mergeBaseTable(report: Report): Markup | null {
  const other = otherModels(report).find(({ name }) => name === 'merge base');
  const words = mergeBaseInWords(report);
  const lead = words === '' ? null : markup`<p class="lead">${words}</p>`;
  if (other === undefined) return lead;
  const rows = metricRows(report).flatMap((row) => {
    const before = other.value(row);
    if (before === null) return [];
    const change = row.unit === 'percent' ? points(row.after - before) : signed(row.after - before, 4);
    return [
      markup`<tr><th scope="row">${row.name}</th><td class="n">${metricText(before, row.unit)}</td><td class="n">${metricText(row.after, row.unit)}</td><td class="n">${change}</td><td class="n late">${intervalText(other.interval(row))}</td></tr>`,
    ];
  });
  return markup`<h3>Against the merge base</h3>${lead}<table><caption>The model of the commit where the branch left its base, on the same cases</caption><thead><tr><th scope="col">Metric</th><th scope="col" class="n">Merge base</th><th scope="col" class="n">This model</th><th scope="col" class="n">Change</th><th scope="col" class="n late">95 % of the change</th></tr></thead><tbody>${rows}</tbody></table>`;
}

const casesAtOnce = 12;

export function casesSection(report: Report, which: 'broken' | 'fixed'): Markup | null {
  const { comparison } = report;
  const list = comparison?.[which] ?? [];
  if (comparison === null || list.length === 0) return null;
  const total = which === 'broken' ? comparison.lost : comparison.gained;
  const first = which === 'broken' ? casesAtOnce : 6;
  const meaning = which === 'broken' ? 'right before, wrong now' : 'wrong before, right now';
  const lead = `${counted(total, 'case')}, ${meaning}${list.length < total ? `; ${count(list.length)} of them here, a few of every class` : ''}.`;
  const rest = list.slice(first);
  return markup`<p class="lead">${lead}</p>${casesTable(list.slice(0, first), which)}${
    rest.length === 0 ? null : markup`<details><summary>${counted(rest.length, 'more case')}</summary>${casesTable(rest, which)}</details>`
  }`;
}

function casesTable(list: Comparison['broken'], which: 'broken' | 'fixed'): Markup {
  const got = which === 'broken' ? 'after' : 'before';
  const tone = which === 'broken' ? 'bad' : 'soft';
  const rows = list.map(
    (entry) =>
      markup`<tr><td><span class="cell">${entry.input}</span></td><td data-name="expected">${labelMarkup(entry.expected)}</td><td data-name="${which === 'broken' ? 'now' : 'was'}"><span class="${tone}">${labelMarkup(entry[got])}</span></td><td class="late id"><code class="soft">${entry.id}</code></td></tr>`,
  );
  return markup`<table class="stack"><caption class="quiet">${which === 'broken' ? 'Cases that this model gets wrong and the baseline did not' : 'Cases that the baseline got wrong and this model does not'}</caption><thead><tr><th scope="col">Input</th><th scope="col">Expected</th><th scope="col">${which === 'broken' ? 'Now' : 'Was'}</th><th scope="col" class="late">Case</th></tr></thead><tbody>${rows}</tbody></table>`;
}

export function classesSection(report: Report): Markup | null {
  const { comparison, evaluation } = report;
  const changed = comparison === null ? null : changedClasses(comparison.classes);
  if (evaluation === null || (changed === null && evaluation.classes.length === 0)) return null;
  return markup`${changed}<details><summary>All ${counted(evaluation.classes.length, 'class', 'classes')}</summary>${allClasses(evaluation)}</details>`;
}

const classesAtOnce = 16;

function changedClasses(classes: Comparison['classes']): Markup {
  if (classes.length === 0) return markup`<p class="lead">No class changed.</p>`;
  const moved = classes
    .map((entry, index) => ({ entry, index }))
    .toSorted((a, b) => Math.abs(b.entry.after - b.entry.before) - Math.abs(a.entry.after - a.entry.before) || a.index - b.index)
    .map(({ entry }) => entry);
  const shown = classes.filter((entry) => new Set(moved.slice(0, classesAtOnce)).has(entry));
  const rest = classes.filter((entry) => !shown.includes(entry));
  const domain = domainAround(
    classes.flatMap((entry) => [entry.before, entry.after]),
    whole,
    0.1,
  );
  return markup`<p class="lead">Recall of ${counted(classes.length, 'class', 'classes')} with a change, most lost first. A ring is the baseline, a dot this model.</p>${classTable(shown, domain, 'Classes whose recall moved most')}${
    rest.length === 0
      ? null
      : markup`<details><summary>${counted(rest.length, 'more class', 'more classes')} with smaller changes</summary>${classTable(rest, domain, 'Classes whose recall moved less')}</details>`
  }`;
}

function classTable(classes: Comparison['classes'], domain: Domain, caption: string): Markup {
  const rows = classes.map((entry) => {
    const tone = entry.after > entry.before ? 'good' : entry.after < entry.before ? 'bad' : 'soft';
    return markup`<tr><th scope="row">${labelMarkup(entry.label)}</th><td class="track-cell">${changeTrack(domain, entry.before, entry.after)}</td><td class="n ${tone}">${signed((entry.after - entry.before) * 100, 1)}</td><td class="n late">${(entry.before * 100).toFixed(1)} → ${(entry.after * 100).toFixed(1)}</td><td class="n late"><span class="bad">${entry.lost === 0 ? '' : `−${entry.lost}`}</span> <span class="good">${entry.gained === 0 ? '' : `+${entry.gained}`}</span></td><td class="n late">${probability(entry.adjusted).replace('p ', '').replace('= ', '')}</td></tr>`;
  });
  return markup`<table class="middle"><caption class="quiet">${caption}</caption><thead><tr><th scope="col">Class</th><th scope="col">Recall</th><th scope="col" class="n">Points</th><th scope="col" class="n late">Recall, %</th><th scope="col" class="n late">Cases</th><th scope="col" class="n late">p, Holm</th></tr></thead><tbody>${rows}<tr aria-hidden="true"><td></td><td class="track-cell">${axisTrack(domain, tickPercent(domain))}</td><td></td><td class="late"></td><td class="late"></td><td class="late"></td></tr></tbody></table>`;
}

function allClasses(evaluation: Evaluation): Markup {
  const share = (value: number): string => (value * 100).toFixed(1);
  const rows = evaluation.classes.map(
    (entry) =>
      markup`<tr><th scope="row">${labelMarkup(entry.label)}</th><td class="n">${count(entry.support)}</td><td class="n">${share(entry.precision)}</td><td class="n">${share(entry.recall)}</td><td class="n">${share(entry.f1)}</td></tr>`,
  );
  return markup`<table><caption>Precision, recall and F1 of this model in percent</caption><thead><tr><th scope="col">Class</th><th scope="col" class="n">Cases</th><th scope="col" class="n">Precision</th><th scope="col" class="n">Recall</th><th scope="col" class="n">F1</th></tr></thead><tbody>${rows}</tbody></table>`;
}

const pairsShown = 20;

export function confusionSection(report: Report): Markup | null {
  const pairs = offDiagonal(report.evaluation)
    .toSorted((a, b) => b.cases - a.cases)
    .slice(0, pairsShown);
  if (pairs.length === 0) return null;
  const old = new Map(offDiagonal(report.baselineEvaluation).map((cell) => [JSON.stringify([cell.expected, cell.got]), cell.cases]));
  const before = (cell: (typeof pairs)[number]): number | null =>
    report.baselineEvaluation === null ? null : (old.get(JSON.stringify([cell.expected, cell.got])) ?? 0);
  const most = pairs.reduce((a, cell) => Math.max(a, cell.cases, before(cell) ?? 0), 1);
  const rows = pairs.map((cell) => {
    const was = before(cell);
    return markup`<tr><th scope="row">${labelMarkup(cell.expected)} <span class="soft">taken for</span> ${labelMarkup(cell.got)}</th><td class="track-cell">${barTrack(most, cell.cases, was)}</td><td class="n">${count(cell.cases)}</td>${was === null ? null : markup`<td class="n soft">${count(was)}</td>`}</tr>`;
  });
  const compared = report.baselineEvaluation !== null;
  return markup`<p class="lead">The pairs of classes that are mixed up most.${compared ? ' The thin mark is where the baseline stood.' : ''}</p><table class="middle"><caption class="quiet">Most confused pairs, by cases</caption><thead><tr><th scope="col">Expected, taken for</th><th scope="col">Cases</th><th scope="col" class="n">Now</th>${compared ? markup`<th scope="col" class="n">Was</th>` : null}</tr></thead><tbody>${rows}</tbody></table>`;
}

function offDiagonal(evaluation: Evaluation | null): Evaluation['confusion'] {
  return (evaluation?.confusion ?? []).filter((cell) => cell.expected !== cell.got);
}

export function calibrationSection(report: Report): Markup | null {
  const { evaluation, baselineEvaluation: before } = report;
  if (evaluation === null || evaluation.calibration.bins.every((bin) => bin.cases === 0)) return null;
  const plot = (one: Evaluation, kind: 'before' | 'after', name: string): Markup => {
    const ece = one.calibration.ece.toFixed(4);
    return markup`<figure><figcaption><b>${name}</b>, expected calibration error ${ece}</figcaption>${reliabilityPlot(one.calibration, kind, `Reliability of ${name}: expected calibration error ${ece}`)}</figure>`;
  };
  return markup`<p class="lead">How often the model is right where it is this sure. On the dashed line its probabilities are honest; above it, it is too modest; below, too sure. Large dots hold many cases.</p><div class="plots">${
    before === null ? null : plot(before, 'before', report.baseline?.what ?? 'baseline')
  }${plot(evaluation, 'after', 'this model')}</div>`;
}

export function curvesSection(report: Report): Markup | null {
  const figures = report.curves.flatMap((curve) => {
    const series = [...new Set(curve.points.flatMap((point) => Object.keys(point.y)))];
    return series.map((name) => {
      const line = curve.points.flatMap((point) => (point.y[name] === undefined ? [] : [{ x: point.x, y: point.y[name] }]));
      const last = line.at(-1);
      const ends = last === undefined ? '' : Number(last.y.toPrecision(4));
      return markup`<figure><figcaption><b>${name}</b> of <code>${curve.stage}</code>, ends at ${ends}</figcaption>${linePlot(line, { across: curve.name, label: `${name} of ${curve.stage} by ${curve.name}, ends at ${ends}` })}</figure>`;
    });
  });
  return figures.length === 0 ? null : markup`<div class="plots">${figures}</div>`;
}
