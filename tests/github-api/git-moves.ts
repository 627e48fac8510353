// What moved since one looked last, written down as GitHub's activity: by comparing the branches of the repository and of its forks.
import { dateOf, type ApiActivity, type State } from './state.ts';

export interface Moves {
  /** @param actor who pushed; null: nobody's account, such as a deploy key */
  record(actor: string | null): void;
  /** One that GitHub made itself. */
  note(move: Omit<ApiActivity, 'id' | 'at' | 'repository'> & { readonly repository?: string }): void;
  /** A repository whose branches are not anybody's pushes: a fork. */
  take(repository: string): void;
}

const nothing = '0'.repeat(40);

/** @param branchesOf names and commits @param isBehind does the first lead to the second? */
export function movesOf(
  state: State,
  branchesOf: (repository: string) => ReadonlyMap<string, string>,
  isBehind: (repository: string, before: string, after: string) => boolean,
): Moves {
  const full = `${state.owner}/${state.repo}`;
  const known = new Map<string, Map<string, string>>([[full, new Map()]]);
  return { record, note, take: (repository) => void known.set(repository, new Map(branchesOf(repository))) };

  function record(actor: string | null): void {
    for (const [repository, before] of known) {
      const now = branchesOf(repository);
      for (const name of new Set([...before.keys(), ...now.keys()])) {
        const [from, to] = [before.get(name) ?? nothing, now.get(name) ?? nothing];
        if (from !== to) note({ repository, ref: `refs/heads/${name}`, before: from, after: to, type: typeOf(repository, from, to), actor });
      }
    }
  }

  function typeOf(repository: string, before: string, after: string): ApiActivity['type'] {
    if (before === nothing) return 'branch_creation';
    if (after === nothing) return 'branch_deletion';
    return isBehind(repository, before, after) ? 'push' : 'force_push';
  }

  function note({ repository = full, ...move }: Parameters<Moves['note']>[0]): void {
    const id = 70_000 + Math.max(0, ...state.activities.map((one) => one.id - 70_000)) + 1;
    state.activities.push({ id, repository, ...move, at: dateOf(state.now()) });
    const branches = known.get(repository) ?? new Map<string, string>();
    const name = move.ref.replace('refs/heads/', '');
    if (move.after === nothing) branches.delete(name);
    else branches.set(name, move.after);
    known.set(repository, branches);
  }
}
