// What a pull request would do to models/, or what a commit of the main branch did, judged point by point. Both who ask hand in the same values, and get the
// same answer: the check before a merge is a courtesy, and whoever reconciles after it does not trust that it ran.
import type { DecisionKind, Move } from './audit-record.ts';
import { takesFastLane } from './fast-lane.ts';
import { judgeBytes } from './judge-bytes.ts';
import { judgeData } from './judge-data.ts';
import { judgeEvidence, judgeFiles, judgePointers } from './judge-files.ts';
import { judgeGate, judgeRules } from './judge-gate.ts';
import { judgeInputs } from './judge-inputs.ts';
import { judgeOrder, judgeSoak } from './judge-order.ts';
import { judgePeople } from './judge-people.ts';
import { findRevoked, judgeRevoked, newlyRevoked } from './judge-revoked.ts';
import { judgementOf, type Point } from './judgement.ts';
import { changesNothing, readMoveChange, type MoveChange } from './move-change.ts';
import type { MoveInput, MoveJudgement } from './move-input.ts';
import { parsePolicyText } from './chain.ts';
import { files } from '../project/layout.ts';
import { judgeReport } from './recompute.ts';
import { judgeSignatures } from './signatures.ts';
import { judgeUnit } from './unit.ts';

/**
 * @returns null where it changes no pointer, no evidence, no revocation and no policy.yaml: there is nothing to judge
 * @throws PlumbError GIT_TOO_SHALLOW
 */
export async function judgeMove(input: MoveInput): Promise<MoveJudgement | null> {
  const change = await readMoveChange(input);
  if (changesNothing(change)) return null;
  const revoked = await findRevoked(change, input);
  const fast = input.policy !== null && (await takesFastLane(change, revoked, input));
  const people = await judgePeople(change, fast, input);
  const found = [
    judgeFiles(change, fast),
    ...(change.pointers.length > 0 ? [judgePointers(change.pointers)] : []),
    ...(change.pointers.length + change.evidence.length > 0 ? [judgeEvidence(change)] : []),
    ...(change.pointers.length + change.revocations.length > 0 ? [await judgeRevoked(change, revoked)] : []),
    ...present(judgeUnit(change.pointers, input.policy?.policy ?? null, fast)),
    ...(fast ? [] : await judgePromotion(change, input)),
    ...(change.policy ? [await judgePolicy(change, input)] : []),
    ...people.points,
  ];
  const judgement = judgementOf(oneOfEach(found));
  return {
    ...judgement,
    kind: kindOf(change, fast),
    moves: movesOf(change, { fast, served: judgement.holds }),
    revoked: newlyRevoked(change),
    fast,
    counted: people.counted,
    refused: people.refused,
    review: people.review,
  };
}

/** The long way, for all that is in a stage afterwards. */
async function judgePromotion({ pointers }: MoveChange, input: MoveInput): Promise<Point[]> {
  const promoted = pointers.filter(({ digest }) => digest !== null);
  const policy = input.policy?.policy ?? null;
  const rules = pointers.length === 0 ? [] : [judgeRules(pointers, input.policy)];
  if (promoted.length === 0) return rules;
  return [
    ...rules,
    await judgeBytes(promoted, input.store),
    ...present(await judgeSignatures(promoted, input)),
    await judgeReport(promoted, input),
    judgeGate(promoted, input.policy),
    await judgeInputs(promoted, input),
    ...present(await judgeData(promoted, policy, input)),
    await judgeOrder(promoted, policy, input),
    ...present(await judgeSoak(promoted, policy, input)),
  ];
}

function present(point: Point | null): Point[] {
  return point === null ? [] : [point];
}

/** A new policy judges once those approved it whom the one before names. The first one judges nothing yet, and there is nobody to ask. */
async function judgePolicy({ tree }: MoveChange, { policy, log }: MoveInput): Promise<Point> {
  const [bytes = null] = await tree.read([files.policy]);
  if (bytes === null) return { point: 'policy', holds: false, why: 'it takes policy.yaml away: then nobody can judge' };
  const parsed = parsePolicyText(new TextDecoder().decode(bytes));
  if (typeof parsed === 'string') return { point: 'policy', holds: false, why: `the new policy.yaml does not parse: ${parsed}` };
  // a log was begun under a policy: that none is in force any more is no beginning
  if (policy === null && log !== null)
    return { point: 'policy', holds: false, why: 'no policy.yaml is in force, and the log of decisions was begun under one: bring that back' };
  return {
    point: 'policy',
    holds: true,
    why: policy === null ? 'the first policy.yaml: nothing was there to judge it by' : 'the new policy.yaml parses',
  };
}

/** Where two parts have something to say of one point, the worse counts. */
function oneOfEach(found: readonly Point[]): Point[] {
  return [...Map.groupBy(found, ({ point }) => point).values()].flatMap(
    (some) => some.find(({ holds }) => holds === false) ?? some.find(({ holds }) => holds !== true) ?? some[0] ?? [],
  );
}

function kindOf({ pointers, revocations, policy }: MoveChange, fast: boolean): DecisionKind {
  if (revocations.length > 0 && (fast || pointers.every(({ kind }) => kind === 'rollback' || kind === 'removed'))) return 'revocation';
  if (pointers.length === 0) return policy ? 'policy' : 'promotion';
  if (pointers.every(({ kind }) => kind === 'removed')) return 'removal';
  return fast || pointers.every(({ kind }) => kind === 'rollback') ? 'rollback' : 'promotion';
}

function movesOf({ pointers }: MoveChange, { fast, served }: { readonly fast: boolean; readonly served: boolean }): Move[] {
  return pointers.map(({ place, kind, history, pointer, digest }) => ({
    ...place,
    // by the log it goes back, whatever the branch had meanwhile
    kind: fast && digest !== null ? 'rollback' : kind,
    from: history[0]?.after ?? null,
    to: pointer?.artifact.digest ?? null,
    pointer: digest,
    served,
  }));
}
