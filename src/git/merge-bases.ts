// Where two branches parted: at one commit, as a rule. Branches that were merged across each other have several, and git merges by all of them at once.
import { isOid, checkOid } from './names.ts';
import type { Git, Oid } from './git.ts';
import { needProgram } from './remote-access.ts';

/** @throws PlumbError GIT_UNSUPPORTED, GIT_FAILED where one of them is not here */
export async function mergeBases(git: Git, a: Oid, b: Oid): Promise<Oid[]> {
  const { stdout } = await needProgram(git).run(['merge-base', '--all', checkOid(a), checkOid(b)], { allow: [1] });
  return stdout.toString('latin1').split('\n').filter(isOid);
}
