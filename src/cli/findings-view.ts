// What a check found, for people.
import type { FindingsReport, Severity } from '../quality/findings.ts';
import type { Paint } from './command.ts';

/** @param limit rows that are shown of each kind */
export function renderFindings(report: FindingsReport, limit: number, paint: Paint): string {
  const { data, rows, holds, flagged, kinds, notes } = report;
  const count = (number: number, noun: string): string => `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
  const verdict = holds ? paint.green('holds') : paint.red('does not hold');
  const lines = [`${paint.bold(oneLine(data))}: ${verdict}, ${count(rows, 'row')}, ${count(flagged, 'flagged row')}`];
  for (const { kind, severity, rows: found, sample } of kinds) {
    lines.push(`  ${coloured(severity, paint)} ${kind}: ${count(found, 'row')}`);
    for (const { row, key, message } of sample.slice(0, limit))
      lines.push(`    ${oneLine(key === `row ${row}` ? key : `row ${row} (${key})`)}: ${oneLine(message)}`);
    if (found > limit && limit > 0) lines.push(paint.dim(`    and ${count(found - limit, 'more row')}`));
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
