// From all decisions about a row to what holds of it: the last word of each person, and what they say together. Pure.
import { byCodeUnit } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { hasChange, type Annotator, type Decision, type ReviewRole } from './schema.ts';

/** A decision with who made it. */
export interface Decided extends Decision {
  readonly annotator: Annotator;
  readonly role: ReviewRole;
}

export interface SettledRow {
  /** disputed: people say different things of it, and nobody has adjudicated */
  readonly state: 'settled' | 'disputed';
  /** what holds; null: disputed */
  readonly decision: Decided | null;
  readonly adjudicated: boolean;
  /** the last word of each person, in the order of persons; an adjudicator's is not among them */
  readonly votes: readonly Decided[];
}

/** One person: by the address, else by the name. */
export function personOf({ name, email }: Annotator): string {
  return (email === '' ? name : email).toLowerCase();
}

/** What becomes of the row: decisions with equal outcomes agree, be it an edit or a label that led there. */
export function outcomeOf({ action, row, becomes }: Decision): string {
  if (!hasChange(action)) return action;
  return becomes === row ? 'accept' : (becomes ?? 'edit');
}

/** @param decisions in any order: the result is the same */
export function settle(decisions: Iterable<Decided>): Map<Digest, SettledRow> {
  const rows = new Map<Digest, { readonly votes: Map<string, Decided>; adjudication: Decided | null }>();
  for (const decided of decisions) {
    const row = rows.get(decided.row) ?? { votes: new Map<string, Decided>(), adjudication: null };
    rows.set(decided.row, row);
    if (decided.role === 'adjudicator') row.adjudication = later(row.adjudication, decided);
    else {
      const person = personOf(decided.annotator);
      row.votes.set(person, later(row.votes.get(person) ?? null, decided));
    }
  }
  return new Map([...rows].map(([row, { votes, adjudication }]) => [row, settledRow(votes, adjudication)]));
}

function settledRow(votes: ReadonlyMap<string, Decided>, adjudication: Decided | null): SettledRow {
  const all = [...votes.entries()].toSorted(([a], [b]) => byCodeUnit(a, b)).map(([, vote]) => vote);
  if (adjudication !== null) return { state: 'settled', decision: adjudication, adjudicated: true, votes: all };
  const [first] = all;
  const agreed = first !== undefined && all.every((vote) => outcomeOf(vote) === outcomeOf(first));
  return { state: agreed ? 'settled' : 'disputed', decision: agreed ? all.reduce(later) : null, adjudicated: false, votes: all };
}

/** The later one; of one instant the one whose text is the greater: files have no order. */
function later(a: Decided | null, b: Decided): Decided {
  if (a === null) return b;
  return byCodeUnit(a.at, b.at) > 0 || (a.at === b.at && JSON.stringify(a) > JSON.stringify(b)) ? a : b;
}
