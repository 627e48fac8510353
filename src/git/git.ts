// What we ask of git, and no more. Two implementations answer: the git command, and isomorphic-git where there is no command.
import type { GitProgram } from './process.ts';

export type Oid = string;

export interface Commit {
  readonly oid: Oid;
  readonly parents: readonly Oid[];
  readonly author: { readonly name: string; readonly email: string };
  /** committer time */
  readonly date: Date;
  readonly message: string;
}

export interface CommitChanges {
  readonly commit: Commit;
  /** relative to the repository, sorted */
  readonly paths: readonly string[];
}

export interface TreeEntry {
  /** relative to the repository, '/' between names */
  readonly path: string;
  readonly oid: Oid;
  readonly mode: '100644' | '100755' | '120000' | '160000';
}

/**
 * One repository. Paths are relative to its top (not to a project in a sub-folder), with '/' between names, and may hold any
 * character that git allows; implementations never pass them through a shell, nor let them be taken for options or patterns.
 * Reading works in bare repositories too.
 */
export interface Git {
  /** Absolute path of the work tree, or null in a bare repository. */
  readonly workTree: string | null;
  /** Absolute path of the repository's own folder (.git); shared by all its work trees. */
  readonly gitDir: string;
  readonly how: 'command' | 'isomorphic';
  /** The git command in this repository, for what only it does (src/git/publish.ts); null: there is none. */
  readonly program: GitProgram | null;

  /**
   * The commit that a revision names (branch, tag, HEAD, HEAD~2, full or short id), or null where there is none.
   * Who follows a branch asks for 'refs/heads/<name>': a short name may be a tag as well.
   * @throws PlumbError GIT_REVISION_AMBIGUOUS, GIT_TOO_SHALLOW
   */
  resolve(revision: string): Promise<Oid | null>;
  /** Name of the branch that HEAD is on, or null when detached. There may be no commit yet. */
  branch(): Promise<string | null>;
  /**
   * Every commit that git keeps by a name: branches, tags, remote-tracking branches, refs/pull and all other refs, and HEAD of each work tree (detached
   * ones, too); sorted by name. A ref to something else than a commit is left out.
   */
  tips(): Promise<{ readonly name: string; readonly commit: Oid }[]>;
  /** Does this clone lack history? Then what it does not see may be there all the same. */
  isShallow(): Promise<boolean>;
  /** Cheap: changes whenever a branch moves. For followers that look often. */
  refToken(branch: string): Promise<string>;
  readBlob(commit: Oid, path: string): Promise<Uint8Array | null>;
  /** Many blobs of one commit at once, in the order asked. */
  readBlobs(commit: Oid, paths: readonly string[]): Promise<(Uint8Array | null)[]>;
  /**
   * Files of the index at or below these paths, as they are staged, sorted by path; of a merge that is not resolved each side is one. None in a bare repository.
   */
  readStaged(paths: readonly string[]): Promise<{ readonly path: string; readonly bytes: Uint8Array }[]>;
  /** Files below a folder ('' for all), sorted by path. */
  listTree(commit: Oid, folder: string): Promise<TreeEntry[]>;
  /**
   * Commits reachable from a revision, newest first; with `path`, those that changed that file or folder against their first parent; with `since`, of a
   * first-parent line, those that came after that commit (all of them, where it is not on the line).
   * @throws PlumbError GIT_TOO_SHALLOW when a shallow boundary was reached before the answer was complete
   */
  log(revision: string, options?: { path?: string; max?: number; firstParent?: boolean; since?: Oid }): Promise<Commit[]>;
  /**
   * `log` of a path, each commit with the files at or below it that it changed against its first parent (a first commit: all of them), sorted.
   * One walk, however many commits: for whoever reads a history through.
   * @throws PlumbError GIT_TOO_SHALLOW
   */
  logChanges(revision: string, options: { path: string; firstParent?: boolean; since?: Oid }): Promise<CommitChanges[]>;
  readCommit(oid: Oid): Promise<Commit>;
  mergeBase(a: Oid, b: Oid): Promise<Oid | null>;
  /** Files that differ between two commits, sorted. */
  changedPaths(from: Oid, to: Oid): Promise<string[]>;
  /**
   * Which of these files (of folders, '' for the top: which files in them) differ from HEAD in the index or work tree, sorted. Untracked ones are
   * included, ignored ones are not. What comes back can be given to `commit`.
   */
  dirtyPaths(paths: readonly string[]): Promise<string[]>;
  isIgnored(path: string): Promise<boolean>;
  isTracked(path: string): Promise<boolean>;
  /** name <e-mail> that a commit would carry; null when git knows none. */
  identity(): Promise<{ name: string; email: string } | null>;

  /**
   * Commits exactly these files as they are in the work tree (deleted ones as deletions), leaving alone whatever else is staged. Files that a
   * pattern ignores go in too: they were asked for by name.
   * @throws PlumbError FILE_MISSING, FILE_KIND (a folder), GIT_NOTHING_TO_COMMIT, GIT_DIRTY (a merge is under way), REPOSITORY_BUSY, GIT_FAILED (a hook)
   */
  commit(message: string, paths: readonly string[]): Promise<Oid>;
  /**
   * The commit that undoes another, as `git revert` makes it; of a merge, what it brought to its first parent.
   * @throws PlumbError GIT_CONFLICT, GIT_DIRTY, GIT_NOTHING_TO_COMMIT, and all is as it was before
   */
  revert(commit: Oid, message: string): Promise<Oid>;
  /** Makes the index say of these files what HEAD says, as `git reset -- <paths>` does; the files themselves stay. */
  resetIndex(paths: readonly string[]): Promise<void>;
  /**
   * Puts these files into the index as they are in the work tree, as `git add -- <paths>` does: a merge's conflict on them is settled. Files that
   * a pattern ignores go in too: they were asked for by name.
   * @throws PlumbError FILE_MISSING
   */
  stage(paths: readonly string[]): Promise<void>;
  /** @throws PlumbError NAME_INVALID, GIT_BRANCH_EXISTS */
  createBranch(name: string, at: Oid): Promise<void>;
  /** @throws PlumbError GIT_DIRTY when edits would be lost */
  switchTo(branch: string): Promise<void>;
}
