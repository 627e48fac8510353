// What the stand-in knows. Tests read it and write to it; routes do, too.
import type { ApiProtection, ApiRuleset } from './rule-state.ts';
import type { ApiSettings } from './settings-state.ts';

export type { ApiProtection, ApiRuleset } from './rule-state.ts';

export interface Pull {
  readonly number: number;
  state: 'open' | 'closed';
  /** the commit that it ends with */
  head: string;
  base: string;
  files: readonly { readonly filename: string; readonly status: string; readonly previous_filename?: string }[];
  /** what GitHub says they are, when it is not their number */
  changedFiles?: number;
  /** the oldest first; one, the head, where it is not said */
  commits?: readonly string[];
  baseRef?: string;
  headRef?: string;
  /** 'mallory/r': it comes from a fork; null: from one that is gone; else from the repository itself */
  headRepository?: string | null;
  author?: string;
  title?: string;
  body?: string;
  labels?: string[];
  mergeCommit?: string;
  mergedAt?: string;
  /** default: the token of the job */
  mergedBy?: string;
  openedAt?: string;
  /** what a rule of the repository says against its merge, in GitHub's words; none: nothing */
  blocked?: string;
}

export interface ApiComment {
  readonly id: number;
  /** number of the pull request or issue */
  readonly issue: number;
  body: string;
  readonly login: string;
  /** times that it was edited */
  edits: number;
  createdAt?: string;
  updatedAt?: string;
}

export interface ApiReview {
  readonly id: number;
  readonly pull: number;
  /** null: the account is gone */
  readonly login: string | null;
  readonly bot?: boolean;
  state: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED' | 'PENDING';
  readonly commit: string | null;
  readonly body?: string;
  readonly submittedAt?: string;
}

export interface ApiStatus {
  readonly sha: string;
  readonly context: string;
  readonly state: string;
  readonly description: string;
  readonly target_url?: string;
  /** login of whose token set it; default: that of the job */
  readonly creator?: string;
}

export interface ApiAnnotation {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly annotation_level: string;
  readonly message: string;
  readonly title?: string;
  readonly start_column?: number;
  readonly end_column?: number;
}

export interface ApiCheckRun {
  readonly id: number;
  readonly name: string;
  readonly sha: string;
  /** name of the App whose token made it; default: github-actions */
  readonly app?: string;
  externalId: string;
  status: 'queued' | 'in_progress' | 'completed';
  conclusion: string | null;
  link: string | null;
  title: string | null;
  summary: string | null;
  text: string | null;
  readonly annotations: ApiAnnotation[];
}

export interface ApiReaction {
  readonly id: number;
  readonly comment: number;
  readonly login: string;
  readonly content: string;
}

export interface ApiDispatch {
  readonly workflow: string;
  readonly ref: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly run: number;
}

/** A move of a branch, as GitHub records it. */
export interface ApiActivity {
  readonly id: number;
  /** 'o/r', or a fork */
  readonly repository: string;
  readonly ref: string;
  readonly before: string;
  readonly after: string;
  readonly type: 'push' | 'force_push' | 'branch_creation' | 'branch_deletion' | 'pr_merge' | 'merge_queue_merge';
  /** null: nobody's account */
  readonly actor: string | null;
  readonly at: string;
}

/** What happened to an issue or a pull request. */
export interface ApiIssueEvent {
  readonly id: number;
  readonly issue: number;
  readonly event: string;
  readonly actor: string;
  readonly at: string;
}

export interface ApiIssue {
  readonly number: number;
  readonly login: string;
  title: string;
  body: string;
  state: 'open' | 'closed';
  labels: readonly string[];
  edits: number;
  readonly createdAt: string;
}

/** Of a run that was started again, how it was before. */
export interface ApiRunAttempt {
  /** who started it, or started it again */
  readonly by: string;
  readonly startedAt: string;
  /** null: at work */
  readonly endedAt: string | null;
}

export interface ApiWorkflowRun {
  readonly id: number;
  /** '.github/workflows/promote.yml' */
  readonly file: string;
  readonly event: string;
  readonly branch: string | null;
  readonly sha: string;
  /** the oldest first; the last is what the run shows */
  readonly attempts: readonly ApiRunAttempt[];
}

export interface ApiTeam {
  readonly members: Readonly<Record<string, 'active' | 'pending'>>;
  /** 'org/slug' of the team that it is below */
  readonly parent?: string;
  /** no token here sees it */
  readonly hidden?: boolean;
}

export interface ApiDeployment {
  readonly id: number;
  readonly sha: string;
  readonly environment: string;
  readonly task: string;
  readonly payload: unknown;
  readonly description: string;
  readonly production: boolean;
  readonly creator: string;
  readonly at: string;
  /** the oldest first */
  readonly states: { readonly id: number; readonly state: string; readonly description: string; readonly link: string; readonly creator: string }[];
}

