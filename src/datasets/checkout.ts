// Bringing data of a revision into the work tree. Nothing that exists nowhere else is overwritten.
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sweepKilled } from '../base/atomic.ts';
import { PlumbError } from '../base/errors.ts';
import { formatBytes, type Progress } from '../base/progress.ts';
import type { Project } from '../project/open.ts';
import type { ObjectRef, Store } from '../store/store.ts';
import { carryOutFolder, type Placed } from './folder-checkout.ts';
import { objectsToPlace, planFolder, type FolderPlan } from './folder-plan.ts';
import { readLockedManifest, type FilesManifest, type Manifest } from './manifest.ts';
import { checkProjectPath, refuseWayOut } from './paths.ts';
import { chooseDatasets } from './reachable.ts';
import type { Lock, LockEntry } from './schema.ts';
import { digestOfPath, openStatIndex, type StatIndex } from './stat-index.ts';
import { stateOf } from './working-copy.ts';

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
  /** of the data set */
  readonly bytes: number;
  readonly placed: Placed;
}

/** What one data set needs. */
interface DatasetPlan {
  readonly name: string;
  readonly entry: LockEntry;
  readonly how: 'written' | 'same';
  /** that the cache may lack */
  objects(): AsyncIterable<ObjectRef>;
  readonly write: () => Promise<Placed>;
  close(): void;
}

/**
 * Makes working copies what a lock says. Every working copy is looked at, and all is fetched, before the first is written.
 * @throws PlumbError DATASET_MODIFIED, DATASET_UNKNOWN, PATH_OUTSIDE, BYTES_MISSING, DIGEST_MISMATCH, FILE_CHANGED, NAME_INVALID, DISK_FULL
 */
export async function checkoutDatasets(project: Project, request: CheckoutRequest): Promise<CheckoutResult[]> {
  const index = await openStatIndex(project);
  const plans: DatasetPlan[] = [];
  try {
    const chosen = chooseDatasets(request.lock, request.names);
    const manifests = chosen.map(({ entry }) => entry.digest);
    await project.store.openRoots(manifests, request);
    for (const { name, entry } of chosen) plans.push(await planDataset(project, { name, entry }, request, index));
    const changing = plans.filter(({ how }) => how === 'written');
    await project.store.fetch(objectsOfAll(changing), { ...options(request), within: manifests });
    const results: CheckoutResult[] = [];
    for (const { name, entry, how, write } of plans) {
      request.signal.throwIfAborted();
      const placed = how === 'written' ? await project.mutex(write) : { files: 0, bytes: 0, removed: 0 };
      results.push({ name, path: entry.path, how, bytes: entry.bytes, placed });
    }
    return results;
  } finally {
    for (const plan of plans) plan.close();
    index.save();
  }
}

function options({ progress, signal }: CheckoutRequest): { progress: Progress; signal: AbortSignal } {
  return { progress, signal };
}

async function* objectsOfAll(plans: readonly DatasetPlan[]): AsyncGenerator<ObjectRef> {
  for (const plan of plans) yield* plan.objects();
}

async function planDataset(
  project: Project,
  { name, entry }: { readonly name: string; readonly entry: LockEntry },
  request: CheckoutRequest,
  index: StatIndex,
): Promise<DatasetPlan> {
  checkProjectPath(entry.path);
  await refuseWayOut(project.root, entry.path);
  const target = join(project.root, entry.path);
  const facts = await stat(target).catch(() => null);
  if (facts !== null && facts.isDirectory() !== (entry.format === 'files')) throw wrongKind(target, entry.format === 'files' ? 'files' : 'rows');
  const manifest = await readLockedManifest(project.store, name, entry);
  const place = { name, entry, target };
  return manifest.kind === 'files' ? planFiles(project, { ...place, manifest }, request, index) : planRows(project, place, request, index);
}

interface Place {
  readonly name: string;
  readonly entry: LockEntry;
  /** absolute */
  readonly target: string;
}

async function planFiles(
  project: Project,
  { name, entry, target, manifest }: Place & { readonly manifest: FilesManifest },
  request: CheckoutRequest,
  index: StatIndex,
): Promise<DatasetPlan> {
  const { signal, force } = request;
  const wanted = { digest: entry.digest, manifest, folder: target };
  const plan: FolderPlan = await planFolder(project.store, wanted, { index, signal });
  if (plan.lost.count > 0 && !force) {
    plan.close();
    throw wouldBeLost(name, entry, plan.lost.paths, plan.lost.count);
  }
  const write = async (): Promise<Placed> => {
    await beforeWriting(project, entry, target);
    const bar = request.progress.start(`checkout ${entry.path}`, undefined, 'bytes');
    const onBytes = (bytes: number): void => bar.advance(bytes);
    return carryOutFolder(project.store, wanted, plan, { index, signal, onBytes, link: true, force }).finally(() => bar.end());
  };
  return { name, entry, how: plan.state === 'same' ? 'same' : 'written', objects: () => objectsToPlace(plan), write, close: () => plan.close() };
}

async function planRows(project: Project, { name, entry, target }: Place, request: CheckoutRequest, index: StatIndex): Promise<DatasetPlan> {
  if (entry.format === 'files') throw new Error('a data set of files');
  const { store } = project;
  const state = await stateOf(project, entry, index, request);
  if (state === 'modified' && !request.force) await refuseLoss(store, { name, entry, target }, index);
  const { content, bytes } = entry;
  return {
    name,
    entry,
    how: state === 'same' ? 'same' : 'written',
    // oxlint-disable-next-line require-await -- objects come in one way, wherever from
    objects: async function* () {
      yield { digest: content, bytes, role: 'data' };
    },
    write: async () => {
      await beforeWriting(project, entry, target);
      await store.checkoutFile(content, target);
      return { files: 1, bytes, removed: 0 };
    },
    close: () => undefined,
  };
}

/** Time has passed since it was looked at. */
async function beforeWriting(project: Project, entry: LockEntry, target: string): Promise<void> {
  await refuseWayOut(project.root, entry.path);
  await sweepKilled(dirname(target));
}

function wrongKind(target: string, kind: Manifest['kind']): PlumbError {
  return new PlumbError('DATASET_MODIFIED', {
    what: kind === 'files' ? `${target} is a file where a folder belongs` : `${target} is a folder where a file belongs`,
    where: { file: target },
    mend: 'move it out of the way',
  });
}

/** Overwriting is fine when the bytes are in the store: some revision has them, or `plumb add` put them there. */
async function refuseLoss(store: Store, { name, entry, target }: Place, index: StatIndex): Promise<void> {
  const found = await digestOfPath(index, target);
  if (found === null || (await store.has(found.digest))) return;
  throw wouldBeLost(name, entry, [`${entry.path} (${formatBytes(found.bytes)})`], 1);
}

function wouldBeLost(name: string, entry: LockEntry, paths: readonly string[], count: number): PlumbError {
  const some = `${paths.slice(0, 3).join(', ')}${count > 3 ? `, ... (${count} files)` : ''}`;
  return new PlumbError('DATASET_MODIFIED', {
    what: `the working copy of "${name}" was changed and is nowhere else: ${some}`,
    where: { file: entry.path },
    mend: `keep it with \`plumb add ${entry.path}\`, or give it up with --force`,
    details: { lost: paths },
  });
}
