// Which rows wait for a person, in which order, and what they say.
import { byCodeUnit } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { cellText } from '../datasets/row-content.ts';
import { rowDigest } from '../datasets/row-digest.ts';
import { readRowBatches } from '../datasets/rows.ts';
import type { RowSource } from '../datasets/row-source.ts';
import { severities, type FlaggedRow } from '../quality/findings.ts';
import type { QueueFile } from './review-files.ts';
import type { Annotator, AskedFinding, QueueRow, ReviewRole } from './schema.ts';
import { personOf, type Decided, type SettledRow } from './settled.ts';

/** Rows that somebody or something asks about, and on whose behalf. */
export interface Asking {
  /** a stage, a file, a sample */
  readonly why: string;
  readonly rows: readonly QueueRow[];
}

export interface WaitingRow {
  readonly digest: Digest;
  readonly findings: readonly AskedFinding[];
  /** for the decision: "EMAIL_ADDRESS in text (pii)", "sample of 100, seed 7" */
  readonly why: readonly string[];
  /** of an adjudication: what the others decided; else empty, for a second look is worth something only while it does not know the first */
  readonly votes: readonly Decided[];
}

/** A waiting row that is in the data. */
export interface QueueItem extends WaitingRow {
  /** number of the first row that says this, from 1 */
  readonly row: number;
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

export function askedIn({ header, rows }: QueueFile): Asking {
  return { why: header.why, rows };
}

/** What a check flagged, without what it only counted. */
export function askingOf(why: string, flagged: readonly FlaggedRow[]): Asking {
  const rows = flagged.flatMap(({ digest, findings }) => {
    const asked = findings
      .filter(({ severity }) => severity !== 'info')
      .map(({ kind, severity, column, message, span }) => ({
        kind,
        severity,
        column,
        message: withoutPlace(message, kind, column),
        ...(span === undefined ? {} : { span }),
      }));
    return asked.length === 0 ? [] : [{ row: digest, findings: asked }];
  });
  return { why, rows };
}

/** A message that begins with kind and column says them twice: they stand before it wherever it is shown. */
function withoutPlace(message: string, kind: string, column: string | null): string {
  const place = `${kind} in ${column ?? ''}, `;
  return message.startsWith(place) ? message.slice(place.length) : message;
}

/**
 * first: rows that nobody has decided; second: those that others have, and this person has not; adjudicator: those that others disagree about.
 * @returns the gravest findings first, samples last; else by digest
 */
export function planQueue(
  asked: readonly Asking[],
  settled: ReadonlyMap<Digest, SettledRow>,
  { me, role }: { readonly me: Annotator; readonly role: ReviewRole },
): WaitingRow[] {
  const waiting = gather(asked);
  if (role !== 'first') for (const digest of settled.keys()) if (!waiting.has(digest)) waiting.set(digest, { findings: [], why: [] });
  const rows = [...waiting].flatMap(([digest, { findings, why }]) => {
    const row = settled.get(digest);
    if (!waitsFor(row, role, personOf(me))) return [];
    return [{ digest, findings, why, votes: role === 'adjudicator' ? (row?.votes ?? []) : [] }];
  });
  return rows.toSorted((a, b) => gravity(a) - gravity(b) || byCodeUnit(a.digest, b.digest));
}

function gather(asked: readonly Asking[]): Map<Digest, { readonly findings: AskedFinding[]; readonly why: string[] }> {
  const waiting = new Map<Digest, { readonly findings: AskedFinding[]; readonly why: string[] }>();
  for (const { why, rows } of asked) {
    for (const { row, findings } of rows) {
      const one = waiting.get(row) ?? { findings: [], why: [] };
      waiting.set(row, one);
      for (const finding of findings)
        if (!one.findings.some((other) => JSON.stringify(other) === JSON.stringify(finding))) one.findings.push(finding);
      const reasons = findings.length === 0 ? [why] : findings.map((finding) => reasonOf(finding, why));
      for (const reason of reasons) if (!one.why.includes(reason) && one.why.length < mostReasons) one.why.push(reason);
    }
  }
  return waiting;
}

const mostReasons = 20;

function reasonOf({ kind, column }: AskedFinding, why: string): string {
  return `${kind}${column === null ? '' : ` in ${column}`} (${why})`.slice(0, 1000);
}

function waitsFor(row: SettledRow | undefined, role: ReviewRole, me: string): boolean {
  if (row === undefined) return role === 'first';
  if (row.adjudicated || role === 'first') return false;
  if (row.votes.some(({ annotator }) => personOf(annotator) === me)) return false;
  return role === 'second' || row.state === 'disputed';
}

function gravity({ findings }: WaitingRow): number {
  return Math.min(severities.length, ...findings.map(({ severity }) => severities.indexOf(severity)));
}

export interface Queue {
  /** the first ones, in the order in which they are to be looked at */
  readonly items: readonly QueueItem[];
  /** all that wait and are in the data */
  readonly waiting: number;
  /** rows that were asked about and that this version does not have */
  readonly gone: number;
}

/**
 * Finds waiting rows in the data: one pass over the file, a second one where more wait than are wanted.
 * @param options limit: so many values are held in memory
 */
export async function openQueue(
  source: RowSource,
  waiting: readonly WaitingRow[],
  options: { readonly limit: number; readonly signal: AbortSignal; readonly onRows?: (rows: number) => void },
): Promise<Queue> {
  const wanted = new Set(waiting.map(({ digest }) => digest));
  const keep = wanted.size <= options.limit;
  const places = await findRows(source, wanted, { ...options, keep });
  const found = waiting.filter(({ digest }) => places.has(digest)).toSorted((a, b) => gravity(a) - gravity(b) || rowOf(places, a) - rowOf(places, b));
  const first = found.slice(0, options.limit);
  const values = keep ? places : await findRows(source, new Set(first.map(({ digest }) => digest)), { ...options, keep: true });
  const items = first.map((row) => {
    const { number, value } = values.get(row.digest) ?? places.get(row.digest) ?? { number: 0, value: {} };
    return { ...row, row: number, value, key: keyOf(source, number, value) };
  });
  return { items, waiting: found.length, gone: waiting.length - found.length };
}

interface FoundRow {
  readonly number: number;
  readonly value: Readonly<Record<string, unknown>>;
}

const nothing = {};

function rowOf(places: ReadonlyMap<Digest, FoundRow>, { digest }: WaitingRow): number {
  return places.get(digest)?.number ?? 0;
}

function keyOf({ key }: RowSource, number: number, value: Readonly<Record<string, unknown>>): string {
  const text = key === undefined ? '' : cellText(value[key]);
  return text === '' ? `row ${number}` : text;
}

/** The first row of each digest. It stops when all are found. */
export async function findRows(
  source: RowSource,
  wanted: ReadonlySet<Digest>,
  options: { readonly keep: boolean; readonly signal: AbortSignal; readonly onRows?: (rows: number) => void },
): Promise<Map<Digest, FoundRow>> {
  const found = new Map<Digest, FoundRow>();
  if (wanted.size === 0) return found;
  for await (const batch of readRowBatches(source.path, source.format, { signal: options.signal, name: source.name })) {
    for (const { row, value } of batch) {
      const digest = rowDigest(value);
      if (wanted.has(digest) && !found.has(digest)) found.set(digest, { number: row, value: options.keep ? value : nothing });
    }
    options.onRows?.(batch.length);
    if (found.size === wanted.size) break;
  }
  return found;
}
