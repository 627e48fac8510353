// Does it change what it is about, and nothing else? And is each of these files what it should be?
import { byCodeUnit } from '../base/canonical.ts';
import { evidenceFolder } from './evidence.ts';
import { pointOf, type Fault } from './judge-point.ts';
import type { Point } from './judgement.ts';
import type { MoveChange, MovedPointer } from './move-change.ts';
import { oneLine } from './one-line.ts';

/**
 * A promotion is its pointers with their evidence. Whoever goes back may bring more along: a commit that brought a model together with other work is
 * reverted with it, and no work tree decides what is served.
 */
export function judgeFiles(change: MoveChange, fast: boolean): Point {
  const { related, policy, pointers, revocations, others, odd } = change;
  const moves = pointers.length + revocations.length > 0;
  const faults: Fault[] = [
    ...(related ? [] : [{ what: 'it has no common past with the base branch' }]),
    ...(policy && moves ? [{ what: 'it changes policy.yaml and what is judged by it: make these two pull requests, the policy first' }] : []),
    ...(moves && !fast && others.length > 0 ? [{ what: `it changes other files, too: ${namesOf(others)}; put them into another pull request` }] : []),
    ...odd.map((path) => ({ what: `${oneLine(path, 120)} is no plain file` })),
    ...strayEvidence(change).map((path) => ({ what: `${path} is evidence that no pointer leads to: take it out` })),
  ];
  return pointOf('files', faults, moves ? describe(change) : 'no pointer moves');
}

function describe({ pointers, revocations }: MoveChange): string {
  const moved = pointers.length === 0 ? [] : [`${pointers.map(({ path }) => path).join(', ')} and its evidence`];
  return [...moved, ...revocations.map(({ path }) => path)].join(', ');
}

function namesOf(paths: readonly string[]): string {
  const shown = paths.slice(0, 3).map((path) => oneLine(path, 120));
  return paths.length > shown.length ? `${shown.join(', ')} and ${paths.length - shown.length} more` : shown.join(', ');
}

/** What came and nobody names would pass for proof one day. Of a pointer that cannot be read nobody knows what it names. */
function strayEvidence({ pointers, evidence, unsettled }: MoveChange): string[] {
  const named = new Set([...pointers.flatMap(({ evidence: loaded }) => loaded?.paths ?? []), ...unsettled.paths]);
  const unread = pointers.filter(isBroken).map(({ place }) => `${evidenceFolder(place)}/`);
  const came = evidence.filter(({ path, change }) => change !== 'removed' && !named.has(path) && !unread.some((folder) => path.startsWith(folder)));
  return came.map(({ path }) => path).toSorted(byCodeUnit);
}

export function judgePointers(pointers: readonly MovedPointer[]): Point {
  const faults = pointers.flatMap((moved) => (isBroken(moved) ? moved.findings.map(({ what }) => ({ what })) : []));
  return pointOf('pointers', faults, pointers.map((moved) => describePointer(moved)).join('; '));
}

function isBroken({ digest, pointer }: MovedPointer): boolean {
  return digest !== null && pointer === null;
}

function describePointer({ place, pointer, kind, history }: MovedPointer): string {
  const artifact = pointer?.artifact.digest.slice(7, 19) ?? 'nothing';
  const before = history[0]?.after?.slice(7, 19) ?? 'nothing';
  return `${place.model} in ${place.stage}: ${artifact} after ${before} (${kind})`;
}

/** Each digest that a pointer leads to is there, is what it says, and the files agree with each other: what `plumb verify` asks. */
export function judgeEvidence({ pointers, unsettled }: MoveChange): Point {
  const moved = pointers.flatMap((one) => (one.pointer === null ? [] : one.findings));
  const count = new Set(pointers.flatMap(({ evidence }) => evidence?.paths ?? [])).size;
  return pointOf('evidence', [...moved, ...unsettled.findings], `${count} files hash to their names and agree with each other`);
}
