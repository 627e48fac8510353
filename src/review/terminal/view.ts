// One waiting row as lines of a terminal: its columns with the flagged places marked, why it is here, what others said.
import { cellText } from '../../datasets/row-content.ts';
import type { QueueItem } from '../queue.ts';
import type { Decision } from '../schema.ts';
import type { Decided } from '../settled.ts';
import type { Standing } from '../sitting.ts';
import { partsOf } from '../spans.ts';

export interface Look {
  /** makes hostile text harmless, on one line */
  show(text: string): string;
  readonly paint: Readonly<Record<'bold' | 'dim' | 'red' | 'green' | 'yellow', (text: string) => string>>;
}

/** Of one column: who wants all of it presses e. */
const mostText = 3000;

export function describeItem(item: QueueItem, { at, items, more }: Standing, { show, paint }: Look): string[] {
  const rest = more === 0 ? '' : `, ${more} more behind them`;
  const head = `${paint.bold(show(item.key))}  ${paint.dim(`row ${item.row}, ${at + 1} of ${items}${rest}`)}`;
  const columns = Object.entries(item.value).flatMap(([name, cell]) => describeColumn(item, name, cell, { show, paint }));
  const findings = item.findings.map(({ kind, severity, column, message }) => {
    const tint = severity === 'error' ? paint.red : paint.yellow;
    return `  ${tint(`! ${show(kind)}`)}${column === null ? '' : ` in ${show(column)}`}${message === '' ? '' : `: ${show(message)}`}`;
  });
  const reasons = item.findings.length === 0 && item.why.length > 0 ? [paint.dim(`  ${item.why.map(show).join('; ')}`)] : [];
  const votes = item.votes.flatMap((vote) => describeVote(vote, item, { show, paint }));
  return [head, ...columns, ...findings, ...reasons, ...votes];
}

function describeColumn(item: QueueItem, name: string, cell: unknown, { show, paint }: Look): string[] {
  const text = cellText(cell);
  const flagged = item.findings.filter(({ column }) => column === name);
  const label = (flagged.length > 0 ? paint.yellow : paint.dim)(show(name));
  const parts = partsOf(text, flagged);
  // brackets say it where there are no colours, and to whoever cannot see them
  const marked = parts.map((part) => (part.kinds.length === 0 ? part.text : `⟦${part.text}⟧`)).join('');
  const lines = cutAround(marked)
    .split(/\r\n?|\n/)
    .map((line) => tinted(show(line), paint.red));
  return [`  ${label}  ${lines[0] ?? ''}`, ...lines.slice(1).map((line) => `  ${' '.repeat(name.length)}  ${line}`)];
}

function tinted(line: string, red: (text: string) => string): string {
  return line.replaceAll(/⟦[^⟧]*⟧/gu, (found) => red(found));
}

/** A long text from a little before its first flagged place. */
function cutAround(text: string): string {
  if (text.length <= mostText) return text;
  const first = text.indexOf('⟦');
  const from = first < 200 ? 0 : first - 200;
  const piece = text.slice(from, from + mostText).toWellFormed();
  return `${from === 0 ? '' : '… '}${piece}${from + mostText < text.length ? ` … (${text.length} characters)` : ''}`;
}

function describeVote(vote: Decided, item: QueueItem, look: Look): string[] {
  const { show, paint } = look;
  const note = vote.note === undefined ? '' : `: ${show(vote.note)}`;
  return [`  ${paint.bold(show(vote.annotator.name))} ${describeDecision(vote, look)}${note}`, ...changedLines(item.value, vote, look)];
}

/** 'accepted', 'labelled as card', 'edited text, lang' */
export function describeDecision({ action, edit = {}, label }: Decision, { show, paint }: Look): string {
  if (action === 'accept') return paint.green('accepted');
  if (action === 'reject') return paint.red('rejected');
  if (action === 'label') return paint.yellow(`labelled as ${show(label ?? Object.values(edit).map(cellText).join(', '))}`);
  return paint.yellow(`edited ${Object.keys(edit).map(show).join(', ')}`);
}

/** What an edit takes away and puts in its place, as a diff. */
export function changedLines(before: Readonly<Record<string, unknown>>, { edit = {} }: Decision, { show, paint }: Look): string[] {
  return Object.entries(edit).flatMap(([name, cell]) => [
    paint.red(`  - ${show(name)}  ${show(cellText(before[name]).slice(0, mostText))}`),
    paint.green(`  + ${show(name)}  ${show(cellText(cell).slice(0, mostText))}`),
  ]);
}
