// The table of docs/approvals.md: each row is a test, and the page is compared with it. Over 400 lines: one table, read as one list.
import {
  approved,
  at,
  base,
  commit,
  everybody,
  head,
  made,
  ofMain,
  other,
  path,
  person,
  pushed,
  said,
  type CaseChange,
  judged,
} from './approval-case.fixture.ts';

export interface ApprovalCase {
  /** begins with the attack that it shows refused, where it is one */
  readonly name: string;
  /** is the pull request approved? */
  readonly holds: boolean | 'unknown';
  /** whose approvals count */
  readonly counted: readonly string[];
  /** for people: the last column */
  readonly why: string;
  /** a piece of what the point says */
  readonly says: string;
  readonly change: CaseChange;
}

export interface CaseGroup {
  readonly title: string;
  readonly cases: readonly ApprovalCase[];
}

type Rest = Omit<ApprovalCase, 'name' | 'holds' | 'counted'>;

function yes(name: string, counted: readonly string[], rest: Rest): ApprovalCase {
  return { name, holds: true, counted, ...rest };
}

function no(name: string, rest: Rest & { counted?: readonly string[] }): ApprovalCase {
  return { name, holds: false, counted: [], ...rest };
}

function open(name: string, rest: Rest & { counted?: readonly string[] }): ApprovalCase {
  return { name, holds: 'unknown', counted: [], ...rest };
}

/** A second commit of the branch, with what is judged, with something else, or one that nobody can read. */
const next = commit('c2');
const old = commit('c0');

/** Of these only some are told by a forge; the rest of a pull request is as always. */
function after(...more: ReturnType<typeof pushed>[]): CaseChange['facts'] & object {
  return { pushes: [made, ...more], head: more.at(-1)?.after ?? head };
}

const bot = { author: person('promoter[bot]'), pushes: [pushed('promoter[bot]', null, head, '08:59')] };
const merged = { state: 'merged', merged: { at: at('11:00'), by: person('anna'), commit: commit('d1') } } as const;

