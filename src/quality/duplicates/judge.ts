// plumb dups: rows that say the same as an earlier one, exactly, but for case and spacing, or nearly. The index of the rows is brought up to date from
// what is remembered; candidates and clusters are found in it anew each time, so that they cannot depend on the way by which the rows came.
import { hash } from 'node:crypto';
import { hexOf, type Digest } from '../../base/digest.ts';
import { cellText } from '../../datasets/row-content.ts';
import { rowDigest } from '../../datasets/row-digest.ts';
import type { Row } from '../../datasets/rows.ts';
import type { CheckedRows, CheckWorld } from '../checked-rows.ts';
import { FindingsTally } from '../findings-tally.ts';
import type { Finding, FindingsReport, FlaggedRow } from '../findings.ts';
import { checkDigest } from '../memory.ts';
import { addGrams } from '../text/grams.ts';
import { indexRows, type RowIndexer } from '../text/index-rows.ts';
import { bandingFor, MinHash, type Banding } from '../text/min-hash.ts';
import { NumberList } from '../text/number-list.ts';
import { readRowsAt } from '../text/rows-at.ts';
import { TextReader, type Document } from '../text/text-reader.ts';
import { chooseColumns, documentReader, exactText, shingleSizes, valueOf, type ReadDocument, type RowView } from '../text/view.ts';
import { textRules } from '../text/words.ts';
import { noWaivers, waive, type WaiverBook } from '../waivers.ts';
import { candidatePairs } from './candidates.ts';
import { clusterEntries, type Clusters } from './clusters.ts';
import { entriesOf, record, type Entries } from '../text/entries.ts';
import { decodeKnown, encodeKnown, KnownScores, type KnownFacts, type RowFacts } from './known.ts';
import type { DuplicateKind, DuplicateSettings } from './settings.ts';
import { mayShare, sharedRows } from './shared-bands.ts';

export interface Duplicates {
  readonly report: FindingsReport;
  /** Rows with findings, in the order of the data; may be asked several times. */
  flagged(): Iterable<FlaggedRow>;
  /** Of a row (from 1) that says what an earlier one says: the row that is kept for it; null: it is kept itself. */
  keptFor(row: number): { readonly row: number; readonly digest: Digest; readonly near: boolean } | null;
}

/** Raised when equal rows get another index or another thing is kept beside it: a record is its keys of bands, behind what all have; its size is the number of its shingles. */
const indexVersion = 2;

/**
 * @throws PlumbError DATASET_COLUMN, and as readRowBatches
 * Memory: some 100 bytes a row, some 500 a row that has a duplicate, and at most some 200 MB while candidates are compared.
 */
export async function judgeDuplicates(
  rows: CheckedRows,
  settings: DuplicateSettings,
  world: CheckWorld,
  waivers: WaiverBook = noWaivers,
): Promise<Duplicates> {
  const { source } = rows;
  const label = settings.label ?? source.label ?? null;
  const columns = await chooseColumns(source, { columns: settings.columns, as: settings.as, not: [source.key ?? null, label] }, world.signal);
  const view: RowView = { columns, as: settings.as, language: settings.as === 'code' ? (settings.language ?? 'python') : null };
  const shingle = settings.shingle ?? shingleSizes[view.as];
  const read = await documentReader(view, shingle);
  const banding = bandingFor(settings.threshold);
  const asked = {
    index: indexVersion,
    data: source.name,
    view: { ...view, columns: [...columns] },
    shingle,
    banding: { ...banding },
    key: source.key ?? null,
    label,
    rules: textRules,
  };
  const { index, from, keep } = await indexRows(
    rows,
    world,
    duplicateIndexer(read, shingle, banding),
    checkDigest({ check: 'duplicates', ...asked }),
  );
  const entries = entriesOf(index);
  const known = from === null ? null : decodeKnown(from.rest, entries, from.changes);
  const scores = known?.scores ?? new KnownScores();
  const among = from === null || known === null ? null : mayShare(index, entries, banding.bands, { ...from, rows: known.shared });
  const { pairs, shared } = candidatePairs(index, entries, banding.bands, among);
  const clusters = await clusterEntries(pairs, scores, { index, entries, source, world, read, shingle, threshold: settings.threshold });
  const facts = await readFacts(rows, { entries, clusters, columns, label, known: known?.facts ?? new Map() }, world);
  await keep(() => encodeKnown({ scores, facts, shared: sharedRows(shared, entries) }, entries));
  const told = new Told({ rows, entries, clusters, facts, settings, waivers, column: columns.length === 1 ? (columns[0] ?? null) : null });
  return {
    report: told.report({ ...settings, columns, shingle, label, language: view.language, bands: banding.bands, minima: banding.rows }, index.rows),
    flagged: () => told.flagged(),
    keptFor: (row) => told.keptFor(row),
  };
}

