// Does every row have the provenance that is required? One version of data against one of its sidecar; what changed of either since a version that is
// remembered is all that is read again, and the answer is that of a full run.
import type { Digest } from '../../base/digest.ts';
import { tellBatches } from '../../base/progress.ts';
import type { JsonValue } from '../../base/schema.ts';
import { cellText, valueText } from '../../datasets/row-content.ts';
import { findRowChanges } from '../../datasets/row-changes.ts';
import { rowDigest } from '../../datasets/row-digest.ts';
import type { RowSource } from '../../datasets/row-source.ts';
import { readRowBatches, type Row } from '../../datasets/rows.ts';
import { openRemembered, rememberedAs, type CheckedRows, type CheckWorld } from '../checked-rows.ts';
import { FindingsTally } from '../findings-tally.ts';
import type { FindingsReport, FlaggedRow } from '../findings.ts';
import { checkDigest, type RememberedVersion } from '../memory.ts';
import { KnownRows, type FlaggedPlace } from './known-rows.ts';
import type { LineageIndex } from './lineage-index.ts';
import { parseProvenance, readSidecar, standsTwice } from './sidecar.ts';
import { faultsOf, findingsOf, licencesOf, type ProvenanceRules } from './verdict.ts';

export interface ProvenanceAsking {
  readonly rows: CheckedRows;
  /** null: there is none */
  readonly sidecar: CheckedRows | null;
  readonly rules: ProvenanceRules;
  /** of steps that rewrote the rows since the sidecar knew them; null: none did */
  readonly lineage?: { readonly index: LineageIndex; readonly contents: readonly Digest[] } | null;
}

export interface ProvenanceVerdict {
  readonly report: FindingsReport;
  /** in the order of the data */
  readonly flagged: readonly FlaggedRow[];
  /** rows of data and sidecar that were read */
  readonly read: number;
}

/** More flagged rows are not kept: the next run reads all. */
const mostKept = 20_000;

/** @throws PlumbError PROVENANCE_INVALID, and what reading rows throws */
export async function judgeProvenance(asking: ProvenanceAsking, world: CheckWorld): Promise<ProvenanceVerdict> {
  const check = checkDigest(memoryName(asking));
  const absent = faultsOf(null, asking.rules);
  const found = (await fromMemory(asking, world, { check, absent })) ?? (await readAll(asking, world, absent));
  const { known, flagged } = found;
  if (flagged.length <= mostKept) {
    const sidecar = asking.sidecar === null ? null : rememberedAs(asking.sidecar);
    await world.memory.keep(check, rememberedAs(asking.rows), known.toBytes({ sidecar, flagged }));
  }
  return { ...verdictOf(asking, known, flagged), read: found.read };
}

function memoryName({ rows, sidecar, rules, lineage }: ProvenanceAsking): JsonValue {
  const names = [rows.source.name, sidecar?.source.name ?? null, rows.source.key ?? null];
  return [
    'provenance',
    1,
    ...names,
    [...rules.require].toSorted(),
    rules.licences === null ? null : [...rules.licences].toSorted(),
    [...(lineage?.contents ?? [])],
  ];
}

interface Found {
  readonly known: KnownRows;
  readonly flagged: FlaggedPlace[];
  readonly read: number;
}

async function readAll(asking: ProvenanceAsking, world: CheckWorld, absent: number): Promise<Found> {
  const { rows, sidecar, rules } = asking;
  const known = new KnownRows(absent);
  let read = 0;
  if (sidecar !== null) {
    const { source } = sidecar;
    const said = tellBatches(readSidecar(source, { signal: world.signal }), () =>
      world.progress.start(`read ${source.name}`, source.tree?.rows, 'rows'),
    );
    for await (const batch of said) {
      read += batch.length;
      for (const row of batch) {
        const entry = known.entryOf(row.row);
        if (known.isThere(entry)) throw standsTwice(sidecar.source.name, row.row);
        known.set(entry, faultsOf(row, rules), licencesOf(row));
      }
    }
  }
  const flagged: FlaggedPlace[] = [];
  const bar = world.progress.start(`provenance of ${rows.source.name}`, rows.source.tree?.rows, 'rows');
  try {
    for await (const batch of readRowBatches(rows.source.path, rows.source.format, { name: rows.source.name, signal: world.signal })) {
      bar.advance(batch.length);
      read += batch.length;
      for (const row of batch) {
        const { digest, holds } = countRow(known, row, asking);
        if (!holds) flagged.push({ row: row.row, key: keyOf(row, rows.source.key), digest });
      }
    }
  } finally {
    bar.end();
  }
  return { known, flagged, read };
}

