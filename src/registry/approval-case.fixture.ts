// A pull request to decide about, and what a row of the table in docs/approvals.md changes of it. Unless a row says otherwise: anna opened it from a branch of
// the repository and pushed it once; one approval of team ml is needed; bea and carl are of that team, and bea approved what there is.
import { accessSchema, type Access } from './access.ts';
import type { ApprovalInput, ApprovalRule } from './approvals.ts';
import type { Opinion, Person, PullFacts, Push, Standing } from './pull-facts.ts';

export const judged = 'what is judged';
export const other = 'something else';
export const ofMain = 'what the main branch has';
export const path = 'models/intents/production.json';

/** 'c1' -> a commit's name */
export function commit(label: string): string {
  return label.padEnd(4, '0').repeat(10);
}
export const base = commit('ba5e');
export const head = commit('c1');

/** '10:30' of the day on which all of it happens */
export function at(time: string): string {
  return `2026-11-02T${time}:00.000Z`;
}

export function person(login: string): Person {
  return { login, kind: login.endsWith('[bot]') ? 'bot' : login === 'ghost' ? 'unknown' : 'person' };
}

let reviews = 0;

export function said(state: Opinion['state'], login: string, how: { time?: string; commit?: string | null } = {}): Opinion {
  reviews += 1;
  return { id: String(reviews), person: person(login), state, commit: how.commit === undefined ? head : how.commit, at: at(how.time ?? '10:00') };
}

export function approved(login: string, how: { time?: string; commit?: string | null } = {}): Opinion {
  return said('approved', login, how);
}

/** @param login null: a deploy key @param before null: the branch was made */
export function pushed(login: string | null, before: string | null, after: string, time: string): Push {
  return { person: login === null ? null : person(login), before, after, at: at(time) };
}

export const made = pushed('anna', null, head, '08:59');

function standing(role: Standing['role'], ...teams: string[]): Standing {
  const known = Object.fromEntries(['ml', 'risk', 'acme/owners'].map((team) => [team, teams.includes(team) ? 'yes' : 'no'] as const));
  return { role, teams: known };
}

export const everybody: Readonly<Record<string, Standing>> = {
  anna: standing('write', 'ml'),
  bea: standing('write', 'ml'),
  carl: standing('write', 'ml'),
  dora: standing('write', 'risk'),
  emil: standing('read'),
  fay: { role: 'write', teams: { ml: 'unknown', risk: 'unknown', 'acme/owners': 'unknown' } },
  gone: standing('none', 'ml'),
  hugo: { role: 'unknown', teams: { ml: 'unknown', risk: 'unknown', 'acme/owners': 'unknown' } },
  olga: standing('admin', 'acme/owners'),
  robo: standing('write', 'ml'),
};

const facts: PullFacts = {
  forge: 'github',
  number: 7,
  url: 'https://forge.example/acme/bank/pull/7',
  title: 'promote intents to production',
  author: person('anna'),
  fork: false,
  state: 'open',
  baseRef: 'main',
  base,
  head,
  openedAt: at('09:00'),
  merged: null,
  retargetedAt: null,
  files: [path],
  opinions: [],
  pushes: [made],
  triggers: [],
  standing: everybody,
  subjectPaths: [path],
  subjects: { [base]: ofMain, [head]: judged },
  codeowners: null,
  gaps: [],
};

const rule: ApprovalRule = { count: 1, teams: ['ml'], people: [], codeowners: true };

export interface CaseChange {
  readonly facts?: Partial<PullFacts>;
  readonly wanted?: Partial<ApprovalRule>;
  /** `access:` of policy.yaml */
  readonly access?: Partial<Access>;
  readonly waive?: boolean;
  readonly afterMerge?: boolean;
}

export function inputOf(change: CaseChange = {}): ApprovalInput {
  const merged: PullFacts = { ...facts, opinions: [approved('bea')], ...change.facts };
  return {
    facts: { ...merged, subjects: { ...facts.subjects, ...change.facts?.subjects } },
    subject: judged,
    paths: [path],
    wanted: { ...rule, ...change.wanted },
    access: { ...accessSchema.parse({}), ...change.access },
    waive: change.waive ?? false,
    afterMerge: change.afterMerge ?? false,
  };
}
