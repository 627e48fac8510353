// Who judged, and what came out: the policy of the base, by the gate that it asks for.
import { shortDigest } from '../base/digest.ts';
import { ruleOf } from './judge-order.ts';
import { nameOf, pointOf, type Fault } from './judge-point.ts';
import type { Point } from './judgement.ts';
import type { MovedPointer } from './move-change.ts';
import type { JudgingPolicy } from './move-input.ts';
import { oneLine } from './one-line.ts';

/** A gate that does not hold stands only where somebody who may waive it approves: `forcedOf` says so to whoever counts approvals. */
export function judgeGate(promoted: readonly MovedPointer[], judging: JudgingPolicy | null): Point {
  const faults: Fault[] = [];
  const said: string[] = [];
  for (const moved of promoted) {
    const { place, pointer, evidence } = moved;
    if (pointer === null) continue;
    const promotion = evidence?.promotion ?? null;
    const rule = judging === null ? undefined : ruleOf(judging.policy, place);
    if (judging !== null && pointer.policy !== judging.digest)
      faults.push({
        what: `${nameOf(place)} was judged by the policy ${shortDigest(pointer.policy)}; ${shortDigest(judging.digest)} is in force: promote again`,
      });
    else if (promotion === null) faults.push({ what: `${nameOf(place)} has no promotion record` });
    else if (rule !== undefined && promotion.gate.gate !== rule.gate)
      faults.push({ what: `${nameOf(place)} was judged by the gate "${promotion.gate.gate}"; the policy asks for "${rule.gate}"` });
    else if (!promotion.gate.holds && promotion.forced === null)
      faults.push({ what: `the gate "${promotion.gate.gate}" does not hold for ${nameOf(place)}` });
    else
      said.push(
        `"${promotion.gate.gate}" ${promotion.gate.holds ? 'holds' : `does NOT hold; forced: ${oneLine(promotion.forced?.reason ?? '', 200)}`}`,
      );
  }
  return pointOf('gate', faults, said.join('; '));
}

/** Does any of them move although its gate does not hold? */
export function isForced(promoted: readonly MovedPointer[]): boolean {
  return promoted.some(({ evidence }) => evidence?.promotion?.forced !== null && evidence?.promotion?.forced !== undefined);
}

/** There is a policy, and it says how each of them is promoted. */
export function judgeRules(promoted: readonly MovedPointer[], judging: JudgingPolicy | null): Point {
  if (judging === null) return { point: 'policy', holds: false, why: 'the base branch has no policy.yaml: nobody can judge' };
  const faults = promoted
    .filter(({ place }) => ruleOf(judging.policy, place) === undefined)
    .map(({ place }) => ({ what: `policy.yaml has no rule for ${nameOf(place)}` }));
  return pointOf('policy', faults, `${shortDigest(judging.digest)} of commit ${judging.commit.slice(0, 12)} judges`);
}
