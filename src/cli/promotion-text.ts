// The text of a pull request that moves pointers: what moves, then the report of each model. All that people and files wrote is escaped.
import { shortDigest, type Digest } from '../base/digest.ts';
import { code, prose } from '../report/markdown-text.ts';
import { renderMarkdown } from '../report/index.ts';
import type { Report } from '../report/schema.ts';

export interface PointerMove {
  readonly model: string;
  readonly stage: string;
  /** null: nothing is there */
  readonly from: Digest | null;
  readonly to: Digest | null;
}

export interface PullText {
  readonly kind: 'promotion' | 'rollback' | 'revocation';
  readonly moves: readonly PointerMove[];
  /** whoever asked for it said so; null: nothing */
  readonly reason: string | null;
  /** against the gate, or of a model that was taken back before: told in words */
  readonly notes: readonly string[];
  readonly reports: readonly Report[];
}

/** The first line: programs know it by that. */
export const pullMarker = '<!-- plumbline moves pointers -->';

/** Of a forge's 65,536 characters. */
const mostBytes = 60_000;

/** Markdown, under 60,000 bytes of UTF-8 and 65,536 characters, whatever comes in. */
export function pullText({ kind, moves, reason, notes, reports }: PullText): string {
  const shown = moves.slice(0, 50);
  const head = [
    pullMarker,
    `${({ promotion: 'Promotes', rollback: 'Rolls back', revocation: 'Takes out' } as const)[kind]} by moving ${moves.length === 1 ? 'one pointer' : `${moves.length} pointers`}:`,
    '',
    '| model | stage | from | to |',
    '| --- | --- | --- | --- |',
    ...shown.map(({ model, stage, from, to }) => `| ${code(model)} | ${stage} | ${name(from)} | ${name(to)} |`),
    ...(moves.length > shown.length ? ['', `and ${moves.length - shown.length} more.`] : []),
    ...(reason === null || reason.trim() === '' ? [] : ['', `Reason: ${prose(reason)}`]),
    ...notes.flatMap((note) => ['', `⚠ ${prose(note)}`]),
    '',
    kind === 'promotion'
      ? 'Merging this is the promotion. Approve what you see here: an update from the main branch keeps your approval, another pointer does not.'
      : 'Merging this is all: whoever serves follows the main branch.',
  ].join('\n');
  const left = mostBytes - Buffer.byteLength(head) - 10 * reports.length;
  const each = Math.floor(left / Math.max(1, reports.length));
  // a report below 2,000 bytes says too little: then the pull request's own report has to do
  const texts = each < 2000 ? [] : reports.map((report) => renderMarkdown(report, { limitBytes: each }));
  return [head, ...texts].join('\n\n');
}

function name(digest: Digest | null): string {
  return digest === null ? 'nothing' : code(shortDigest(digest));
}
