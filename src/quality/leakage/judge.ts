// plumb leakage: evaluation rows that training rows give away. Both sides are indexed row by row, from what is remembered and what changed since; what they
// share is found anew each time, so that it cannot depend on the way by which the rows came.
import { cellText } from '../../datasets/row-content.ts';
import { rowDigest } from '../../datasets/row-digest.ts';
import type { Row } from '../../datasets/rows.ts';
import { FindingsTally } from '../findings-tally.ts';
import type { Finding, FindingsReport, FlaggedRow, Severity } from '../findings.ts';
import { NumberList } from '../text/number-list.ts';
import { record } from '../text/entries.ts';
import { readRowsAt } from '../text/rows-at.ts';
import { exactText, valueOf } from '../text/view.ts';
import { wordPlaces } from '../text/word-places.ts';
import { wordsOf } from '../text/words.ts';
import { noWaivers, waive, type WaiverBook } from '../waivers.ts';
import { compareTexts, exactTexts, partsOf, type TextLeak } from './compare.ts';
import { olderThanTraining, sharedGroups } from './groups.ts';
import { findCandidates } from './join.ts';
import { shortestRun, type LeakageSettings } from './settings.ts';
import { openSide, type Side, type SideRows } from './side.ts';

export interface Leaks {
  readonly report: FindingsReport;
  /** Evaluation rows with findings, in the order of the data. */
  readonly flagged: readonly FlaggedRow[];
}

/**
 * @param asked evaluation rows
 * @param trains training rows, of one data set or of several
 * @throws PlumbError DATASET_COLUMN, and as readRowBatches
 * Memory: some 40 bytes a row and 4 a word of both sides.
 */
export async function judgeLeakage(
  asked: SideRows,
  trains: readonly SideRows[],
  settings: LeakageSettings,
  waivers: WaiverBook = noWaivers,
): Promise<Leaks> {
  const side = await openSide(asked, settings.columns, settings);
  const found: Found[] = [];
  for (const train of trains) {
    const trained = await openSide(train, await trainColumns(train, side, settings), settings);
    found.push(await findLeaks(side, trained, settings));
  }
  const flagged = [...waive(await flagRows(side, found, settings), waivers, asked.rows.source.name)];
  const report = reportOf(side, found, flagged, settings);
  return { report: { ...report, notes: [...waivers.notes, ...report.notes] }, flagged };
}

/** What was asked for; else the columns of the evaluation rows as far as training has them. */
async function trainColumns({ rows: { source } }: SideRows, { columns }: Side, settings: LeakageSettings): Promise<readonly string[] | undefined> {
  if (settings.train_columns !== undefined) return settings.train_columns;
  const schema = source.tree?.schema;
  return schema === undefined || columns.every((column) => Object.hasOwn(schema, column)) ? columns : undefined;
}

/** What one training side gives away; rows from 0. */
interface Found {
  readonly train: Side;
  /** evaluation entry -> training entry with the same words; -1: none */
  readonly equal: Int32Array;
  readonly exact: Map<number, Map<string, number>>;
  /** evaluation entry -> what a training row shares with it */
  readonly texts: Map<number, TextLeak>;
  /** evaluation row -> training row */
  readonly groups: Map<number, number>;
  readonly older: Map<number, number>;
  /** training row -> what is told of it */
  readonly others: Map<number, Other>;
}

/** A training row that evaluation rows are held against. */
interface Other {
  readonly key: string;
  /** null: no run is told of it */
  readonly parts: readonly string[] | null;
  readonly group: string;
  readonly time: string;
}

