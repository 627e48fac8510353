// What an approval is bound to: the bytes of the files by which a pull request decides something. Not the commit, not the diff, not a time: an update from
// the main branch, a squash, a rebase and the merge queue make other commits of the same bytes, and keep it; whatever makes other bytes does not.
import { byCodeUnit, canonicalJson } from '../base/canonical.ts';
import { digestOf, type Digest } from '../base/digest.ts';
import { files } from '../project/layout.ts';
import { placeOf } from './pointer.ts';
import { revocationOf } from './revocation.ts';
import type { FileTree } from './tree.ts';

/**
 * The files among these by which something is decided: pointers, revocations and policy.yaml. Evidence is not: a pointer names it by digest, so the bytes of
 * the pointer hold it fast.
 * @param changed paths relative to the repository
 * @param prefix the project's folder in the repository: '' or 'sub/folder/'
 * @returns relative to the repository, each once, sorted
 */
export function subjectPaths(changed: readonly string[], prefix: string): string[] {
  const decides = (path: string): boolean => placeOf(path) !== null || revocationOf(path) !== null || path === files.policy;
  return [...new Set(changed.filter((path) => path.startsWith(prefix) && decides(path.slice(prefix.length))))].toSorted(byCodeUnit);
}

/**
 * Digest of what is decided about, as a tree has it: canonical JSON of path -> SHA-256 of the bytes, null where there is no such file. The same from git and
 * from a forge, for it is made from bytes.
 * @param tree of the whole repository: `commitTree(git, '', commit)`, or one that asks a forge
 * @param paths relative to the repository, in any order
 */
export async function subjectAt(tree: Pick<FileTree, 'read'>, paths: readonly string[]): Promise<Digest> {
  const sorted = [...new Set(paths)].toSorted(byCodeUnit);
  const bytes = await tree.read(sorted);
  return digestOf(canonicalJson(Object.fromEntries(sorted.map((path, at) => [path, digestOrNull(bytes[at])]))));
}

function digestOrNull(bytes: Uint8Array | null | undefined): Digest | null {
  return bytes === null || bytes === undefined ? null : digestOf(bytes);
}
