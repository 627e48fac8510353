// drift/1 for a terminal.
import type { DriftColumn, DriftReport } from '../quality/drift/schema.ts';
import { comeInWords, plotInBars, reasonsOf, short } from './drift-words.ts';
import { count, counted } from './figures.ts';
import type { TextPaint } from './text.ts';
import { cut, visible } from './visible.ts';

/** @param limit columns that are shown of those that did not drift */
export function renderDriftText(report: DriftReport, { paint, limit }: { readonly paint: TextPaint; readonly limit: number }): string {
  const drifted = report.columns.filter(({ state }) => state !== 'same');
  const same = report.columns.filter(({ state }) => state === 'same');
  const tone = drifted.length === 0 ? paint.green : report.holds ? paint.yellow : paint.red;
  const answer = drifted.length === 0 ? '✓ nothing drifted' : `! ${counted(report.drifted, 'column')} drifted`;
  return [
    tone(paint.bold(answer)),
    paint.dim(
      `  ${visible(report.data)}, ${count(report.rows.after)} rows, against ${cut(visible(report.against.join(', ')), 120)}, ${count(report.rows.before)} rows; ${counted(report.tests, 'test')}`,
    ),
    ...drifted.flatMap((column) => driftLines(column, report, paint)),
    ...same.slice(0, limit).map((column) => paint.dim(`  = ${sameLine(column)}`)),
    ...(same.length > limit ? [paint.dim(`  ${counted(same.length - limit, 'more column')} as before`)] : []),
    ...report.notes.map((note) => `  ${paint.yellow('note')} ${visible(note)}`),
  ].join('\n');
}

function driftLines(column: DriftColumn, { rows }: DriftReport, paint: TextPaint): string[] {
  const came = comeInWords(column, 5);
  const bars = column.plot === undefined ? null : plotInBars(column.plot);
  return [
    `  ${paint.yellow('~')} ${paint.bold(cut(visible(column.column), 60))}${column.label ? ' (label)' : ''}`,
    ...reasonsOf(column, rows).map((reason) => `      ${reason}`),
    ...(bars === null ? [] : [paint.dim(`      before ${bars.before}`), paint.dim(`      now    ${bars.after}`)]),
    ...(came === null ? [] : [`      ${cut(visible(came), 160)}`]),
  ];
}

function sameLine({ column, kind, aspects }: DriftColumn): string {
  const [first] = aspects;
  return `${cut(visible(column), 60)} (${kind})${first === undefined ? '' : `: ${first.effect.measure} ${short(first.effect.value)}`}`;
}
