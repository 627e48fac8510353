import type { Git } from '../git/git.ts';

/**
 * A repository that can only be read. What a server does depends on strangers' requests; so it holds nothing by which a commit, a branch or a push could be
 * made, whatever goes wrong in it.
 */
export function readOnlyGit(git: Git): Git {
  const refuse = (): Promise<never> => Promise.reject(new Error('whoever serves never writes to git'));
  return { ...git, program: null, commit: refuse, revert: refuse, resetIndex: refuse, stage: refuse, createBranch: refuse, switchTo: refuse };
}