async function findLeaks(asked: Side, train: Side, settings: LeakageSettings): Promise<Found> {
  const candidates = findCandidates(train, asked);
  const texts = await compareTexts(asked, train, candidates, settings);
  const exact = await exactTexts(train, candidates.equal);
  const groups = settings.group === undefined ? new Map<number, number>() : sharedGroups(asked, train);
  const older = settings.time === undefined ? new Map<number, number>() : olderThanTraining(asked, train);
  const runs = new Set([...texts.values()].map(({ row }) => row));
  const rows = new Set([...runs, ...groups.values(), ...older.values(), ...[...exact.values()].flatMap((rowsOf) => [...rowsOf.values()])]);
  for (const entry of candidates.equal) if (entry !== -1) rows.add(train.entries.first[entry] as number);
  const others = new Map<number, Other>();
  const numbers = Uint32Array.from(rows, (row) => row + 1).toSorted();
  for await (const row of readRowsAt(train.rows.source, numbers, train.world))
    others.set(row.row - 1, {
      key: keyOf(row, train),
      parts: runs.has(row.row - 1) ? partsOf(row.value, train.columns) : null,
      group: textIn(row, settings.group),
      time: textIn(row, settings.time),
    });
  return { train, equal: candidates.equal, exact, texts, groups, older, others };
}

function keyOf({ row, value }: Row, { rows: { source } }: Side): string {
  const key = source.key === undefined ? '' : cellText(valueOf(value, source.key)).toWellFormed().slice(0, 1000);
  return key === '' ? `row ${row}` : key;
}

function textIn({ value }: Row, column: string | undefined): string {
  return column === undefined ? '' : cellText(valueOf(value, column));
}

/** Reads the evaluation rows that something was found of. */
async function flagRows(asked: Side, found: readonly Found[], settings: LeakageSettings): Promise<FlaggedRow[]> {
  const numbers = new NumberList();
  for (let row = 0; row < asked.entries.of.length; row += 1) {
    const entry = asked.entries.of[row] as number;
    const isLeak = ({ equal, texts, groups, older }: Found): boolean =>
      (entry !== -1 && (equal[entry] !== -1 || texts.has(entry))) || groups.has(row) || older.has(row);
    if (found.some(isLeak)) numbers.push(row + 1);
  }
  const flagged: FlaggedRow[] = [];
  for await (const row of readRowsAt(asked.rows.source, numbers.values, asked.world)) {
    const findings = found.flatMap((one) => findingsOf(row, asked, one, settings));
    if (findings.length > 0) flagged.push({ row: row.row, key: keyOf(row, asked), digest: rowDigest(row.value), findings });
  }
  return flagged;
}

function findingsOf(row: Row, asked: Side, found: Found, settings: LeakageSettings): Finding[] {
  const entry = asked.entries.of[row.row - 1] as number;
  const findings: Finding[] = [];
  const place = (other: number): { data: string; row: number; key: string } => ({
    data: found.train.rows.source.name,
    row: other + 1,
    key: found.others.get(other)?.key ?? `row ${other + 1}`,
  });
  const add = (other: number, finding: Omit<Finding, 'other' | 'message'>, how: string): void => {
    const at = place(other);
    findings.push({ ...finding, message: `${how} ${nameOf(at)}`, other: at });
  };
  const { severities, group, time } = settings;
  const equal = entry === -1 ? -1 : (found.equal[entry] as number);
  const leak = entry === -1 ? undefined : found.texts.get(entry);
  const column = asked.columns.length === 1 ? (asked.columns[0] ?? null) : null;
  if (equal !== -1) {
    const same = found.exact.get(equal)?.get(exactText(row.value, asked.columns));
    if (same !== undefined) add(same, { kind: 'exact-text', severity: severities.exact, column, score: 1 }, 'the same text as');
    else
      add(
        found.train.entries.first[equal] as number,
        { kind: 'normalised-text', severity: severities.normalised, column, score: 1 },
        'but for case, spacing and punctuation the same text as',
      );
  } else if (leak !== undefined)
    findings.push(textFinding(row, asked, { leak, place: place(leak.row), other: found.others.get(leak.row) }, settings));
  const shared = found.groups.get(row.row - 1);
  // a hash is no proof
  if (shared !== undefined && group !== undefined && found.others.get(shared)?.group === textIn(row, group))
    add(shared, { kind: 'same-group', severity: severities.group, column: group }, `the same ${group} as`);
  const newest = found.older.get(row.row - 1);
  if (newest !== undefined && time !== undefined) {
    const [one, other] = [textIn(row, time), found.others.get(newest)?.time ?? ''].map((text) => text.slice(0, 40));
    add(newest, { kind: 'older-than-training', severity: severities.time, column: time }, `${time} ${one} is before ${other} of`);
  }
  return findings;
}

