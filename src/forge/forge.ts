// What we ask of a forge, and nothing more: so narrow that a second forge is one file. An adapter keeps its token to itself: no error, no
// log line and no returned value holds it.

export interface PullRequest {
  readonly number: number;
  /** the commit that it ends with now; not the merge commit that a forge may make of it */
  readonly head: string;
  /** the commit of the branch that it would be merged into, as the forge last saw it */
  readonly base: string;
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

export interface Status {
  /** the name that a branch protection rule can require */
  readonly context: string;
  readonly state: 'success' | 'failure' | 'error' | 'pending';
  /** plain text, cut at 140 characters */
  readonly description: string;
  /** http(s) address of the details */
  readonly link: string | null;
}

/** One repository on a forge. Every method throws PlumbError FORGE_FAILED, FORGE_DENIED or FORGE_BUSY. */
export interface Forge {
  /** By its number, or the open one that ends with a commit (of several, the oldest); null: no open one ends with it. */
  findPullRequest(by: { readonly number: number } | { readonly commit: string }): Promise<PullRequest | null>;
  /**
   * All files that a pull request changes, in the forge's order.
   * @throws PlumbError FORGE_LIMIT when the forge does not list all of them: a part is never taken for the whole
   */
  changedFiles(pullRequest: number): Promise<readonly ChangedFile[]>;
  /**
   * Makes the comment with this marker, or brings it up to date. Only a comment of our own author counts: a marker that someone else
   * wrote is not ours to fill.
   */
  upsertComment(pullRequest: number, comment: Comment): Promise<PostedComment>;
  setStatus(commit: string, status: Status): Promise<void>;
}
