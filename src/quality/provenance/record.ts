// From data, what is said of it and what is known already to a sidecar: rows that have no provenance get it, and what people and checks decided of any row
// stands there as it is now. Pure but for reading rows; memory holds what is new, and some 30 bytes of each row.
import { byCodeUnit } from '../../base/canonical.ts';
import type { Digest } from '../../base/digest.ts';
import { tellBatches, type Progress } from '../../base/progress.ts';
import { DigestTable } from '../../datasets/digest-table.ts';
import { rowDigest } from '../../datasets/row-digest.ts';
import type { RowSource } from '../../datasets/row-source.ts';
import type { Row } from '../../datasets/rows.ts';
import type { LineageIndex } from './lineage-index.ts';
import type { ProvenanceRow, ProvenanceSource, Reviewed } from './schema.ts';
import { joinProvenance, joinSources, provenanceLine, readSidecar, standsTwice } from './sidecar.ts';

export interface RowDecision {
  readonly reviewed: Reviewed;
  /** of a row that a decision made: the row that was looked at */
  readonly from: Digest | null;
}

export interface RecordAsking {
  /** rows to look at; called once */
  readonly rows: () => AsyncIterable<readonly Row[]>;
  /** null: there is none yet */
  readonly sidecar: RowSource | null;
  /** sidecars of other data sets: what they say of rows of this one is taken over */
  readonly others: readonly RowSource[];
  readonly sourceOf: (value: Row['value']) => ProvenanceSource | null;
  /** give the source to rows, too, that have others */
  readonly also: boolean;
  readonly decisions: ReadonlyMap<Digest, RowDecision>;
  /** kinds of personal data by row; `all`: every row was looked at, and what has none is clean. null: keep what stands there */
  readonly pii: { readonly found: ReadonlyMap<Digest, readonly string[]>; readonly all: boolean } | null;
  readonly lineage: LineageIndex | null;
  /** leave out what is said of rows that were not looked at */
  readonly prune: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface RecordTally {
  /** rows that were looked at */
  rows: number;
  /** of distinct contents: new in the sidecar, said otherwise than before, left out, and without any source */
  recorded: number;
  changed: number;
  dropped: number;
  without: number;
}

export interface Recorded {
  /** the sidecar, line by line, sorted by row; to be read once: then `tally` is whole */
  readonly lines: AsyncGenerator<string>;
  /** how many there are, or more where some are left out */
  readonly most: number;
  readonly tally: RecordTally;
}

/** @throws PlumbError PROVENANCE_INVALID, and what reading rows throws */
export async function recordProvenance(asking: RecordAsking): Promise<Recorded> {
  const tally: RecordTally = { rows: 0, recorded: 0, changed: 0, dropped: 0, without: 0 };
  const known = await readKnown(asking);
  const wanted = await readWanted(asking, known, tally);
  const fresh = await buildFresh(asking, wanted);
  let most = known.size;
  for (const row of fresh.keys()) if (!known.has(row)) most += 1;
  for (const row of wanted.keys()) if (!known.has(row) && !fresh.has(row)) tally.without += 1;
  return { lines: writeRows(asking, known, fresh, tally), most, tally };
}

/** What the sidecar has, by digest. */
class KnownSidecar {
  readonly #table = new DigestTable(1);
  sorted = true;
  size = 0;

  add(row: Digest): boolean {
    const { isNew } = this.#table.add(bytesOf(row));
    if (isNew) this.size += 1;
    return isNew;
  }

  has(row: Digest): boolean {
    return this.#table.find(bytesOf(row)) !== -1;
  }

  /** The data have it. */
  see(row: Digest): void {
    const entry = this.#table.find(bytesOf(row));
    if (entry !== -1) this.#table.set(entry, 0, 1);
  }

