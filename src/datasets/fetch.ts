// Bringing the data of a lock, or part of it, into the cache.
import { PlumbError } from '../base/errors.ts';
import type { Project } from '../project/open.ts';
import type { ObjectRef, TransferOptions, TransferResult } from '../store/store.ts';
import { filesOf, objectsOf, readLockedManifest } from './manifest.ts';
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
 * Where paths are selected, data sets of rows are left alone.
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
  const isChosen = (selection.paths?.length ?? 0) > 0 ? pathFilter(selection) : null;
  const objects = async function* (): AsyncGenerator<ObjectRef> {
    let isNothing = isChosen !== null;
    for (const { name, entry } of chosen) {
      const manifest = await readLockedManifest(store, name, entry);
      if (isChosen === null) yield* objectsOf(store, entry.digest);
      else if (manifest.kind === 'files') {
        for await (const { path, digest, bytes } of filesOf(store, manifest)) {
          if (!isChosen(path)) continue;
          isNothing = false;
          yield { digest, bytes, role: 'data' };
        }
      }
    }
    if (isNothing) throw noSuchFile(selection);
  };
  const total = isChosen === null ? chosen.reduce((sum, { entry }) => sum + entry.bytes, 0) : await bytesOf(objects());
  return store.fetch(objects(), { ...options, within: manifests, total });
}

async function bytesOf(objects: AsyncIterable<ObjectRef>): Promise<number> {
  let bytes = 0;
  for await (const object of objects) bytes += object.bytes;
  return bytes;
}

function noSuchFile({ paths = [] }: Selection): PlumbError {
  return new PlumbError('FILE_MISSING', {
    what: `no data set has a file that ${paths.map((path) => JSON.stringify(path)).join(', ')} names`,
    mend: 'paths are relative to the data set; a pattern such as "train/**" names all that is in a folder',
  });
}