/** A merge against a rule by one who may. One who is `exempt` leaves none. */
export interface ApiBypass {
  readonly pull: number;
  readonly login: string;
  readonly rule: string;
}

/** A pull request in the merge queue, and the branch that is checked for it. */
export interface ApiQueued {
  readonly pull: number;
  /** 'gh-readonly-queue/main/pr-7-<commit of the base>' */
  readonly branch: string;
  readonly head: string;
  readonly base: string;
}

/** Of the next requests of this method and path, so many are answered so. */
export interface Fault {
  readonly method: string;
  /** of the path after /api/v3; as text over HTTP */
  readonly path: RegExp | string;
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly message?: string;
  /** the work is done, and only its answer is lost */
  readonly afterwards?: boolean;
  times: number;
}

/** 'write': all that there is; 'read': every change is refused; else by permission, as in `permissions:` of a job. */
export type Grant = 'read' | 'write' | Readonly<Record<string, 'read' | 'write'>>;

/** Who a token speaks for. */
export interface Actor {
  readonly login: string;
  readonly can: Grant;
  /** name of the App that it is of, which `apps` has a number of */
  readonly app?: string;
}

/** One repository. */
export interface State {
  readonly owner: string;
  readonly repo: string;
  readonly defaultBranch: string;
  /** 'GET /repos/o/r/pulls/7', in the order in which they came; those of git over HTTP are not among them */
  readonly requests: string[];
  /** what GitHub would refuse, or does not describe: a test that is well has none */
  readonly violations: string[];
  readonly pulls: Pull[];
  readonly comments: ApiComment[];
  readonly reviews: ApiReview[];
  readonly statuses: ApiStatus[];
  readonly checkRuns: ApiCheckRun[];
  readonly reactions: ApiReaction[];
  readonly dispatches: ApiDispatch[];
  /** role of a login: admin, maintain, write, triage, read, or a name of the organisation's own with the role below it: 'steward:write' */
  readonly permissions: Record<string, string>;
  /** inputs of the workflows that can be dispatched, by file name; with git they are read from the files */
  readonly workflows: Record<string, readonly string[]>;
  /** the oldest first; a test that takes one away has what GitHub forgot, or does not know yet */
  readonly activities: ApiActivity[];
  /** commits of 'refs/heads/…' where there is no git */
  readonly refs: Record<string, string>;
  readonly issueEvents: ApiIssueEvent[];
  readonly issues: ApiIssue[];
  readonly runs: ApiWorkflowRun[];
  readonly deployments: ApiDeployment[];
  /** of the repository; `settings` has those of its organisation */
  readonly rulesets: ApiRuleset[];
  readonly bypasses: ApiBypass[];
  readonly queue: ApiQueued[];
  /** by branch */
  readonly protections: Record<string, ApiProtection>;
  /** by 'org/slug' */
  readonly teams: Record<string, ApiTeam>;
  /** what it is set to beyond the rules of branches */
  readonly settings: ApiSettings;
  /** number of an App by its name */
  readonly apps: Record<string, number>;
  readonly faults: Fault[];
  /** of the token of the job */
  permission: Grant;
  /** by token */
  readonly actors: Record<string, Actor>;
  /** requests an hour; GitHub gives the token of a job 1,000 for each repository */
  readonly limit: { perHour: number; used: number };
  /** milliseconds */
  now(): number;
}

export interface Answer {
  readonly status: number;
  /** undefined: none */
  readonly body?: unknown;
  /** by which the description names it; default: application/json */
  readonly media?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Asked {
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
  readonly actor: Actor;
  /** media type that was asked for */
  readonly accept: string;
}

/** What answers an operation of the description, by its name: 'GET /repos/{owner}/{repo}/pulls'. */
export interface Route {
  /** of the token: one of these, as in the header x-accepted-github-permissions */
  readonly needs: readonly string[];
  /** asked of forks too */
  readonly forks?: boolean;
  answer(asked: Asked): Answer;
}

export type Routes = Readonly<Record<string, Route>>;

export const missing: Answer = { status: 404, body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest', status: '404' } };

/** 422, and written down: no request of ours should ever be answered so. */
export function invalid(state: State, message: string): Answer {
  state.violations.push(message);
  return refusedAs(422, message);
}

/** An answer that a right request may get. */
export function refusedAs(status: number, message: string): Answer {
  return { status, body: { message, documentation_url: 'https://docs.github.com/rest', status: String(status) } };
}

export const dateOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** What stands for a commit where there is no git. */
export const noCommit = '0123456789abcdef0123456789abcdef01234567';
