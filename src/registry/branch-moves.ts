// Who brought what a pull request decides about, and what it ended with at a time: read from what the forge saw of its branch. What a commit says of its
// author is worth nothing: anybody may write anything there.
import { timeOf } from './opinions.ts';
import type { Person, PullFacts, Push } from './pull-facts.ts';

export interface BranchMove {
  readonly person: Person | null;
  readonly after: string;
  readonly at: string;
  /** did it change the bytes that are decided about? An update from the main branch does not. */
  readonly brought: boolean | 'unknown';
}

export type BranchHistory = { readonly moves: readonly BranchMove[] } | { readonly why: string };

/**
 * The pushes that led to the commit that is judged, none left out; or why they are not known. A forge's list may lag behind the branch (GitHub's activity does)
 * or lack a piece: then whoever it does not name may be an approver.
 */
export function branchHistory(facts: PullFacts): BranchHistory {
  const { pushes, head } = facts;
  if (pushes === null) return { why: `who pushed to this branch is not known: ${mend[facts.forge]}` };
  // a branch may go on after its pull request was merged: those pushes brought nothing here
  const last = pushes.findLastIndex(({ after }) => after === head);
  if (last === -1 || (facts.state === 'open' && last !== pushes.length - 1))
    return { why: 'the forge does not list the latest push yet, or the branch moved meanwhile: look again' };
  const own = pushes.slice(0, last + 1);
  const gap = own.find((push, at) => at > 0 && push.before !== null && push.before !== own[at - 1]?.after);
  if (gap !== undefined) return { why: `the forge does not say who moved this branch to ${short(gap.before ?? '')}` };
  return { moves: own.map((push) => ({ person: push.person, after: push.after, at: push.at, brought: broughtBy(push, facts) })) };
}

const mend = {
  github: "the token must be allowed to read the repository's contents and activity; of a fork nobody but its owner may",
  gitea: "the forge's activity has no whole list of them",
} as const;

/** A branch that was made is compared with the base: whoever only made it brought nothing. */
function broughtBy(push: Push, { base, subjects }: PullFacts): boolean | 'unknown' {
  const before = subjectOf(subjects, push.before ?? base);
  const after = subjectOf(subjects, push.after);
  return before === null || after === null ? 'unknown' : before !== after;
}

export function subjectOf(subjects: PullFacts['subjects'], commit: string): string | null {
  return (Object.hasOwn(subjects, commit) ? subjects[commit] : null) ?? null;
}

/**
 * All commits that the branch may have ended with at a time: times are whole seconds, so a push of that very second may have come before or after.
 * @param at RFC 3339
 */
export function headsAt(moves: readonly BranchMove[], at: string): string[] {
  const time = timeOf(at);
  const before = moves.findLast((move) => timeOf(move.at) < time);
  const during = moves.filter((move) => timeOf(move.at) === time);
  return [...(before === undefined ? [] : [before]), ...during].map(({ after }) => after);
}

export function short(commit: string): string {
  return commit.slice(0, 10);
}
