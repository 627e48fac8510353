// One data set's part of a report: the difference of two manifests, in the report's words.
import type { Digest } from '../base/digest.ts';
import { readManifest, type FilesManifest, type Manifest, type RowsManifest } from '../datasets/manifest.ts';
import { balanceChanges, ClassCounts, labelOf } from '../datasets/class-balance.ts';
import { cellText, sampleCells } from '../datasets/row-content.ts';
import { diffRows, type RowsDiff, type RowSource } from '../datasets/row-diff.ts';
import { readRowBatches } from '../datasets/rows.ts';
import type { LockEntry } from '../datasets/schema.ts';
import type { Store, TransferOptions } from '../store/store.ts';
import { diffFileTrees } from '../store/tree/file-diff.ts';
import { mostChangedRows } from '../quality/trigger.ts';
import { findTriggers } from './data-triggers.ts';
import type { DataPart } from './parts.ts';
import { rowKinds } from './row-kinds.ts';

/** rows shown of each kind; the report's own bounds cut further */
const samples = 20;

/**
 * @param before manifest, or null where the data set was not there; `after` likewise
 * @throws PlumbError BYTES_MISSING when a version's bytes are neither here nor in the remote
 */
export async function dataPart(store: Store, name: string, before: Digest | null, after: Digest | null, options: TransferOptions): Promise<DataPart> {
  const sides = { before: await manifestOf(store, before), after: await manifestOf(store, after) };
  const part = emptyPart(name, { before, after }, sides);
  if (before === after) return { ...part, brought: new Set() };
  const { before: old, after: now } = sides;
  if (old?.kind === 'files' && now?.kind === 'files') return { ...part, ...(await fileChanges(store, old, now)) };
  // there on one side only, or rows here and files there
  if (old?.kind !== 'rows' || now?.kind !== 'rows') return { ...part, added: part.rowsAfter, removed: part.rowsBefore };
  const bar = options.progress.start(`compare ${name}`, undefined, 'bytes');
  try {
    const source = await sourceOf(store, name, old);
    const diff = await diffRows(source, await sourceOf(store, name, now), {
      limit: mostChangedRows,
      signal: options.signal,
      onBytes: (bytes) => bar.advance(bytes),
    });
    const triggers = await findTriggers(diff, source, { signal: options.signal });
    const shown = rowKinds.flatMap((kind) => diff.samples.filter((sample) => sample.kind === kind).slice(0, samples));
    return {
      ...part,
      added: diff.added,
      removed: diff.removed,
      edited: diff.edited,
      relabelled: diff.relabelled,
      balance: (diff.balance ?? []).map(({ label, before: was, after: is }) => ({ label, before: was, after: is })),
      schema: diff.schema.map(({ column, before: was, after: is }) => ({ column, before: was, after: is })),
      ...(triggers.length === 0 ? {} : { triggers }),
      samples: shown.map(({ kind, key, before: was, after: is }) => ({ kind, key, before: was, after: is })),
      ...broughtBy(diff),
    };
  } finally {
    bar.end();
  }
}

/** Rows that came or were edited; nothing where there are more than are listed. */
function broughtBy({ added, edited, samples: changes }: RowsDiff): Pick<DataPart, 'brought'> {
  const brought = changes.flatMap(({ rows }) => rows.after ?? []);
  return brought.length === added + edited ? { brought: new Set(brought) } : {};
}

/**
 * A data set that was not there: its classes, and its first rows. One with a label is read whole.
 * @throws PlumbError BYTES_MISSING
 */
export async function newDataPart(store: Store, name: string, after: Digest, options: TransferOptions): Promise<DataPart> {
  const part = await dataPart(store, name, null, after, options);
  const manifest = await manifestOf(store, after);
  if (manifest?.kind !== 'rows') return part;
  const { path, format, key, label } = await sourceOf(store, name, manifest);
  const counts = new ClassCounts();
  const shown: DataPart['samples'][number][] = [];
  let rows = 0;
  for await (const batch of readRowBatches(path, format, { name, signal: options.signal })) {
    for (const { value } of batch) {
      rows += 1;
      if (label !== undefined) counts.add(labelOf(value[label]), 1);
      if (shown.length < samples) {
        const own = key === undefined ? `row ${rows}` : cellText(value[key]);
        shown.push({ kind: 'added', key: own, before: null, after: sampleCells(value, label === undefined ? [] : [label]) });
      }
    }
    if (label === undefined && shown.length === samples) break;
  }
  const classes = label === undefined ? [] : balanceChanges(new Map(), counts.counts ?? new Map());
  return { ...part, balance: classes, samples: shown };
}

/** The same from two lines of the lock: how many rows there are, not which. */
export function lockPart(name: string, sides: { readonly before: LockEntry | null; readonly after: LockEntry | null }): DataPart {
  const rows = (entry: LockEntry | null): number => (entry === null ? 0 : entry.format === 'files' ? entry.files : entry.rows);
  const { before, after } = sides;
  return { ...noChange, name, before: before?.digest ?? null, after: after?.digest ?? null, rowsBefore: rows(before), rowsAfter: rows(after) };
}

type Changed = Pick<DataPart, 'added' | 'removed' | 'edited' | 'relabelled' | 'balance' | 'schema' | 'samples'>;
const noChange: Changed = { added: 0, removed: 0, edited: 0, relabelled: 0, balance: [], schema: [], samples: [] };

async function manifestOf(store: Store, digest: Digest | null): Promise<Manifest | null> {
  return digest === null ? null : readManifest(store, digest);
}

function emptyPart(
  name: string,
  digests: { before: Digest | null; after: Digest | null },
  sides: { before: Manifest | null; after: Manifest | null },
): DataPart {
  return { ...noChange, name, ...digests, rowsBefore: countOf(sides.before), rowsAfter: countOf(sides.after) };
}

/** rows, or files */
function countOf(manifest: Manifest | null): number {
  if (manifest === null) return 0;
  return manifest.kind === 'rows' ? manifest.rows : manifest.files;
}

async function sourceOf(store: Store, name: string, manifest: RowsManifest): Promise<RowSource> {
  return {
    path: await store.pathOf(manifest.content),
    name,
    format: manifest.format,
    ...(manifest.key === undefined ? {} : { key: manifest.key }),
    ...(manifest.label === undefined ? {} : { label: manifest.label }),
  };
}

async function fileChanges(store: Store, before: FilesManifest, after: FilesManifest): Promise<Pick<DataPart, 'added' | 'removed' | 'edited'>> {
  const found = { added: 0, removed: 0, edited: 0 };
  for await (const change of diffFileTrees((digest) => store.readBytes(digest), before.tree, after.tree)) {
    found[change.before === null ? 'added' : change.after === null ? 'removed' : 'edited'] += 1;
  }
  return found;
}
