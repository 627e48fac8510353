import { count, counted, percent, points, probability, signed, signedCount } from './figures.ts';
import { checksOf } from './data-verdict.ts';
import { changedParams, costInWords, headlineOf, metricRows, metricText, stagesInWords } from './headline.ts';
import { reasonsOf } from './drift-words.ts';
import { broughtInWords, shortCheckWords } from './findings-words.ts';
import type { DriftPart, FindingsPart, Report, ValidationPart } from './schema.ts';
import { cut, visible } from './visible.ts';

/** Colours of the terminal; each gives its text back where there are none. */
export interface TextPaint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

export interface TextOptions {
  readonly paint?: TextPaint;
  /** columns of the terminal, 80 unless told */
  readonly width?: number;
}

const same = (text: string): string => text;
const noPaint: TextPaint = { bold: same, dim: same, red: same, green: same, yellow: same };

/**
 * The report for a terminal: verdict, gate, what changed, metrics, the first broken cases. Control characters of the data are made
 * visible, so no data moves the cursor or paints.
 */
export function renderText(report: Report, options: TextOptions = {}): string {
  const view: View = { paint: options.paint ?? noPaint, width: Math.max(40, options.width ?? 80) };
  const blocks = [top(report, view), gate(report, view), changes(report, view), metrics(report, view), classes(report, view), cases(report, view)];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

interface View {
  readonly paint: TextPaint;
  readonly width: number;
}

/** Data on one line, cut to what is left of it. */
function fit(text: string, room: number): string {
  return cut(visible(text), Math.max(8, room));
}

function top(report: Report, { paint, width }: View): string[] {
  const { tone, gate: gateWords, verdict, why } = headlineOf(report);
  const colour = { good: paint.green, bad: paint.red, mixed: paint.yellow }[tone];
  const icon = { good: '✓', bad: '✗', mixed: '!' }[tone];
  const { branch, revision, base } = report.title;
  const where = `${report.model ?? 'data'}  ${branch === null ? '' : `${branch} `}${revision}${base === null ? '' : ` into ${base}`}`;
  return [
    paint.dim(fit(where, width)),
    `${colour(paint.bold(`${icon} ${gateWords}`))}${verdict === '' ? '' : colour(`: ${fit(verdict, width)}`)}`,
    ...wrap(why, width - 2).map((line) => `  ${line}`),
    ...report.warnings.flatMap((text) => wrap(text, width - 4).map((line, index) => `${index === 0 ? paint.yellow('  ! ') : '    '}${line}`)),
  ];
}

/** Words in lines of at most `width` characters; a longer word is cut. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of visible(text).split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(cut(word, width));
  }
  return lines;
}

function gate(report: Report, { paint, width }: View): string[] {
  if (report.gate === null) return [];
  return [
    paint.bold(`Gate ${visible(report.gate.gate)}`),
    ...report.gate.checks.flatMap((check) => {
      const icon = !check.holds ? paint.red('✗') : check.applies ? paint.green('✓') : paint.dim('–');
      const [first = '', ...rest] = wrap(check.check, width - 4);
      return [`  ${icon} ${first}`, ...rest.map((line) => `    ${line}`), ...wrap(check.why, width - 6).map((line) => paint.dim(`      ${line}`))];
    }),
  ];
}

/** Each row counted once: a relabelled row is not counted among the edited as well. */
function changeCounts(set: Report['data'][number]): [string, number][] {
  return [
    ['added', set.added],
    ['removed', set.removed],
    ['edited', set.edited - set.relabelled],
    ['relabelled', set.relabelled],
  ];
}

function changes(report: Report, { paint, width }: View): string[] {
  const data = report.data.flatMap((set) => {
    if (set.before === set.after) return [];
    const parts = [
      `${counted(set.rowsAfter, 'row')}${set.before === null ? ' (new)' : set.rowsAfter === set.rowsBefore ? '' : ` (${signedCount(set.rowsAfter - set.rowsBefore)})`}`,
      ...changeCounts(set).flatMap(([kind, rows]) => (rows === 0 ? [] : [`${count(rows)} ${kind}`])),
    ];
    return [
      wrap(`${set.name}: ${parts.join(', ')}`, width - 10)
        .map((line, index) => `  ${index === 0 ? 'data  ' : '      '}  ${line}`)
        .join('\n'),
    ];
  });
  const params = changedParams(report).map(
    (entry) => `  param   ${fit(`${entry.key}: ${entry.before ?? 'not there'} → ${entry.after ?? 'not there'}`, width - 10)}`,
  );
  const rules = (report.validation ?? []).flatMap((part) => ruleLines(part, paint, width));
  const found = [
    ...(report.findings ?? []).flatMap((part) => findingLines(part, paint, width)),
    ...(report.drift ?? []).flatMap((part) => driftLines(part, paint, width)),
  ];
  const holds = report.model === null ? holdLines(report, paint, width) : [];
  const stages = report.stages.length === 0 ? [] : [`  stages  ${stagesInWords(report)}, ${costInWords(report)}`];
  const lines = [
    ...data.slice(0, 12),
    ...more(data.length - 12),
    ...rules.slice(0, 12),
    ...more(rules.length - 12),
    ...found.slice(0, 12),
    ...more(found.length - 12),
    ...holds,
    ...params.slice(0, 12),
    ...more(params.length - 12),
    ...stages,
  ];
  return lines.length === 0 ? [] : [paint.bold('Changes'), ...lines];
}

/** Where there is no model to speak of, checks that found nothing are the news. */
function holdLines({ validation = [], findings = [], drift = [] }: Report, paint: TextPaint, width: number): string[] {
  const quiet = {
    validation: validation.filter(({ state, checks }) => state === 'holds' && checks.length === 0),
    findings: findings.filter(({ state, kinds }) => state === 'holds' && kinds.every(({ severity }) => severity === 'info')),
    drift: drift.filter(({ state }) => state === 'same'),
  };
  const names = checksOf(quiet).map(({ check, dataset }) => `${check} (${dataset})`);
  const lines = names.length === 0 ? [] : wrap(names.join(', '), width - 10);
  return lines.map((line, index) => `  ${index === 0 ? paint.green('holds ') : '      '}  ${line}`);
}

/** Broken rules; those that hold say nothing. */
function ruleLines(part: ValidationPart, paint: TextPaint, width: number): string[] {
  return part.checks.map((check) => {
    const rows = check.failing === 0 ? '' : `${counted(check.failing, 'row')}: `;
    const colour = check.severity === 'error' ? paint.red : paint.yellow;
    return `  rules   ${colour(fit(`${part.dataset}: ${rows}not "${check.what}"`, width - 10))}`;
  });
}

/** What a check found; what holds says nothing. */
function findingLines({ check, dataset, state, kinds, note }: FindingsPart, paint: TextPaint, width: number): string[] {
  const head = `  ${shortCheckWords[check].padEnd(6)}  `;
  if (note !== undefined) return [`${head}${(state === 'broken' ? paint.red : paint.yellow)(fit(`${dataset}: ${note}`, width - 10))}`];
  const told = kinds.filter(({ severity }) => severity !== 'info');
  return told.map(({ kind, severity, rows, brought, column }) => {
    const where = column === null ? '' : ` in ${column}`;
    return `${head}${(severity === 'error' ? paint.red : paint.yellow)(fit(`${dataset}: ${counted(rows, 'row')}${broughtInWords({ rows, brought })}: ${kind}${where}`, width - 10))}`;
  });
}

function driftLines({ dataset, columns, rows, severity, note }: DriftPart, paint: TextPaint, width: number): string[] {
  const colour = severity === 'error' ? paint.red : paint.yellow;
  if (note !== undefined) return [`  drift   ${paint.yellow(fit(`${dataset}: ${note}`, width - 10))}`];
  return columns.map((column) => `  drift   ${colour(fit(`${dataset}: ${column.column}: ${reasonsOf(column, rows).join('; ')}`, width - 10))}`);
}

function more(left: number): string[] {
  return left > 0 ? [`          ${count(left)} more in the report`] : [];
}

function metrics(report: Report, { paint }: View): string[] {
  const { comparison, evaluation } = report;
  if (evaluation === null) return [];
  const rows = metricRows(report).map((row) => {
    const difference = row.before === null ? null : row.after - row.before;
    const change = difference === null ? '' : row.unit === 'percent' ? points(difference) : signed(difference, 4);
    const better = difference !== null && (row.better === 'higher' ? difference > 0 : difference < 0);
    const colour = change === '' || change.startsWith('±') ? paint.dim : better ? paint.green : paint.red;
    const before = row.before === null ? '' : metricText(row.before, row.unit);
    return `  ${row.name.padEnd(24)}${before.padStart(10)}${metricText(row.after, row.unit).padStart(12)}  ${colour(change.padStart(8))}`;
  });
  const head = `  ${' '.repeat(24)}${(report.baseline === null ? '' : fit(report.baseline.what, 10)).padStart(10)}${'this model'.padStart(12)}  ${(comparison === null ? '' : 'change').padStart(8)}`;
  const { low, high } = evaluation.accuracy;
  const paired =
    comparison === null
      ? `  accuracy 95 %: ${percent(low)} to ${percent(high)}, ${counted(evaluation.cases, 'case')}`
      : `  change of accuracy 95 %: ${points(comparison.difference.low)} to ${points(comparison.difference.high)} points, ${probability(comparison.p)}, ${counted(comparison.cases, 'case')}`;
  return [paint.bold('Metrics'), paint.dim(head), ...rows, paint.dim(paired)];
}

function classes(report: Report, { paint, width }: View): string[] {
  const lost = (report.comparison?.classes ?? []).filter((entry) => entry.after < entry.before);
  if (lost.length === 0) return [];
  return [
    paint.bold(`Classes that lost recall: ${count(lost.length)}`),
    ...lost.slice(0, 8).map((entry) => {
      const figures = `${percent(entry.before)} → ${percent(entry.after)}`;
      return `  ${fit(entry.label, width - figures.length - 16).padEnd(34)} ${figures}  ${paint.red(`−${count(entry.lost)}`)}${entry.gained === 0 ? '' : ` ${paint.green(`+${count(entry.gained)}`)}`}`;
    }),
    ...more(lost.length - 8),
  ];
}

function cases(report: Report, { paint, width }: View): string[] {
  const { comparison } = report;
  if (comparison === null) return [];
  const title = paint.bold(`${count(comparison.lost)} newly broken, ${count(comparison.gained)} newly fixed`);
  const shown = comparison.broken
    .slice(0, 5)
    .flatMap((entry) => [
      `  ${paint.red('✗')} ${fit(entry.input, width - 4)}`,
      paint.dim(`      ${fit(`${entry.expected}, now ${entry.after}`, width - 6)}`),
    ]);
  return [title, ...shown, ...more(comparison.lost - shown.length / 2)];
}
