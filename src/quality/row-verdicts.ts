// Checks that judge each row by itself: what was found in a row stays true wherever the row stands. A version that follows a remembered one is judged by
// the rows that it added; the verdicts of the others move with them. The outcome is that of a full run, byte for byte.
import type { Digest } from '../base/digest.ts';
import { keyText } from '../datasets/keys.ts';
import { findRowChanges, type RowChanges } from '../datasets/row-changes.ts';
import { rowDigest } from '../datasets/row-digest.ts';
import { readRowBatches, type Row } from '../datasets/rows.ts';
import { openRemembered, rememberedAs, type CheckedRows, type CheckWorld } from './checked-rows.ts';
import type { Finding, FlaggedRow } from './findings.ts';
import { maskSensitive } from './sensitive.ts';

export interface RowVerdicts {
  readonly rows: number;
  /** in the order of the data; rows in which nothing was found are not here */
  readonly flagged: readonly FlaggedRow[];
  /** rows that were looked at now; all of them in a full run */
  readonly judged: number;
}

/** Deterministic, and of the row's values alone: neither its number nor its neighbours. */
export type JudgeRow = (value: Readonly<Record<string, unknown>>) => readonly Finding[] | Promise<readonly Finding[]>;

/**
 * @param check all that a verdict depends on beside the row (memory.ts, checkDigest)
 * @throws PlumbError ROW_SYNTAX and the like
 */
export async function judgeEachRow(rows: CheckedRows, world: CheckWorld, check: Digest, judge: JudgeRow): Promise<RowVerdicts> {
  const verdicts = (await judgeWhatChanged(rows, world, check, judge)) ?? (await judgeAll(rows, world, judge));
  await world.memory.keep(check, rememberedAs(rows), encode(verdicts));
  return verdicts;
}

async function judgeAll({ source }: CheckedRows, world: CheckWorld, judge: JudgeRow): Promise<RowVerdicts> {
  const flagged: FlaggedRow[] = [];
  const { signal } = world;
  const bar = world.progress.start(source.name, source.tree?.rows, 'rows');
  let rows = 0;
  try {
    for await (const batch of readRowBatches(source.path, source.format, { signal, name: source.name })) {
      for (const row of batch) await judgeRow(row, source.key, judge, flagged);
      rows += batch.length;
      bar.advance(batch.length);
    }
  } finally {
    bar.end();
  }
  return { rows, flagged, judged: rows };
}

async function judgeRow(row: Row, keyColumn: string | undefined, judge: JudgeRow, flagged: FlaggedRow[]): Promise<void> {
  const verdict = judge(row.value);
  const findings = verdict instanceof Promise ? await verdict : verdict;
  if (findings.length === 0) return;
  flagged.push({ row: row.row, key: nameOf(row, keyColumn, findings), digest: rowDigest(row.value), findings: [...findings] });
}

/** Its key, but for one that is itself what must not be shown. */
function nameOf({ row, value }: Row, keyColumn: string | undefined, findings: readonly Finding[]): string {
  const key = keyColumn === undefined || !Object.hasOwn(value, keyColumn) ? null : keyText(value[keyColumn]);
  const isShown = key !== null && !findings.some(({ column }) => column === keyColumn) && maskSensitive(key) === key;
  return isShown ? key : `row ${row}`;
}

/** @returns null: nothing that was remembered is near */
async function judgeWhatChanged(rows: CheckedRows, world: CheckWorld, check: Digest, judge: JudgeRow): Promise<RowVerdicts | null> {
  const { source } = rows;
  for await (const { version, state } of world.memory.recall(check)) {
    const known = decode(state);
    if (known === null) continue;
    if (version.content === rows.content && version.key === (source.key ?? null)) return { ...known, judged: 0 };
    // without both trees all rows of both would have to be read
    if (version.tree === null || source.tree === undefined || version.key !== (source.key ?? null)) continue;
    const before = await openRemembered(world, version, source.name);
    if (before === null) continue;
    const changes = await findRowChanges(before, source, { readNode: world.readNode, signal: world.signal });
    if (changes.addedCount * 2 <= changes.rows) return carryOn(known, changes, source.key, judge);
  }
  return null;
}

async function carryOn(known: RowVerdicts, changes: RowChanges, key: string | undefined, judge: JudgeRow): Promise<RowVerdicts> {
  const flagged: FlaggedRow[] = [];
  for (const old of known.flagged) {
    const row = changes.numberAfter(old.row);
    if (row !== null) flagged.push({ ...old, row, key: old.key === `row ${old.row}` ? `row ${row}` : old.key });
  }
  for await (const batch of changes.added()) for (const row of batch) await judgeRow(row, key, judge, flagged);
  return { rows: changes.rows, flagged: flagged.toSorted((a, b) => a.row - b.row), judged: changes.addedCount };
}

function encode({ rows, flagged }: RowVerdicts): Buffer {
  return Buffer.from(JSON.stringify({ rows, flagged }));
}

function decode(state: Buffer): RowVerdicts | null {
  try {
    const { rows, flagged } = JSON.parse(state.toString('utf8')) as RowVerdicts;
    return Number.isSafeInteger(rows) && Array.isArray(flagged) ? { rows, flagged, judged: 0 } : null;
  } catch {
    return null;
  }
}
