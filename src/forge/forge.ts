// What we ask of a forge, and nothing more: so narrow that another forge is one file. An adapter keeps its token to itself: no error, no
// log line and no returned value holds it. One suite of tests, forge.contract.ts, runs on every adapter.

export interface PullRequest {
  readonly number: number;
  /** the commit that it ends with now; not the merge commit that a forge may make of it */
  readonly head: string;
  /** the commit of the branch that it would be merged into, as the forge last saw it */
  readonly base: string;
  /** name of the branch that it would be merged into, without refs/heads/ */
  readonly baseRef: string;
  /** name of the branch that it comes from, in headRepository */
  readonly headRef: string;
  /** owner/name; null when the fork is gone */
  readonly headRepository: string | null;
  /** its commits come from another repository, or from one that is gone: not code of people who may write here */
  readonly fork: boolean;
  readonly state: 'open' | 'closed' | 'merged';
  /** login of who opened it */
  readonly author: string;
  /** what the forge says of that account */
  readonly authorKind: Account['kind'];
  readonly openedAt: Date;
  /** null: not merged, or the account is gone */
  readonly mergedBy: Account | null;
  readonly mergedAt: Date | null;
  readonly title: string;
  readonly labels: readonly string[];
  /** the commit of the base branch that its merge made, whatever the method; null until it is merged */
  readonly mergeCommit: string | null;
  /** its page */
  readonly url: string;
}

export interface ChangedFile {
  /** '/' between names, relative to the top of the repository */
  readonly path: string;
  readonly change: 'added' | 'removed' | 'modified' | 'renamed' | 'copied' | 'changed' | 'unchanged';
  /** where a renamed or copied file was */
  readonly previousPath: string | null;
}

export interface Comment {
  /** one HTML comment, `<!-- ... -->`: the first line of the text; readers do not see it, and it finds the comment again */
  readonly marker: string;
  /** Markdown; what others wrote is escaped already. With the marker at most 65,536 characters. */
  readonly body: string;
}

export interface PostedComment {
  readonly url: string;
  readonly state: 'made' | 'updated' | 'unchanged';
  /** login of whoever the forge says wrote it */
  readonly author: string;
}

/** A comment of anyone in the conversation of a pull request (or an issue). */
export interface ReadComment {
  readonly id: number;
  /** of the pull request or issue that it stands below */
  readonly number: number;
  readonly author: string;
  /** as it is now, which may not be how it was when it was made */
  readonly body: string;
  readonly createdAt: Date;
  /** later than createdAt when it was edited */
  readonly updatedAt: Date;
  readonly url: string;
}

export interface Status {
  /** the name that a branch protection rule can require */
  readonly context: string;
  readonly state: 'success' | 'failure' | 'error' | 'pending';
  /** plain text, cut at 140 characters */
  readonly description: string;
  /** http(s) address of the details */
  readonly link: string | null;
}

export interface Review {
  readonly id: number;
  readonly author: string;
  /** said by an app or another account that the forge marks as no person's */
  readonly bot: boolean;
  /** what the forge says of the account: a deleted one is unknown */
  readonly authorKind: Account['kind'];
  /** on Gitea the earlier opinion of a person counts as dismissed once there is a later one */
  readonly state: 'approved' | 'changes-requested' | 'commented' | 'dismissed';
  /** what the reviewer saw; null when the forge no longer says */
  readonly commit: string | null;
  readonly submittedAt: Date;
  readonly body: string;
}

export interface NewPullRequest {
  /** name of a branch of this repository */
  readonly head: string;
  readonly base: string;
  readonly title: string;
  readonly body: string;
}

export interface Merge {
  /** the commit that it must end with still: what was looked at */
  readonly head: string;
  readonly method: 'merge' | 'squash' | 'rebase';
}

export interface Dispatch {
  /** file name below the folder of workflows: 'fork.yml' */
  readonly workflow: string;
  /** branch or tag whose file of that name runs */
  readonly ref: string;
  /** at most 25 */
  readonly inputs: Readonly<Record<string, string>>;
}

/** What may be done with a repository, more first. */
export type Permission = 'admin' | 'maintain' | 'write' | 'triage' | 'read' | 'none';

export type Reaction = '+1' | '-1' | 'eyes' | 'rocket' | 'confused' | 'heart' | 'hooray' | 'laugh';

