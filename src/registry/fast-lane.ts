// The way back is short: what moves to where it was before needs no gate and no new evidence, for it had both. Only what this branch itself had, byte by byte,
// and, where there is a log of decisions, only what was served; never what was taken back or taken out.
import { digestOf, type Digest } from '../base/digest.ts';
import { pointerHistory, stateOf, type PointerHistory } from './history.ts';
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
  const { digest, pointer, history } = moved;
  const line = await lineOf(moved, input);
  if (digest !== null) return pointer !== null && revokedIn(pointer, revoked) === null && line.includes(digest);
  // back to before the first model; or out with one that is never served again
  const current = history.find(({ text }) => text !== null && digestOf(text) === line.at(-1))?.pointer ?? null;
  return line.length <= 1 || (current !== null && revokedIn(current, revoked) !== null);
}

/**
 * SHA-256 of the pointers that stand on the line of the stage, oldest first. Where there is a log, what the branch alone had since it began counts for nothing:
 * who pushes a model that was taken back, and then something else, would else bring it on the line again.
 */
async function lineOf({ place, history }: MovedPointer, { git, prefix, log }: Asked): Promise<Digest[]> {
  if (log === null) return digestsOf(history);
  // whoever began the log took over what the branch had had until then
  const line = log.began === null ? [] : digestsOf(await pointerHistory(git, prefix, log.began, place.model, place.stage));
  for (const pointer of log.servedPointers(place.model, place.stage)) {
    const at = pointer === null ? -1 : line.lastIndexOf(pointer);
    if (pointer === null || at >= 0) line.length = at + 1;
    else line.push(pointer);
  }
  return line;
}

function digestsOf(history: PointerHistory): Digest[] {
  return stateOf(history).line.flatMap(({ text }) => (text === null ? [] : [digestOf(text)]));
}