  isSeen(row: Digest): boolean {
    const entry = this.#table.find(bytesOf(row));
    return entry !== -1 && this.#table.get(entry, 0) === 1;
  }
}

function bytesOf(row: Digest): Buffer {
  return Buffer.from(row.slice(7), 'hex');
}

async function readKnown({ sidecar, signal, progress }: RecordAsking): Promise<KnownSidecar> {
  const known = new KnownSidecar();
  if (sidecar === null) return known;
  let last = '';
  for await (const batch of tellBatches(readSidecar(sidecar, { signal }), () => progress.start(`read ${sidecar.name}`, sidecar.tree?.rows, 'rows'))) {
    for (const { row } of batch) {
      if (!known.add(row)) throw standsTwice(sidecar.name, row);
      if (row < last) known.sorted = false;
      last = row;
    }
  }
  return known;
}

/** Rows of the data that the sidecar has not, and with `also` all of them, each with what the options say of it. */
async function readWanted(asking: RecordAsking, known: KnownSidecar, tally: RecordTally): Promise<Map<Digest, ProvenanceSource | null>> {
  const wanted = new Map<Digest, ProvenanceSource | null>();
  for await (const batch of asking.rows()) {
    tally.rows += batch.length;
    for (const { value } of batch) {
      const digest = rowDigest(value);
      known.see(digest);
      if (wanted.has(digest)) continue;
      const isNew = !known.has(digest);
      if (isNew || asking.also || asking.others.length > 0) wanted.set(digest, isNew || asking.also ? asking.sourceOf(value) : null);
    }
  }
  return wanted;
}

async function buildFresh(asking: RecordAsking, wanted: ReadonlyMap<Digest, ProvenanceSource | null>): Promise<Map<Digest, ProvenanceRow>> {
  const fresh = new Map<Digest, ProvenanceRow>();
  const waysBack = new Map<Digest, NonNullable<ProvenanceRow['made']>>();
  for (const [row, source] of wanted) {
    if (source !== null) fresh.set(row, { row, sources: [source] });
    const ways = wayBack(row, asking);
    if (ways.length > 0) waysBack.set(row, ways);
  }
  const ancestors = await readAncestors(asking, { wanted, waysBack, fresh });
  for (const [row, made] of waysBack) {
    const from = made.flatMap((way) => way.from).flatMap((one) => ancestors.get(one)?.sources ?? []);
    const before = fresh.get(row);
    if (before !== undefined || from.length > 0) fresh.set(row, { ...(before ?? { row }), sources: joinSources(before?.sources ?? [], from), made });
  }
  return fresh;
}

/** The rows that one was made of: by steps, and by people who edited it. */
function wayBack(row: Digest, { lineage, decisions }: RecordAsking): NonNullable<ProvenanceRow['made']> {
  const steps = (lineage?.rewritingsOf(row) ?? []).map(({ by }) => ({ from: lineage?.rootsOf(row) ?? [], by }));
  const from = decisions.get(row)?.from ?? null;
  return [...steps, ...(from === null || from === row ? [] : [{ from: [from], by: 'plumb review' }])].map((way) => ({
    ...way,
    from: [...way.from].toSorted(),
  }));
}

interface Wanted {
  readonly wanted: ReadonlyMap<Digest, ProvenanceSource | null>;
  readonly waysBack: ReadonlyMap<Digest, NonNullable<ProvenanceRow['made']>>;
  /** what other sidecars say of rows of the data is put in here */
  readonly fresh: Map<Digest, ProvenanceRow>;
}

async function readAncestors(asking: RecordAsking, { wanted, waysBack, fresh }: Wanted): Promise<Map<Digest, ProvenanceRow>> {
  const ancestors = new Map<Digest, ProvenanceRow>();
  const sought = new Set([...waysBack.values()].flat().flatMap(({ from }) => from));
  for (const other of asking.others) {
    for await (const batch of readSidecar(other, { signal: asking.signal })) {
      for (const row of batch) {
        if (sought.has(row.row)) ancestors.set(row.row, row);
        if (!wanted.has(row.row)) continue;
        const there = fresh.get(row.row);
        fresh.set(row.row, there === undefined ? row : joinProvenance(there, row));
      }
    }
  }
  if (asking.sidecar !== null && sought.size > 0)
    for await (const batch of readSidecar(asking.sidecar, { signal: asking.signal }))
      for (const row of batch) if (sought.has(row.row) && !ancestors.has(row.row)) ancestors.set(row.row, row);
  return ancestors;
}

async function* writeRows(
  asking: RecordAsking,
  known: KnownSidecar,
  fresh: ReadonlyMap<Digest, ProvenanceRow>,
  tally: RecordTally,
): AsyncGenerator<string> {
  const waiting = [...fresh.values()].toSorted((a, b) => byCodeUnit(a.row, b.row));
  let next = 0;
  const decided = (row: ProvenanceRow, seen: boolean): string => provenanceLine(withDecisions(row, seen, asking));
  const upTo = function* (row: string | null): Generator<string> {
    for (; next < waiting.length; next += 1) {
      const one = waiting[next] as ProvenanceRow;
      if (row !== null && one.row >= row) return;
      if (known.has(one.row)) continue;
      tally.recorded += 1;
      yield decided(one, true);
    }
  };
  for await (const row of sortedRows(asking, known)) {
    yield* upTo(row.row);
    const seen = known.isSeen(row.row);
    if (asking.prune && !seen) {
      tally.dropped += 1;
      continue;
    }
    const more = fresh.get(row.row);
    const line = decided(more === undefined ? row : joinProvenance(row, more), seen);
    if (line !== provenanceLine(row)) tally.changed += 1;
    yield line;
  }
  yield* upTo(null);
}

async function* sortedRows({ sidecar, signal }: RecordAsking, { sorted }: KnownSidecar): AsyncGenerator<ProvenanceRow> {
  if (sidecar === null) return;
  const all: ProvenanceRow[] = [];
  for await (const batch of readSidecar(sidecar, { signal })) {
    if (sorted) yield* batch;
    else all.push(...batch);
  }
  yield* all.toSorted((a, b) => byCodeUnit(a.row, b.row));
}

/** Review and verdict are what is decided now: what nobody decides any more goes. @param seen the data have the row */
function withDecisions({ row, sources, pii, made }: ProvenanceRow, seen: boolean, asking: RecordAsking): ProvenanceRow {
  const reviewed = asking.decisions.get(row)?.reviewed;
  const verdict = seen ? verdictOf(row, pii, asking.pii) : pii;
  return {
    row,
    sources: joinSources(sources),
    ...(reviewed === undefined ? {} : { reviewed }),
    ...(verdict === undefined ? {} : { pii: verdict }),
    ...(made === undefined ? {} : { made }),
  };
}

function verdictOf(row: Digest, before: ProvenanceRow['pii'], asked: RecordAsking['pii']): ProvenanceRow['pii'] {
  const kinds = asked?.found.get(row);
  if (kinds !== undefined) return { verdict: 'found', kinds: [...new Set(kinds)].toSorted() };
  return asked?.all === true ? { verdict: 'clean', kinds: [] } : before;
}
