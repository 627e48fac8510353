// What candidates truly have in common, by their texts: for each evaluation entry the training row that says most of it.
import { exactText, valueOf } from '../text/view.ts';
import { cellText } from '../../datasets/row-content.ts';
import { record } from '../text/entries.ts';
import { NumberList } from '../text/number-list.ts';
import { readRowsAt } from '../text/rows-at.ts';
import type { Candidates } from './join.ts';
import { OverlapReader, type OverlapText, type SharedRun } from './overlap.ts';
import { shortestRun, type LeakageSettings } from './settings.ts';
import type { Side } from './side.ts';

/** What an evaluation entry shares with a training row. */
export interface TextLeak {
  /** near: Jaccard index from the threshold on; else the longest run of `ngrams` that they share */
  readonly kind: 'near' | number;
  /** training row, from 0 */
  readonly row: number;
  readonly jaccard: number;
  readonly run: SharedRun | null;
}

/** Words of evaluation texts that are held at once. */
const mostWords = 2_000_000;

export async function compareTexts(
  asked: Side,
  train: Side,
  { alike, equal }: Candidates,
  settings: LeakageSettings,
): Promise<Map<number, TextLeak>> {
  const leaks = new Map<number, TextLeak>();
  const entries = [...alike.keys()].filter((entry) => equal[entry] === -1).toSorted((a, b) => a - b);
  for (let from = 0; from < entries.length;) {
    const batch: number[] = [];
    for (let words = 0; from < entries.length && (words < mostWords || batch.length === 0); from += 1) {
      const entry = entries[from] as number;
      batch.push(entry);
      words += asked.index.records[(asked.entries.first[entry] as number) * asked.index.width + record.size] as number;
    }
    await compareBatch(batch, { asked, train, alike, settings, leaks });
  }
  return leaks;
}

interface Batch {
  readonly asked: Side;
  readonly train: Side;
  readonly alike: Candidates['alike'];
  readonly settings: LeakageSettings;
  readonly leaks: Map<number, TextLeak>;
}

async function compareBatch(batch: readonly number[], { asked, train, alike, settings, leaks }: Batch): Promise<void> {
  const overlap = new OverlapReader(shortestRun(settings));
  const texts = new Map<number, OverlapText>();
  for await (const { row, value } of readRowsAt(asked.rows.source, rowsOf(batch, asked), asked.world))
    texts.set(asked.entries.of[row - 1] as number, overlap.read(partsOf(value, asked.columns)));
  /** training entry -> evaluation entries that may be in it */
  const wanted = new Map<number, number[]>();
  for (const entry of batch)
    for (const other of alike.get(entry) ?? []) {
      const list = wanted.get(other);
      if (list === undefined) wanted.set(other, [entry]);
      else list.push(entry);
    }
  const trainEntries = [...wanted.keys()].toSorted((a, b) => a - b);
  for await (const { row, value } of readRowsAt(train.rows.source, rowsOf(trainEntries, train), train.world)) {
    const text = overlap.read(partsOf(value, train.columns));
    for (const entry of wanted.get(train.entries.of[row - 1] as number) ?? []) {
      const one = texts.get(entry) as OverlapText;
      const [jaccard, run] = [settings.near ? overlap.jaccard(one, text) : 0, overlap.longestRun(one, text)];
      const leak = leakOf(row - 1, jaccard, run, settings);
      const before = leaks.get(entry);
      if (leak !== null && (before === undefined || isMore(leak, before))) leaks.set(entry, leak);
    }
  }
}

export function partsOf(value: Readonly<Record<string, unknown>>, columns: readonly string[]): string[] {
  return columns.map((column) => cellText(valueOf(value, column)));
}

function rowsOf(entries: readonly number[], { entries: { first } }: Side): Uint32Array {
  return Uint32Array.from(entries, (entry) => (first[entry] as number) + 1);
}

function leakOf(row: number, jaccard: number, run: SharedRun | null, { threshold, near, ngrams }: LeakageSettings): TextLeak | null {
  if (near && jaccard >= threshold) return { kind: 'near', row, jaccard, run };
  const words = Math.max(0, ...ngrams.filter((size) => size <= (run?.words ?? 0)));
  return words === 0 ? null : { kind: words, row, jaccard, run };
}

/** Rows come in their order: of two that say as much the first one stays. */
function isMore(a: TextLeak, b: TextLeak): boolean {
  const rank = ({ kind }: TextLeak): number => (kind === 'near' ? Number.POSITIVE_INFINITY : kind);
  if (rank(a) !== rank(b)) return rank(a) > rank(b);
  return a.kind === 'near' ? a.jaccard > b.jaccard : (a.run?.words ?? 0) > (b.run?.words ?? 0);
}

/** Of rows with one name, so many are held against the very text. */
const mostEqual = 16;

/** Training rows of entries that evaluation has as well: exact text -> the first such row, from 0; by entry. */
export async function exactTexts(train: Side, equal: Int32Array): Promise<Map<number, Map<string, number>>> {
  const found = new Map<number, Map<string, number>>();
  const counts = new Map<number, number>();
  for (const entry of equal) if (entry !== -1) found.set(entry, new Map());
  const rows = new NumberList();
  for (let row = 0; found.size > 0 && row < train.entries.of.length; row += 1) {
    const entry = train.entries.of[row] as number;
    const count = counts.get(entry) ?? 0;
    if (!found.has(entry) || count >= mostEqual) continue;
    counts.set(entry, count + 1);
    rows.push(row + 1);
  }
  for await (const { row, value } of readRowsAt(train.rows.source, rows.values, train.world)) {
    const texts = found.get(train.entries.of[row - 1] as number);
    const text = exactText(value, train.columns);
    if (texts !== undefined && !texts.has(text)) texts.set(text, row - 1);
  }
  return found;
}
