// Do enough of the right people approve what a pull request decides? From values alone; src/ci/pull-facts.ts gathers them. Each case is a row of the table in
// docs/approvals.md, and a test.
//
// One rule is behind all: an approval counts when it is known to be that of a person who had no hand in the content, is one of those whom the policy of the
// base branch names, and saw the very bytes that are judged. What is not known never counts as yes.
import type { Who } from './access.ts';
import { doubtOf, generalDoubt, type Doubt, type Question } from './approval-doubts.ts';
import { readCodeowners, type Owner } from './codeowners.ts';
import type { Point } from './judgement.ts';
import { latestOpinions } from './opinions.ts';
import { decidePromoter } from './promoter.ts';
import type { Opinion } from './pull-facts.ts';
import { hasRole, isMember, isWithin, nameWho, sameLogin, standingOf, type Known } from './standing.ts';

/** `approvals` of a stage in policy.yaml. */
export interface ApprovalRule extends Who {
  readonly count: number;
  /** where CODEOWNERS of the base names owners of a path, one of them must approve */
  readonly codeowners: boolean;
}

export interface ApprovalInput extends Question {
  readonly wanted: ApprovalRule;
  /** the gate did not hold: one of `access.waive` must approve as well */
  readonly waive: boolean;
}

export interface Counted {
  readonly login: string;
  readonly review: string;
  /** what the reviewer saw */
  readonly commit: string | null;
  readonly at: string;
}

export interface ApprovalDecision {
  /** 'promoter' and 'approvals' */
  readonly points: readonly Point[];
  /** whose approvals were taken: for the number, as an owner's, or as a waiver */
  readonly counted: readonly Counted[];
  /** whose approvals were not; 'why' goes on after the login */
  readonly refused: readonly { readonly login: string; readonly why: string }[];
}

/** One person's approval, and what speaks against it. */
interface Heard {
  readonly opinion: Opinion;
  readonly doubt: Doubt | null;
}

/** Something that must be given, and by whom it is. */
interface Need {
  readonly met: Known;
  readonly by: readonly Heard[];
  readonly why: string;
}

/** Pure. Sentences hold logins and paths as they came: whoever prints them escapes them. */
export function decideApprovals(input: ApprovalInput): ApprovalDecision {
  const { facts, access } = input;
  const promoter = decidePromoter(facts, access);
  // a revert by the fast lane asks nobody, so that nobody's "no" can hold it up
  if (input.wanted.count === 0 && !input.wanted.codeowners && !input.waive)
    return { points: [promoter, { point: 'approvals', holds: true, why: 'none is needed' }], counted: [], refused: [] };
  const general = generalDoubt(input);
  const opinions = latestOpinions(facts.opinions ?? []);
  const heard = opinions.filter(({ state }) => state === 'approved').map((opinion) => ({ opinion, doubt: doubtOf(opinion, input, general) }));
  const against = opinions.filter(({ state }) => state === 'changes-requested').flatMap((opinion) => blockOf(opinion, input));
  const needs = [countNeed(input, heard), ...ownerNeeds(input, heard), ...waiverNeed(input, heard)];
  const used = new Set(needs.flatMap(({ by }) => by));
  const refused = heard.filter((one) => !used.has(one)).map((one) => ({ login: one.opinion.person.login, why: whyNot(one, input) }));
  const answers = [...needs.map(({ met }) => met), ...against.map(({ met }) => met)];
  // what the forge did not say may be all that is missing
  const silent = facts.opinions === null || (general !== null && !general.known);
  const holds = answers.every((met) => met === 'yes') ? true : !silent && answers.includes('no') ? false : ('unknown' as const);
  const why = [
    ...against.map(({ login, why: said }) => `${login} ${said}`),
    ...needs.map((need) => need.why),
    ...(general === null || holds === true ? [] : [`no approval counts: ${general.why}`]),
    ...(general === null || general.known ? [] : facts.gaps),
    ...refused.slice(0, mostNamed).map(({ login, why: said }) => `that of ${login} does not count: ${login} ${said}`),
    ...(refused.length > mostNamed ? [`nor do ${refused.length - mostNamed} others`] : []),
  ].join('; ');
  return {
    points: [promoter, { point: 'approvals', holds, why }],
    counted: [...used].map(({ opinion }) => ({ login: opinion.person.login, review: opinion.id, commit: opinion.commit, at: opinion.at })),
    refused,
  };
}

/** People named one by one in a sentence. */
const mostNamed = 10;

/** Whoever may write here and asks for changes stands in the way, a bot too, until he approves or a person dismisses it: also of what came before. */
function blockOf({ person, id }: Opinion, { facts }: ApprovalInput): { login: string; met: Known; why: string }[] {
  const may = person.kind === 'unknown' ? 'unknown' : hasRole(standingOf(facts.standing, person.login), 'write');
  if (may === 'no') return [];
  const unsure = may === 'unknown' ? ', and whether that stands in the way is not known' : '';
  return [
    { login: person.login, met: may === 'yes' ? 'no' : 'unknown', why: `asked for changes (review ${id})${unsure}: approve, or dismiss that review` },
  ];
}

