// What rules said of rows, for people.
import type { CheckResult, Validation } from '../quality/rules/report.ts';
import type { Paint } from './command.ts';
import type { Judging } from './rules-of-data.ts';

/** @param limit rows that are shown of each broken rule */
export function renderValidation({ data, rules }: Judging, validation: Validation, limit: number, paint: Paint): string {
  const { rows, holds, errors, warnings, results } = validation;
  const verdict = holds ? paint.green('holds') : paint.red('does not hold');
  const counts = [
    counted(rows, 'row'),
    counted(results.length, 'check'),
    `${errors} broken`,
    ...(warnings > 0 ? [counted(warnings, 'warning')] : []),
  ];
  const lines = [`${paint.bold(oneLine(data))} by ${oneLine(rules)}: ${verdict}, ${counts.join(', ')}`];
  for (const result of results) if (!result.holds) lines.push(...linesOf(result, limit, paint));
  return lines.join('\n');
}

function linesOf(result: CheckResult, limit: number, paint: Paint): string[] {
  const { severity, column, expected, desc, failing, checked, observed, sample } = result;
  const word = severity === 'error' ? paint.red(severity) : paint.yellow(severity);
  const what = `${result.name ?? `rule ${result.rule}`}: ${column === null ? '' : `${column} `}${expected}${desc === undefined ? '' : ` (${desc})`}`;
  if (observed !== undefined) return [`  ${word} ${oneLine(what)}; found: ${oneLine(String(observed))}`];
  const lines = [`  ${word} ${oneLine(what)}: ${failing.toLocaleString('en-US')} of ${checked.toLocaleString('en-US')} rows`];
  const shown = sample.slice(0, limit);
  for (const { row, key, value, same_as: same } of shown) {
    const place = key === `row ${row}` ? key : `row ${row} (${key})`;
    lines.push(`    ${oneLine(`${place}: ${value}${same === undefined ? '' : `, as in row ${same}`}`)}`);
  }
  // a report holds ten of them
  const rest = failing - shown.length;
  if (rest > 0 && limit > 0)
    lines.push(paint.dim(`    and ${rest.toLocaleString('en-US')} more${limit > sample.length ? '; --out FILE writes all' : ''}`));
  return lines;
}

function counted(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}

/** Keys and values are whatever the data hold: nothing of them moves a cursor or turns what follows around. */
function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\s\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+/g, ' ').slice(0, 500);
}
