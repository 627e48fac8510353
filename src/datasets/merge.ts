// Merging what two branches did to data sets: each data set by itself, rows by key, files by path. Everything is planned, then made in the store,
// then brought into the work tree, and datasets.lock is the last to be written: whatever fails, it is as it was.
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sweepKilled, temporaryBeside, writeFileAtomic } from '../base/atomic.ts';
import { byCodeUnit, canonicalJson } from '../base/canonical.ts';
import { isPlumbError, PlumbError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';
import { storeRowFile } from './add-rows.ts';
import { checkoutDatasets } from './checkout.ts';
import { planFolderMerge, type FileConflict } from './folder-merge.ts';
import { planLock } from './lock.ts';
import { filesManifest, manifestText, readLockedManifest } from './manifest.ts';
import { findMergeSides, loadLockSides, type LockSides, type MergeSides } from './merge-sides.ts';
import { planRowMerge, type RowConflict } from './row-merge.ts';
import { RowVersions, type RowsEntry } from './row-versions.ts';
import type { Lock, LockEntry } from './schema.ts';

export interface MergeRequest {
  /** data sets that may be merged; empty: all */
  readonly names: readonly string[];
  /** revisions; left out: what git has under way */
  readonly revisions: { readonly base?: string; readonly ours?: string; readonly theirs?: string };
  /** whose version stands where both changed the same row, file or data set in different ways */
  readonly take?: 'ours' | 'theirs';
  /** examples of conflicts of each data set */
  readonly limit: number;
  /** overwrite changed working copies that are stored nowhere */
  readonly force: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** What became of a data set that theirs changed. */
export interface DatasetMerge {
  readonly name: string;
  /** merged: rows or files of both; theirs, ours: that side's version as it is; conflict: not decided */
  readonly how: 'merged' | 'ours' | 'theirs' | 'conflict';
  /** what came into ours; null where no rows, or files, were put together */
  readonly brought: { readonly added: number; readonly edited: number; readonly removed: number } | null;
  /** how rows were matched, and why so */
  readonly by: 'key' | 'content' | 'path' | null;
  readonly note: string | null;
  /** rows or files that both changed in different ways; 1 where `reason` says why the data set is one as a whole */
  readonly conflicts: number;
  readonly reason: string | null;
  /** examples */
  readonly rows: readonly RowConflict[];
  readonly files: readonly FileConflict[];
}

export interface MergeResult {
  readonly sides: MergeSides;
  /** false: there are conflicts, and nothing was changed */
  readonly resolved: boolean;
  /** data sets that theirs changed, sorted by name */
  readonly datasets: readonly DatasetMerge[];
}

/**
 * Merges datasets.lock and the data that it names: working copies are those of the merged lock then, and the lock is staged.
 * @throws PlumbError USAGE when nothing is to be merged, LOCK_CONFLICT when a side is not resolved itself or a data set that is not named needs merging,
 *   DATASET_MODIFIED, BYTES_MISSING, GIT_REVISION_UNKNOWN, DISK_FULL
 */
export async function mergeDatasets(project: Project, request: MergeRequest): Promise<MergeResult> {
  await sweepKilled(mergeDir(project));
  const sides = await findMergeSides(project, request.revisions);
  const locks = await loadLockSides(project, sides);
  const names = [...new Set([...Object.keys(locks.ours.datasets), ...Object.keys(locks.theirs.datasets)])].toSorted(byCodeUnit);
  refuseUnknown(request.names, names);
  const plans: Plan[] = [];
  for (const name of names) plans.push(await planDataset(project, entriesOf(locks, name), name, request));
  const datasets = plans.map((plan) => plan.told).filter((told) => told !== null);
  if (datasets.some((dataset) => dataset.how === 'conflict')) return { sides, resolved: false, datasets };
  const entries: [string, LockEntry][] = [];
  for (const [at, plan] of plans.entries()) {
    const entry = await plan.make();
    if (entry !== null) entries.push([names[at] as string, entry]);
  }
  const lock: Lock = { version: 1, datasets: Object.fromEntries(entries) };
  await bringIn(project, lock, datasets, request);
  return { sides, resolved: true, datasets };
}

/** Where merged rows are written before they are stored. */
function mergeDir({ localDir }: Project): string {
  return join(localDir, 'merge');
}

async function bringIn(project: Project, lock: Lock, datasets: readonly DatasetMerge[], request: MergeRequest): Promise<void> {
  const { force, progress, signal } = request;
  const there = datasets.map(({ name }) => name).filter((name) => Object.hasOwn(lock.datasets, name));
  if (there.length > 0) await checkoutDatasets(project, { lock, names: there, force, progress, signal });
  await project.mutex(async () => {
    const { path, bytes } = planLock(project, lock);
    await writeFileAtomic(path, bytes);
    await project.git.stage([project.prefix + files.lock]);
  });
}

function refuseUnknown(wanted: readonly string[], names: readonly string[]): void {
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new PlumbError('DATASET_UNKNOWN', {
    what: `neither side of the merge has a data set "${unknown.slice(0, 120)}"`,
    mend: names.length === 0 ? 'there is none on either side' : `there are: ${names.slice(0, 20).join(', ')}`,
  });
}

interface Entries {
  readonly base: LockEntry | null;
  readonly ours: LockEntry | null;
  readonly theirs: LockEntry | null;
}

function entriesOf(locks: LockSides, name: string): Entries {
  const of = (lock: Lock): LockEntry | null => (Object.hasOwn(lock.datasets, name) ? (lock.datasets[name] ?? null) : null);
  return { base: of(locks.base), ours: of(locks.ours), theirs: of(locks.theirs) };
}

interface Plan {
  /** null: theirs changed nothing that ours has not */
  readonly told: DatasetMerge | null;
  /** Puts the merged version into the store. @returns what the lock says of it; null: the data set is gone */
  make(): Promise<LockEntry | null>;
}

function isSame(a: LockEntry | null, b: LockEntry | null): boolean {
  return a === b || (a !== null && b !== null && canonicalJson(a) === canonicalJson(b));
}

async function planDataset(project: Project, { base, ours, theirs }: Entries, name: string, request: MergeRequest): Promise<Plan> {
  if (isSame(ours, theirs) || isSame(base, theirs)) return { told: null, make: async () => ours };
  if (isSame(base, ours)) return wholly(name, 'theirs', theirs, null);
  if (request.names.length > 0 && !request.names.includes(name)) {
    throw new PlumbError('LOCK_CONFLICT', {
      what: `data set "${name}" was changed on both sides of the merge, too`,
      where: { file: files.lock },
      mend: `merge all of them: \`plumb merge\`, or name it as well`,
      details: { datasets: [name] },
    });
  }
  const whole = (reason: string): Plan => decided(name, { ours, theirs }, reason, request.take);
  if (ours === null || theirs === null) return whole(`it was taken out in ${ours === null ? 'ours' : 'theirs'} and changed in the other`);
  // what only one side changed of its place is that side's
  const path = ours.path === base?.path ? theirs.path : ours.path;
  if (ours.digest === theirs.digest) return wholly(name, 'theirs', { ...ours, path }, null);
  if (ours.format === 'files' && theirs.format === 'files') {
    return planFiles(project, { name, path, base: base?.format === 'files' ? base : null, ours, theirs }, request);
  }
  if (ours.format === 'files' || theirs.format === 'files') return whole('it is rows on one side, and files on the other');
  try {
    return await planRows(project, { name, path, base: base === null || base.format === 'files' ? null : base, ours, theirs }, request);
  } catch (error) {
    if (isPlumbError(error, 'MERGE_CONFLICT') || isPlumbError(error, 'DATASET_FORMAT')) return whole(error.message);
    throw error;
  }
}

function wholly(name: string, how: 'ours' | 'theirs' | 'conflict', entry: LockEntry | null, reason: string | null): Plan {
  const told = { name, how, brought: null, by: null, note: null, conflicts: reason === null ? 0 : 1, reason, rows: [], files: [] };
  return { told, make: async () => entry };
}

/** A data set that can only be one side's as a whole. */
function decided(name: string, sides: { ours: LockEntry | null; theirs: LockEntry | null }, reason: string, take: MergeRequest['take']): Plan {
  return wholly(name, take ?? 'conflict', take === undefined ? null : sides[take], reason);
}

type FilesEntry = Exclude<LockEntry, RowsEntry>;

interface Versions<Entry> {
  readonly name: string;
  /** of the merged version, in the project */
  readonly path: string;
  readonly base: Entry | null;
  readonly ours: Entry;
  readonly theirs: Entry;
}

function manifestsOf({ base, ours, theirs }: Versions<LockEntry>): LockEntry['digest'][] {
  return [...(base === null ? [] : [base.digest]), ours.digest, theirs.digest];
}

async function planRows(project: Project, versions: Versions<RowsEntry>, request: MergeRequest): Promise<Plan> {
  const { name, path, base, ours, theirs } = versions;
  await project.store.openRoots(manifestsOf(versions), request);
  const rows = new RowVersions(project, { signal: request.signal });
  const sources = {
    base: base === null ? null : await rows.locked(name, base),
    ours: await rows.locked(name, ours),
    theirs: await rows.locked(name, theirs),
  };
  const plan = await planRowMerge(sources, request);
  const { by, note, added, edited, removed, conflicts, examples } = plan;
  const how = conflicts > 0 && request.take === undefined ? 'conflict' : 'merged';
  return {
    told: { name, how, brought: { added, edited, removed }, by, note, conflicts, reason: null, rows: examples, files: [] },
    async make() {
      const temporary = temporaryBeside(join(mergeDir(project), name));
      await mkdir(dirname(temporary), { recursive: true });
      try {
        await plan.writeTo(temporary);
        const of = (column: 'key' | 'label'): string | undefined => (ours[column] === base?.[column] ? theirs[column] : ours[column]);
        const file = { path, absolute: temporary, format: ours.format, key: of('key'), label: of('label') };
        return (await storeRowFile(project, file, { name, signal: request.signal })).entry;
      } finally {
        await rm(temporary, { force: true });
      }
    },
  };
}

async function planFiles(project: Project, versions: Versions<FilesEntry>, request: MergeRequest): Promise<Plan> {
  const { name, path, base, ours, theirs } = versions;
  const { store } = project;
  await store.openRoots(manifestsOf(versions), request);
  const trees = {
    base: base === null ? null : (await readLockedManifest(store, name, base)).tree,
    ours: (await readLockedManifest(store, name, ours)).tree,
    theirs: (await readLockedManifest(store, name, theirs)).tree,
  };
  const plan = await planFolderMerge((digest) => store.readBytes(digest), trees, request);
  const { added, edited, removed, conflicts, examples } = plan;
  const how = conflicts > 0 && request.take === undefined ? 'conflict' : 'merged';
  return {
    told: { name, how, brought: { added, edited, removed }, by: 'path', note: null, conflicts, reason: null, rows: [], files: examples },
    async make() {
      const writer = await store.openWriter();
      try {
        const manifest = filesManifest(await plan.build((bytes) => writer.addBytes(bytes, 'meta')));
        const digest = writer.addBytes(Buffer.from(manifestText(manifest)), 'meta');
        await writer.close();
        return { digest, path, format: 'files', files: manifest.files, bytes: manifest.bytes, source: { kind: 'files' } };
      } catch (error) {
        await writer.abandon();
        throw error;
      }
    },
  };
}