function countRow(known: KnownRows, { value }: Row, { lineage }: ProvenanceAsking): { digest: Digest; holds: boolean } {
  const digest = rowDigest(value);
  const entry = known.entryOf(digest);
  if (lineage && known.count(entry) === 0 && !known.isThere(entry)) inherit(known, entry, lineage.index.rootsOf(digest));
  known.addCount(entry, 1);
  return { digest, holds: known.faults(entry) === 0 };
}

/** A row that steps made of others has what is wrong with any of these. */
function inherit(known: KnownRows, entry: number, roots: readonly Digest[]): void {
  if (roots.length === 0) return;
  const entries = roots.map((root) => known.entryOf(root));
  if (!entries.every((one) => known.isThere(one))) return;
  const licences = [...new Set(entries.map((one) => known.licence(one)))].toSorted().join(', ').slice(0, 100);
  known.set(
    entry,
    entries.reduce((faults, one) => faults | known.faults(one), 0),
    licences,
  );
}

/** The value of the key column; null: it has none. */
function keyOf({ value }: Row, key: string | undefined): string | null {
  return key === undefined || valueText(value[key], true) === null ? null : cellText(value[key]).toWellFormed();
}

/** From the version that differs least of those that are remembered; null: none is, or too much changed. */
async function fromMemory(asking: ProvenanceAsking, world: CheckWorld, { check, absent }: { check: Digest; absent: number }): Promise<Found | null> {
  if (asking.sidecar === null || asking.lineage) return null;
  for await (const { version, state } of world.memory.recall(check)) {
    const before = KnownRows.fromBytes(state, absent);
    const data = await openAlike(world, version, asking.rows.source);
    const sidecar = before.sidecar === null ? null : await openAlike(world, before.sidecar, asking.sidecar.source);
    if (data === null || sidecar === null) continue;
    return updated(asking, asking.sidecar, { ...before, data, sidecar }, world);
  }
  return null;
}

/** Of another format or key the same rows are told otherwise. */
async function openAlike(world: CheckWorld, version: RememberedVersion, now: RowSource): Promise<RowSource | null> {
  return version.format === now.format && version.key === (now.key ?? null) ? openRemembered(world, version, now.name) : null;
}

interface Before {
  readonly data: RowSource;
  readonly sidecar: RowSource;
  readonly known: KnownRows;
  readonly flagged: readonly FlaggedPlace[];
}

