// What the check of a promotion tells on the forge: a status that a rule can require, a check run, and one comment with each point and its reason. What files and
// people wrote stands in it only where nothing of it can mean anything.
import { digestOf, hexOf } from '../base/digest.ts';
import { counted } from '../evaluate/words.ts';
import type { Check, Comment, Status } from '../forge/forge.ts';
import type { Point } from '../registry/judgement.ts';
import type { MoveJudgement } from '../registry/move-input.ts';
import { code, prose } from '../report/markdown-text.ts';
import type { CheckedPull } from './check-promotion.ts';

/** Finds our comment again. @param context is of the base's policy, and may hold anything */
export function checkMarker(context: string): string {
  return `<!-- plumbline check ${hexOf(digestOf(context)).slice(0, 16)} -->`;
}

/** Points that time or people mend without another commit. */
const waiting: ReadonlySet<string> = new Set(['approvals', 'soak']);

/**
 * pending: nothing is wrong, and somebody has to approve or some time to pass, or asking again may help. It is as much in the way of a merge as a failure.
 * @param link page of the run
 */
export function statusOf({ context, judgement }: CheckedPull, link: string | null): Status | null {
  if (context === null) return null;
  if (judgement === null) return { context, state: 'success', description: 'moves no pointer', link };
  const open = judgement.points.filter(({ holds }) => holds !== true);
  if (judgement.holds)
    return { context, state: 'success', description: `${described(judgement)}: ${counted(judgement.points.length, 'point')} hold`, link };
  const state = isWaiting(judgement) ? 'pending' : 'failure';
  const [first] = open.toSorted((a, b) => Number(waiting.has(a.point)) - Number(waiting.has(b.point)));
  return { context, state, description: first === undefined ? 'nothing of it holds' : `${first.point}: ${first.why}`, link };
}

function isWaiting({ holds, points }: MoveJudgement): boolean {
  const open = points.filter((one) => one.holds !== true);
  return !holds && open.length > 0 && open.every((one) => one.holds === 'unknown' || waiting.has(one.point));
}

function described({ kind, fast }: MoveJudgement): string {
  return fast ? `${kind}, by the fast lane` : kind;
}

export function commentOf({ context, judgement, pull, base }: CheckedPull): Comment | null {
  if (context === null) return null;
  const marker = checkMarker(context);
  if (judgement === null) return { marker, body: `${code(context)}: this pull request moves no pointer (any more).` };
  return {
    marker,
    body: [headline(context, judgement), '', ...table(judgement.points), ...people(judgement), ...footnote(pull.head, base)].join('\n'),
  };
}

function headline(context: string, judgement: MoveJudgement): string {
  if (judgement.holds) return `### ✅ ${code(context)}: all points hold`;
  const open = judgement.points.filter(({ holds }) => holds !== true).map(({ point }) => point);
  const sum = `${counted(open.length, 'point')} of ${judgement.points.length} open (${open.join(', ')})`;
  return `### ${isWaiting(judgement) ? '⏳' : '⛔'} ${code(context)}: ${sum}`;
}

const icons = { true: '✅', false: '⛔', unknown: '❔' } as const;

function table(points: readonly Point[]): string[] {
  return [
    '| | point | |',
    '| :-: | --- | --- |',
    ...points.map(({ point, holds, why }) => `| ${icons[`${holds}`]} | ${point} | ${prose(why, 1500)} |`),
  ];
}

/** Whoever approved and does not count wants to know why. */
function people({ counted: approvals, refused }: MoveJudgement): string[] {
  const lines = [
    ...approvals.slice(0, 20).map(({ login, review }) => `- ${code(login)} counts (review ${code(review)})`),
    ...refused.slice(0, 20).map(({ login, why }) => `- ${code(login)} does not count: ${prose(why)}`),
  ];
  return lines.length === 0 ? [] : ['', '**Approvals**', '', ...lines];
}

function footnote(head: string, base: string | null): string[] {
  return ['', `About ${code(head)}${base === null ? '' : `, judged by what the main branch had at ${code(base.slice(0, 12))}`}.`];
}

/** With the name of no required status: a check run must not stand in for it. */
export function checkRunOf(checked: CheckedPull, link: string | null): Check | null {
  const { judgement } = checked;
  const [status, comment] = [statusOf(checked, link), commentOf(checked)];
  if (judgement === null || status === null || comment === null) return null;
  return {
    name: 'plumbline promotion',
    conclusion: judgement.holds ? 'success' : status.state === 'pending' ? 'action_required' : 'failure',
    title: status.description,
    summary: comment.body,
    text: null,
    annotations: [],
    link,
  };
}
