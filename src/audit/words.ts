// What a decision says, in words: the same on a terminal, in a table and on a page.
import { shortDigest } from '../base/digest.ts';
import type { Decision } from '../registry/audit-record.ts';

/** 'intents promoted to production', 'intents rolled back in production (refused)' */
export function decisionInWords({ kind, moves, revoked, holds }: Decision): string {
  const refused = holds || kind === 'glass' || kind === 'start' ? '' : ' (refused)';
  const taken = revoked.length === 0 ? '' : `${revoked.map(shortDigest).join(', ')} revoked`;
  if (kind === 'policy') return `another policy${refused}`;
  if (kind === 'start') return 'the log begins';
  const words = {
    promotion: 'promoted to',
    forced: 'forced into',
    again: 'brought again to',
    rollback: 'rolled back in',
    removed: 'taken out of',
    broken: 'broken in',
  };
  const moved = moves.map((move) => `${move.model} ${words[move.kind]} ${move.stage}`).join(', ');
  return `${kind === 'glass' ? 'glass broken: ' : ''}${[taken, moved].filter((part) => part !== '').join('; ') || kind}${refused}`;
}

/** Who answers for it: those whose approvals counted. */
export function approversOf({ approvals }: Decision): string {
  return approvals.map(({ login }) => login).join(', ');
}

/** Of the points, those that did not hold, each with its reason. */
export function objectionsOf({ points }: Decision): string[] {
  return points.filter(({ holds }) => holds !== true).map(({ point, holds, why }) => `${point}${holds === 'unknown' ? ' (unknown)' : ''}: ${why}`);
}

/** '2026-11-21 07:00:00' */
export function timeInWords(instant: string): string {
  return new Date(instant).toISOString().slice(0, 19).replace('T', ' ');
}
