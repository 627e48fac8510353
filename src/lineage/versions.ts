// Every version of the data sets that git knows: of all branches and tags with their past, and the lock as it stands in the work tree.
import { byCodeUnit } from '../base/canonical.ts';
import type { Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { loadLock, parseLock } from '../datasets/lock.ts';
import type { RowsEntry } from '../datasets/row-versions.ts';
import type { Lock } from '../datasets/schema.ts';
import type { Commit, Oid } from '../git/git.ts';
import { files } from '../project/layout.ts';
import type { Project } from '../project/open.ts';

/** A version of a data set of rows. */
export interface DataVersion {
  readonly data: string;
  /** of its manifest */
  readonly digest: Digest;
  readonly entry: RowsEntry;
  /** the commit that brought it, the oldest one; null: the work tree alone has it */
  readonly commit: { readonly oid: Oid; readonly date: Date } | null;
  /** the lock of the work tree has it */
  readonly current: boolean;
  /** branches and tags whose tip has it, sorted */
  readonly tips: readonly string[];
}

interface Draft {
  readonly data: string;
  readonly entry: RowsEntry;
  commit: DataVersion['commit'];
  current: boolean;
  readonly tips: string[];
}

/**
 * By data set, oldest first. A lock that does not parse has no data; so has what a shallow clone does not reach: `whole` says so.
 * Cost: a read of each distinct lock.
 */
export async function collectVersions(project: Project): Promise<{ readonly versions: readonly DataVersion[]; readonly whole: boolean }> {
  const drafts = new Map<string, Draft>();
  const note = (data: string, entry: RowsEntry): Draft => {
    const key = JSON.stringify([data, entry.digest]);
    const draft = drafts.get(key) ?? { data, entry, commit: null, current: false, tips: [] };
    drafts.set(key, draft);
    return draft;
  };
  const { commits, tips, whole } = await lockCommits(project);
  for (const commit of commits) {
    for (const [data, entry] of rowsOf(await lockAt(project, commit.oid))) {
      const draft = note(data, entry);
      draft.commit ??= { oid: commit.oid, date: commit.date };
    }
  }
  for (const { name, commit } of tips) for (const [data, entry] of rowsOf(await lockAt(project, commit))) note(data, entry).tips.push(name);
  for (const [data, entry] of rowsOf(await loadLock(project))) note(data, entry).current = true;
  const versions = [...drafts.values()].map((draft) => ({
    ...draft,
    digest: draft.entry.digest,
    tips: [...new Set(draft.tips)].toSorted(byCodeUnit),
  }));
  // drafts stand in the order of the commits that brought them
  return { versions: versions.toSorted((a, b) => byCodeUnit(a.data, b.data)), whole };
}

async function lockCommits({ git, prefix }: Project): Promise<{ commits: Commit[]; tips: { name: string; commit: Oid }[]; whole: boolean }> {
  const tips = await git.tips();
  const commits = new Map<Oid, Commit>();
  let whole = true;
  const seen = new Set<Oid>();
  for (const { commit } of tips) {
    if (seen.has(commit)) continue;
    seen.add(commit);
    try {
      // git has the newest first; commits of one second stay in the order of their line
      for (const one of (await git.log(commit, { path: prefix + files.lock })).toReversed()) if (!commits.has(one.oid)) commits.set(one.oid, one);
    } catch (error) {
      if (!isPlumbError(error, 'GIT_TOO_SHALLOW')) throw error;
      whole = false;
    }
  }
  const ordered = [...commits.values()].toSorted((a, b) => a.date.getTime() - b.date.getTime());
  return { commits: ordered, tips, whole };
}

async function lockAt({ git, prefix }: Project, commit: Oid): Promise<Lock> {
  const bytes = await git.readBlob(commit, prefix + files.lock);
  try {
    return await parseLock(bytes === null ? '' : Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    if (isPlumbError(error)) return { version: 1, datasets: {} };
    throw error;
  }
}

function rowsOf({ datasets }: Lock): [string, RowsEntry][] {
  return Object.entries(datasets).flatMap(([name, entry]) => (entry.format === 'files' ? [] : [[name, entry]]));
}
