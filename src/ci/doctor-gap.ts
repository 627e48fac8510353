// The gaps that `plumb doctor --forge` knows: what each is, which of the attacks of docs/security.md it opens, and how it would be used.
import type { SettingChange } from '../forge/settings.ts';

export const severities = ['critical', 'high', 'medium', 'unknown'] as const;
/**
 * critical: somebody who may not write gets a model out, or nobody would notice. high: one person with the right to write does it alone.
 * medium: it takes an administrator, or a second mistake. unknown: it could not be read, which is never taken for well.
 */
export type Severity = (typeof severities)[number];

interface GapKind {
  readonly severity: Severity;
  /** 'T16'; none: it is of no single one */
  readonly attacks: readonly string[];
  readonly title: string;
  /** two sentences */
  readonly how: string;
}

/** code -> what it is. The only list of them; docs/doctor.md has it as a table, and a test compares the two. */
export const gapTable = {
  PULL_NOT_REQUIRED: {
    severity: 'critical',
    attacks: ['T16'],
    title: 'a push to the main branch needs no pull request',
    how: 'Whoever may write pushes a workflow file that reads the keys, or a pointer, straight to main. There is no review that could stop it, and the job signs what it is told to.',
  },
  CHECK_NOT_REQUIRED: {
    severity: 'critical',
    attacks: ['T13', 'T16'],
    title: 'the promotion check is not required',
    how: 'A pull request that moves a pointer is merged while the check is red, or was never run. Main then names a model that nothing vouches for, until `plumb reconcile` refuses it.',
  },
  CHECK_NOT_BOUND: {
    severity: 'critical',
    attacks: ['T13'],
    title: 'anybody who may set a status can set the promotion check',
    how: 'A pull request brings a workflow of its own that says `success` under the name of the check. The forge asks for the name only, and lets it be merged.',
  },
  CHECK_APP_UNNAMED: {
    severity: 'medium',
    attacks: ['T13'],
    title: 'policy.yaml does not say which App sets the promotion check',
    how: 'The rule binds the check to some App, and nobody notices when it is led to another one. What `plumb reconcile` finds by itself does not depend on it.',
  },
  REVIEW_NOT_REQUIRED: {
    severity: 'high',
    attacks: ['T14'],
    title: 'workflow files and policy.yaml are merged without approval',
    how: 'One person merges a workflow that runs on main with the keys of main, and takes or uses them. The log of decisions is then signed by a job that nobody looked at.',
  },
  STALE_APPROVALS_KEPT: {
    severity: 'high',
    attacks: ['T15'],
    title: 'approvals stay when something else is pushed',
    how: 'A harmless change is approved, then the branch gets another one, and it is merged with the old approval. Promotions are bound to what was seen; workflow files and policy.yaml are not.',
  },
  LAST_PUSH_UNAPPROVED: {
    severity: 'high',
    attacks: ['T14', 'T15'],
    title: 'the last pusher may be the one who approves',
    how: 'Somebody pushes to a pull request of another person and approves it. Two people seem to have looked at it; one wrote it and let it through.',
  },
  BOTS_MAY_APPROVE: {
    severity: 'high',
    attacks: ['T14'],
    title: 'jobs may approve pull requests',
    how: "A workflow of the pull request itself approves it with the token of its job. The required approval is then nobody's.",
  },
  RULES_EXEMPT: {
    severity: 'critical',
    attacks: ['T16'],
    title: 'somebody is exempt from the rules of the branch',
    how: 'Whoever is exempt pushes and merges as if there were no rule. No record says that a rule was passed by, so nobody finds it afterwards.',
  },
  RULES_BYPASSED: {
    severity: 'high',
    attacks: ['T16'],
    title: 'somebody may pass by the rules of the branch',
    how: 'Whoever is on the list merges a promotion that nobody approved, or pushes it. The forge keeps a record and does not stop it.',
  },
  ADMINS_NOT_INCLUDED: {
    severity: 'high',
    attacks: ['T16'],
    title: 'administrators are not bound by the protection of the branch',
    how: 'An administrator, or whoever got the session of one, merges or pushes without approval and without the check. One stolen account is then enough.',
  },
  FORCE_PUSH_ALLOWED: {
    severity: 'high',
    attacks: ['T29'],
    title: 'the history of the main branch can be rewritten',
    how: 'A force push takes a revocation or a promotion out of history, as if it had never been. Servers that follow main then see another past.',
  },
  DELETION_ALLOWED: {
    severity: 'medium',
    attacks: ['T29'],
    title: 'the main branch can be deleted',
    how: 'The branch is deleted and made again with another history. That is a rewrite that no rule about force pushes stops.',
  },
  AUDIT_REWRITABLE: {
    severity: 'critical',
    attacks: ['T29'],
    title: 'the log of decisions can be rewritten or deleted',
    how: 'Whoever may write pushes a shorter log over the real one, so that what was decided last never happened. `plumb audit verify` tells it only to somebody who still has the newer head.',
  },
  POLICY_WANTS_NO_APPROVAL: {
    severity: 'high',
    attacks: ['T14'],
    title: "policy.yaml wants nobody's approval for production",
    how: 'A promotion that its own author opens is merged by him as soon as the gate holds. No second person has seen the evidence.',
  },
  POLICY_MISSING: {
    severity: 'unknown',
    attacks: [],
    title: 'policy.yaml of the main branch cannot be read',
    how: 'What is required, and who may approve, stands in it. Without it the gaps below are judged by defaults, and some cannot be seen.',
  },
  CODEOWNERS_OPEN: {
    severity: 'medium',
    attacks: ['T12', 'T14'],
    title: 'nobody owns files that decide who may promote',
    how: 'A change of a workflow file, of policy.yaml or of CODEOWNERS itself is approved by anybody who may write, a friend of the author for example. It asks none of those who answer for it.',
  },
  CODEOWNERS_BROKEN: {
    severity: 'medium',
    attacks: ['T14'],
    title: 'CODEOWNERS has lines that the forge does not understand',
    how: 'A line with a mistake is skipped without a word, and its files have no owner. A change of them needs no approval of theirs.',
  },
  CODEOWNERS_NOT_REQUIRED: {
    severity: 'medium',
    attacks: ['T14'],
    title: 'owners are named, and their approval is not required',
    how: 'CODEOWNERS asks its owners for a review, and a merge does not wait for it. Any other approval is enough.',
  },
  TOKEN_WRITES_BY_DEFAULT: {
    severity: 'high',
    attacks: ['T4', 'T5'],
    title: 'the token of every job may write where its workflow does not say',
    how: 'A training job, or an action that it uses, takes the token of its job and pushes, sets statuses or deploys with it. Nothing in the workflow file shows that it could.',
  },
  ACTIONS_UNRESTRICTED: {
    severity: 'medium',
    attacks: ['T7'],
    title: 'workflows may use actions of anybody',
    how: 'A pull request adds an action of a stranger to a workflow, one line among many. It runs with the token and the secrets of the job.',
  },
  SHA_PINNING_OFF: {
    severity: 'medium',
    attacks: ['T7'],
    title: 'actions need not be named by a whole commit',
    how: 'A workflow names an action by a tag, and the tag is moved to code that takes secrets. That was done to widely used actions in March 2025.',
  },
  FORK_RUNS_UNAPPROVED: {
    severity: 'high',
    attacks: ['T1'],
    title: 'workflows of pull requests from forks run without approval',
    how: 'A stranger opens a pull request whose workflow does what he likes on your runners. A first one that corrects a comma makes him somebody who is known.',
  },
  FORKS_GET_SECRETS: {
    severity: 'critical',
    attacks: ['T1', 'T26'],
    title: 'workflows of forks get secrets, or a token that writes',
    how: 'Whoever can read the repository forks it, and his workflow has the keys and the token of this one. No right to write is needed to promote.',
  },
  RUNNER_ON_PUBLIC: {
    severity: 'critical',
    attacks: ['T1', 'T8'],
    title: 'a public repository has runners of its own',
    how: 'A pull request of a stranger runs on a machine of yours, and leaves something there that the next job finds. That job may be the one that signs.',
  },
  ENVIRONMENT_OPEN: {
    severity: 'high',
    attacks: ['T24'],
    title: 'an environment that holds secrets, or is deployed to, takes jobs of any branch',
    how: 'Whoever may push a branch adds a job with this environment to a workflow there, and has its keys, or its OIDC subject. No pull request is needed.',
  },
  ENVIRONMENT_ADMINS_BYPASS: {
    severity: 'medium',
    attacks: ['T16'],
    title: 'administrators may pass by the reviewers of an environment',
    how: 'An administrator, or whoever got the session of one, lets a deployment through that nobody reviewed. The reviewers are not asked.',
  },
  ENVIRONMENT_SELF_REVIEW: {
    severity: 'medium',
    attacks: ['T14'],
    title: 'who starts a deployment may review it',
    how: 'A reviewer starts a job with this environment and lets it through himself. What looks like two people is one.',
  },
  KEY_IN_REPOSITORY_SECRETS: {
    severity: 'high',
    attacks: ['T24'],
    title: 'a key that signs or writes is a secret of the repository',
    how: 'Whoever may push a branch adds a workflow there that prints the key, a little changed so that it is not masked. With it he signs runs, records and statuses as if he were main.',
  },
  OIDC_SUBJECT_BROAD: {
    severity: 'medium',
    attacks: ['T24'],
    title: 'the subject of OIDC tokens does not name the workflow',
    how: 'A cloud role that trusts the subject trusts every workflow of that branch or environment, the one with the careless step too. A job that was made for tests gets the rights of the one that deploys.',
  },
  TRUST_BY_NAME: {
    severity: 'medium',
    attacks: ['T24'],
    title: 'keyless signatures are believed by the name of the repository alone',
    how: 'The repository is renamed or deleted, and somebody else takes its name and its workflow paths. What his jobs sign is then believed.',
  },
  WORKFLOW_RUNS_FORK_CODE: {
    severity: 'critical',
    attacks: ['T2', 'T26'],
    title: 'a workflow with the rights of main checks out what a stranger wrote',
    how: 'A stranger opens a pull request, and the workflow runs his code with a token that writes and with the secrets of the repository. He needs no right at all.',
  },
  WORKFLOW_INJECTION: {
    severity: 'high',
    attacks: ['T3'],
    title: 'a workflow writes text of strangers into a script',
    how: 'A title, a branch name or a comment such as `"; curl … | sh; "` becomes part of the script. It runs with the rights of the job.',
  },
  WORKFLOW_PERMISSIONS_MISSING: {
    severity: 'medium',
    attacks: ['T5'],
    title: 'a workflow does not say what its token may',
    how: 'The job has whatever the repository or the organisation gives by default, today or after somebody changed it. A job that only reads could then push.',
  },
  SECRETS_ON_FOREIGN_EVENT: {
    severity: 'medium',
    attacks: ['T2', 'T4'],
    title: 'a workflow that strangers can start reads secrets outside of an environment',
    how: 'A comment or a pull request of a stranger starts a job that has a secret in reach; one careless step is enough to lose it. An environment that only main may use would ask first.',
  },
  ACTION_UNPINNED: {
    severity: 'high',
    attacks: ['T7'],
    title: 'a workflow names an action by a tag or a branch',
    how: 'The tag is moved to other code, which then runs with the token and the secrets of the job. Nothing in this repository changes when it happens.',
  },
  CHECKOUT_KEEPS_TOKEN: {
    severity: 'medium',
    attacks: ['T25'],
    title: 'a checkout leaves the token of the job on the disk',
    how: 'A later step, a training job for example, reads the token from .git/config or beside it. It may then do what the job may.',
  },
  DEPLOY_KEY_WRITES: {
    severity: 'medium',
    attacks: ['T14'],
    title: 'a deploy key may write',
    how: 'Whoever has the key pushes as nobody: no account, no second factor, no one to ask. Its pushes count for no person, and so approvals after them are judged blindly.',
  },
  OUTSIDER_ADMINISTERS: {
    severity: 'medium',
    attacks: ['T16'],
    title: 'somebody outside the organisation administers the repository',
    how: 'The account is not bound by the rules of the organisation, such as a second factor or its sign-on. Whoever gets it changes all the rules above, and back again.',
  },
  HOOK_UNSIGNED: {
    severity: 'medium',
    attacks: ['T19'],
    title: 'a webhook has no secret, or does not check whom it talks to',
    how: 'Whoever knows the address sends events that nobody can tell from real ones. `plumb serve` believes none without a signature; other receivers may.',
  },
  UNREADABLE: {
    severity: 'unknown',
    attacks: [],
    title: 'a setting cannot be read with this token',
    how: 'Whatever is set there may be the way in. Give the token the permission that is named, or look at the page.',
  },
} as const satisfies Readonly<Record<string, GapKind>>;

export type GapCode = keyof typeof gapTable;

/** How a gap is closed: by requests that `--fix` can make, or by hand. */
export type Closing =
  | { readonly kind: 'requests'; readonly requests: readonly SettingChange[] }
  | { readonly kind: 'page'; readonly url: string; readonly say: string };

export interface Gap {
  readonly code: GapCode;
  readonly severity: Severity;
  /** what has it: 'main', 'environment production', '.github/workflows/pr.yml:12'; names are as the forge gives them */
  readonly subject: string;
  /** what was found, one line */
  readonly what: string;
  readonly how: string;
  readonly closing: Closing;
}

export interface Found {
  readonly subject: string;
  readonly what: string;
  readonly closing: Closing;
  /** where it is worse or less than usual */
  readonly severity?: Severity;
}

export function gap(code: GapCode, { subject, what, closing, severity }: Found): Gap {
  const kind: GapKind = gapTable[code];
  return { code, severity: severity ?? kind.severity, subject, what, how: kind.how, closing };
}

export function onPage(url: string, say: string): Closing {
  return { kind: 'page', url, say };
}

export function byRequest(...requests: readonly SettingChange[]): Closing {
  return { kind: 'requests', requests };
}
