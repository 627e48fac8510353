// Bringing the data of a lock, or part of it, into the cache.
import { PlumbError } from '../base/errors.ts';
import type { Project } from '../project/open.ts';
import type { ObjectRef, TransferOptions, TransferResult } from '../store/store.ts';
import { filesOf, objectsOf, readLockedManifest, type FilesManifest } from './manifest.ts';
import { chooseDatasets } from './reachable.ts';
import type { Lock } from './schema.ts';
import { pathFilter, type Selection } from './selection.ts';

export interface FetchRequest {
  readonly lock: Lock;
  /** data sets; empty: all */
  readonly names: readonly string[];
  /** part of them */
  readonly selection?: Selection;
}

/**
 * Brings data sets into the cache: manifests and trees first, then what they name.
 * @throws PlumbError BYTES_MISSING, REMOTE_FAILED, DIGEST_MISMATCH, DATASET_UNKNOWN, FILE_MISSING when the selection is of nothing
 */
export async function fetchDatasets(
  project: Project,
  { lock, names, selection = {} }: FetchRequest,
  options: TransferOptions,
): Promise<TransferResult> {
  const chosen = chooseDatasets(lock, names);
  const manifests = chosen.map(({ entry }) => entry.digest);
  const { store } = project;
  await store.openRoots(manifests, options);
  const objects = async function* (): AsyncGenerator<ObjectRef> {
    for (const { name, entry } of chosen) {
      const manifest = await readLockedManifest(store, name, entry);
      if (manifest.kind === 'files' && (selection.paths?.length ?? 0) > 0) yield* selected(store, name, manifest, selection);
      else yield* objectsOf(store, entry.digest);
    }
  };
  return store.fetch(objects(), { ...options, within: manifests });
}

async function* selected(store: Project['store'], name: string, manifest: FilesManifest, selection: Selection): AsyncGenerator<ObjectRef> {
  const isWanted = pathFilter(selection);
  let found = false;
  for await (const { path, digest, bytes } of filesOf(store, manifest)) {
    if (!isWanted(path)) continue;
    found = true;
    yield { digest, bytes, role: 'data' };
  }
  if (found) return;
  throw new PlumbError('FILE_MISSING', {
    what: `data set "${name}" has no file that ${selection.paths?.map((path) => JSON.stringify(path)).join(', ')} names`,
    mend: 'paths are relative to the data set; a pattern such as "train/**" names all that is in a folder',
  });
}
