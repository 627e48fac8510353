// Revocations along a branch: they only come, each is what its name says, and nothing that was taken out moves into a stage afterwards.
import type { Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import type { Oid } from '../git/git.ts';
import type { Finding } from './evidence.ts';
import { files } from '../project/layout.ts';
import { pointerPath, pointerText } from './pointer.ts';
import { parseRevocation, revocationOf, revokedBy, revokedIn } from './revocation.ts';
import type { Pointer } from './schema.ts';
import type { FileTree } from './tree.ts';

export class RevocationWalk {
  readonly #revoked = new Map<Digest, Oid>();
  readonly #seen = new Set<string>();

  /** @param changes what a commit left at the paths that it changed; null: nothing */
  async step(commit: Oid, changes: ReadonlyMap<string, Uint8Array | null>): Promise<Finding[]> {
    const findings: Finding[] = [];
    for (const [path, bytes] of changes) {
      const found = revocationOf(path);
      if (found === null) continue;
      const mend = `\`git checkout ${commit.slice(0, 12)}~1 -- ${path}\` brings it back as it was`;
      if (bytes === null) findings.push({ file: path, commit, what: `${path}: a revocation was taken away`, mend });
      else if (this.#seen.has(path)) findings.push({ file: path, commit, what: `${path}: a revocation was changed`, mend });
      else findings.push(...(await formFindings(path, bytes, commit)));
      this.#seen.add(path);
      if (!this.#revoked.has(found.digest)) this.#revoked.set(found.digest, commit);
    }
    return findings;
  }

  /** @param pointer that a commit put there */
  check(commit: Oid, pointer: Pointer): Finding[] {
    const digest = revokedIn(pointer, new Set(this.#revoked.keys()));
    if (digest === null) return [];
    const file = pointerPath(pointer);
    const by = this.#revoked.get(digest)?.slice(0, 12);
    const what = `${file}: ${digest} came here, and commit ${by} had taken it out for good`;
    return [{ file, commit, what, mend: 'roll back: it is not served; see who merged this commit, and make `plumb/promotion` a required check' }];
  }
}

/** Of one tree: each revocation is what its name says, and no pointer names what one takes out. */
export async function checkRevocations(tree: FileTree, pointers: readonly Pointer[]): Promise<Finding[]> {
  const paths = (await tree.list(files.models)).filter((path) => revocationOf(path) !== null);
  const bytes = await tree.read(paths);
  const findings: Finding[] = [];
  for (const [at, path] of paths.entries()) findings.push(...(await formFindings(path, bytes[at] ?? new Uint8Array(), tree.commit)));
  const revoked = revokedBy(paths);
  for (const pointer of pointers) {
    const digest = revokedIn(pointer, revoked);
    if (digest === null) continue;
    const file = pointerPath(pointer);
    const mend = `\`plumb rollback ${pointer.model} --stage ${pointer.stage}\`, or \`git rm ${file}\` where there is nothing to go back to`;
    findings.push({ file, commit: tree.commit, what: `${file}: ${digest} was taken out for good, and is not served`, mend });
  }
  return findings;
}

async function formFindings(path: string, bytes: Uint8Array, commit: Oid | null): Promise<Finding[]> {
  try {
    await parseRevocation(pointerText(bytes), path);
    return [];
  } catch (error) {
    if (isPlumbError(error)) return [{ file: path, commit, what: error.message, mend: error.mend }];
    throw error;
  }
}
