// May those who brought a change bring it? Whoever opened the pull request and whoever pushed what it decides; of a bot, whoever started its job.
import type { Access, Who } from './access.ts';
import { branchHistory } from './branch-moves.ts';
import type { Point } from './judgement.ts';
import type { Person, PullFacts } from './pull-facts.ts';
import { isBot, isWithin, nameWho, standingOf } from './standing.ts';

/**
 * @param who whoever may: `access.promote`, or of what takes a model out for good `access.revoke`
 * @returns the point 'promoter'
 */
export function decidePromoter(facts: PullFacts, access: Access, who: Who = access.promote): Point {
  const named = responsible(facts, access, who);
  if (typeof named === 'string') return point(false, named);
  const { people, doubt } = named;
  const answers = people.map(({ login }) => ({ login, within: isWithin(who, login, standingOf(facts.standing, login)) }));
  const outside = answers.filter(({ within }) => within === 'no').map(({ login }) => login);
  if (outside.length > 0) return point(false, `${outside.join(', ')} may not: it is for ${nameWho(who)}`);
  const unsure = answers.filter(({ within }) => within === 'unknown').map(({ login }) => login);
  if (doubt !== null) return point('unknown', doubt);
  if (unsure.length > 0)
    return point('unknown', `whether ${unsure.join(', ')} may is not known: the forge does not say whether they are among ${nameWho(who)}`);
  return point(true, `brought by ${answers.map(({ login }) => login).join(', ')}`);
}

/** Those who must be allowed to, each once; or why nobody can be named who is. */
function responsible(facts: PullFacts, access: Access, who: Who): { people: readonly Person[]; doubt: string | null } | string {
  const history = branchHistory(facts);
  const pushers = 'why' in history ? [] : history.moves.filter(({ brought }) => brought !== false).map(({ person }) => person);
  if (facts.author === null) return 'the account that opened it is gone';
  if (pushers.includes(null)) return "nobody's account pushed it, such as a deploy key: push it with an account";
  const all = [facts.author, ...pushers.filter((person) => person !== null)];
  const bots = all.filter((person) => isBot(person, access));
  const people = all.filter((person) => !bots.includes(person));
  // whoever may push to a branch of this repository may write to it: where that is all that is asked, the list of pushes adds nothing
  const asksMore = facts.fork || who.teams.length > 0 || who.people.length > 0 || who.role !== undefined;
  const doubt = 'why' in history && asksMore ? history.why : null;
  if (bots.length === 0) return { people: unique(people), doubt };
  const names = unique(bots)
    .map(({ login }) => login)
    .join(', ');
  if (facts.triggers === null) return { people: unique(people), doubt: `whose jobs made ${names} do it is not known` };
  const started = facts.triggers.filter((person) => !isBot(person, access));
  if (started.length === 0 || started.length < facts.triggers.length) return `${names} did it, and no person is known to have started its job`;
  return { people: unique([...people, ...started]), doubt };
}

function unique(people: readonly Person[]): Person[] {
  return [...new Map(people.map((person) => [person.login.toLowerCase(), person])).values()];
}

function point(holds: Point['holds'], why: string): Point {
  return { point: 'promoter', holds, why };
}
