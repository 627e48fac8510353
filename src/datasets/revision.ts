import { PlumbError } from '../base/errors.ts';
import type { Git, Oid } from '../git/git.ts';

/** The commit that a revision names. @throws PlumbError GIT_REVISION_UNKNOWN */
export async function requireCommit(git: Pick<Git, 'resolve'>, revision: string): Promise<Oid> {
  const commit = await git.resolve(revision);
  if (commit !== null) return commit;
  throw new PlumbError('GIT_REVISION_UNKNOWN', {
    what: `${JSON.stringify(revision).slice(0, 200)} names no commit of this repository`,
    mend: 'name a branch, a tag or a commit; `git log` lists commits',
  });
}
