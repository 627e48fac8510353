// Who moved a branch, by GitHub's own record of it. Source: docs.github.com/en/rest/repos/repos, "List repository activities"
//
// What GitHub does not tell: a push with a deploy key carries the account that added the key (integrations/slack#882). How long it keeps the record is not
// documented either, and a push may be in it a moment late: the moves must lead without a gap to where the branch is, or they are not known.
import type { RestEndpointMethodTypes } from '@octokit/rest';
import { githubAccount } from './account.ts';
import { objectName, readHistory, type BranchMove, type BranchRecord } from './branch-history.ts';
import type { Forge } from './forge.ts';
import type { GitHubPlace } from './github-place.ts';
import { failureOf } from './session.ts';

type Activity = RestEndpointMethodTypes['repos']['listActivities']['response']['data'][number];

interface Branch {
  readonly owner: string;
  readonly repo: string;
  readonly name: string;
}

export function openPushes({ session, rest, repository, options }: GitHubPlace): Forge['pushes'] {
  return async ({ repository: full, name }) => {
    const [owner, repo, ...more] = full.split('/');
    if (!owner || !repo || more.length > 0) return null;
    const ours = full.toLowerCase() === `${repository.owner}/${repository.repo}`.toLowerCase();
    try {
      return await readHistory(() => recordOf({ owner, repo, name }), options.pause);
    } catch (error) {
      // a fork that our token cannot see; of our own repository the permission that lacks is told
      if (!ours && [403, 404].includes(failureOf(error)?.status ?? 0)) return null;
      throw error;
    }
  };

  async function recordOf(branch: Branch): Promise<BranchRecord> {
    const moves: BranchMove[] = [];
    for await (const one of activitiesOf(branch)) {
      const before = objectName(one.before);
      moves.push({ who: githubAccount(one.actor), before, after: objectName(one.after), at: new Date(one.timestamp) });
      // the newest first: older ones are of a branch that was deleted
      if (before === null) break;
    }
    return { moves: moves.toReversed(), tip: await tipOf(branch) };
  }

  async function* activitiesOf({ owner, repo, name }: Branch): AsyncGenerator<Activity> {
    const ref = `refs/heads/${name}`;
    const all = session.cursors<Activity>(`the record of pushes to ${name}`, (after) =>
      rest.repos.listActivities({ owner, repo, ref, direction: 'desc', per_page: 100, ...(after === null ? {} : { after }) }),
    );
    for await (const one of all) if (one.ref === ref) yield one;
  }

  /** @returns null when it is gone, as after a merge */
  async function tipOf({ owner, repo, name }: Branch): Promise<string | null> {
    try {
      return (await rest.git.getRef({ owner, repo, ref: `heads/${name}` })).data.object.sha;
    } catch (error) {
      if (failureOf(error)?.status === 404) return null;
      throw error;
    }
  }
}