export const caseGroups: readonly CaseGroup[] = [
  {
    title: 'What somebody said',
    cases: [
      yes('bea approves', ['bea'], { why: 'she had no hand in it, is of the team, and saw what is judged', says: 'approved by bea', change: {} }),
      no('nobody approves', { why: 'none is there', says: 'missing: 1', change: { facts: { opinions: [] } } }),
      yes('bea approves, then comments', ['bea'], {
        why: 'a comment takes nothing back',
        says: 'approved by bea',
        change: { facts: { opinions: [approved('bea'), said('commented', 'bea', { time: '10:30' })] } },
      }),
      no('bea only comments', {
        why: 'a comment is no approval, whatever it says',
        says: 'none counts',
        change: { facts: { opinions: [said('commented', 'bea')] } },
      }),
      no('bea approves, then her review is dismissed', {
        why: 'a dismissed review is none',
        says: 'none counts',
        change: { facts: { opinions: [said('dismissed', 'bea')] } },
      }),
      no('bea approves twice, and the second review is dismissed', {
        why: 'the first does not come to life again',
        says: 'none counts',
        change: { facts: { opinions: [approved('bea', { time: '09:30' }), said('dismissed', 'bea')] } },
      }),
      no('bea approves, then asks for changes', {
        why: 'her latest opinion is a no',
        says: 'bea asked for changes',
        change: { facts: { opinions: [approved('bea'), said('changes-requested', 'bea', { time: '10:30' })] } },
      }),
      yes('bea asks for changes, then approves', ['bea'], {
        why: 'her latest opinion is a yes',
        says: 'approved by bea',
        change: { facts: { opinions: [said('changes-requested', 'bea', { time: '09:30' }), approved('bea')] } },
      }),
      yes('carl asked for changes, and that review was dismissed', ['bea'], {
        why: 'nothing stands in the way any more',
        says: 'approved by bea',
        change: { facts: { opinions: [said('dismissed', 'carl'), approved('bea')] } },
      }),
      no('bea approves, dora of another team asks for changes', {
        counted: ['bea'],
        why: 'whoever may write here can stop it',
        says: 'dora asked for changes',
        change: { facts: { opinions: [approved('bea'), said('changes-requested', 'dora')] } },
      }),
      yes('bea approves, emil who may only read asks for changes', ['bea'], {
        why: 'whoever may not write here cannot stop it',
        says: 'approved by bea',
        change: { facts: { opinions: [approved('bea'), said('changes-requested', 'emil')] } },
      }),
      open('bea approves, and what hugo may do who asks for changes is not known', {
        counted: ['bea'],
        why: 'he may be one who can stop it',
        says: 'hugo asked for changes',
        change: { facts: { opinions: [approved('bea'), said('changes-requested', 'hugo')] } },
      }),
      open('bea approves, and an account that is gone asked for changes', {
        counted: ['bea'],
        why: 'it may have been one that could stop it; somebody must dismiss that review',
        says: 'ghost asked for changes',
        change: { facts: { opinions: [said('changes-requested', 'ghost'), approved('ghost', { time: '10:30' }), approved('bea')] } },
      }),
      no('carl asked for changes before what is judged was pushed', {
        counted: ['bea'],
        why: 'it stands until he approves, or somebody dismisses it',
        says: 'carl asked for changes',
        change: { facts: { opinions: [said('changes-requested', 'carl', { time: '09:10', commit: old }), approved('bea')] } },
      }),
    ],
  },
  {
    title: 'Who',
    cases: [
      no('T14: anna approves what she opened', {
        why: 'nobody approves his own',
        says: 'anna opened the pull request',
        change: { facts: { opinions: [approved('anna')] } },
      }),
      no('T14: Anna, in other letters, approves', {
        why: 'forges do not tell upper and lower case apart',
        says: 'opened the pull request',
        change: { facts: { opinions: [approved('ANNA')] } },
      }),
      yes('the policy writes BEA, the forge bea', ['bea'], {
        why: 'the same for the names of the policy',
        says: 'approved by bea',
        change: { wanted: { teams: [], people: ['BEA'] } },
      }),
      no('T23: a bot approves, an AI', {
        why: 'what bots say never counts: whoever writes into what it reads speaks through it',
        says: 'is no person',
        change: { facts: { opinions: [approved('reviewer[bot]')], standing: { ...everybody, 'reviewer[bot]': everybody['bea'] ?? never() } } },
      }),
      no('T23: an account that a workflow has approves, robo of access.machines', {
        why: 'a person for the forge, none for the policy',
        says: 'robo is no person',
        change: { facts: { opinions: [approved('robo')] }, access: { machines: ['Robo'] } },
      }),
      no('T23: a bot asks for changes, and may write here', {
        counted: ['bea'],
        why: 'a no is the safe side; a person can dismiss it',
        says: 'reviewer[bot] asked for changes',
        change: {
          facts: {
            opinions: [approved('bea'), said('changes-requested', 'reviewer[bot]')],
            standing: { ...everybody, 'reviewer[bot]': everybody['bea'] ?? never() },
          },
        },
      }),
      no('dora approves, who is of another team', {
        why: 'one of team ml is asked',
        says: 'dora is not among members of team ml',
        change: { facts: { opinions: [approved('dora')] } },
      }),
      no('two are needed, bea and dora approve', {
        counted: ['bea'],
        why: 'the number must be met by people of the team',
        says: '1 of 2 counts: bea; missing: 1',
        change: { facts: { opinions: [approved('bea'), approved('dora')] }, wanted: { count: 2 } },
      }),
      yes('two are needed, bea and carl approve', ['bea', 'carl'], {
        why: 'both count',
        says: 'approved by bea, carl',
        change: { facts: { opinions: [approved('bea'), approved('carl')] }, wanted: { count: 2 } },
      }),
      no('two are needed, bea approves twice', {
        counted: ['bea'],
        why: 'people are counted, not reviews',
        says: 'missing: 1',
        change: { facts: { opinions: [approved('bea', { time: '09:30' }), approved('bea')] }, wanted: { count: 2 } },
      }),
      no('T14: a second account of the pusher approves, which nobody put into the team', {
        why: 'a new account is of no team and has no role; that two accounts are one person no forge tells',
        says: 'is not among those with role write',
        change: { facts: { opinions: [approved('emil')] } },
      }),
      no('no team is asked, and emil approves who may only read', {
        why: 'without team, people or role it takes the role write',
        says: 'emil is not among those with role write',
        change: { facts: { opinions: [approved('emil')] }, wanted: { teams: [] } },
      }),
      yes('role admin is asked, and olga approves', ['olga'], {
        why: 'she has it',
        says: 'approved by olga',
        change: { facts: { opinions: [approved('olga')] }, wanted: { teams: [], role: 'admin' } },
      }),
      no('bea approves, and access.approve names team risk alone', {
        why: 'access.approve says whose approvals may count at all, a stage narrows it',
        says: 'bea is not among members of team risk',
        change: { access: { approve: { teams: ['risk'], people: [] } } },
      }),
      yes('bea is of a team below ml', ['bea'], {
        why: 'members of teams below are members; the forge says so',
        says: 'approved by bea',
        change: {},
      }),
      no('carl was invited to the team and has not accepted', {
        why: 'only active members count',
        says: 'carl is not among members of team ml',
        change: { facts: { opinions: [approved('carl')], standing: { ...everybody, carl: { role: 'write', teams: { ml: 'no' } } } } },
      }),
      open('fay approves, and the token may not see the team (404)', {
        why: 'hidden is not "no", and not "yes"',
        says: 'fay may not be among members of team ml: the forge does not say',
        change: { facts: { opinions: [approved('fay')] } },
      }),
      no('gone approved, who has no access any more and whom the policy still names', {
        why: 'the name may be of somebody else by now',
        says: 'gone is not among',
        change: { facts: { opinions: [approved('gone')] }, wanted: { teams: ['ml'], people: ['gone'] } },
      }),
      no('an account that is gone approved', {
        why: 'nobody can say whose it was',
        says: 'is an account that is gone',
        change: { facts: { opinions: [approved('ghost')] } },
      }),
      yes('the pull request comes from a fork, of an account that may write here', ['bea'], {
        why: 'what counts is who and what, not where it lies',
        says: 'approved by bea',
        change: { facts: { fork: true } },
      }),
      open('it comes from a fork whose pushes nobody may see', {
        why: 'whoever pushed there may be the one who approves',
        says: 'who pushed to this branch is not known',
        change: { facts: { fork: true, pushes: null } },
      }),
    ],
  },
  {
    title: 'What the reviewer saw',
    cases: [
      yes('bea approved another commit with the same bytes', ['bea'], {
        why: 'bytes count, not commits',
        says: 'approved by bea',
        change: {
          facts: {
            ...after(pushed('anna', head, next, '10:30')),
            subjects: { [next]: judged },
          },
        },
      }),
      no('T15: bea approves, then anna pushes another model', {
        why: 'she approved something else',
        says: 'bea approved something else: commit c100c100c1',
        change: { facts: { ...after(pushed('anna', head, next, '10:30')), subjects: { [head]: other, [next]: judged } } },
      }),
      no('T15: anna pushes another model in the second in which bea approves', {
        why: 'nobody can say which of them she saw',
        says: 'approved while the branch had something else: commit c100c100c1',
        change: {
          facts: {
            ...after(pushed('anna', head, next, '10:00')),
            subjects: { [head]: other, [next]: judged },
            opinions: [approved('bea', { commit: next })],
          },
        },
      }),
      no('T15: the forge moves the approval along to a commit that was pushed by force later', {
        why: 'GitHub does that where the diff stays as it was: what the branch had when she approved says otherwise',
        says: 'approved while the branch had something else',
        change: {
          facts: {
            ...after(pushed('anna', head, next, '10:30')),
            subjects: { [head]: other, [next]: judged },
            opinions: [approved('bea', { commit: next })],
          },
        },
      }),
      no('T17: bea approved an older commit, while the branch had something else', {
        why: 'both must be what is judged: the commit of the review, and what the branch had',
        says: 'approved while the branch had something else',
        change: {
          facts: {
            ...after(pushed('anna', head, next, '09:30'), pushed('anna', next, head, '10:30')),
            subjects: { [next]: other },
          },
        },
      }),
      yes('T15: the branch is pushed away by force and back again', ['bea'], {
        why: 'she saw what is judged now',
        says: 'approved by bea',
        change: {
          facts: {
            ...after(pushed('anna', head, next, '10:30'), pushed('anna', next, head, '10:40')),
            subjects: { [next]: other },
          },
        },
      }),
      no('T17: an old approval of another model, from a pull request of the same branch', {
        why: 'it was of other bytes',
        says: 'bea approved something else',
        change: { facts: { opinions: [approved('bea', { commit: old })], subjects: { [old]: other } } },
      }),
      no('the forge no longer says what bea saw', {
        why: 'then nobody knows',
        says: 'the forge no longer says what',
        change: { facts: { opinions: [approved('bea', { commit: null })] } },
      }),
      open('bea approved a commit that nobody can read any more', {
        why: 'what is not known never counts',
        says: 'which cannot be read',
        change: { facts: { opinions: [approved('bea', { commit: old })], subjects: { [old]: null } } },
      }),
      yes('the main branch is merged into it after bea approved', ['bea'], {
        why: 'the bytes that are decided about are the same',
        says: 'approved by bea',
        change: { facts: { ...after(pushed('dora', head, next, '10:30')), subjects: { [next]: judged } } },
      }),
      yes('it is rebased onto the main branch after bea approved', ['bea'], {
        why: 'as before: all its commits are others, the bytes are not',
        says: 'approved by bea',
        change: {
          facts: { ...after(pushed('anna', head, next, '10:30')), subjects: { [next]: judged }, opinions: [approved('bea', { commit: next })] },
        },
      }),
      yes('it is squashed into one commit of the main branch', ['bea'], {
        why: 'the commit of the main branch has the bytes that she saw',
        says: 'approved by bea',
        change: { facts: merged },
      }),
      yes('a merge queue merges it, after others', ['bea'], {
        why: 'the same',
        says: 'approved by bea',
        change: { facts: { ...merged, base: commit('ba5f'), subjects: { [commit('ba5f')]: ofMain } } },
      }),
      no('T15: bea approves, then it is led to another base branch', {
        why: 'she approved it for another branch',
        says: 'approved before it was led to another base branch',
        change: { facts: { retargetedAt: at('10:30') } },
      }),
      no('T15: it is led to another base branch in the second in which bea approves', {
        why: 'nobody can say which came first',
        says: 'approved before it was led to another base branch',
        change: { facts: { retargetedAt: at('10:00') } },
      }),
      yes('it was led to another base branch before bea approved', ['bea'], {
        why: 'she saw where it goes',
        says: 'approved by bea',
        change: { facts: { retargetedAt: at('09:30') } },
      }),
      no('T16: what was merged has a pointer that the pull request does not show', {
        why: 'she may have seen another one alone: a branch can be made of a commit that main had for a moment',
        says: 'the pull request does not show it',
        change: { facts: { files: ['models/rates/production.json'], state: 'merged' } },
      }),
      no('bea approves after the merge, and the check asks', {
        why: 'a merge is not approved by what comes after it',
        says: 'approved after it was merged',
        change: { facts: { ...merged, opinions: [approved('bea', { time: '11:30' })] } },
      }),
      yes('bea approves after the merge, and reconcile asks, which did not serve it', ['bea'], {
        why: 'so a merge without approval heals; until then the old model is served',
        says: 'approved by bea',
        change: { facts: { ...merged, opinions: [approved('bea', { time: '11:30' })] }, afterMerge: true },
      }),
    ],
  },
  {
    title: 'Who pushed, and who started the bot',
    cases: [
      no('T14: bea pushes the model onto the branch of anna, and approves', {
        why: 'whoever brought what is judged does not approve it',
        says: 'bea pushed what it decides',
        change: {
          facts: {
            ...after(pushed('bea', head, next, '09:30')),
            subjects: { [head]: other, [next]: judged },
            opinions: [approved('bea', { commit: next })],
          },
        },
      }),
      no('T14: bea pushed another model before, and approves the one that anna pushed over it', {
        why: 'she had a hand in it',
        says: 'bea pushed what it decides',
        change: {
          facts: {
            ...after(pushed('bea', head, next, '09:30'), pushed('anna', next, head, '09:40')),
            subjects: { [next]: other },
          },
        },
      }),
      yes('bea pushed last, an update from the main branch, and approves', ['bea'], {
        why: 'she brought nothing that is decided about; else whoever helps with a merge could not approve any more',
        says: 'approved by bea',
        change: {
          facts: { ...after(pushed('bea', head, next, '09:30')), subjects: { [next]: judged }, opinions: [approved('bea', { commit: next })] },
        },
      }),
      yes('bea made the branch from main, anna pushed the model', ['bea'], {
        why: 'a branch like the main branch decides nothing',
        says: 'approved by bea',
        change: { facts: { pushes: [pushed('bea', null, base, '08:50'), pushed('anna', base, head, '08:59')] } },
      }),
      open('T14: bea pushed something that nobody can read any more, and approves', {
        why: 'it may have been the model',
        says: 'bea pushed commits to it that cannot be read any more',
        change: {
          facts: { ...after(pushed('bea', head, next, '09:30'), pushed('anna', next, head, '09:40')), subjects: { [next]: null } },
        },
      }),
      no('T14: a deploy key pushes the model', {
        why: 'anybody may have it, also whoever approves',
        says: "nobody's account, such as a deploy key",
        change: { facts: { pushes: [pushed(null, null, head, '08:59')] } },
      }),
      yes('a deploy key merged the main branch into it', ['bea'], {
        why: 'it brought nothing',
        says: 'approved by bea',
        change: {
          facts: { ...after(pushed(null, head, next, '09:30')), subjects: { [next]: judged }, opinions: [approved('bea', { commit: next })] },
        },
      }),
      no('the commits say that anna wrote them, the forge that an account pushed them that is gone', {
        why: 'what a commit says is not asked: anybody writes anything there',
        says: "nobody's account",
        change: { facts: { pushes: [pushed('ghost', null, head, '08:59')] } },
      }),
      open('T15: the forge does not list the latest push yet', {
        why: 'whoever pushed it may be bea',
        says: 'does not list the latest push yet',
        change: { facts: { head: next, subjects: { [next]: judged }, opinions: [approved('bea', { commit: next })] } },
      }),
      open('T15: the branch moves while it is judged', {
        why: 'what is judged is not what is there any more',
        says: 'or the branch moved meanwhile',
        change: { facts: { pushes: [made, pushed('carl', head, next, '10:30')], subjects: { [next]: judged } } },
      }),
      open('the list of pushes has a gap', {
        why: 'whoever is missing may be bea',
        says: 'the forge does not say who moved this branch',
        change: { facts: { ...after(pushed('anna', old, next, '09:30')), subjects: { [next]: judged, [old]: judged } } },
      }),
      yes('after the merge the branch goes on', ['bea'], {
        why: 'that is no part of what was merged',
        says: 'approved by bea',
        change: { facts: { ...merged, pushes: [made, pushed('bea', head, next, '11:30')], subjects: { [next]: other } } },
      }),
      yes('a bot promotes, carl started its job, bea approves', ['bea'], {
        why: 'the bot is not counted, and carl stands for it',
        says: 'approved by bea',
        change: { facts: { ...bot, triggers: [person('carl')] } },
      }),
      no('T14: a bot promotes, bea started its job, and approves', {
        why: 'what a bot does was done by whoever started it',
        says: 'bea started a job that was at work when it was made',
        change: { facts: { ...bot, triggers: [person('bea')] } },
      }),
      no('T27: two jobs were at work when the bot pushed, of carl and of bea, and bea approves', {
        why: 'which of them it was nobody can tell: a branch name, a body or a commit may lie',
        says: 'bea started a job',
        change: { facts: { ...bot, triggers: [person('carl'), person('bea')] } },
      }),
      no('T27: a bot promotes, and no job was at work', {
        why: 'who made it do that is not known, so it may be anybody',
        says: 'is a bot, and no job of a promotion was at work then',
        change: { facts: { ...bot, triggers: [] } },
      }),
      no('T27: a bot promotes, and its job was started by a bot', {
        why: 'whoever is behind that one is not known',
        says: 'which is no person',
        change: { facts: { ...bot, triggers: [person('other[bot]')] } },
      }),
      open('a bot promotes, and the forge does not say who started its job', {
        why: 'whoever did may approve',
        says: 'whose jobs were at work when it was made is not known',
        change: { facts: { ...bot, triggers: null } },
      }),
      no('T14: robo of access.machines promotes, and no job was at work', {
        why: 'a token of a machine is a bot, whatever the forge says of the account',
        says: 'robo is a bot',
        change: { facts: { author: person('robo'), pushes: [pushed('robo', null, head, '08:59')] }, access: { machines: ['robo'] } },
      }),
      no("T14: a job has anna's token, bea started it, and approves", {
        why: 'jobs are looked for whoever seems to have pushed',
        says: 'bea started a job',
        change: { facts: { triggers: [person('bea')] } },
      }),
      yes('a bot merges the main branch into what anna pushed', ['bea'], {
        why: 'it brought nothing',
        says: 'approved by bea',
        change: { facts: { ...after(pushed('updater[bot]', head, next, '10:30')), subjects: { [next]: judged } } },
      }),
      no('the account that opened it is gone', {
        why: 'who brought it cannot be told apart from who approves it',
        says: 'the account that opened it is gone',
        change: { facts: { author: null } },
      }),
    ],
  },
  {
    title: 'CODEOWNERS',
    cases: [
      no('CODEOWNERS names olga for the pointer, and bea approves', {
        counted: ['bea'],
        why: 'one of the owners must be among them',
        says: `${path} is owned by @olga (line 1 of CODEOWNERS), and none of them approved`,
        change: { facts: { codeowners: '/models/ @olga\n' } },
      }),
      yes('CODEOWNERS names olga, and olga and bea approve', ['bea', 'olga'], {
        why: 'the number by the team, and an owner',
        says: 'olga for the owners',
        change: { facts: { codeowners: '/models/ @Olga # the models\n', opinions: [approved('bea'), approved('olga')] } },
      }),
      yes('CODEOWNERS names a team, and one of it approves', ['bea', 'olga'], {
        why: 'as a person',
        says: 'olga for the owners',
        change: { facts: { codeowners: '* @acme/owners\n', opinions: [approved('bea'), approved('olga')] } },
      }),
      no('T14: the only owner opened the pull request', {
        counted: ['bea'],
        why: 'an owner does not approve his own either',
        says: 'owned by @anna',
        change: { facts: { codeowners: '* @anna\n', opinions: [approved('bea'), approved('anna')] } },
      }),
      yes('a later line of CODEOWNERS matches as well', ['bea'], {
        why: 'the last that matches counts',
        says: 'bea for the owners',
        change: { facts: { codeowners: '* @olga\n/models/ @bea\n' } },
      }),
      yes('a later line of CODEOWNERS matches and names nobody', ['bea'], {
        why: 'it takes the path out',
        says: 'approved by bea',
        change: { facts: { codeowners: '* @olga\n/models/\n' } },
      }),
      no('T12: a line of CODEOWNERS that may be about the pointer does not parse', {
        counted: ['bea'],
        why: 'GitHub skips it and tells nobody; who owns the pointer is not clear then',
        says: 'line 2 of CODEOWNERS may be about it',
        change: { facts: { codeowners: '* @bea\n/models/ olga\n' } },
      }),
      no('CODEOWNERS has 3 MB', {
        counted: ['bea'],
        why: 'no forge reads it then, so that nobody would own anything',
        says: 'CODEOWNERS has 3 MB or more',
        change: { facts: { codeowners: '* @bea\n'.padEnd(3_000_000, '#') } },
      }),
      no('CODEOWNERS names an e-mail address', {
        counted: ['bea'],
        why: 'whose account that is no forge says, and commits are not asked',
        says: 'name the account',
        change: { facts: { codeowners: '* bea@acme.example\n' } },
      }),
      yes('CODEOWNERS of the pull request names bea alone, that of the base nobody', ['bea'], {
        why: 'the base counts, always',
        says: 'approved by bea',
        change: { facts: { codeowners: null } },
      }),
      open('CODEOWNERS of the base cannot be read', {
        counted: ['bea'],
        why: 'it may name somebody',
        says: 'could not be read',
        change: { facts: { codeowners: undefined } },
      }),
      yes('CODEOWNERS names olga, and the policy says `codeowners: false`', ['bea'], {
        why: 'it is the policy that asks for owners',
        says: 'approved by bea',
        change: { facts: { codeowners: '* @olga\n' }, wanted: { codeowners: false } },
      }),
      yes('on Gitea all lines that match count', ['bea'], {
        why: 'its patterns are regular expressions, and the last is not the only one',
        says: 'bea for the owners',
        change: { facts: { forge: 'gitea', codeowners: 'models/.* @bea\nmodels/intents/.*\\\\.json @olga\n' } },
      }),
    ],
  },
  {
    title: 'What the policy asks',
    cases: [
      yes('the policy asks for nobody, and nobody approves', [], {
        why: 'as it says',
        says: 'approved by nobody, and nobody is asked',
        change: { facts: { opinions: [] }, wanted: { count: 0, teams: [] } },
      }),
      yes('the fast lane asks for nobody, and carl asks for changes', [], {
        why: 'a way back is not held up by a no; what the forge protects is its own',
        says: 'none is needed',
        change: { facts: { opinions: [said('changes-requested', 'carl')] }, wanted: { count: 0, teams: [], codeowners: false } },
      }),
      no('the gate does not hold, and bea approves', {
        counted: ['bea'],
        why: 'it takes one of access.waive as well',
        says: 'its gate does not hold',
        change: { waive: true },
      }),
      yes('the gate does not hold, and bea and olga approve', ['bea', 'olga'], {
        why: 'olga is an admin, as access.waive asks by default',
        says: 'waived by olga',
        change: { waive: true, facts: { opinions: [approved('bea'), approved('olga')] } },
      }),
      no('T14: the gate does not hold, and the admin who opened it approves', {
        counted: ['bea'],
        why: 'nobody waives for himself',
        says: 'its gate does not hold',
        change: { waive: true, facts: { author: person('olga'), opinions: [approved('bea'), approved('olga')] } },
      }),
    ],
  },
  {
    title: 'What is not known',
    cases: [
      open('the forge lists no reviews, or not all of them (its cap is reached)', {
        why: 'a part is never taken for the whole',
        says: 'the forge does not say who approved it, or not all of it',
        change: { facts: { opinions: null, gaps: ['its reviews: the list ends after 1,000'] } },
      }),
      open('the forge does not list all files of the pull request', {
        why: 'what is approved is not known',
        says: 'which pointers it changes is not known',
        change: { facts: { files: null, subjectPaths: null } },
      }),
      open('the pull request changes other pointers by now', {
        why: 'it moved while it was judged',
        says: 'or they changed meanwhile',
        change: { facts: { subjectPaths: [path, 'models/rates/production.json'] } },
      }),
      open('whether it was led to another base branch is not known', {
        why: 'it may have been',
        says: 'whether it was led to another base branch is not known',
        change: { facts: { retargetedAt: 'unknown' } },
      }),
      open('the forge keeps no list of pushes', {
        why: 'whoever pushed may approve',
        says: 'who pushed to this branch is not known',
        change: { facts: { pushes: null } },
      }),
      open('nothing is known at all', {
        why: 'nothing counts',
        says: 'no approval counts',
        change: {
          facts: {
            opinions: null,
            pushes: null,
            triggers: null,
            retargetedAt: 'unknown',
            standing: {},
            subjects: { [head]: null, [base]: null },
            subjectPaths: null,
            codeowners: undefined,
          },
        },
      }),
    ],
  },
];

function never(): never {
  throw new Error('everybody is there');
}
