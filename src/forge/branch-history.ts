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

/** What a forge keeps of a branch's moves, the oldest first, and where the branch is now (null: it is gone). */
export interface BranchRecord {
  readonly moves: readonly BranchMove[];
  readonly tip: string | null;
}

/** A record is written a moment after the push: asked again as often while it does not lead to where the branch is. */
const looks = 4;
const firstWaitMs = 500;

/**
 * The moves since the branch was made last: who made it again answers for what it held then.
 * @param read null: the forge does not keep it, or not for us
 * @returns null when a move is missing, at the beginning, in between or at the end
 */
export async function readHistory(
  read: () => Promise<BranchRecord | null>,
  pause: (ms: number) => Promise<void>,
): Promise<readonly BranchPush[] | null> {
  for (let look = 0; look < looks; look += 1) {
    if (look > 0) await pause(firstWaitMs * 2 ** (look - 1));
    const record = await read();
    if (record === null) return null;
    const history = historyOf(record);
    if (history !== 'behind') return history;
  }
  return null;
}

/** @returns 'behind' where nothing is missing but the end */
export function historyOf({ moves, tip }: BranchRecord): readonly BranchPush[] | 'behind' | null {
  const made = moves.findLastIndex((one) => one.before === null);
  if (made < 0) return moves.length === 0 && tip !== null ? 'behind' : null;
  const pushes: BranchPush[] = [];
  let place: string | null = null;
  for (const { who, before, after, at } of moves.slice(made)) {
    if (before !== place) return null;
    place = after;
    if (after !== null) pushes.push({ who, before, after, at });
  }
  return place === tip ? pushes : 'behind';
}
