// Roles and memberships of those on whom a decision depends: who brought it, whose approval may count, who asks for changes. Nobody else is asked about.
import type { Permission } from '../forge/forge.ts';
import type { Role, Who } from '../registry/access.ts';
import { doubtOf, generalDoubt, type Question } from '../registry/approval-doubts.ts';
import { branchHistory, subjectOf } from '../registry/branch-moves.ts';
import { readCodeowners } from '../registry/codeowners.ts';
import { latestOpinions } from '../registry/opinions.ts';
import type { Person, PullFacts, Standing } from '../registry/pull-facts.ts';
import { revocationOf } from '../registry/revocation.ts';
import { isBot, isWithin } from '../registry/standing.ts';
import type { Ask, FactsForge, FactsQuestion } from './pull-asking.ts';

export async function gatherStanding(
  forge: Pick<FactsForge, 'permissionOf' | 'isMember'>,
  facts: PullFacts,
  question: FactsQuestion,
  ask: Ask,
): Promise<PullFacts['standing']> {
  const wanted = whoseStanding(facts, question);
  const standing = await Promise.all([...wanted].map(async ([login, groups]) => [login, await standingOfOne(forge, login, groups, ask)] as const));
  return Object.fromEntries(standing);
}

/** login in lower case -> what it matters whether that person is within */
function whoseStanding(facts: PullFacts, question: FactsQuestion): Map<string, Who[]> {
  const { access } = question;
  const wanted = new Map<string, Who[]>();
  const note = (person: Person | null, groups: readonly Who[]): void => {
    if (person === null || person.kind === 'unknown') return;
    const login = person.login.toLowerCase();
    wanted.set(login, [...(wanted.get(login) ?? []), ...groups]);
  };
  const history = branchHistory(facts);
  const pushers = 'why' in history ? [] : history.moves.filter(({ brought }) => brought !== false).map(({ person }) => person);
  const paths = facts.subjectPaths ?? [];
  const bringing = paths.some((path) => revocationOf(path.slice(question.prefix.length)) !== null)
    ? [access.promote, access.revoke]
    : [access.promote];
  for (const person of [facts.author, ...pushers, ...(facts.triggers ?? [])]) {
    if (person !== null && !isBot(person, access)) note(person, bringing);
  }
  const approving = [access.approve, ...question.rules, access.waive, ...ownersAsWho(facts, question)];
  const asked = { facts, access, paths, subject: subjectOf(facts.subjects, facts.head) ?? '', afterMerge: true } satisfies Question;
  const general = generalDoubt(asked);
  for (const opinion of latestOpinions(facts.opinions ?? [])) {
    if (opinion.state === 'changes-requested') note(opinion.person, []);
    else if (opinion.state === 'approved' && doubtOf(opinion, asked, general)?.known !== true) note(opinion.person, approving);
  }
  return wanted;
}

function ownersAsWho({ codeowners, subjectPaths, forge }: PullFacts, { rules }: FactsQuestion): Who[] {
  if (typeof codeowners !== 'string' || rules.every((rule) => !rule.codeowners)) return [];
  const ownersOf = readCodeowners(codeowners, forge);
  const owners = (subjectPaths ?? []).flatMap((path) => {
    const ownership = ownersOf(path);
    return ownership.kind === 'owners' ? ownership.owners : [];
  });
  const teams = [...new Set(owners.flatMap((owner) => (owner.kind === 'team' ? [owner.team] : [])))];
  return teams.length === 0 ? [] : [{ teams, people: [] }];
}

/** The role first: often it says enough, and no team is asked. */
async function standingOfOne(
  forge: Pick<FactsForge, 'permissionOf' | 'isMember'>,
  login: string,
  groups: readonly Who[],
  ask: Ask,
): Promise<Standing> {
  const role: Standing['role'] = await ask(`what ${login} may do here`, forge.permissionOf(login).then(roleOf), 'unknown' as const);
  const open = groups.filter((who) => isWithin(who, login, { role, teams: {} }) === 'unknown');
  const teams = [...new Set(open.flatMap((who) => who.teams))];
  const answers = await Promise.all(
    teams.map(async (team) => [team, await ask(`whether ${login} is of team ${team}`, forge.isMember(login, team), 'unknown' as const)] as const),
  );
  return { role, teams: Object.fromEntries(answers) };
}

function roleOf(permission: Permission): Role | 'none' {
  return permission;
}
