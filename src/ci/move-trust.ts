// What deciding about the signature of a run asks of the world: which pull requests were merged, and commits that this clone does not have.
import { isPlumbError } from '../base/errors.ts';
import type { Forge } from '../forge/forge.ts';
import type { Git } from '../git/git.ts';
import { fetchRefs, type RemoteOptions } from '../git/publish.ts';
import type { MoveTrust } from '../registry/move-input.ts';

export interface TrustWorld {
  readonly git: Git;
  /** null: nobody can be asked which pull requests were merged */
  readonly forge: Pick<Forge, 'findPullRequest'> | null;
  /** What a forge that does not answer is worth: unknown, or the end of the work with its error. */
  readonly silence: 'unknown' | 'error';
  /** short name of the main branch */
  readonly main: string;
  /** null: this clone is all that there is */
  readonly remote: RemoteOptions | null;
}

/** Each is asked about once. */
export function openMoveTrust({ git, forge, silence, main, remote }: TrustWorld): MoveTrust {
  const known = new Map<number, ReturnType<MoveTrust['mergedPull']>>();
  return {
    main,
    mergedPull: (number) => {
      const found = known.get(number) ?? readMerged(number);
      known.set(number, found);
      return found;
    },
    fetchCommit: async (commit) => {
      if ((await git.resolve(commit)) === commit) return true;
      if (remote === null || !/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(commit)) return false;
      await fetchRefs(git, { ...remote, refs: [{ from: commit }] }).catch(falseIfRefused);
      return (await git.resolve(commit)) === commit;
    },
  };

  async function readMerged(number: number): ReturnType<MoveTrust['mergedPull']> {
    if (forge === null) return 'unknown';
    try {
      const pull = await forge.findPullRequest({ number });
      return pull?.state === 'merged' && pull.baseRef === main ? { number, head: pull.head } : null;
    } catch (error) {
      if (isPlumbError(error) && silence === 'unknown') return 'unknown';
      throw error;
    }
  }
}

function falseIfRefused(error: unknown): void {
  if (!isPlumbError(error)) throw error;
}
