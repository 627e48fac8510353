// Which files a promoted model is made of: its artifact and its parts, as the runs behind it have them.
import type { Digest } from '../base/digest.ts';
import type { RunRecord } from '../pipeline/run-record.ts';
import { checkModelTree, type ModelTree, type ModelTreeStore } from '../quality/base-model-tree.ts';

export interface ModelFilesOf {
  readonly artifact: { readonly digest: Digest; readonly bytes: number; readonly format: string };
  readonly parts?: Readonly<Record<string, { readonly digest: Digest; readonly bytes: number }>> | undefined;
  readonly records: ReadonlyMap<Digest, RunRecord>;
}

type SizedTree = ModelTree & { readonly bytes: number };

/** The artifact first; what no run wrote is a data set. */
export function modelTrees({ artifact, parts = {}, records }: ModelFilesOf): SizedTree[] {
  const outputs = new Map([...records.values()].flatMap(({ outputs: all }) => Object.values(all).map((output) => [output.digest, output] as const)));
  const written = (digest: Digest, otherwise: Omit<ModelTree, 'digest'>): ModelTree => {
    const output = outputs.get(digest);
    return output === undefined ? { digest, ...otherwise } : { digest, kind: output.kind, name: output.path };
  };
  const model = written(artifact.digest, { kind: artifact.format === 'folder' ? 'folder' : 'file', name: `model.${artifact.format}` });
  const others = Object.entries(parts).map(([name, { digest, bytes }]) => ({ ...written(digest, { kind: 'folder', name }), bytes }));
  return [{ ...model, bytes: artifact.bytes }, ...others];
}

/**
 * @param mostBytes files that are larger are not opened; without it, all are
 * @returns how many were not
 * @throws PlumbError MODEL_FILE_REFUSED, and what reading the store throws
 */
export async function checkModelFiles(model: ModelFilesOf, store: ModelTreeStore, mostBytes = Infinity): Promise<number> {
  let passed = 0;
  for (const tree of modelTrees(model)) {
    if (tree.kind === 'file' && tree.bytes > mostBytes) passed += 1;
    else passed += await checkModelTree(store, tree, mostBytes);
  }
  return passed;
}
