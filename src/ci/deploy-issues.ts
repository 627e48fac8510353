// What people are told on the forge: one issue a commit that is not served, closed when it is; one for each move back that fewer saw than a promotion needs, and
// for each broken glass, which people close themselves. Pure: the log goes in, issues come out. What others wrote becomes code spans.
import { shortDigest } from '../base/digest.ts';
import type { NewIssue } from '../forge/forge.ts';
import { files } from '../project/layout.ts';
import type { LogRecord } from '../registry/audit-record.ts';
import type { DecisionLog } from '../registry/decision-log.ts';
import type { Point } from '../registry/judgement.ts';
import type { Policy } from '../registry/schema.ts';
import { code, prose } from '../report/markdown-text.ts';
import { pathsOf, refusedTips, type RefusedTip } from './reconcile-tips.ts';

export interface IssuePlan {
  readonly open: readonly NewIssue[];
  readonly close: readonly { readonly marker: string; readonly why: string }[];
}

/** What is over for longer is not looked at again: whoever closes or opens an issue by hand then has the last word. */
const recentMs = 7 * 24 * 3_600_000;
const labels = ['plumbline'];

/** Of the log as a whole. */
export const auditMarker = '<!-- plumbline:audit -->';

export interface IssueInput {
  readonly log: DecisionLog;
  /** by digest: those that records were judged by */
  readonly policies: ReadonlyMap<string, Policy>;
  /** number of a record -> what was found about it now */
  readonly found: ReadonlyMap<number, readonly Point[]>;
  readonly now: Date;
}

export function planIssues({ log, policies, found, now }: IssueInput): IssuePlan {
  const tips = refusedTips(log);
  const standing = new Set(tips.map(({ record }) => record.decision.commit));
  const isRecent = ({ decision }: LogRecord): boolean => now.getTime() - Date.parse(decision.at) < recentMs;
  const recent = log.records.filter(isRecent);
  return {
    open: [
      ...tips.map((tip) => refusedIssue(tip, found.get(tip.record.decision.seq) ?? tip.record.decision.points)),
      ...recent.flatMap((record) =>
        record.decision.kind === 'glass' ? [glassIssue(record)] : reviewOwed(record, policies) ? [reviewIssue(record)] : [],
      ),
    ],
    close: ended(log, standing, recent).map((commit) => ({ marker: refusedMarker(commit), why: closingOf(log, commit) })),
  };
}

function refusedMarker(commit: string): string {
  return `<!-- plumbline:refused:${commit} -->`;
}

/** Commits that were refused and are not any more, by a record that is recent. */
function ended({ records }: DecisionLog, standing: ReadonlySet<string>, recent: readonly LogRecord[]): string[] {
  const touched = new Set(recent.flatMap(pathsOf));
  const over = records.filter(({ decision }) => isRefusal(decision) && !standing.has(decision.commit));
  return [...new Set(over.filter((record) => pathsOf(record).some((path) => touched.has(path))).map(({ decision }) => decision.commit))];
}

function isRefusal({ holds, kind, moves }: LogRecord['decision']): boolean {
  return kind !== 'glass' && (!holds || moves.some(({ served }) => !served));
}

function closingOf({ records }: DecisionLog, commit: string): string {
  const healed = records.findLast(({ decision }) => decision.commit === commit && !isRefusal(decision));
  if (healed === undefined) return 'A later commit of the main branch took its place.';
  return healed.decision.kind === 'glass'
    ? 'Somebody had it served all the same: see the issue about that.'
    : `It holds now, and is served: record ${healed.decision.seq} of the log.`;
}

/** Fewer approved than a promotion needs, and yet it holds: it went back by the fast lane. */
export function reviewOwed({ decision }: Pick<LogRecord, 'decision'>, policies: ReadonlyMap<string, Policy>): boolean {
  const { holds, kind, moves, approvals } = decision;
  const policy = policies.get(decision.policy ?? '');
  if (!holds || policy === undefined || kind === 'start' || kind === 'glass') return false;
  return moves.some(({ model, stage }) => {
    const rule = Object.hasOwn(policy.models, model) ? policy.models[model]?.[stage] : undefined;
    return rule?.reverts.review === true && approvals.length < rule.approvals.count;
  });
}

