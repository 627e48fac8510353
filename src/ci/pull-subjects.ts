// What each commit of a pull request has of what is decided about: from this clone, and from the forge what was pushed away.
import type { Git } from '../git/git.ts';
import type { PullFacts } from '../registry/pull-facts.ts';
import { subjectAt } from '../registry/subject.ts';
import { commitTree, type FileTree } from '../registry/tree.ts';
import type { Ask, FactsForge } from './pull-asking.ts';

/** Commits that a forge is asked about; those beyond stay unknown. */
const mostAsked = 50;
/** asked at a time: a forge takes many at once for an attack */
const atOnce = 4;

/** Of base and head, of each commit that was approved, and of all that the branch ever was at. */
export async function gatherSubjects(
  forge: Pick<FactsForge, 'fileAt'>,
  { base, head, opinions, pushes, subjectPaths: paths }: PullFacts,
  git: Git,
  ask: Ask,
): Promise<PullFacts['subjects']> {
  if (paths === null) return {};
  const approved = (opinions ?? []).flatMap(({ state, commit }) => (state === 'approved' && commit !== null ? [commit] : []));
  const moved = (pushes ?? []).flatMap(({ before, after }) => (before === null ? [after] : [before, after]));
  const commits = [...new Set([base, head, ...approved, ...moved])].filter((commit) => /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(commit));
  const known = new Map<string, string | null>();
  const missing: string[] = [];
  for (const commit of commits) {
    if ((await git.resolve(commit)) === commit) known.set(commit, await subjectAt(commitTree(git, '', commit), paths));
    else missing.push(commit);
  }
  const asked = missing.slice(0, mostAsked);
  while (asked.length > 0) {
    const some = asked.splice(0, atOnce);
    const found = await Promise.all(some.map((commit) => ask(`files of commit ${commit}`, subjectAt(forgeTree(forge, commit), paths), null)));
    for (const [at, commit] of some.entries()) known.set(commit, found[at] ?? null);
  }
  return Object.fromEntries(known);
}

/** The whole repository at a commit, as the forge has it. */
function forgeTree(forge: Pick<FactsForge, 'fileAt'>, commit: string): Pick<FileTree, 'read'> {
  return { read: (paths) => Promise.all(paths.map((path) => forge.fileAt(commit, path))) };
}
