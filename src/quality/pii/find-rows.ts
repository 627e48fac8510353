// The finds of a version: of all its rows, or of what a version before that is remembered lacks. A verdict is of a row by itself, so that both say the same.
import { rowDigest } from '../../datasets/row-digest.ts';
import { cellText } from '../../datasets/row-content.ts';
import { findRowChanges, type RowChanges } from '../../datasets/row-changes.ts';
import { readRowBatches, type Row } from '../../datasets/rows.ts';
import type { Digest } from '../../base/digest.ts';
import { openRemembered, rememberedAs, type CheckedRows, type CheckWorld } from '../checked-rows.ts';
import { cellsOf, nameOfPath, type Cell, type CellPath } from './cells.ts';
import { foldedText } from './fold.ts';
import { toCodePoints } from './found.ts';
import { valueHash, type PiiKey } from './key.ts';
import { decodeFinds, encodeFinds, type RowFinds, type VersionFinds } from './row-finds.ts';
import type { NamedText, ScanTexts } from './scan.ts';

export interface FindSettings {
  /** of all that finds depend on, beside the rows */
  readonly check: Digest;
  /** null: all */
  readonly columns: ReadonlySet<string> | null;
  readonly key: PiiKey | null;
  /** @param full all rows of a file are to be looked at */
  openScan(full: boolean): Promise<{ readonly scan: ScanTexts; readonly threads: number; close(): Promise<void> }>;
}

export interface FoundRows {
  readonly finds: VersionFinds;
  /** rows that were looked at */
  readonly scanned: number;
}

/** @throws PlumbError as readRowBatches, RECOGNISER_FAILED */
export async function findRows(rows: CheckedRows, settings: FindSettings, world: CheckWorld): Promise<FoundRows> {
  const known = await recallNearest(rows, settings, world);
  const found = known?.changes === null ? { finds: known.finds, scanned: 0 } : await look(rows, settings, world, known);
  await world.memory.keep(settings.check, rememberedAs(rows), encodeFinds(found.finds));
  return found;
}

interface Known {
  readonly finds: VersionFinds;
  /** null: nothing changed */
  readonly changes: RowChanges | null;
}

type Changed = Known & { readonly changes: RowChanges };

/** The version that is remembered and differs least; null: none, or more than half changed. */
async function recallNearest(rows: CheckedRows, { check }: FindSettings, world: CheckWorld): Promise<Known | null> {
  let best: Changed | null = null;
  for await (const { version, state } of world.memory.recall(check)) {
    const finds = decodeFinds(state);
    if (finds === null || version.format !== rows.source.format || version.key !== (rows.source.key ?? null)) continue;
    if (version.content === rows.content) return { finds, changes: null };
    const source = await openRemembered(world, version, rows.source.name);
    if (source === null) continue;
    const changes = await findRowChanges(source, rows.source, { readNode: world.readNode, signal: world.signal });
    if (best === null || changes.addedCount < best.changes.addedCount) best = { finds, changes };
    if (changes.addedCount * 10 <= changes.rows) break;
  }
  return best !== null && best.changes.addedCount * 2 <= best.changes.rows ? best : null;
}

async function look({ source }: CheckedRows, settings: FindSettings, world: CheckWorld, known: Known | null): Promise<FoundRows> {
  const changes = known?.changes ?? null;
  const open = await settings.openScan(changes === null);
  const bar = world.progress.start(`personal data in ${source.name}`, changes?.addedCount ?? source.tree?.rows, 'rows');
  const flagged: RowFinds[] = [];
  let scanned = 0;
  try {
    const batches = changes?.added() ?? readRowBatches(source.path, source.format, { signal: world.signal, name: source.name });
    for await (const { rows, found } of inOrder(batches, open.threads * 2, (batch) => judge(batch, open.scan, settings, source.key))) {
      for (const one of found) flagged.push(one);
      scanned += rows;
      bar.advance(rows);
    }
  } finally {
    bar.end();
    await open.close();
  }
  if (known === null || changes === null) return { finds: { rows: scanned, flagged }, scanned };
  const kept = known.finds.flagged.flatMap((one) => {
    const row = changes.numberAfter(one.row);
    if (row === null) return [];
    // without a key a row is named by its number
    return [{ ...one, row }];
  });
  return { finds: { rows: changes.rows, flagged: [...kept, ...flagged].toSorted((a, b) => a.row - b.row) }, scanned };
}