function duplicateIndexer(read: ReadDocument, shingle: number, banding: Banding): RowIndexer {
  const width = record.own + banding.bands;
  const [reader, signer, grams] = [new TextReader(), new MinHash(banding), new NumberList()];
  const numbers = new Uint32Array(width);
  const none = new NumberList();
  const addDocument = (index: Parameters<RowIndexer['add']>[0], document: Document): void => {
    reader.read(document);
    numbers.fill(0);
    if (reader.hasText) {
      grams.length = 0;
      addGrams(reader, shingle, 'one', grams);
      reader.name(numbers, record.name);
      // what has no words is found by its name alone: its bands are of that name
      if (grams.length === 0) grams.push(numbers[record.name] as number);
      signer.sign(grams.values, numbers, record.own);
      numbers[record.size] = grams.length;
    }
    index.add(numbers, none);
  };
  return {
    width,
    add(index, { value }) {
      const document = read(value);
      if (document instanceof Promise) return document.then((one) => addDocument(index, one));
      return addDocument(index, document);
    },
  };
}

interface FactsAsked {
  readonly entries: Entries;
  readonly clusters: Clusters;
  readonly columns: readonly string[];
  readonly label: string | null;
  readonly known: KnownFacts;
}

/** What is told of each row in a cluster of several, in their order. */
async function readFacts({ source }: CheckedRows, { entries, clusters, columns, label, known }: FactsAsked, world: CheckWorld): Promise<KnownFacts> {
  const sizes = new Uint32Array(entries.count);
  const keptOf = (row: number): number => clusters.kept[entries.of[row] as number] ?? -1;
  for (let row = 0; row < entries.of.length; row += 1) if (keptOf(row) >= 0) sizes[keptOf(row)] = (sizes[keptOf(row)] as number) + 1;
  const facts: KnownFacts = new Map();
  const missing = new NumberList();
  for (let row = 0; row < entries.of.length; row += 1) {
    if (keptOf(row) < 0 || (sizes[keptOf(row)] as number) < 2) continue;
    const fact = known.get(row);
    // takes its place in the order of rows
    facts.set(row, fact ?? unread);
    if (fact === undefined) missing.push(row + 1);
  }
  const factOf = ({ value }: Row): RowFacts => ({
    key: source.key === undefined ? null : cellText(valueOf(value, source.key)).toWellFormed().slice(0, 1000) || null,
    digest: hexOf(rowDigest(value)),
    exact: hash('sha256', exactText(value, columns), 'hex').slice(0, 32),
    label: label === null ? null : cellText(valueOf(value, label)) || null,
  });
  for await (const row of readRowsAt(source, missing.values, world)) facts.set(row.row - 1, factOf(row));
  return facts;
}

const unread: RowFacts = { key: null, digest: '', exact: '', label: null };

interface ToldOf {
  readonly rows: CheckedRows;
  readonly entries: Entries;
  readonly clusters: Clusters;
  readonly facts: KnownFacts;
  readonly settings: DuplicateSettings;
  readonly waivers: WaiverBook;
  /** null: several are compared */
  readonly column: string | null;
}

/** Clusters in words. */
class Told {
  readonly #of: ToldOf;

  constructor(of: ToldOf) {
    this.#of = of;
  }

