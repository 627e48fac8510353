// The chosen decisions as JSON and CSV: for spreadsheets and tools that know nothing of envelopes.
import { canonicalJsonFile } from '../base/canonical.ts';
import { csvLine } from '../datasets/csv-text.ts';
import type { LogRecord } from '../registry/decision-log.ts';
import { approversOf, objectionsOf } from './words.ts';

/** The decisions without their envelopes. A view: what is signed stands in records/. */
export function decisionsJson(records: readonly LogRecord[]): string {
  return canonicalJsonFile({
    plumbline: 'decisions/1',
    decisions: records.map(({ decision, subject, digest, signedBy }) => ({
      record: digest,
      signedBy: { ...signedBy },
      subject: subject.map((one) => ({ ...one })),
      ...decision,
    })),
  });
}

const columns = [
  'seq',
  'at',
  'kind',
  'model',
  'stage',
  'move',
  'from',
  'to',
  'pointer',
  'served',
  'holds',
  'objections',
  'commit',
  'pull_request',
  'author',
  'merged_by',
  'approved_by',
  'reviews',
  'reason',
  'revoked',
  'policy',
  'decided_by',
  'run',
  'signed_by',
  'record',
] as const;

/** A line for each pointer that a decision moves, and one for a decision that moves none. RFC 4180 but for line ends, which are line feeds. */
export function decisionsCsv(records: readonly LogRecord[]): string {
  return [csvLine(columns), ...records.flatMap((record) => linesOf(record).map((line) => csvLine(columns.map((name) => harmless(line[name])))))].join(
    '',
  );
}

function linesOf({ decision, digest, signedBy }: LogRecord): Record<(typeof columns)[number], string>[] {
  const { seq, at, kind, holds, commit, pull, reason, revoked, policy, by, approvals } = decision;
  const moves = decision.moves.length === 0 ? [null] : decision.moves;
  return moves.map((move) => ({
    seq: String(seq),
    at,
    kind,
    model: move?.model ?? '',
    stage: move?.stage ?? '',
    move: move?.kind ?? '',
    from: move?.from ?? '',
    to: move?.to ?? '',
    pointer: move?.pointer ?? '',
    served: move === null ? '' : yesNo(move.served),
    holds: yesNo(holds),
    objections: objectionsOf(decision).join('; '),
    commit,
    pull_request: pull?.url ?? '',
    author: pull?.author ?? '',
    merged_by: pull?.mergedBy ?? '',
    approved_by: approversOf(decision),
    reviews: approvals.map(({ review }) => review ?? '').join(', '),
    reason: reason ?? '',
    revoked: revoked.join(' '),
    policy: policy ?? '',
    decided_by: by.name,
    run: by.run ?? '',
    signed_by: `${signedBy.kind} ${signedBy.name}`,
    record: digest,
  }));
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

/** A spreadsheet takes text that begins so for a formula, and would run it: an apostrophe makes it text again. Source: OWASP, CSV Injection */
function harmless(cell: string): string {
  return /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
}
