// What a check found, for people.
import type { FindingsReport, Severity } from '../quality/findings.ts';
import type { Paint } from './command.ts';

/** @param limit rows that are shown of each kind; a report holds ten, and the file of `--out` all */
export function renderFindings(report: FindingsReport, limit: number, paint: Paint): string {
  const { data, rows, holds, flagged, kinds, notes } = report;
  const inSeveral = new Set(kinds.map(({ kind }) => kind).filter((kind, at, all) => all.indexOf(kind) !== at));
  const count = (number: number, noun: string): string => `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
  const verdict = holds ? paint.green('holds') : paint.red('does not hold');
  const lines = [`${paint.bold(oneLine(data))}: ${verdict}, ${count(rows, 'row')}, ${count(flagged, 'flagged row')}`];
  for (const { kind, severity, column, rows: found, findings, sample } of kinds) {
    const where = column !== null && inSeveral.has(kind) ? ` in ${oneLine(column)}` : '';
    lines.push(`  ${coloured(severity, paint)} ${kind}${where}: ${count(found, 'row')}`);
    const shown = sample.slice(0, limit);
    for (const { row, key, message } of shown) lines.push(`    ${oneLine(key === `row ${row}` ? key : `row ${row} (${key})`)}: ${oneLine(message)}`);
    // a row may be found in several places, and stand there as often
    const more = found - new Set(shown.map(({ row }) => row)).size;
    if (limit === 0 || findings === shown.length) continue;
    const rest = more > 0 ? count(more, 'more row') : `${count(findings - shown.length, 'more place')} in them`;
    lines.push(paint.dim(`    and ${rest}${limit > sample.length ? '; --out FILE writes all' : ''}`));
  }
  for (const note of notes) lines.push(paint.dim(`  ${note}`));
  return lines.join('\n');
}

function coloured(severity: Severity, paint: Paint): string {
  return severity === 'error' ? paint.red(severity) : severity === 'warning' ? paint.yellow(severity) : paint.dim(severity);
}

/** Keys are whatever the data hold. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