/** One repository on a forge. Every method throws PlumbError FORGE_FAILED, FORGE_DENIED or FORGE_BUSY. */
export interface Forge {
  readonly kind: 'github' | 'gitea';
  /** requests sent so far, those sent again and those answered "not modified" too */
  readonly requests: number;
  /** where the forge has check runs, which carry annotations on lines of files */
  readonly checks: Checks | null;
  /** By its number, or the open one that ends with a commit (of several, the oldest); null: no open one ends with it. */
  findPullRequest(by: { readonly number: number } | { readonly commit: string }): Promise<PullRequest | null>;
  /**
   * The merged pull requests that brought a commit into their base branch, the oldest first. Gitea knows only those whose merge made this
   * very commit, not what came in with it.
   */
  pullRequestsOfCommit(commit: string): Promise<readonly PullRequest[]>;
  /**
   * All files that a pull request changes, in the forge's order.
   * @throws PlumbError FORGE_LIMIT when the forge does not list all of them: a part is never taken for the whole
   */
  changedFiles(pullRequest: number): Promise<readonly ChangedFile[]>;
  /**
   * All commits of a pull request, the oldest first.
   * @throws PlumbError FORGE_LIMIT when the forge does not list all of them
   */
  commits(pullRequest: number): Promise<readonly string[]>;
  /** What was said on a pull request, the oldest first; requests to review and drafts of others are not. */
  reviews(pullRequest: number): Promise<readonly Review[]>;
  /**
   * Makes the comment with this marker, or brings it up to date. Only a comment of our own author counts: a marker that someone else
   * wrote is not ours to fill.
   */
  upsertComment(pullRequest: number, comment: Comment): Promise<PostedComment>;
  /** Our own with this marker; null where there is none. */
  findComment(pullRequest: number, marker: string): Promise<ReadComment | null>;
  readComment(id: number): Promise<ReadComment>;
  /** Answers a comment below it. Said again, by a job that was started again, it is still one answer, with the latest text. */
  reply(to: ReadComment, body: string): Promise<PostedComment>;
  /** How many comments on a pull request we answered since then, that one (by its id) not among them. */
  answered(pullRequest: number, since: Date, but: number): Promise<number>;
  react(comment: number, reaction: Reaction): Promise<void>;
  /** 'none' for who is not known here. A role of an organisation's own making counts as the built-in one that it extends. */
  permissionOf(login: string): Promise<Permission>;
  setStatus(commit: string, status: Status): Promise<void>;
  /** The open one of these two branches is returned as it is, where there is one. */
  openPullRequest(wanted: NewPullRequest): Promise<PullRequest>;
  /** Gives an open one another title and text; the same again changes nothing. */
  updatePullRequest(pullRequest: number, text: { readonly title: string; readonly body: string }): Promise<void>;
  /**
   * @returns the commit that the merge made
   * @throws PlumbError FORGE_MOVED when it does not end with `head` any more; FORGE_REFUSED when a rule of the repository is in the way
   */
  merge(pullRequest: number, how: Merge): Promise<string>;
  /**
   * Starts a workflow that has `on: workflow_dispatch`. It is asked once: an answer that is lost may have started it.
   * @returns page of the run; null where the forge does not say
   */
  dispatch(what: Dispatch): Promise<string | null>;
  /** Where the forge keeps what is deployed where. */
  readonly deployments: Deployments | null;
  /**
   * Who moved a branch since it was made last, as the forge saw it, the oldest first; for a fork, of its repository. What a commit says of its author is not
   * asked. A push with a deploy key has on GitHub the account that added the key, which it does not tell; on Gitea nobody.
   * @returns each leads to the next, and the last to where the branch is; of one that is gone Gitea does not say where it ended, so that the caller looks
   * whether the last leads to what it judges. null where the forge does not keep it, lacks a piece, or hides it from this token (Gitea: what jobs, and people
   * who hide their activity, push is shown to administrators of the server alone)
   */
  pushes(branch: { readonly repository: string; readonly name: string }): Promise<readonly BranchPush[] | null>;
  /** When a pull request was last led to another base branch, by somebody or by the forge itself; null: never. */
  retargetedAt(pullRequest: number): Promise<Date | null>;
  /**
   * Runs of a workflow that were at work at a time between these two, or began there; the newest first. One that was started again is there once for each time, with
   * whoever started it then; Gitea tells the first time alone.
   * @param file '.github/workflows/promote.yml', or 'promote.yml' of any folder
   * @throws PlumbError FORGE_LIMIT when the forge does not list all of them
   */
  runsOfWorkflow(file: string, between: { readonly from: Date; readonly to: Date }): Promise<readonly WorkflowRun[]>;
  /** null: there is no such run */
  workflowRun(id: string): Promise<WorkflowRun | null>;
  /**
   * Is this person an active member of a team, or of one below it?
   * @param team 'org/slug', or 'slug' of the organisation that owns the repository
   * @returns 'unknown' where the forge may only hide it: a 404 of a team that the token cannot see, an invitation that was not accepted is 'no'
   */
  isMember(login: string, team: string): Promise<'yes' | 'no' | 'unknown'>;
  /**
   * A file as a commit has it; null: it has none of that name. GitHub follows a link to another file of the commit.
   * @throws PlumbError FORGE_FAILED where the forge does not have the commit, or what is there is a directory, a submodule or a link; FORGE_LIMIT where it
   * is larger than the forge sends (GitHub 100 MB, Gitea 10 MB unless its administrator says otherwise)
   */
  fileAt(commit: string, path: string): Promise<Uint8Array | null>;
  /**
   * What was said of a commit, of each context the latest: statuses and, on GitHub, check runs. GitHub does not tell the App of a status; it is that of
   * the account that set it, where that is an App's. A check run tells its App and no account. The token of a job, whichever workflow it is of, is the
   * App github-actions. Gitea tells nobody (by: null) for what a job said.
   */
  statuses(commit: string): Promise<readonly PostedStatus[]>;
  /** Opens the issue with this marker, or brings it up to date and opens it again; one of our own author alone counts. */
  upsertIssue(issue: NewIssue): Promise<{ readonly number: number; readonly url: string; readonly state: 'made' | 'updated' | 'unchanged' }>;
  /** Closes it where it is open. @returns whether there was one */
  closeIssue(marker: string, why: string): Promise<boolean>;
}

