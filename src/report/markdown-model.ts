// The half of a comment that says what became of the model.
import type { Comparison } from '../evaluate/schema.ts';
import { count, counted, percent, points, probability, signed } from './figures.ts';
import { intervalText, metricRows, metricText, type MetricRow } from './headline.ts';
import { folded, plain, ranks } from './markdown-section.ts';
import { code, prose } from './markdown-text.ts';
import { mergeBaseInWords, otherModels, type OtherModel } from './other-models.ts';
import type { Section } from './page.ts';
import type { Report } from './schema.ts';

export function metrics(report: Report): Section | null {
  const { evaluation, comparison } = report;
  if (evaluation === null) return null;
  const others = otherModels(report);
  const mergeBaseLine = mergeBaseInWords(report);
  const rows = metricRows(report).map((row) => metricLine(row, others));
  const paired =
    comparison === null
      ? ''
      : `\nThe same ${counted(comparison.cases, 'case')} asked of both: ${count(comparison.both)} right in both, ${count(comparison.neither)} in neither, ` +
        `**${count(comparison.gained)} newly fixed, ${count(comparison.lost)} newly broken** (exact McNemar, ${probability(comparison.p)}).\n`;
  const names = others.map(({ name }) => ` ${prose(name)} | change | 95 % of the change |`);
  const head =
    others.length === 0
      ? '| | this model | 95 % interval |\n| --- | --: | --- |\n'
      : `| | this model |${names.join('')}\n| --- | --: |${others.map(() => ' --: | --: | --- |').join('')}\n`;
  return {
    ...plain,
    rank: ranks.metrics,
    noun: ['metric', 'metrics'],
    head: `\n### Metrics\n\n${head}`,
    rows,
    tail: `${paired}${mergeBaseLine === '' ? '' : `\n${prose(mergeBaseLine)}\n`}`,
  };
}

function metricLine(row: MetricRow, others: readonly OtherModel[]): string {
  const now = metricText(row.after, row.unit);
  if (others.length === 0) return `| ${row.name} | ${now} | ${row.interval?.of === 'value' ? intervalText(row.interval) : ''} |\n`;
  const cells = others.map(({ value, interval }) => {
    const before = value(row);
    if (before === null) return ' | | |';
    const change = row.unit === 'percent' ? `${points(row.after - before)} points` : signed(row.after - before, 4);
    const of = interval(row);
    return ` ${metricText(before, row.unit)} | ${change} | ${of?.of === 'change' ? intervalText(of) : ''} |`;
  });
  return `| ${row.name} | ${now} |${cells.join('')}\n`;
}

/** What a reviewer reads without a click; the rest is one click away. */
const casesAtOnce = 8;

export function brokenCases({ comparison }: Report): Section[] {
  if (comparison === null || comparison.broken.length === 0) return [];
  const { broken, lost } = comparison;
  const rest = broken.slice(casesAtOnce);
  const first = caseTable(`<b>Newly broken: ${counted(lost, 'case')}</b>${ofThem(broken, lost)}`, broken.slice(0, casesAtOnce), { open: true });
  return rest.length === 0
    ? [first]
    : [first, caseTable(counted(rest.length, 'more case that broke', 'more cases that broke'), rest, { open: false })];
}

export function fixedCases({ comparison }: Report): Section[] {
  if (comparison === null || comparison.fixed.length === 0) return [];
  const { fixed, gained } = comparison;
  return [caseTable(`<b>Newly fixed: ${counted(gained, 'case')}</b>${ofThem(fixed, gained)}`, fixed, { open: false })];
}

function ofThem(list: readonly unknown[], all: number): string {
  return list.length < all ? `, ${list.length} of them as examples` : '';
}

function caseTable(summary: string, list: Comparison['broken'], { open }: { open: boolean }): Section {
  return folded(summary, {
    rank: open ? ranks.cases : ranks.classes,
    open,
    first: open ? casesAtOnce : 5,
    noun: ['case', 'cases'],
    head: '| case | input | expected | before | now |\n| --- | --- | --- | --- | --- |\n',
    rows: list.map(
      (entry) =>
        `| ${code(entry.id, 24)} | ${code(entry.input)} | ${code(entry.expected, 80)} | ${mark(entry.before, entry.expected)} | ${mark(entry.after, entry.expected)} |\n`,
    ),
  });
}

function mark(got: string, expected: string): string {
  return got === expected ? '✓' : `✗ ${code(got, 80)}`;
}

export function classes(report: Report): Section | null {
  const { comparison } = report;
  if (comparison === null || comparison.classes.length === 0) return null;
  return folded(`<b>Classes that changed: ${count(comparison.classes.length)}</b>`, {
    rank: ranks.classes,
    first: 10,
    noun: ['class', 'classes'],
    head: '| class | cases | recall before | now | fixed | broken | p (Holm) |\n| --- | --: | --: | --: | --: | --: | --: |\n',
    rows: comparison.classes.map(
      (entry) =>
        `| ${code(entry.label, 80)} | ${count(entry.cases)} | ${percent(entry.before)} | ${percent(entry.after)} | ${count(entry.gained)} | ${count(entry.lost)} | ${entry.adjusted.toFixed(3)} |\n`,
    ),
  });
}

export function confused(report: Report): Section | null {
  const pairs = (report.evaluation?.confusion ?? []).filter((cell) => cell.expected !== cell.got).toSorted((a, b) => b.cases - a.cases);
  if (pairs.length === 0) return null;
  return folded('<b>Most confused</b>', {
    rank: ranks.rest,
    first: 5,
    noun: ['pair', 'pairs'],
    head: '| expected | got | cases |\n| --- | --- | --: |\n',
    rows: pairs.slice(0, 20).map((cell) => `| ${code(cell.expected, 80)} | ${code(cell.got, 80)} | ${count(cell.cases)} |\n`),
  });
}
