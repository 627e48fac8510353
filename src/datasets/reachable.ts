// Which objects a project needs to have somewhere else.
import { byCodeUnit } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import type { Project } from '../project/open.ts';
import type { NameSpace, Store, TransferOptions, TransferResult } from '../store/store.ts';
import { loadLock, loadLockAt, requireDataset } from './lock.ts';
import { readLockedManifest } from './manifest.ts';
import { requireCommit } from './revision.ts';
import type { Lock } from './schema.ts';

/**
 * What to send. An object may name objects of earlier waves only, so that whoever finds it in the remote finds all that it names:
 * send one wave after the other, names last.
 */
export interface Reachable {
  readonly waves: readonly (readonly Digest[])[];
  readonly names: readonly NameSpace[];
}

/** The lock of a revision. @throws PlumbError GIT_REVISION_UNKNOWN, LOCK_CONFLICT */
export async function lockOfRevision(project: Project, revision: string): Promise<Lock> {
  return loadLockAt(project, await requireCommit(project.git, revision));
}

/** Entries of a lock: those asked for, or all, sorted by name. @throws PlumbError DATASET_UNKNOWN */
export function chooseDatasets(lock: Lock, names: readonly string[]): { name: string; entry: Lock['datasets'][string] }[] {
  const chosen = names.length === 0 ? Object.keys(lock.datasets) : [...new Set(names)];
  return chosen.toSorted(byCodeUnit).map((name) => ({ name, entry: requireDataset(lock, name) }));
}

/**
 * Data of a lock: parts, then manifests.
 * @param what lock: default that of the work tree; names: default all
 * @throws PlumbError BYTES_MISSING when a manifest is nowhere, DATASET_UNKNOWN, LOCK_CONFLICT
 */
export async function collectObjects(project: Project, what: { readonly lock?: Lock; readonly names?: readonly string[] } = {}): Promise<Reachable> {
  const lock = what.lock ?? (await loadLock(project));
  const manifests: Digest[] = [];
  const parts = new Set<Digest>();
  for (const { name, entry } of chooseDatasets(lock, what.names ?? [])) {
    manifests.push(entry.digest);
    for (const part of (await readLockedManifest(project.store, name, entry)).parts) parts.add(part.digest);
  }
  return { waves: [[...parts], manifests], names: [] };
}

/** Wave after wave, names last: what the remote has, it has with all that it names. @throws PlumbError REMOTE_MISSING, BYTES_MISSING, REMOTE_FAILED */
export async function pushReachable(store: Store, what: Reachable, options: TransferOptions): Promise<TransferResult> {
  let objects = 0;
  let bytes = 0;
  const steps = [...what.waves.map((wave) => [wave, []] as const), [[], what.names] as const];
  for (const [wave, names] of steps) {
    const result = await store.push(wave, names, options);
    objects += result.objects;
    bytes += result.bytes;
  }
  return { objects, bytes };
}
