// Which pull request brought a commit of the main branch. The forge is asked for merged ones alone, and git for what they brought: a pull request that was
// rebased onto main is several commits of its line, and is judged as one, against what was there before the first of them. So no commit hides behind another.
import { isPlumbError } from '../base/errors.ts';
import type { Forge, PullRequest } from '../forge/forge.ts';
import type { Oid } from '../git/git.ts';
import { stepOf, type Step, type Walk } from './reconcile-steps.ts';

export type Bringing =
  /** it ends a pull request (or several: two with one head are merged as one) */
  | { readonly kind: 'pulls'; readonly pulls: readonly Brought[] }
  /** a later commit of the same pull request decides */
  | { readonly kind: 'part'; readonly pull: PullRequest }
  | { readonly kind: 'pushed' };

export interface Brought {
  readonly pull: PullRequest;
  /** all that it brought, up to this commit */
  readonly step: Step;
  /** false: it changes more than was found on the main branch, so nobody knows against what to judge it */
  readonly whole: boolean;
}

/** What is asked of a forge. */
export type PullAsking = Pick<Forge, 'pullRequestsOfCommit' | 'changedFiles' | 'commits'>;

/** Nobody merges more pull requests of one head; each is asked about. */
const mostPulls = 3;

export interface Line {
  /** name of the main branch */
  readonly branch: string;
  readonly prefix: string;
  readonly walk: Walk;
}

/** @param step of the walk */
export async function bringingOf(forge: PullAsking, line: Line, step: Step): Promise<Bringing> {
  const all = await forge.pullRequestsOfCommit(step.commit);
  const ends = all.flatMap((pull) => {
    const end = pull.state === 'merged' && pull.baseRef === line.branch ? endOf(line.walk, step, pull) : null;
    return end === null ? [] : [{ pull, end }];
  });
  const [part] = ends.filter(({ end }) => hasStepIn(line.walk, indexOf(line.walk, step.commit) + 1, end));
  if (part !== undefined) return { kind: 'part', pull: part.pull };
  if (ends.length === 0) return { kind: 'pushed' };
  return { kind: 'pulls', pulls: await Promise.all(ends.slice(0, mostPulls).map(({ pull, end }) => broughtUntil(forge, line, { step, pull, end }))) };
}

/** Place of the commit that a pull request ends with: this one or, where it was rebased, a later one. */
function endOf({ commits }: Walk, { commit }: Step, { mergeCommit }: PullRequest): number | null {
  const [place, end] = [indexOf({ commits }, commit), indexOf({ commits }, mergeCommit ?? '')];
  // a commit before a merge commit is none of what it merged, whatever the forge says
  return end === place || (end > place && commits[end]?.commit.parents.length === 1) ? end : null;
}

function hasStepIn({ commits, steps }: Walk, from: number, to: number): boolean {
  const some = new Set(commits.slice(from, to + 1).map(({ commit }) => commit.oid));
  return steps.some(({ commit }) => some.has(commit));
}

/** With as many of the commits before it as it takes to have all that the pull request changes: none, unless it was rebased. */
async function broughtUntil(
  forge: PullAsking,
  { walk, prefix }: Line,
  { step, pull, end }: { readonly step: Step; readonly pull: PullRequest; readonly end: number },
): Promise<Brought> {
  // what a merge commit brought is its own
  if (walk.commits[end]?.commit.parents.length !== 1) return { pull, step, whole: true };
  const listed = await listedOf(forge, pull);
  if (listed === null) return { pull, step, whole: false };
  const { count, missing } = listed;
  if (count < 2) return { pull, step, whole: true };
  let start = end + 1;
  while (missing.size > 0 && start > 0 && end + 1 - start < count) {
    start -= 1;
    for (const path of walk.commits[start]?.paths ?? []) missing.delete(path);
  }
  const place = indexOf(walk, step.commit);
  const first = Math.min(start, place);
  return { pull, step: stepOf(walk.commits.slice(first, place + 1), prefix) ?? step, whole: missing.size === 0 };
}

/** @returns null: the forge lists a part of it alone, now and whenever it is asked */
async function listedOf(forge: PullAsking, { number }: PullRequest): Promise<{ readonly count: number; readonly missing: Set<string> } | null> {
  try {
    const count = (await forge.commits(number)).length;
    return { count, missing: new Set(count < 2 ? [] : (await forge.changedFiles(number)).map(({ path }) => path)) };
  } catch (error) {
    if (isPlumbError(error, 'FORGE_LIMIT')) return null;
    throw error;
  }
}

function indexOf({ commits }: Pick<Walk, 'commits'>, commit: Oid): number {
  return commits.findIndex((change) => change.commit.oid === commit);
}