/** What the record is about, for a title. */
function nameOf({ decision, subject }: LogRecord): string {
  const moved = decision.moves.map(({ model, stage, to }) => `${model} in ${stage}${to === null ? '' : ` (${shortDigest(to)})`}`);
  if (moved.length > 0) return moved.join(', ');
  return subject.some(({ name }) => name === files.policy) ? 'a change of policy.yaml' : 'a revocation';
}

function refusedIssue({ record }: RefusedTip, points: readonly Point[]): NewIssue {
  const { commit, pull, kind, moves } = record.decision;
  const isPolicy = kind === 'policy';
  const failing = points.filter(({ holds }) => holds !== true);
  const [first] = moves;
  const glass = first === undefined ? '' : `\`plumb reconcile --break-glass ${first.model} --stage ${first.stage} --reason "..."\``;
  return {
    marker: refusedMarker(commit),
    title: isPolicy ? `Not in force: policy.yaml of commit ${commit.slice(0, 12)}` : `Not served: ${nameOf(record)} of commit ${commit.slice(0, 12)}`,
    body: lines(
      `${isPolicy ? 'The policy before goes on judging' : 'What was served before goes on being served'}. ${broughtBy(record)}`,
      'What speaks against it:',
      failing.length === 0 ? '- nothing any more, but it is a part of what was decided about together' : failing.map(pointLine).join('\n'),
      [
        pull === null
          ? 'To heal it, revert the commit and bring the same by a pull request.'
          : 'To heal it, approve the pull request now (that counts afterwards, too), or revert it.',
        ...(glass === ''
          ? []
          : [
              `Whoever \`access.break_glass\` of policy.yaml names can have it served all the same: ${glass}, or the workflow deploy started by hand.`,
            ]),
        'This is looked at again whenever reconcile runs; the issue closes by itself.',
      ].join(' '),
      `Record ${record.decision.seq} of the log of decisions.`,
    ),
    labels,
  };
}

function reviewIssue(record: LogRecord): NewIssue {
  const { seq, commit, approvals, reason } = record.decision;
  return {
    marker: `<!-- plumbline:review:${seq} -->`,
    title: `To review: ${nameOf(record)} went back without the approvals of a promotion`,
    body: lines(
      `Commit ${code(commit)} went back to what was served before, with ${approvals.length} ${approvals.length === 1 ? 'approval' : 'approvals'}. It is served already: going back must be fast. ${broughtBy(record)}`,
      reason === null ? 'No reason was given.' : `The reason that was given: ${code(reason, 500)}`,
      `Look at why it was needed, and close this issue. Record ${seq} of the log of decisions.`,
    ),
    labels,
    reopen: false,
  };
}

function glassIssue(record: LogRecord): NewIssue {
  const { seq, points, approvals, reason, by } = record.decision;
  const who = approvals[0]?.login ?? null;
  return {
    marker: `<!-- plumbline:glass:${seq} -->`,
    title: `Glass broken: ${nameOf(record)} is served though it does not verify`,
    body: lines(
      `${who === null ? `Whoever holds the key ${code(by.name)}` : code(who)} had it served. The reason: ${code(reason ?? '', 500)}`,
      'What spoke against it:',
      points
        .filter(({ holds }) => holds !== true)
        .map(pointLine)
        .join('\n'),
      `${by.run === null ? '' : `The run: ${code(by.run)}. `}Bring it into order by a pull request, or go back, and close this issue. Record ${seq} of the log of decisions.`,
    ),
    labels,
    reopen: false,
  };
}

/** Of history or log that was rewritten. */
export function auditIssue(what: string, mend: string): NewIssue {
  return {
    marker: auditMarker,
    title: 'The log of decisions, or the history that it is about, does not hold',
    body: lines(
      'Nothing new is served until this is settled; what was served goes on being served.',
      `What was found: ${prose(what, 1000)}`,
      `What to do: ${prose(mend, 1000)}`,
      'The issue closes by itself when it holds again.',
    ),
    labels,
  };
}

function broughtBy({ decision: { pull, commit } }: LogRecord): string {
  if (pull === null) return `No pull request is known that brought commit ${code(commit)}: it was pushed to the branch.`;
  const who = [pull.author === null ? '' : ` by ${code(pull.author)}`, pull.mergedBy === null ? '' : `, merged by ${code(pull.mergedBy)}`].join('');
  return `Pull request #${pull.number}${who} brought it.`;
}

function pointLine({ point, why }: Point): string {
  return `- **${point}**: ${prose(why, 800)}`;
}

function lines(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}
