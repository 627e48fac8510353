// Does the move follow from what is there? What it replaces is what the base has; it was in staging, and long enough, where the policy asks for that; and
// nothing that was taken back comes again without a reason.
import { shortDigest, type Digest } from '../base/digest.ts';
import type { Git } from '../git/git.ts';
import { describeTakenBack, pointerHistory, stateOf } from './history.ts';
import { nameOf, pointOf, type Fault } from './judge-point.ts';
import type { Point } from './judgement.ts';
import { pointerOrNull, type MovedPointer } from './move-change.ts';
import type { MoveInput } from './move-input.ts';
import type { Policy } from './schema.ts';
import { durationText, soakLeftMs, stagedSince } from './soak.ts';
import { commitTree } from './tree.ts';

/** The rule of a stage; undefined: the policy has none. */
export function ruleOf(policy: Policy, { model, stage }: MovedPointer['place']): NonNullable<Policy['models'][string]>['staging'] {
  return Object.hasOwn(policy.models, model) ? policy.models[model]?.[stage] : undefined;
}

type Asked = Pick<MoveInput, 'git' | 'prefix' | 'before' | 'log' | 'now'>;

export async function judgeOrder(promoted: readonly MovedPointer[], policy: Policy | null, input: Asked): Promise<Point> {
  const faults: Fault[] = [];
  for (const moved of promoted) {
    faults.push(...previousFaults(moved), ...againFaults(moved));
    if (policy !== null && ruleOf(policy, moved.place)?.from === 'staging') faults.push(...(await stagingFaults(moved, input)));
  }
  return pointOf('order', faults, 'what it replaces is what is there now, and nothing that was taken back comes again unsaid');
}

function previousFaults({ place, pointer, evidence, history, kind }: MovedPointer): Fault[] {
  if (pointer === null) return [];
  if (kind === 'rollback')
    return [
      {
        what: `${nameOf(place)} goes back to what was never served, or together with pointers that do not go back: promote it, or make these two pull requests`,
      },
    ];
  const promotion = evidence?.promotion;
  if (promotion === null || promotion === undefined) return [{ what: `${nameOf(place)} has no promotion record` }];
  const there = history[0]?.after ?? null;
  if (promotion.previous === there) return [];
  const name = (digest: Digest | null): string => (digest === null ? 'nothing' : shortDigest(digest));
  return [
    {
      what: `${nameOf(place)} was decided when ${name(promotion.previous)} was there; now it is ${name(there)}: promote again from the tip of the base`,
    },
  ];
}

function againFaults({ place, pointer, evidence, history }: MovedPointer): Fault[] {
  if (pointer === null || evidence?.promotion?.again) return [];
  const by = stateOf(history).reverted.get(pointer.artifact.digest);
  if (by === undefined) return [];
  const { digest } = pointer.artifact;
  return [{ what: `${nameOf(place)}: ${describeTakenBack(digest, by)}; to bring it back, promote with --again --reason "..."` }];
}

async function stagingFaults({ place, pointer }: MovedPointer, { git, prefix, before, log }: Asked): Promise<Fault[]> {
  if (pointer === null) return [];
  const { digest } = pointer.artifact;
  const staging = await pointerOrNull(commitTree(git, prefix, before), { model: place.model, stage: 'staging' });
  if (staging?.artifact.digest !== digest)
    return [{ what: `${place.model} ${shortDigest(digest)} is not in staging on the base, from where policy.yaml wants it to come` }];
  if (log === null || log.servedSince(place.model, 'staging', digest) !== null) return [];
  return [{ what: `${place.model} ${shortDigest(digest)} is in staging on the base, and the log of decisions does not have it served there` }];
}

/** null: the policy asks no soak time of what moves */
export async function judgeSoak(promoted: readonly MovedPointer[], policy: Policy | null, input: Asked): Promise<Point | null> {
  const asked = promoted.flatMap((moved) => {
    const soak = policy === null ? undefined : ruleOf(policy, moved.place)?.soak;
    return soak === undefined || moved.pointer === null ? [] : [{ moved, soak, artifact: moved.pointer.artifact.digest }];
  });
  if (asked.length === 0) return null;
  const faults: Fault[] = [];
  for (const { moved, soak, artifact } of asked) {
    const since = await sinceOf(moved.place.model, artifact, input);
    const left = soakLeftMs(soak, since, input.now);
    const name = `${moved.place.model} ${shortDigest(artifact)}`;
    if (since === null) faults.push({ what: `${name} is not in staging, where policy.yaml wants it for ${soak} first` });
    else if (left > 0) faults.push({ what: `${name} has been in staging since ${minuteOf(since)}; ${durationText(left)} of ${soak} are left` });
  }
  const source = input.log === null ? 'by the dates of the commits: there is no log of decisions' : 'by the log of decisions';
  return pointOf('soak', faults, `long enough in staging, ${source}`);
}

async function sinceOf(model: string, artifact: Digest, { git, prefix, before, log }: Asked): Promise<Date | null> {
  if (log !== null) return log.servedSince(model, 'staging', artifact);
  return baseSoak(git, { prefix, before, model, artifact });
}

/** Since when, by git alone. */
export async function baseSoak(
  git: Git,
  { prefix, before, model, artifact }: { prefix: string; before: string; model: string; artifact: Digest },
): Promise<Date | null> {
  return stagedSince(git, await pointerHistory(git, prefix, before, model, 'staging'), artifact);
}

function minuteOf(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
