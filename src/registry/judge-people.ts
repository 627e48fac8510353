// Who stands behind a move: the rules of each stage that moves, asked of the pull request that brings it.
import { canonicalJson } from '../base/canonical.ts';
import type { Who } from './access.ts';
import { decideApprovals, type ApprovalDecision, type ApprovalRule } from './approvals.ts';
import { isForced } from './judge-gate.ts';
import { ruleOf } from './judge-order.ts';
import { pointOf } from './judge-point.ts';
import type { Point } from './judgement.ts';
import type { MoveChange } from './move-change.ts';
import type { CountedApproval, MoveInput } from './move-input.ts';
import type { Policy } from './schema.ts';
import { subjectAt, subjectPaths } from './subject.ts';
import { commitTree } from './tree.ts';

export interface PeopleJudgement {
  readonly points: readonly Point[];
  readonly counted: readonly CountedApproval[];
  readonly refused: readonly { readonly login: string; readonly why: string }[];
  readonly review: string | null;
}

/** What one rule asks, and who may have brought it at all. */
interface Wanted {
  readonly rule: ApprovalRule;
  readonly promote: Who;
  readonly waive: boolean;
}

export async function judgePeople(change: MoveChange, fast: boolean, input: MoveInput): Promise<PeopleJudgement> {
  const policy = input.policy?.policy;
  if (policy === undefined) return nobody([]);
  const wanted = wantedOf(change, policy, fast);
  const { facts } = input;
  // whoever goes back is asked for nothing but what `reverts` says; who takes a model out with it must be one who may, as long as that can be prevented
  const mayRevoke = change.revocations.length > 0 && facts !== null && facts !== 'no forge' && facts.state === 'open';
  const asked = (points: readonly Point[]): Point[] => points.filter(({ point }) => !fast || mayRevoke || point !== 'promoter');
  if (facts === null || facts === 'no forge') return nobody(asked(withoutFacts(wanted, facts)));
  const paths = subjectPaths(change.paths, input.prefix);
  const subject = await subjectAt(commitTree(input.git, '', input.after), paths);
  const decisions = wanted.map(({ rule, promote, waive }) =>
    decideApprovals({
      facts,
      subject,
      paths,
      wanted: rule,
      access: { ...policy.access, promote },
      waive,
      // whoever judges the main branch hears who approves afterwards: so a merge that was refused heals
      afterMerge: facts.state === 'merged',
    }),
  );
  const counted = [...new Map(decisions.flatMap((one) => one.counted).map((one) => [one.review, one])).values()];
  return {
    points: asked(mergedPoints(decisions)),
    counted,
    refused: [...new Map(decisions.flatMap((one) => one.refused).map((one) => [canonicalJson({ ...one }), one])).values()],
    review: reviewOf(change, policy, { fast, counted: counted.length }),
  };
}

function nobody(points: readonly Point[]): PeopleJudgement {
  return { points, counted: [], refused: [], review: null };
}

/** Each rule once, however many pointers it is for. */
function wantedOf(change: MoveChange, policy: Policy, fast: boolean): Wanted[] {
  const { access } = policy;
  const wanted: Wanted[] = change.pointers.flatMap((moved) => {
    const rule = ruleOf(policy, moved.place);
    if (rule === undefined) return [];
    const { approvals, reverts } = rule;
    return fast
      ? [
          {
            rule: { ...approvals, count: reverts.approvals, codeowners: approvals.codeowners && reverts.approvals > 0 },
            promote: noneNamed,
            waive: false,
          },
        ]
      : [{ rule: approvals, promote: access.promote, waive: isForced([moved]) }];
  });
  if (change.policy) wanted.push({ rule: { ...access.policy, codeowners: true }, promote: noneNamed, waive: false });
  // whoever takes a model out, and moves nothing forward with it, must be one who may: others need not approve
  if (change.revocations.length > 0) wanted.push({ rule: { ...noneNamed, count: 0, codeowners: false }, promote: access.revoke, waive: false });
  return [...new Map(wanted.map((one) => [canonicalJson(JSON.parse(JSON.stringify(one))), one])).values()];
}

const noneNamed: Who = { teams: [], people: [] };

/** Of several decisions the worst of each point. */
function mergedPoints(decisions: readonly ApprovalDecision[]): Point[] {
  const byName = Map.groupBy(
    decisions.flatMap(({ points }) => points),
    ({ point }) => point,
  );
  return [...byName].map(([name, found]) => {
    const faults = found.flatMap(({ holds, why }) => (holds === true ? [] : [{ what: why, unknown: holds === 'unknown' }]));
    return pointOf(name, faults, [...new Set(found.map(({ why }) => why))].join('; '));
  });
}

/** With no pull request, or nobody to ask, only a rule that asks for nobody holds. */
function withoutFacts(wanted: readonly Wanted[], facts: null | 'no forge'): Point[] {
  const asks = wanted.filter(({ rule, waive }) => rule.count > 0 || waive);
  const named = wanted.filter(({ promote }) => promote.teams.length + promote.people.length > 0 || promote.role !== undefined);
  const why = facts === null ? 'no pull request brought it: it was pushed to the branch' : 'there is no forge to ask';
  return [
    pointOf(
      'promoter',
      facts === null || named.length > 0 ? [{ what: `${why}, so nobody knows who did` }] : [],
      `${why}, and policy.yaml names nobody`,
    ),
    pointOf('approvals', asks.length > 0 ? [{ what: `${why}, so nobody approved it` }] : [], 'none is needed'),
  ];
}

/** A way back that fewer saw than a promotion needs is looked at afterwards. */
function reviewOf({ pointers }: MoveChange, policy: Policy, { fast, counted }: { fast: boolean; counted: number }): string | null {
  if (!fast) return null;
  const owed = pointers.filter(({ place }) => {
    const rule = ruleOf(policy, place);
    return rule?.reverts.review === true && counted < rule.approvals.count;
  });
  if (owed.length === 0) return null;
  return `${owed.map(({ path }) => path).join(', ')} went back with ${counted} ${counted === 1 ? 'approval' : 'approvals'}, fewer than a promotion needs`;
}
