// What the stand-in knows. Tests read it and write to it; routes do, too.

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
  readonly state: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED' | 'PENDING';
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
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Asked {
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
  readonly actor: Actor;
}

/** What answers an operation of the description, by its name: 'GET /repos/{owner}/{repo}/pulls'. */
export interface Route {
  /** of the token: one of these, as in the header x-accepted-github-permissions */
  readonly needs: readonly string[];
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
