// The way back is short: what moves to where it was before needs no gate and no new evidence, for it had both. Only what this branch itself had, byte by byte,
// and, where there is a log of decisions, only what was served; never what was taken back or taken out.
import type { Digest } from '../base/digest.ts';
import { stateOf } from './history.ts';
import type { MoveChange, MovedPointer } from './move-change.ts';
import type { ServedLog } from './move-input.ts';
import { revokedIn } from './revocation.ts';

/** Does everything that moves go back? Whoever brings something new along goes the long way with all of it. */
export function takesFastLane({ pointers }: MoveChange, log: ServedLog | null, revoked: ReadonlySet<Digest>): boolean {
  return pointers.length > 0 && pointers.every((moved) => goesBack(moved, log, revoked));
}

function goesBack({ kind, digest, pointer, history }: MovedPointer, log: ServedLog | null, revoked: ReadonlySet<Digest>): boolean {
  if (kind === 'rollback')
    return pointer !== null && digest !== null && revokedIn(pointer, revoked) === null && (log === null || log.wasServed(digest));
  if (kind !== 'removed') return false;
  // back to before the first model; or out with one that is never served again
  const { line } = stateOf(history);
  const current = line.at(-1)?.pointer ?? null;
  return line.length <= 1 || (current !== null && revokedIn(current, revoked) !== null);
}
