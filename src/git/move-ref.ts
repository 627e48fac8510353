import type { Git, Oid } from './git.ts';
import { checkOid, isRefName } from './names.ts';
import { needProgram } from './remote-access.ts';

/**
 * Moves a ref of this clone in one step, if it is where it is thought to be.
 * @param from where it is; null: it is not there yet
 * @returns false: somebody else moved it
 * @throws PlumbError GIT_UNSUPPORTED, GIT_FAILED
 */
export async function moveRef(
  git: Git,
  { name, from, to }: { readonly name: string; readonly from: Oid | null; readonly to: Oid },
): Promise<boolean> {
  if (!name.startsWith('refs/') || !isRefName(name)) throw new Error(`${name} is no whole name of a ref`);
  const old = from === null ? '0'.repeat(to.length) : checkOid(from);
  const result = await needProgram(git).run(['update-ref', name, checkOid(to), old], { allow: [128] });
  return result.code === 0;
}
