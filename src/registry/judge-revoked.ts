// What was taken out for good stays out: nothing of it moves, and nobody takes a revocation away.
import { shortDigest, type Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { files } from '../project/layout.ts';
import { nameOf, pointOf, type Fault } from './judge-point.ts';
import type { Point } from './judgement.ts';
import type { MoveChange } from './move-change.ts';
import type { MoveInput } from './move-input.ts';
import { oneLine } from './one-line.ts';
import { everRevoked, parseRevocation, revokedBy, revokedIn } from './revocation.ts';

/** All that may not move: what the log has, what the base has or ever had, and what this very change takes out. */
export async function findRevoked({ tree }: MoveChange, input: Pick<MoveInput, 'git' | 'prefix' | 'before' | 'log'>): Promise<ReadonlySet<Digest>> {
  const { git, prefix, before, log } = input;
  const [ever, here] = await Promise.all([everRevoked(git, prefix, before), tree.list(files.models)]);
  return new Set([...ever, ...revokedBy(here), ...(log?.revoked ?? [])]);
}

/** What this change takes out, sorted. */
export function newlyRevoked({ revocations }: MoveChange): Digest[] {
  return [...revokedBy(revocations.flatMap(({ path, change }) => (change === 'added' ? [path] : [])))].toSorted();
}

export async function judgeRevoked(change: MoveChange, revoked: ReadonlySet<Digest>): Promise<Point> {
  const faults: Fault[] = [];
  for (const { path, change: how } of change.revocations) {
    if (how !== 'added') faults.push({ what: `${path} is ${how}: a revocation stays as it is` });
    else faults.push(...(await formFaults(change, path)));
  }
  for (const { place, pointer } of change.pointers) {
    const found = pointer === null ? null : revokedIn(pointer, revoked);
    if (found !== null) faults.push({ what: `${nameOf(place)}: ${shortDigest(found)} was taken out for good, and never comes again` });
  }
  const taken = newlyRevoked(change).map(shortDigest);
  return pointOf('revoked', faults, taken.length === 0 ? 'nothing that was taken out moves' : `takes out ${taken.join(', ')} for good`);
}

async function formFaults({ tree }: MoveChange, path: string): Promise<Fault[]> {
  const [bytes] = await tree.read([path]);
  try {
    await parseRevocation(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes ?? new Uint8Array()), path);
    return [];
  } catch (error) {
    if (isPlumbError(error)) return [{ what: oneLine(error.message, 300) }];
    throw error;
  }
}
