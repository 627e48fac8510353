// Bringing data of a revision into the work tree. Nothing that exists nowhere else is overwritten.
import { lstat, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sweepKilled } from '../base/atomic.ts';
import { PlumbError } from '../base/errors.ts';
import { formatBytes, type Progress } from '../base/progress.ts';
import type { Project } from '../project/open.ts';
import type { Store, TransferResult } from '../store/store.ts';
import { checkoutFolder, listFolder } from './folder.ts';
import { digestOfManifest, readLockedManifest, readManifest, type Manifest } from './manifest.ts';
import { checkProjectPath, refuseWayOut } from './paths.ts';
import { chooseDatasets } from './reachable.ts';
import type { Lock, LockEntry } from './schema.ts';
import { digestOfPath, openStatIndex, type StatIndex } from './stat-index.ts';
import { stateOf } from './status.ts';

export interface CheckoutRequest {
  /** of the revision whose data is wanted */
  readonly lock: Lock;
  /** data sets; empty: all */
  readonly names: readonly string[];
  /** overwrite what exists nowhere else */
  readonly force: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface CheckoutResult {
  readonly name: string;
  readonly path: string;
  /** same: it stood there already */
  readonly how: 'written' | 'same';
  readonly bytes: number;
}

/** Brings manifests and parts of data sets into the cache. @throws PlumbError BYTES_MISSING, REMOTE_FAILED, DIGEST_MISMATCH, DATASET_UNKNOWN */
export async function fetchDatasets(
  project: Project,
  what: { readonly lock: Lock; readonly names: readonly string[] },
  options: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<TransferResult> {
  const chosen = chooseDatasets(what.lock, what.names);
  const manifests = await project.store.fetch(
    chosen.map(({ entry }) => entry.digest),
    options,
  );
  const parts = await Promise.all(
    chosen.map(async ({ name, entry }) => (await readLockedManifest(project.store, name, entry)).parts.map((part) => part.digest)),
  );
  const data = await project.store.fetch(parts.flat(), options);
  return { objects: manifests.objects + data.objects, bytes: manifests.bytes + data.bytes };
}

/**
 * Makes working copies what a lock says. All is fetched and every working copy is looked at before the first is written.
 * @throws PlumbError DATASET_MODIFIED, DATASET_UNKNOWN, PATH_OUTSIDE, BYTES_MISSING, DIGEST_MISMATCH, DISK_FULL
 */
export async function checkoutDatasets(project: Project, request: CheckoutRequest): Promise<CheckoutResult[]> {
  const index = await openStatIndex(project);
  try {
    const chosen = chooseDatasets(request.lock, request.names);
    await fetchDatasets(project, { lock: request.lock, names: request.names }, request);
    const plan = [];
    for (const { name, entry } of chosen) {
      const state = await stateOf(project, entry, index, request);
      if (state === 'modified' && !request.force) await refuseLoss(project, name, entry, index);
      plan.push({ name, entry, state });
    }
    const results: CheckoutResult[] = [];
    for (const { name, entry, state } of plan) {
      request.signal.throwIfAborted();
      if (state !== 'same') await project.mutex(() => writeWorkingCopy(project, entry, index));
      results.push({ name, path: entry.path, how: state === 'same' ? 'same' : 'written', bytes: entry.bytes });
    }
    return results;
  } finally {
    index.save();
  }
}

async function writeWorkingCopy(project: Project, entry: LockEntry, index: StatIndex): Promise<void> {
  const target = join(project.root, entry.path);
  checkProjectPath(entry.path);
  await refuseWayOut(project.root, entry.path);
  await sweepKilled(dirname(target));
  await checkoutDataset(project.store, await readManifest(project.store, entry.digest), target, { index });
}

/**
 * Puts a version of a data set at a path: rows as one file, files as a folder that then holds exactly them.
 * @param target absolute; for rows, give it the extension of manifest.format
 * @throws PlumbError BYTES_MISSING, DIGEST_MISMATCH, DISK_FULL, DATASET_MODIFIED when a folder stands where a file belongs, or a file where a folder
 */
export async function checkoutDataset(store: Store, manifest: Manifest, target: string, options: { index?: StatIndex } = {}): Promise<void> {
  const there = await stat(target).catch(() => null);
  if (there !== null && there.isDirectory() !== (manifest.kind === 'files')) throw wrongKind(target, manifest.kind);
  if (manifest.kind === 'files') await checkoutFolder(store, digestOfManifest(manifest), target, options);
  else for (const part of manifest.parts) await store.checkoutFile(part.digest, target);
}

function wrongKind(target: string, kind: Manifest['kind']): PlumbError {
  return new PlumbError('DATASET_MODIFIED', {
    what: kind === 'files' ? `${target} is a file where a folder belongs` : `${target} is a folder where a file belongs`,
    where: { file: target },
    mend: 'move it out of the way',
  });
}

/** Overwriting is fine when the bytes are in the store: some revision has them, or `plumb add` put them there. */
async function refuseLoss(project: Project, name: string, entry: LockEntry, index: StatIndex): Promise<void> {
  const absolute = join(project.root, entry.path);
  const facts = await stat(absolute);
  if (facts.isDirectory() !== (entry.format === 'files')) throw wrongKind(absolute, entry.format === 'files' ? 'files' : 'rows');
  const lost = facts.isDirectory() ? await lostFiles(project.store, absolute, index) : await lostFile(project.store, entry.path, absolute, index);
  if (lost.length === 0) return;
  const some = `${lost.slice(0, 3).join(', ')}${lost.length > 3 ? `, ... (${lost.length} files)` : ''}`;
  throw new PlumbError('DATASET_MODIFIED', {
    what: `the working copy of "${name}" was changed and is nowhere else: ${some}`,
    where: { file: entry.path },
    mend: `keep it with \`plumb add ${entry.path}\`, or give it up with --force`,
    details: { lost: lost.slice(0, 1000) },
  });
}

async function lostFile(store: Store, path: string, absolute: string, index: StatIndex): Promise<string[]> {
  const found = await digestOfPath(index, absolute);
  return found === null || (await store.has(found.digest)) ? [] : [`${path} (${formatBytes(found.bytes)})`];
}

async function lostFiles(store: Store, folder: string, index: StatIndex): Promise<string[]> {
  const lost: string[] = [];
  for (const file of await listFolder(folder)) {
    const absolute = join(folder, file.path);
    if ((await lstat(absolute)).isFile()) lost.push(...(await lostFile(store, file.path, absolute, index)));
  }
  return lost;
}