export interface Account {
  readonly login: string;
  /** an app, or another account that the forge marks as no person's; 'unknown': it is gone, or the forge does not say */
  readonly kind: 'person' | 'bot' | 'unknown';
}

export interface BranchPush {
  /** null: nobody's account, such as a deploy key */
  readonly who: Account | null;
  /** null: the branch was made */
  readonly before: string | null;
  readonly after: string;
  readonly at: Date;
}

export interface WorkflowRun {
  readonly id: string;
  /** '.github/workflows/promote.yml' */
  readonly file: string;
  readonly event: string;
  /** who started it; with a run that was started again, who did that */
  readonly by: Account | null;
  /** from 1: how often it was started, with the inputs that it was given first; null: the forge does not count */
  readonly attempt: number | null;
  readonly branch: string | null;
  readonly commit: string;
  readonly startedAt: Date;
  /** null: it is at work */
  readonly endedAt: Date | null;
  readonly url: string;
}

export interface PostedStatus extends Status {
  /** null: the forge does not say */
  readonly by: Account | null;
  /** the app whose token set it; null: none, or not said */
  readonly app: number | null;
}

export interface NewIssue {
  /** one HTML comment: the first line of its text, and finds it again */
  readonly marker: string;
  readonly title: string;
  /** Markdown; what others wrote is escaped already */
  readonly body: string;
  readonly labels: readonly string[];
  /** false: one that people have closed stays closed; default: it is opened again */
  readonly reopen?: boolean;
}

export interface Deployment {
  readonly id: number;
  readonly environment: string;
  readonly commit: string;
  /** what we wrote with it, to know it again */
  readonly key: string | null;
  readonly state: 'pending' | 'in_progress' | 'success' | 'failure' | 'error' | 'inactive' | null;
}

export interface Deployments {
  /** The newest of an environment that we made, whose state was said last; null: there is none. */
  latest(environment: string): Promise<Deployment | null>;
  /** Makes it without merging anything and without asking for checks; the one of this key is returned as it is, where it is the latest. */
  create(wanted: {
    readonly environment: string;
    readonly commit: string;
    readonly key: string;
    readonly description: string;
    readonly production: boolean;
  }): Promise<Deployment>;
  setState(deployment: number, state: 'success' | 'failure' | 'inactive', description: string, link: string | null): Promise<void>;
}

export interface Annotation {
  readonly path: string;
  /** from 1 */
  readonly startLine: number;
  readonly endLine: number;
  readonly level: 'notice' | 'warning' | 'failure';
  /** plain text; at most 255 characters, cut there */
  readonly title: string;
  /** plain text; at most 64 KiB, cut there */
  readonly message: string;
}

export interface Check {
  /** the name that a branch protection rule can require */
  readonly name: string;
  readonly conclusion: 'success' | 'failure' | 'neutral' | 'skipped' | 'action_required';
  readonly title: string;
  /** Markdown, at most 65,535 characters (GitHub takes no more) */
  readonly summary: string;
  /** Markdown, at most 65,535 characters; null: none */
  readonly text: string | null;
  /** the most important first: over `mostAnnotations` the rest is left out, and the summary says how many */
  readonly annotations: readonly Annotation[];
  /** http(s) address of the details */
  readonly link: string | null;
}

export interface Checks {
  /** Sets the check of this name on a commit. The same check twice is one; another one takes its place on the page of the pull request. */
  upsert(commit: string, check: Check): Promise<{ readonly url: string; readonly state: 'made' | 'unchanged'; readonly annotations: number }>;
}

/** What an adapter needs: a repository on a forge, and the world. */
export interface ForgeOptions {
  /** GITHUB_API_URL: https://api.github.com, https://<server>/api/v3, or of Gitea https://<server>/api/v1 */
  readonly apiUrl: string;
  readonly owner: string;
  readonly repo: string;
  readonly token: string;
  /** login that the token's comments appear under; 'github-actions[bot]' for the token of a job on GitHub, 'gitea-actions' on Gitea */
  readonly author: string;
  /** how requests go out; the place for a proxy */
  readonly fetch: typeof globalThis.fetch;
  pause(ms: number): Promise<void>;
  nowMs(): number;
  /** from 0 to 1 */
  random(): number;
}
