// One pointer and all that it leads to; one evidence file and its name.
import { isPlumbError } from '../base/errors.ts';
import { isName } from '../base/names.ts';
import type { Oid } from '../git/git.ts';
import { files } from '../project/layout.ts';
import { checkChain } from './chain.ts';
import { evidenceFault, evidenceOf, loadEvidence, mendEvidence, type Evidence, type Finding } from './evidence.ts';
import { oneLine } from './one-line.ts';
import { pointerPath, readPointer, type PointerPlace } from './pointer.ts';
import type { Pointer } from './schema.ts';
import type { FileTree } from './tree.ts';

/** One file below models/<model>/evidence/ against its name. */
export function checkEvidenceFile(path: string, bytes: Uint8Array | null, commit: Oid | null): Finding[] {
  const name = evidenceOf(path);
  if (name === null || !isName(name.place.model)) {
    const what = `${oneLine(path)} has no name that evidence has: models/<model>/evidence/<stage>/<64 hex digits>.json or .yaml`;
    return [{ file: path, commit, what, mend: 'take the file away: nothing leads to it' }];
  }
  const fault = evidenceFault(name.digest, name.kind, bytes);
  return fault === null ? [] : [{ file: path, commit, what: `${path} ${fault}`, mend: mendEvidence(path, bytes) }];
}

/** One pointer and all that it leads to. For whoever is about to serve it. */
export async function verifyPointer(
  tree: FileTree,
  place: PointerPlace,
): Promise<{ readonly pointer: Pointer | null; readonly evidence: Evidence | null; readonly findings: readonly Finding[] }> {
  try {
    const pointer = await readPointer(tree, place.model, place.stage);
    if (pointer === null) return { pointer, evidence: null, findings: [missing(tree, place)] };
    const evidence = await loadEvidence(tree, pointer);
    return { pointer, evidence, findings: checkChain(pointer, evidence, tree.commit) };
  } catch (error) {
    if (!isPlumbError(error, 'POINTER_INVALID') && !isPlumbError(error, 'NAME_INVALID') && !isPlumbError(error, 'PATH_OUTSIDE')) throw error;
    const file = `${files.models}/${place.model}/${place.stage}.json`;
    return { pointer: null, evidence: null, findings: [{ file, commit: tree.commit, what: error.message, mend: error.mend }] };
  }
}

function missing(tree: FileTree, place: PointerPlace): Finding {
  const file = pointerPath(place);
  return { file, commit: tree.commit, what: `${file} is not there`, mend: `run \`plumb promote ${place.model} --to ${place.stage}\`` };
}
