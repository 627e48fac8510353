// How far a review is, and who decided what.
import { byCodeUnit } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { reviewsOf, type ReviewStatus } from './by-row.ts';
import type { Asking } from './queue.ts';
import type { ReviewAction, ReviewRole } from './schema.ts';
import { personOf, type Decided, type SettledRow } from './settled.ts';

export interface ReviewStanding {
  /** waiting: asked about and decided by nobody; the others: by what holds of the rows that were looked at */
  readonly rows: Readonly<Record<ReviewStatus | 'waiting', number>>;
  readonly people: readonly PersonStanding[];
}

/** One person in one role; each row once, with the last word on it. */
export interface PersonStanding extends Readonly<Record<ReviewAction, number>> {
  readonly name: string;
  readonly email: string;
  readonly role: ReviewRole;
  readonly rows: number;
  readonly last: string;
}

export function standOf(asked: readonly Asking[], decided: readonly Decided[], settled: ReadonlyMap<Digest, SettledRow>): ReviewStanding {
  const rows = { waiting: 0, accepted: 0, replaced: 0, rejected: 0, disputed: 0 };
  const waiting = new Set(asked.flatMap((one) => one.rows.map(({ row }) => row)));
  for (const row of waiting) if (!settled.has(row)) rows.waiting += 1;
  for (const [row, { status }] of reviewsOf(settled)) if (settled.has(row)) rows[status] += 1;
  return { rows, people: peopleOf(decided) };
}

function peopleOf(decided: readonly Decided[]): PersonStanding[] {
  const people = new Map<string, Map<Digest, Decided>>();
  for (const one of decided.toSorted((a, b) => byCodeUnit(a.at, b.at))) {
    const name = `${personOf(one.annotator)} ${one.role}`;
    const theirs = people.get(name) ?? new Map<Digest, Decided>();
    people.set(name, theirs.set(one.row, one));
  }
  return [...people].toSorted(([a], [b]) => byCodeUnit(a, b)).flatMap(([, theirs]) => standOfPerson([...theirs.values()]));
}

function standOfPerson(decisions: readonly Decided[]): PersonStanding[] {
  const counts = { accept: 0, edit: 0, reject: 0, label: 0 };
  for (const { action } of decisions) counts[action] += 1;
  const last = decisions.reduce<Decided | null>((a, b) => (a === null || byCodeUnit(a.at, b.at) < 0 ? b : a), null);
  return last === null ? [] : [{ ...last.annotator, role: last.role, rows: decisions.length, ...counts, last: last.at }];
}
