// A profile on a terminal: a line a column, with its histogram as small bars; then the most frequent values.
import type { ColumnProfile, Profile } from '../quality/profile/schema.ts';
import { countText, shareText, shortNumber, shownValue } from '../quality/profile/words.ts';
import { cut, visible } from '../report/visible.ts';
import type { Paint } from './command.ts';
import { renderTable } from './table.ts';

const blocks = '▁▂▃▄▅▆▇█';

/** @param limit most frequent values of a column that are shown */
export function renderProfile(profile: Profile, limit: number, paint: Paint): string {
  const head = `${paint.bold(visible(profile.data))}  ${counted(profile.rows, 'row')}, ${counted(profile.columns.length, 'column')}`;
  if (profile.columns.length === 0) return head;
  const table = renderTable(
    [
      { title: 'column' },
      { title: 'type' },
      { title: 'missing', align: 'right' },
      { title: 'distinct', align: 'right' },
      { title: 'least', align: 'right' },
      { title: 'median', align: 'right' },
      { title: 'greatest', align: 'right' },
      { title: 'spread' },
    ],
    profile.columns.map((column) => lineOf(column, profile, paint)),
  );
  const tops = limit === 0 ? [] : profile.columns.flatMap((column) => [...topOf(column, profile.rows, limit, paint)]);
  return [head, '', table, ...(tops.length === 0 ? [] : ['', ...tops])].join('\n');
}

function lineOf(column: ColumnProfile, { rows, key, label }: Profile, paint: Paint): string[] {
  const { type, numbers, lengths, range } = column;
  const measured = numbers ?? lengths;
  const unit = numbers === null && lengths !== null ? (type === 'list' ? ' item' : ' char') : '';
  const sized = (size: number): string => shortNumber(size) + unit + (unit === '' || size === 1 ? '' : 's');
  const role = column.name === key ? ' (key)' : column.name === label ? ' (label)' : '';
  const ends = range ?? (measured === null ? null : [sized(measured.min), sized(measured.max)]);
  return [
    cut(visible(column.name), 40) + paint.dim(role),
    typeText(column, rows),
    column.missing.rows === 0 ? '-' : paint.yellow(shareText(column.missing.rows, rows)),
    column.distinct === rows && rows > 1 ? 'all' : countText(column.distinct),
    ends === null ? '' : visible(ends[0] ?? ''),
    measured === null || range !== null ? '' : sized(measured.quantiles.p50),
    ends === null ? '' : visible(ends[1] ?? ''),
    spread(column),
  ];
}

function counted(number: number, noun: string): string {
  return `${countText(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** Of a CSV: a column of texts most of which are something else has a few that are wrong. */
function typeText({ type, format, types }: ColumnProfile, rows: number): string {
  const { integer = 0, number = 0, ...others } = types;
  const [first] = Object.entries({ number: integer + number, ...others }).toSorted(([, a], [, b]) => b - a);
  const wrong = type === 'string' || type === 'mixed' ? first !== undefined && first[0] !== type : false;
  return (format ?? type) + (wrong && first !== undefined ? ` (${shareText(first[1], rows)} ${first[0]})` : '');
}

/** Few values: how often each stands there; else the histogram. */
function spread({ numbers, lengths, top, distinct }: ColumnProfile): string {
  if (numbers === null && distinct <= top.length) return bars(top.map((entry) => entry.rows));
  const measured = numbers ?? lengths;
  return measured === null ? '' : bars(measured.histogram.map((bin) => bin.rows));
}

function* topOf({ name, top, distinct }: ColumnProfile, rows: number, limit: number, paint: Paint): Generator<string> {
  const shown = top.slice(0, limit).filter((entry) => entry.rows > 1);
  if (shown.length === 0) return;
  const more = distinct > shown.length ? paint.dim(`, ${countText(distinct - shown.length)} more`) : '';
  yield `${paint.bold(cut(visible(name), 40))}: ${shown.map((entry) => `${cut(visible(shownValue(entry.value)), 40)} ${paint.dim(shareText(entry.rows, rows))}`).join(', ')}${more}`;
}

/** Heights are shares of the highest; what is there at all is seen. */
export function bars(rows: readonly number[]): string {
  const most = Math.max(...rows, 1);
  return rows.map((amount) => (amount === 0 ? ' ' : blocks[Math.min(blocks.length - 1, Math.floor((amount / most) * blocks.length))])).join('');
}
