// Is somebody among those whom the policy means? Three answers: who cannot be told apart from a member is no member, and no stranger either.
import { roles, type Access, type Role, type Who } from './access.ts';
import type { Person, Standing } from './pull-facts.ts';

export type Known = 'yes' | 'no' | 'unknown';

/** Two logins of one account: forges do not tell upper and lower case apart. */
export function sameLogin(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** An account of no person: the forge says so, or the policy, which knows whose token a workflow has. */
export function isBot(person: Person, access: Pick<Access, 'machines'>): boolean {
  return person.kind === 'bot' || access.machines.some((login) => sameLogin(login, person.login));
}

export function standingOf(standing: Readonly<Record<string, Standing>>, login: string): Standing | undefined {
  const key = login.toLowerCase();
  return Object.hasOwn(standing, key) ? standing[key] : undefined;
}

export function hasRole(standing: Standing | undefined, least: Role): Known {
  if (standing === undefined || standing.role === 'unknown') return 'unknown';
  return standing.role !== 'none' && roles.indexOf(standing.role) >= roles.indexOf(least) ? 'yes' : 'no';
}

export function isMember(standing: Standing | undefined, team: string): Known {
  return (standing !== undefined && Object.hasOwn(standing.teams, team) ? standing.teams[team] : undefined) ?? 'unknown';
}

/**
 * Nobody without access to the repository is within anything: a login that a policy still names may be another person's by now.
 * @param standing undefined: nothing is known
 */
export function isWithin(who: Who, login: string, standing: Standing | undefined): Known {
  if (standing?.role === 'none') return 'no';
  const answers: Known[] = who.teams.map((team) => isMember(standing, team));
  if (who.people.some((name) => sameLogin(name, login))) answers.push(hasRole(standing, 'read'));
  const role = leastRole(who);
  if (role !== undefined) answers.push(hasRole(standing, role));
  return answers.includes('yes') ? 'yes' : answers.includes('unknown') ? 'unknown' : 'no';
}

/** undefined: no role is enough by itself */
export function leastRole(who: Who): Role | undefined {
  return who.role ?? (who.teams.length === 0 && who.people.length === 0 ? 'write' : undefined);
}

/** 'members of team ml, or anna, or those with role admin' */
export function nameWho(who: Who): string {
  const role = leastRole(who);
  const named = [...who.teams.map((team) => `members of team ${team}`), ...who.people];
  return [...named, ...(role === undefined ? [] : [`those with role ${role}`])].join(', or ');
}
