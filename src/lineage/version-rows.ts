// Which versions of a data set have some rows? The first is read; of each one after it only what differs from the one before, by their trees.
import type { Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { tellBatches, type Progress } from '../base/progress.ts';
import { findRowChanges } from '../datasets/row-changes.ts';
import { rowDigest } from '../datasets/row-digest.ts';
import type { RowSource } from '../datasets/row-source.ts';
import { RowVersions } from '../datasets/row-versions.ts';
import { readRowBatches, type Row } from '../datasets/rows.ts';
import type { Project } from '../project/open.ts';
import type { DataVersion } from './versions.ts';

/** What is looked for in the rows of a version. */
export interface RowSearch<Found> {
  /** undefined: it is none of them */
  match(value: Row['value']): Found | undefined;
  /** told of every row that matches and is new in a version */
  found(what: Found, row: Digest): void;
}

/** Rows that match, with how often they stand in a version; null: its bytes cannot be had here. */
export type MatchedVersion = DataVersion & { readonly rows: ReadonlyMap<Digest, number> | null };

interface World {
  readonly project: Project;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** @param versions of one data set, oldest first @throws PlumbError what reading rows throws, but for bytes that are nowhere */
export async function searchVersions<Found>(
  versions: readonly DataVersion[],
  search: RowSearch<Found>,
  { project, progress, signal }: World,
): Promise<MatchedVersion[]> {
  const reader = new RowVersions(project, { signal });
  const matched: MatchedVersion[] = [];
  let before: { source: RowSource; rows: Map<Digest, number> } | null = null;
  for (const version of versions) {
    const source = await openVersion(reader, version);
    if (source === null) {
      matched.push({ ...version, rows: null });
      continue;
    }
    const rows: Map<Digest, number> =
      before === null || before.source.format !== source.format
        ? await countAll(source, search, { progress, signal, total: version.entry.rows })
        : await countChanges(before, source, { search, reader, signal });
    matched.push({ ...version, rows });
    before = { source, rows };
  }
  return matched;
}

async function openVersion(reader: RowVersions, { data, entry }: DataVersion): Promise<RowSource | null> {
  try {
    return await reader.locked(data, entry);
  } catch (error) {
    // what nobody has, what is damaged, and a remote that does not answer: of such a version nobody knows
    if (
      isPlumbError(error, 'BYTES_MISSING') ||
      isPlumbError(error, 'DIGEST_MISMATCH') ||
      isPlumbError(error, 'REMOTE_FAILED') ||
      isPlumbError(error, 'MANIFEST_INVALID')
    )
      return null;
    throw error;
  }
}

async function countAll<Found>(
  { path, format, name }: RowSource,
  search: RowSearch<Found>,
  { progress, signal, total }: Pick<World, 'progress' | 'signal'> & { readonly total: number },
): Promise<Map<Digest, number>> {
  const rows = new Map<Digest, number>();
  const batches = tellBatches(readRowBatches(path, format, { name, signal }), () => progress.start(`search ${name}`, total, 'rows'));
  for await (const batch of batches) add(rows, batch, search);
  return rows;
}

interface Comparing<Found> {
  readonly search: RowSearch<Found>;
  readonly reader: RowVersions;
  readonly signal: AbortSignal;
}

async function countChanges<Found>(
  before: { source: RowSource; rows: ReadonlyMap<Digest, number> },
  source: RowSource,
  { search, reader, signal }: Comparing<Found>,
): Promise<Map<Digest, number>> {
  const rows = new Map(before.rows);
  const changes = await findRowChanges(before.source, source, { readNode: reader.readNode, signal });
  for await (const batch of changes.removed()) {
    for (const { value } of batch) {
      if (search.match(value) === undefined) continue;
      const digest = rowDigest(value);
      const left = (rows.get(digest) ?? 0) - 1;
      if (left > 0) rows.set(digest, left);
      else rows.delete(digest);
    }
  }
  for await (const batch of changes.added()) add(rows, batch, search);
  return rows;
}

function add<Found>(rows: Map<Digest, number>, batch: readonly Row[], search: RowSearch<Found>): void {
  for (const { value } of batch) {
    const what = search.match(value);
    if (what === undefined) continue;
    const digest = rowDigest(value);
    rows.set(digest, (rows.get(digest) ?? 0) + 1);
    search.found(what, digest);
  }
}

/** Search for rows by what they say. */
export function rowsNamed(wanted: ReadonlySet<Digest>): RowSearch<true> {
  return { match: (value) => (wanted.has(rowDigest(value)) ? true : undefined), found: () => undefined };
}