function countNeed(input: ApprovalInput, heard: readonly Heard[]): Need {
  const { wanted } = input;
  const { sure, may } = sorted(heard, ({ opinion }) => mayCount(opinion, input));
  const met = sure.length >= wanted.count ? 'yes' : sure.length + may.length >= wanted.count ? 'unknown' : 'no';
  const have = sure.length === 0 ? 'none counts' : `${sure.length} of ${wanted.count} counts: ${namesOf(sure)}`;
  const why =
    met === 'yes'
      ? `approved by ${sure.length === 0 ? 'nobody, and nobody is asked' : namesOf(sure)} (${wanted.count} needed)`
      : `${wanted.count} ${wanted.count === 1 ? 'approval is' : 'approvals are'} needed by ${nameAsked(input)}: ${have}; missing: ${wanted.count - sure.length}`;
  return { met, by: sure, why };
}

/** Those of the stage, who are of `access.approve` as well. */
function nameAsked({ wanted, access: { approve } }: ApprovalInput): string {
  const isOpen = ({ teams, people, role }: Who): boolean => teams.length === 0 && people.length === 0 && role === undefined;
  if (isOpen(wanted)) return nameWho(approve);
  return isOpen(approve) ? nameWho(wanted) : `${nameWho(wanted)}, who must be of access.approve as well (${nameWho(approve)})`;
}

function mayCount({ person }: Opinion, { facts, access, wanted }: ApprovalInput): Known {
  const standing = standingOf(facts.standing, person.login);
  return least(isWithin(access.approve, person.login, standing), isWithin(wanted, person.login, standing));
}

function waiverNeed(input: ApprovalInput, heard: readonly Heard[]): Need[] {
  if (!input.waive) return [];
  const { waive } = input.access;
  const { sure, may } = sorted(heard, ({ opinion: { person } }) => isWithin(waive, person.login, standingOf(input.facts.standing, person.login)));
  const why = sure.length > 0 ? `waived by ${namesOf(sure)}` : `its gate does not hold: it takes an approval by ${nameWho(waive)}`;
  return [{ met: sure.length > 0 ? 'yes' : may.length > 0 ? 'unknown' : 'no', by: sure, why }];
}

function ownerNeeds(input: ApprovalInput, heard: readonly Heard[]): Need[] {
  const { facts, wanted, paths } = input;
  if (!wanted.codeowners || facts.codeowners === null) return [];
  if (facts.codeowners === undefined) return [{ met: 'unknown', by: [], why: 'CODEOWNERS of the base branch could not be read' }];
  const ownersOf = readCodeowners(facts.codeowners, facts.forge);
  return paths.flatMap((path): Need[] => {
    const ownership = ownersOf(path);
    if (ownership.kind === 'nobody') return [];
    if (ownership.kind === 'unclear') return [{ met: 'no', by: [], why: `who owns ${path} is not clear: ${ownership.why}` }];
    const { owners, line } = ownership;
    const { sure, may } = sorted(heard, ({ opinion }) => isOwner(opinion, owners, input));
    const names = owners.map(nameOwner).join(', or ');
    if (sure.length > 0) return [{ met: 'yes', by: sure, why: `${namesOf(sure)} for the owners of ${path}` }];
    return [
      { met: may.length > 0 ? 'unknown' : 'no', by: [], why: `${path} is owned by ${names} (line ${line} of CODEOWNERS), and none of them approved` },
    ];
  });
}

function isOwner({ person }: Opinion, owners: readonly Owner[], { facts, access }: ApprovalInput): Known {
  const standing = standingOf(facts.standing, person.login);
  const answers = owners.map((owner): Known => {
    if (owner.kind === 'person') return sameLogin(owner.login, person.login) ? hasRole(standing, 'read') : 'no';
    // whose account an address is the forge does not say, and commits are not asked
    return owner.kind === 'team' ? isMember(standing, owner.team) : 'no';
  });
  const owns = answers.includes('yes') ? 'yes' : answers.includes('unknown') ? 'unknown' : 'no';
  return least(owns, isWithin(access.approve, person.login, standing));
}

function nameOwner(owner: Owner): string {
  if (owner.kind === 'person') return `@${owner.login}`;
  return owner.kind === 'team' ? `@${owner.team}` : `${owner.address} (an address, which is nobody's login: name the account)`;
}

/** Approvals that are surely such, and those that may be once more is known. */
function sorted(heard: readonly Heard[], within: (one: Heard) => Known): { sure: Heard[]; may: Heard[] } {
  const possible = heard.filter(({ doubt }) => doubt === null || !doubt.known).map((one) => ({ one, is: within(one) }));
  return {
    sure: possible.filter(({ one, is }) => one.doubt === null && is === 'yes').map(({ one }) => one),
    may: possible.filter(({ one, is }) => is !== 'no' && (one.doubt !== null || is === 'unknown')).map(({ one }) => one),
  };
}

function whyNot({ opinion, doubt }: Heard, input: ApprovalInput): string {
  if (doubt !== null) return doubt.why;
  const { access, wanted } = input;
  const standing = standingOf(input.facts.standing, opinion.person.login);
  const who = [access.approve, wanted].find((group) => isWithin(group, opinion.person.login, standing) !== 'yes') ?? wanted;
  const known = isWithin(who, opinion.person.login, standing) === 'no';
  return known ? `is not among ${nameWho(who)}` : `may not be among ${nameWho(who)}: the forge does not say`;
}

function least(a: Known, b: Known): Known {
  return a === 'no' || b === 'no' ? 'no' : a === 'unknown' || b === 'unknown' ? 'unknown' : 'yes';
}

function namesOf(heard: readonly Heard[]): string {
  return heard.map(({ opinion }) => opinion.person.login).join(', ');
}
