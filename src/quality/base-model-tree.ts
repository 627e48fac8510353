// The files of a model, or of a part of one, as the store has them: a file, a folder, a data set.
import type { Digest } from '../base/digest.ts';
import { filesOf, readManifest, type ManifestStore } from '../datasets/manifest.ts';
import { checkModelFile } from './base-model.ts';

export interface ModelTree {
  readonly digest: Digest;
  /** folder: the digest is that of a manifest, of a data set too */
  readonly kind: 'file' | 'folder';
  /** how people know it: 'out/model.onnx', 'base' */
  readonly name: string;
}

export interface ModelTreeStore extends ManifestStore {
  /** A file on this machine that holds an object. */
  pathOf(digest: Digest): Promise<string>;
}

/**
 * Rows of a data set are no model: they are read as rows.
 * @param mostBytes files that are larger are passed by; without it, all are opened
 * @returns the files that were passed by
 * @throws PlumbError MODEL_FILE_REFUSED, BYTES_MISSING, DIGEST_MISMATCH, MANIFEST_INVALID
 */
export async function checkModelTree(store: ModelTreeStore, { digest, kind, name }: ModelTree, mostBytes = Infinity): Promise<number> {
  if (kind === 'file') {
    checkModelFile(await store.pathOf(digest), name);
    return 0;
  }
  const manifest = await readManifest(store, digest);
  let passed = 0;
  if (manifest.kind === 'files')
    for await (const file of filesOf(store, manifest)) {
      if (file.bytes > mostBytes) passed += 1;
      else checkModelFile(await store.pathOf(file.digest), `${name}/${file.path}`);
    }
  return passed;
}
