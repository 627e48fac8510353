// Why an approval does not count, whoever gave it, as far as the facts of the pull request say; whether the policy asks for that person is another question.
import type { Access } from './access.ts';
import { branchHistory, headsAt, short, subjectOf, type BranchMove } from './branch-moves.ts';
import { timeOf } from './opinions.ts';
import type { Opinion, Person, PullFacts } from './pull-facts.ts';
import { isBot, sameLogin } from './standing.ts';

export interface Doubt {
  /** goes on after a login: 'opened the pull request' */
  readonly why: string;
  /** false: it may count once more is known */
  readonly known: boolean;
}

export interface Question {
  readonly facts: PullFacts;
  /** digest of what is judged: `subjectAt` of the commit, over `paths` */
  readonly subject: string;
  /** what is decided about, relative to the repository */
  readonly paths: readonly string[];
  readonly access: Access;
  /** does an approval count that was given after the merge? Who judges the main branch again says yes, so that a refused merge heals. */
  readonly afterMerge: boolean;
}

/** What keeps every approval from counting: something that must be known of the pull request is not. The sentence stands alone. */
export function generalDoubt({ facts, paths, access }: Question): Doubt | null {
  if (paths.length === 0) return known('it changes no pointer, no revocation and no policy');
  if (facts.subjectPaths === null || !sameSet(facts.subjectPaths, paths))
    return open('which pointers it changes is not known, or they changed meanwhile');
  if (facts.files === null) return open('the forge does not list all files that it changes');
  // a branch may be made of a commit that has more than its pull request shows: reviewers look at that
  const { files } = facts;
  const hidden = paths.find((path) => !files.includes(path));
  if (hidden !== undefined) return known(`${hidden} comes with it, and the pull request does not show it: open another one`);
  if (facts.opinions === null) return open('the forge does not say who approved it, or not all of it');
  if (facts.retargetedAt !== null && Number.isNaN(Date.parse(facts.retargetedAt)))
    return open('whether it was led to another base branch is not known');
  if (facts.author === null || facts.author.kind === 'unknown') return known('the account that opened it is gone: open another one');
  const history = branchHistory(facts);
  if ('why' in history) return open(history.why);
  const brought = history.moves.filter((move) => move.brought !== false);
  const nobody = brought.find(({ person }) => person === null || person.kind === 'unknown');
  if (nobody !== undefined) {
    const who = `nobody's account, such as a deploy key, pushed ${short(nobody.after)}, so that any approver may have`;
    return nobody.brought === true ? known(`${who}: open another one`) : open(who);
  }
  return triggerDoubt(facts, brought, access);
}

/** A bot does what somebody made it do. Whoever that was cannot approve it; where it cannot be told, everybody may be the one. */
function triggerDoubt(facts: PullFacts, brought: readonly BranchMove[], access: Access): Doubt | null {
  const { author, triggers } = facts;
  if (triggers === null) return open('whose jobs were at work when it was made is not known');
  const bot = [author, ...brought.map(({ person }) => person)].find((person) => person !== null && isBot(person, access));
  if (bot === undefined || bot === null) return null;
  if (triggers.length === 0) return known(`${bot.login} is a bot, and no job of a promotion was at work then: who made it do that is not known`);
  const another = triggers.find((person) => !isPerson(person, access));
  return another === undefined ? null : known(`${bot.login} is a bot, and the job was started by ${another.login}, which is no person`);
}

/**
 * Why this approval does not count; null: nothing speaks against it, if the policy asks for this person.
 * @param general `generalDoubt` of the same question; what is wrong with the person is told before it
 */
export function doubtOf(opinion: Opinion, question: Question, general: Doubt | null): Doubt | null {
  return personDoubt(opinion.person, question) ?? general ?? timeDoubt(opinion.at, question) ?? sightDoubt(opinion, question);
}

function personDoubt(person: Person, { facts, access }: Question): Doubt | null {
  const is = (other: Person | null): boolean => other !== null && sameLogin(other.login, person.login);
  if (isBot(person, access)) return known('is no person: what bots say never counts');
  if (person.kind === 'unknown') return known('is an account that is gone');
  if (is(facts.author)) return known('opened the pull request');
  if (facts.triggers?.some(is) === true) return known('started a job that was at work when it was made');
  const own = movesOf(facts).filter((move) => is(move.person) && move.brought !== false);
  if (own.some(({ brought }) => brought === true)) return known('pushed what it decides, or a part of it');
  return own.length > 0 ? open('pushed commits to it that cannot be read any more') : null;
}

function timeDoubt(at: string, { facts, afterMerge }: Question): Doubt | null {
  if (Number.isNaN(Date.parse(at))) return open('approved at a time that the forge does not tell');
  if (facts.merged !== null && !afterMerge && timeOf(at) >= timeOf(facts.merged.at)) return known('approved after it was merged');
  if (facts.retargetedAt === null || timeOf(at) > timeOf(facts.retargetedAt)) return null;
  return known('approved before it was led to another base branch');
}

/**
 * Did the reviewer see what is judged? Two witnesses must say so: the commit that the forge keeps with the approval, and what the branch had at that time.
 * GitHub moves the first along when a force-push leaves the diff as it was, to a commit that nobody looked at; and an approval by its interface that names no
 * commit gets the newest, pushed a second before.
 */
function sightDoubt({ commit, at }: Opinion, { facts, subject }: Question): Doubt | null {
  if (commit === null) return known('approved something, and the forge no longer says what');
  const seen = subjectOf(facts.subjects, commit);
  if (seen === null) return open(`approved commit ${short(commit)}, which cannot be read`);
  if (seen !== subject) return known(`approved something else: commit ${short(commit)}`);
  const heads = headsAt(movesOf(facts), at);
  if (heads.length === 0) return open('approved before the first push that the forge lists');
  const there = heads.map((head) => subjectOf(facts.subjects, head));
  const other = there.findIndex((digest) => digest !== subject);
  if (other === -1) return null;
  const head = short(heads[other] ?? '');
  return there[other] === null
    ? open(`approved while the branch was at ${head}, which cannot be read`)
    : known(`approved while the branch had something else: commit ${head}`);
}

function movesOf(facts: PullFacts): readonly BranchMove[] {
  const history = branchHistory(facts);
  return 'why' in history ? [] : history.moves;
}

function isPerson(person: Person, access: Access): boolean {
  return person.kind === 'person' && !isBot(person, access);
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return new Set(a).symmetricDifference(new Set(b)).size === 0;
}

function known(why: string): Doubt {
  return { why, known: true };
}

function open(why: string): Doubt {
  return { why, known: false };
}
