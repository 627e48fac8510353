// What came on the main branch since the log of decisions was last written: each commit of its first-parent line that changed a pointer, a revocation or
// the policy, the oldest first. Read from git alone; what a forge says of these commits comes later.
import { PlumbError } from '../base/errors.ts';
import type { CommitChanges, Git, Oid } from '../git/git.ts';
import { needsDecision } from '../registry/audit-coverage.ts';

/** One decision's worth of the main branch: what it has at `commit` that it did not have at `before`. */
export interface Step {
  readonly commit: Oid;
  readonly date: Date;
  readonly message: string;
  /** the commit before it; null: the history begins here */
  readonly parent: Oid | null;
  /** what it is judged against: `parent`, or the commit before all that the same pull request brought */
  readonly before: Oid | null;
  /** pointers, revocations and policy.yaml that differ, project-relative, sorted */
  readonly paths: readonly string[];
}

/** A stretch of the main branch, the oldest first. */
export interface Walk {
  readonly commits: readonly CommitChanges[];
  /** those that have something to decide */
  readonly steps: readonly Step[];
}

/**
 * @param prefix the project's folder in the repository: '' or 'sub/folder/'
 * @param line from: the newest commit that the log is about, which is not part of it; to: the main branch now
 * @throws PlumbError AUDIT_REWRITTEN where `from` is not on the first-parent line of `to`; GIT_TOO_SHALLOW
 */
export async function walkLine(git: Git, prefix: string, line: { readonly from: Oid; readonly to: Oid }): Promise<Walk> {
  const commits = (await git.logChanges(line.to, { path: '', firstParent: true, since: line.from })).toReversed();
  const [oldest] = commits;
  if (oldest !== undefined && oldest.commit.parents[0] !== line.from) throw rewritten(line);
  return { commits, steps: commits.flatMap((change) => stepOf([change], prefix) ?? []) };
}

/**
 * What these commits did together. @param changes one after the other on the line, the oldest first; at least one
 * @returns null where that is nothing to decide
 */
export function stepOf(changes: readonly CommitChanges[], prefix: string): Step | null {
  const all = changes.flatMap(({ paths }) => paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length)));
  const paths = [...new Set(all.filter(needsDecision))].toSorted();
  const [first, last] = [changes[0]?.commit, changes.at(-1)?.commit];
  if (first === undefined || last === undefined || paths.length === 0) return null;
  const { oid: commit, date, message, parents } = last;
  return { commit, date, message, parent: parents[0] ?? null, before: first.parents[0] ?? null, paths };
}

function rewritten({ from, to }: { readonly from: Oid; readonly to: Oid }): PlumbError {
  return new PlumbError('AUDIT_REWRITTEN', {
    what: `the log of decisions is about commit ${from.slice(0, 12)}, which is not on the first-parent line of the main branch (${to.slice(0, 12)}) any more`,
    mend: 'bring back the commits that the main branch had: until then nothing new is served, and what was served goes on',
    details: { last: from, main: to },
  });
}