/** @returns null where more changed than a full run would cost, or rows that nobody reads again no longer hold */
async function updated(asking: ProvenanceAsking, sidecar: CheckedRows, before: Before, world: CheckWorld): Promise<Found | null> {
  const options = { readNode: world.readNode, signal: world.signal };
  const [data, facts] = [
    await findRowChanges(before.data, asking.rows.source, options),
    await findRowChanges(before.sidecar, sidecar.source, options),
  ];
  if ((data.addedCount + data.removedCount) * 2 > data.rows || (facts.addedCount + facts.removedCount) * 2 > facts.rows) return null;
  const { known } = before;
  const tell = <Batch extends { readonly length: number }>(batches: AsyncIterable<Batch>, source: RowSource, count: number): AsyncGenerator<Batch> =>
    tellBatches(batches, () => world.progress.start(`provenance of ${source.name}`, count, 'rows'));
  const held = await changeFacts(
    known,
    { removed: tell(facts.removed(), sidecar.source, facts.removedCount), added: tell(facts.added(), sidecar.source, facts.addedCount) },
    { name: sidecar.source.name, rules: asking.rules },
  );
  for await (const batch of tell(data.removed(), asking.rows.source, data.removedCount))
    for (const { value } of batch) known.addCount(known.entryOf(rowDigest(value)), -1);
  const flagged = new Map<number, FlaggedPlace>();
  const added = new Map<number, number>();
  for await (const batch of tell(data.added(), asking.rows.source, data.addedCount)) {
    for (const row of batch) {
      const { digest, holds } = countRow(known, row, asking);
      const entry = known.entryOf(digest);
      added.set(entry, (added.get(entry) ?? 0) + 1);
      if (!holds) flagged.set(row.row, { row: row.row, key: keyOf(row, asking.rows.source.key), digest });
    }
  }
  // a row that held, that is still there, and whose provenance is no longer enough: nobody has kept where it stands
  for (const entry of held) if (known.faults(entry) !== 0 && known.count(entry) > (added.get(entry) ?? 0)) return null;
  for (const { row, key, digest } of before.flagged) {
    const now = data.numberAfter(row);
    if (now === null || known.faults(known.entryOf(digest)) === 0) continue;
    flagged.set(now, { row: now, key, digest });
  }
  const read = data.compared + facts.compared;
  return { known, flagged: [...flagged.values()].toSorted((a, b) => a.row - b.row), read };
}

interface ChangedFacts {
  readonly removed: AsyncIterable<readonly Row[]>;
  readonly added: AsyncIterable<readonly Row[]>;
}

/** @returns entries that held before and that the sidecar says something else of now */
async function changeFacts(known: KnownRows, facts: ChangedFacts, { name, rules }: { name: string; rules: ProvenanceRules }): Promise<Set<number>> {
  const held = new Set<number>();
  for await (const batch of facts.removed) {
    for (const { row, value } of batch) {
      const entry = known.entryOf(parseProvenance(value, name, row).row);
      if (known.faults(entry) === 0) held.add(entry);
      known.unset(entry);
    }
  }
  for await (const batch of facts.added) {
    for (const { row, value } of batch) {
      const said = parseProvenance(value, name, row);
      const entry = known.entryOf(said.row);
      if (known.isThere(entry)) throw standsTwice(name, said.row);
      if (known.faults(entry) === 0) held.add(entry);
      known.set(entry, faultsOf(said, rules), licencesOf(said));
    }
  }
  return held;
}

/** Licences beyond these are told as others. */
const mostLicences = 20;

function verdictOf({ rows, rules }: ProvenanceAsking, known: KnownRows, places: readonly FlaggedPlace[]): Omit<ProvenanceVerdict, 'read'> {
  const tally = new FindingsTally();
  const flagged = places.map(({ row, key, digest }) => {
    const entry = known.entryOf(digest);
    return { row, key: key ?? `row ${row}`, digest, findings: findingsOf(known.faults(entry), known.licence(entry)) };
  });
  for (const row of flagged) tally.add(row);
  const { rows: count, known: covered, licences } = known.tally();
  const ordered = [...licences].toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const rest = ordered.slice(mostLicences).reduce((sum, [, n]) => sum + n, 0);
  const report = tally.report({
    check: 'provenance',
    data: rows.source.name,
    rows: count,
    notes: rules.require.length === 0 && rules.licences === null ? ['nothing was required: only rows that people rejected are flagged'] : [],
    settings: { require: [...rules.require], licences: rules.licences === null ? null : [...rules.licences] },
    numbers: {
      with_provenance: covered,
      coverage: count === 0 ? 1 : Math.floor((covered / count) * 1e6) / 1e6,
      ...Object.fromEntries(ordered.slice(0, mostLicences).map(([licence, n]) => [`licence ${licence}`, n])),
      ...(rest === 0 ? {} : { 'licence (others)': rest }),
    },
  });
  return { report, flagged };
}
