// Which objects a project needs to have somewhere else.
import { byCodeUnit } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import type { Project } from '../project/open.ts';
import type { NameSpace } from '../store/store.ts';
import { loadLock, loadLockAt, requireDataset } from './lock.ts';
import { readManifest } from './manifest.ts';
import type { Lock } from './schema.ts';

/**
 * What to send. An object may name objects of earlier waves only, so that whoever finds it in the remote finds all that it names:
 * send one wave after the other, names last.
 */
export interface Reachable {
  readonly waves: readonly (readonly Digest[])[];
  readonly names: readonly NameSpace[];
}

/** The lock of a commit, or of the work tree where none is given. @throws PlumbError GIT_REVISION_UNKNOWN */
export async function loadLockOf(project: Project, commit: string | undefined): Promise<Lock> {
  return commit === undefined ? loadLock(project) : loadLockAt(project, commit);
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
  for (const { entry } of chooseDatasets(lock, what.names ?? [])) {
    manifests.push(entry.digest);
    for (const part of (await readManifest(project.store, entry.digest)).parts) parts.add(part.digest);
  }
  return { waves: [[...parts], manifests], names: [] };
}
