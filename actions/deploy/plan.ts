// What the run says of itself: outputs, the summary, and whether it failed. From values alone.
import { shortDigest } from '../../src/base/digest.ts';
import type { Reconciled } from '../../src/ci/reconcile.ts';
import type { LogRecord } from '../../src/registry/audit-record.ts';
import { code, prose } from '../../src/report/markdown-text.ts';

export interface Outcome {
  readonly outputs: Readonly<Record<'holds' | 'written' | 'refused' | 'served', string>>;
  readonly summary: string;
  /** why the step fails; null: it does not. What an earlier run refused and told is no news */
  readonly trouble: string | null;
  readonly notice: string | null;
}

/** So many records are shown one by one. */
const mostShown = 50;

export function describeRun({ log, written, refused }: Reconciled): Outcome {
  const served = log.allServed();
  const news = written.filter(({ decision }) => decision.kind !== 'glass' && isRefused(decision));
  const standing = new Set(refused.map(({ tip }) => tip.record.decision.seq));
  const fresh = news.filter(({ decision }) => standing.has(decision.seq));
  return {
    outputs: {
      holds: String(refused.length === 0),
      written: String(written.length),
      refused: String(refused.length),
      served: JSON.stringify(served.map(({ model, stage, artifact, commit }) => ({ model, stage, artifact, commit }))),
    },
    summary: [
      '## Served\n',
      served.length === 0
        ? 'Nothing.'
        : table(
            ['model', 'stage', 'artifact', 'as of'],
            served.map((one) => [code(one.model), one.stage, code(shortDigest(one.artifact)), code(one.commit.slice(0, 12))]),
          ),
      written.length === 0 ? '' : `\n## Recorded\n\n${written.slice(-mostShown).map(recordText).join('\n')}\n`,
      refused.length === 0
        ? ''
        : `\n${refused.length === 1 ? 'One decision is' : `${refused.length} decisions are`} refused, and what was served before goes on. Each has an issue that says what would heal it.\n`,
    ].join('\n'),
    trouble:
      fresh.length === 0
        ? null
        : `${fresh.length === 1 ? 'a commit of the main branch is' : `${fresh.length} commits of the main branch are`} refused: see the summary and the issue`,
    notice: refused.length > fresh.length ? 'Something that an earlier run refused still stands so: see its issue.' : null,
  };
}

function isRefused({ holds, moves }: LogRecord['decision']): boolean {
  return !holds || moves.some(({ served }) => !served);
}

function recordText({ decision }: LogRecord): string {
  const { seq, kind, moves, commit, pull, points, approvals } = decision;
  const what = moves.map(({ model, stage, to }) => `${code(model)} in ${stage} ${to === null ? '' : code(shortDigest(to))}`).join(', ');
  const word = kind === 'glass' ? 'glass broken' : isRefused(decision) ? '**refused**' : 'holds';
  const by = approvals.length === 0 ? '' : `, ${kind === 'glass' ? 'by' : 'approved by'} ${approvals.map(({ login }) => code(login)).join(', ')}`;
  const from = pull === null ? 'pushed' : `pull request #${pull.number}`;
  const failing = isRefused(decision) ? points.filter(({ holds }) => holds !== true) : [];
  return [
    `- record ${seq}, ${kind} ${what}: ${word} (${code(commit.slice(0, 12))}, ${from}${by})`,
    ...failing.map(({ point, why }) => `  - ${point}: ${prose(why, 500)}`),
  ].join('\n');
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
