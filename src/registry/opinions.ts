// What each person thinks of a pull request now, out of all that they said of it.
import type { Opinion } from './pull-facts.ts';

/**
 * The latest opinion of each person. A comment is none: it takes nothing back. A dismissed one stands as that: what was said before it does not come to life
 * again, neither a yes nor a no.
 * @param opinions oldest first
 */
export function latestOpinions(opinions: readonly Opinion[]): Opinion[] {
  const byPerson = new Map<string, Opinion>();
  const inOrder = opinions.filter(({ state }) => state !== 'commented').toSorted((a, b) => timeOf(a.at) - timeOf(b.at));
  for (const opinion of inOrder) byPerson.set(keyOf(opinion), opinion);
  return [...byPerson.values()];
}

/** Accounts that are gone share one name: what one of them said does not take back what another did. */
function keyOf({ person, id }: Opinion): string {
  return person.kind === 'unknown' ? `${person.login} ${id}` : person.login.toLowerCase();
}

/** A time that cannot be read is later than all: a yes with it never counts, a no stands. */
export function timeOf(text: string): number {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? Number.POSITIVE_INFINITY : ms;
}