/** Batches at work side by side, at most `width`; answers in their order. */
async function* inOrder<T, R>(batches: AsyncIterable<T>, width: number, work: (batch: T) => Promise<R>): AsyncGenerator<R> {
  const waiting: Promise<R>[] = [];
  for await (const batch of batches) {
    const answer = work(batch);
    // it is asked for its answer later
    answer.catch(() => undefined);
    waiting.push(answer);
    if (waiting.length > width) yield (await waiting.shift()) as R;
  }
  for (const answer of waiting) yield await answer;
}

async function judge(
  rows: readonly Row[],
  scan: ScanTexts,
  settings: FindSettings,
  key: string | undefined,
): Promise<{ rows: number; found: RowFinds[] }> {
  const cells: (Cell & { readonly isKey?: true })[] = [];
  const texts: NamedText[] = [];
  const ends: number[] = [];
  // where the key is in a column that nobody asked for, it still must be no name of a row if it is an address
  const asideKey = key !== undefined && settings.columns?.has(key) === false ? key : null;
  for (const row of rows) {
    for (const cell of cellsOf(row.value, settings.columns)) {
      cells.push(cell);
      texts.push(cell.isName === true ? [cell.text, nameAbove(cell.path), 'name'] : [cell.text, nameOfPath(cell.path)]);
    }
    if (asideKey !== null && Object.hasOwn(row.value, asideKey)) {
      const text = cellText(row.value[asideKey]);
      cells.push({ path: [asideKey], text, isKey: true });
      texts.push([text, asideKey, 'name']);
    }
    ends.push(cells.length);
  }
  const answers = await scan(texts);
  const found: RowFinds[] = [];
  let at = 0;
  for (const [number, row] of rows.entries()) {
    const finds: RowFinds['finds'][number][] = [];
    let isKeySensitive = false;
    for (; at < (ends[number] ?? 0); at += 1) {
      const answer = answers[at];
      const cell = cells[at];
      if (answer === null || answer === undefined || cell === undefined) continue;
      if (cell.isKey === true) {
        isKeySensitive = true;
        continue;
      }
      const spans = toCodePoints(cell.text, answer);
      for (const [nth, { entity, start, end, score }] of answer.entries()) {
        const hash = settings.key === null ? null : valueHash(settings.key, entity, foldedText(cell.text.slice(start, end)));
        const one = { path: cell.path, entity, start, end, span: spans[nth] ?? ([0, 0] as const), score: Math.round(score * 1000) / 1000, hash };
        finds.push(cell.isName === true ? { ...one, isName: true } : one);
      }
    }
    if (finds.length > 0) found.push({ row: row.row, key: isKeySensitive ? null : keyOf(row, key, finds), digest: rowDigest(row.value), finds });
  }
  return { rows: rows.length, found };
}

/** Of a key of an object, the name of what it is in; of a column nothing. */
function nameAbove([column, ...steps]: CellPath): string {
  return steps.length === 0 ? '' : nameOfPath([column, ...steps.slice(0, -1)]);
}

/** A key that is an e-mail address is no name for a row in a report. */
function keyOf(row: Row, key: string | undefined, finds: RowFinds['finds']): string | null {
  if (key === undefined || finds.some(({ path, isName }) => path[0] === key && isName === undefined)) return null;
  const value = Object.hasOwn(row.value, key) ? row.value[key] : null;
  const text = cellText(value);
  return text === '' ? null : text.slice(0, 200).toWellFormed();
}