interface LeakOf {
  readonly leak: TextLeak;
  readonly place: { readonly data: string; readonly row: number; readonly key: string };
  readonly other: Other | undefined;
}

function textFinding(row: Row, asked: Side, { leak: { kind, jaccard, run }, place, other }: LeakOf, settings: LeakageSettings): Finding {
  const { severities, ngrams } = settings;
  const severity: Severity = kind === 'near' ? severities.near : kind === Math.max(...ngrams) ? severities.ngram : severities.short_ngram;
  const parts = partsOf(row.value, asked.columns);
  const own = run === null ? null : spanOf(parts, run.inAsked, run.words);
  const theirs = run === null ? null : spanOf(other?.parts ?? [], run.inTrain, run.words);
  const words = parts.reduce((count, part) => count + wordsOf(part).length, 0);
  const how =
    kind === 'near'
      ? `nearly the same text as ${nameOf(place)}, Jaccard index ${jaccard.toFixed(2)}`
      : `${run?.words} words in a row as in ${nameOf(place)}`;
  return {
    kind: kind === 'near' ? 'near-text' : `${kind}-gram`,
    severity,
    column: own === null ? null : (asked.columns[own.part] ?? null),
    score: kind === 'near' ? jaccard : Math.min(1, (run?.words ?? 0) / Math.max(1, words)),
    message: how,
    ...(own === null ? {} : { span: own.span }),
    other: { ...place, ...(theirs === null ? {} : { span: theirs.span }) },
  };
}

/** Where a run of words stands: the part, and code points in it. */
function spanOf(parts: readonly string[], from: number, words: number): { part: number; span: [number, number] } | null {
  let before = 0;
  for (const [part, text] of parts.entries()) {
    const places = wordPlaces(text);
    const [first, last] = [places[from - before], places[from - before + words - 1]];
    if (first !== undefined && last !== undefined) return { part, span: [first[0], last[1]] };
    before += places.length;
  }
  return null;
}

function nameOf({ data, row, key }: LeakOf['place']): string {
  return `row ${row}${key === `row ${row}` ? '' : ` (${key.length > 60 ? `${key.slice(0, 59).toWellFormed()}…` : key})`} of ${data}`;
}

function reportOf(asked: Side, found: readonly Found[], flagged: readonly FlaggedRow[], settings: LeakageSettings): FindingsReport {
  const tally = new FindingsTally();
  for (const row of flagged) tally.add(row);
  const kinds = ['exact-text', 'normalised-text', 'near-text', ...settings.ngrams.map((size) => `${size}-gram`), 'same-group', 'older-than-training'];
  const count = (kind: string): number => flagged.filter(({ findings }) => findings.some((finding) => finding.kind === kind)).length;
  const run = shortestRun(settings);
  const { records, width, rows } = asked.index;
  let short = 0;
  for (let row = 0; row < rows; row += 1) if ((records[row * width + record.size] as number) < run) short += 1;
  const notes =
    short === 0
      ? []
      : [
          `${short} evaluation ${short === 1 ? 'row has' : 'rows have'} fewer than ${run} words: a training row must say all of such a row to be found`,
        ];
  const trains = found.map(({ train }) => ({ data: train.rows.source.name, rows: train.index.rows, columns: [...train.columns] }));
  return tally.report({
    check: 'leakage',
    data: asked.rows.source.name,
    rows,
    notes,
    settings: {
      ...settings,
      columns: [...asked.columns],
      train_columns: settings.train_columns ?? null,
      trains: trains.map(({ data, columns }) => ({ data, columns })),
      group: settings.group ?? null,
      time: settings.time ?? null,
    },
    numbers: { training_rows: trains.reduce((sum, train) => sum + train.rows, 0), ...Object.fromEntries(kinds.map((kind) => [kind, count(kind)])) },
  });
}
