// What an auditor calls a time: a day, an instant, or a commit of the main branch.
import { PlumbError } from '../base/errors.ts';
import type { Git, Oid } from '../git/git.ts';
import type { LogRecord } from '../registry/decision-log.ts';

export type Moment = { readonly kind: 'time'; readonly at: Date } | { readonly kind: 'commit'; readonly commit: Oid };

const day = /^\d{4}-\d\d-\d\d$/;
/** Source: RFC 3339, section 5.6 */
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;

/**
 * An instant in RFC 3339, or a day, which is one in UTC.
 * @param side of a day: a period begins with the first of its days and ends with the end of its last
 * @returns null: it is neither
 */
export function timeOf(text: string, side: 'begin' | 'end'): Date | null {
  if (!day.test(text) && !instant.test(text)) return null;
  const at = new Date(day.test(text) ? `${text}T${side === 'begin' ? '00:00:00.000' : '23:59:59.999'}Z` : text);
  // a Date takes the 31st of a month that has 30 days for the day after
  const [year, month, date] = text.split(/[-Tt]/, 3).map(Number);
  const days = new Date(Date.UTC(year ?? 0, month ?? 0, 0)).getUTCDate();
  return Number.isNaN(at.getTime()) || (date ?? 0) > days ? null : at;
}

/** @throws PlumbError AUDIT_TIME */
export function boundOf(text: string | undefined, side: 'begin' | 'end'): Date | null {
  if (text === undefined) return null;
  const at = timeOf(text, side);
  if (at !== null) return at;
  throw new PlumbError('AUDIT_TIME', {
    what: `"${text.slice(0, 80)}" is no time`,
    mend: 'write a day (2026-09-01, in UTC) or an instant (2026-09-01T12:00:00Z)',
  });
}

/** A day means its end, in UTC. @throws PlumbError AUDIT_TIME */
export async function momentOf(text: string, git: Git): Promise<Moment> {
  const at = timeOf(text, 'end');
  if (at !== null) return { kind: 'time', at };
  const commit = await git.resolve(text);
  if (commit !== null) return { kind: 'commit', commit };
  throw new PlumbError('AUDIT_TIME', {
    what: `"${text.slice(0, 80)}" is neither a time nor a commit`,
    mend: 'write a day (2026-09-01, which means its end in UTC), an instant (2026-09-01T12:00:00Z), or a commit of the main branch',
  });
}

/**
 * The records that were there then. Of a commit: those that were written before anything later on the main branch was decided.
 * @param line of the main branch, newest first
 * @throws PlumbError AUDIT_TIME for a commit that the main branch does not have
 */
export function recordsUntil(records: readonly LogRecord[], moment: Moment, line: readonly Oid[]): readonly LogRecord[] {
  if (moment.kind === 'time') return records.filter(({ decision }) => Date.parse(decision.at) <= moment.at.getTime());
  const place = new Map(line.map((oid, at) => [oid, at]));
  const wanted = place.get(moment.commit);
  if (wanted === undefined) {
    throw new PlumbError('AUDIT_TIME', {
      what: `commit ${moment.commit.slice(0, 12)} is not on the first-parent line of the main branch`,
      mend: 'name the commit that brought it there: `git log --first-parent --oneline` lists them',
    });
  }
  const later = records.findIndex(({ decision }) => (place.get(decision.commit) ?? -1) < wanted);
  return later === -1 ? records : records.slice(0, later);
}
