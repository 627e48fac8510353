// Which pull requests a push to the main branch brought: what they ran, and signed, the main branch need not run again.
import { at } from '../project/trust-domain.ts';
import type { Forge } from '../forge/forge.ts';
import type { CiContext } from './context.ts';

/** Commits of a push that are asked about; a merge brings one that its pull request is known by, or, rebased, its last ones. */
const mostCommits = 10;

/**
 * @param event the parsed file of GITHUB_EVENT_PATH
 * @returns as PLUMB_MERGED_PULLS has them: '7@<its head>,8@<its head>'; empty for anything but a push
 */
export async function findMergedPulls(forge: Pick<Forge, 'pullRequestsOfCommit'>, context: CiContext, event: unknown): Promise<string> {
  if (context.event !== 'push') return '';
  const merged = new Map<number, string>();
  for (const commit of commitsOf(context, event)) {
    for (const { number, head, baseRef } of await forge.pullRequestsOfCommit(commit)) {
      if (`refs/heads/${baseRef}` === context.ref) merged.set(number, head);
    }
  }
  return [...merged]
    .toSorted(([a], [b]) => a - b)
    .map(([number, head]) => `${number}@${head}`)
    .join(',');
}

/** The newest first. */
function commitsOf(context: CiContext, event: unknown): string[] {
  const listed = at(event, 'commits');
  const ids = Array.isArray(listed) ? listed.map((commit: unknown) => at(commit, 'id')) : [];
  const commits = ids.filter((id): id is string => typeof id === 'string' && /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(id)).toReversed();
  return [...new Set([context.checkedOut, ...commits])].slice(0, mostCommits);
}