  report(settings: FindingsReport['settings'], rows: number): FindingsReport {
    const tally = new FindingsTally();
    const counts: Record<DuplicateKind, number> = {
      'exact-duplicate': 0,
      'normalised-duplicate': 0,
      'near-duplicate': 0,
      'label-conflict': 0,
      'near-label-conflict': 0,
    };
    const clusters = new Set<number>();
    let duplicates = 0;
    for (const flagged of this.flagged()) {
      tally.add(flagged);
      duplicates += 1;
      clusters.add((this.keptFor(flagged.row)?.row ?? 0) - 1);
      for (const { kind } of flagged.findings) counts[kind as DuplicateKind] += 1;
    }
    const numbers = {
      clusters: clusters.size,
      kept: rows - duplicates,
      exact: counts['exact-duplicate'],
      normalised: counts['normalised-duplicate'],
      near: counts['near-duplicate'],
      conflicts: counts['label-conflict'],
      near_conflicts: counts['near-label-conflict'],
    };
    const data = this.#of.rows.source.name;
    return tally.report({ check: 'duplicates', data, rows, notes: [...this.#of.waivers.notes], settings, numbers });
  }

  keptFor(row: number): { readonly row: number; readonly digest: Digest; readonly near: boolean } | null {
    const { entries, clusters, facts } = this.#of;
    const entry = entries.of[row - 1] ?? -1;
    if (entry === -1) return null;
    const kept = clusters.kept[entry] as number;
    const first = entries.first[kept] as number;
    return first === row - 1 ? null : { row: first + 1, digest: `sha256:${facts.get(first)?.digest ?? ''}`, near: kept !== entry };
  }

  flagged(): Generator<FlaggedRow> {
    return waive(this.#found(), this.#of.waivers, this.#of.rows.source.name);
  }

  *#found(): Generator<FlaggedRow> {
    const { facts, entries } = this.#of;
    /** entry and exact text -> the first row that says it, from 0 */
    const said = new Map<string, number>();
    for (const [row, fact] of facts) {
      const name = `${entries.of[row]} ${fact.exact}`;
      const before = said.get(name);
      if (before === undefined) said.set(name, row);
      const findings = this.#findings(row, fact, before ?? null);
      if (findings.length > 0) yield { row: row + 1, key: keyOf(row, fact), digest: `sha256:${fact.digest}`, findings };
    }
  }

  /** @param equal an earlier row with the very text */
  #findings(row: number, fact: RowFacts, equal: number | null): Finding[] {
    const { entries, clusters, facts, settings, rows, column } = this.#of;
    const kept = this.keptFor(row + 1);
    if (kept === null) return [];
    const entry = entries.of[row] as number;
    const otherRow = kept.near || equal === null ? kept.row - 1 : equal;
    const other = facts.get(otherRow) as RowFacts;
    const [kind, severity, how] = kept.near
      ? (['near-duplicate', settings.severities.near, 'nearly the same as'] as const)
      : equal === null
        ? ([
            'normalised-duplicate',
            settings.severities.normalised,
            `but for ${settings.as === 'code' ? 'names, layout and comments' : 'case, spacing and punctuation'} the same as`,
          ] as const)
        : (['exact-duplicate', settings.severities.exact, 'the same as'] as const);
    const score = clusters.scores[entry] as number;
    const place = { data: rows.source.name, row: otherRow + 1, key: keyOf(otherRow, other) };
    const alike = kept.near ? `, Jaccard index ${score.toFixed(2)}` : '';
    const findings: Finding[] = [{ kind, severity, column, score, message: `${how} ${nameOf(place)}${alike}`, other: place }];
    if (fact.label !== null && other.label !== null && fact.label !== other.label) {
      const [conflict, level] = kept.near
        ? (['near-label-conflict', settings.severities.near_conflict] as const)
        : (['label-conflict', settings.severities.conflict] as const);
      const message = `${how} ${nameOf(place)}, and labelled ${quoted(fact.label)}, not ${quoted(other.label)}`;
      findings.push({ kind: conflict, severity: level, column: settings.label ?? rows.source.label ?? null, score, message, other: place });
    }
    return findings;
  }
}

function keyOf(row: number, { key }: RowFacts): string {
  return key ?? `row ${row + 1}`;
}

function nameOf({ row, key }: { readonly row: number; readonly key: string }): string {
  return key === `row ${row}` ? key : `row ${row} (${key.length > 60 ? `${key.slice(0, 59).toWellFormed()}…` : key})`;
}

function quoted(label: string): string {
  return JSON.stringify(label.length > 60 ? `${label.slice(0, 59)}…` : label.toWellFormed());
}
