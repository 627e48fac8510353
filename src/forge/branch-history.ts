// The moves of a branch in one line without a gap, or nothing: a part of them is never taken for the whole.
import type { Account, BranchPush } from './forge.ts';

export interface BranchMove {
  readonly who: Account | null;
  /** null: it was made */
  readonly before: string | null;
  /** null: it was deleted */
  readonly after: string | null;
  readonly at: Date;
}

/** @returns null for the object name of nothing */
export function objectName(name: string): string | null {
  return /^0+$/.test(name) ? null : name;
}

/**
 * The moves since the branch was made last: who made it again answers for what it held then.
 * @param moves all that the forge keeps, the oldest first
 * @param tip where the branch is now; null: it is gone
 * @returns null when a move is missing, at the beginning, in between or at the end
 */
export function historyOf(moves: readonly BranchMove[], tip: string | null): readonly BranchPush[] | null {
  const made = moves.findLastIndex((one) => one.before === null);
  if (made < 0) return null;
  const pushes: BranchPush[] = [];
  let place: string | null = null;
  for (const { who, before, after, at } of moves.slice(made)) {
    if (before !== place) return null;
    place = after;
    if (after !== null) pushes.push({ who, before, after, at });
  }
  return place === tip ? pushes : null;
}
