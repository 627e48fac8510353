// The way back is short: what moves to where it was before needs no gate and no new evidence, for it had both. Only what this branch itself had, byte by byte,
// and, where there is a log of decisions, only what was served; never what was taken back or taken out.
import { digestOf, type Digest } from '../base/digest.ts';
import { pointerHistory, stateOf } from './history.ts';
import type { MoveChange, MovedPointer } from './move-change.ts';
import type { MoveInput } from './move-input.ts';
import { revokedIn } from './revocation.ts';

type Asked = Pick<MoveInput, 'git' | 'prefix' | 'log'>;

/**
 * Does everything that moves go back? Whoever brings something new along goes the long way with all of it.
 * @throws PlumbError GIT_TOO_SHALLOW
 */
export async function takesFastLane({ pointers }: MoveChange, revoked: ReadonlySet<Digest>, input: Asked): Promise<boolean> {
  for (const moved of pointers) if (!(await goesBack(moved, revoked, input))) return false;
  return pointers.length > 0;
}

async function goesBack(moved: MovedPointer, revoked: ReadonlySet<Digest>, input: Asked): Promise<boolean> {
  const { kind, digest, pointer, history } = moved;
  if (kind === 'rollback') return pointer !== null && digest !== null && revokedIn(pointer, revoked) === null && wasServed(moved, digest, input);
  if (kind !== 'removed') return false;
  // back to before the first model; or out with one that is never served again
  const { line } = stateOf(history);
  const current = line.at(-1)?.pointer ?? null;
  return line.length <= 1 || (current !== null && revokedIn(current, revoked) !== null);
}

/** Whoever began the log took over what the branch had had until then: what stood there before counts as served. */
async function wasServed({ place }: MovedPointer, digest: Digest, { git, prefix, log }: Asked): Promise<boolean> {
  if (log === null || log.wasServed(digest)) return true;
  if (log.began === null) return false;
  const before = await pointerHistory(git, prefix, log.began, place.model, place.stage);
  return before.some(({ text, pointer }) => pointer !== null && text !== null && digestOf(text) === digest);
}
