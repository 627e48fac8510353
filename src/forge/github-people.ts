// Who may do what on GitHub. Source: docs.github.com/en/rest/collaborators/collaborators and teams/members
import type { Forge, Permission } from './forge.ts';
import type { GitHubPlace } from './github-place.ts';
import { failureOf } from './session.ts';

const permissions: readonly Permission[] = ['admin', 'maintain', 'write', 'triage', 'read', 'none'];

type Parts = Pick<Forge, 'permissionOf' | 'isMember'>;

export function openPeople({ rest, repository }: GitHubPlace): Parts {
  return { permissionOf, isMember };

  async function permissionOf(login: string): Promise<Permission> {
    try {
      const { data } = await rest.repos.getCollaboratorPermissionLevel({ ...repository, username: login });
      // a role of the organisation's own has a name of its own, and `permission` is the built-in one below it
      return permissions.find((one) => one === data.role_name) ?? permissions.find((one) => one === data.permission) ?? 'none';
    } catch (error) {
      if (failureOf(error)?.status === 404) return 'none';
      throw error;
    }
  }

  /**
   * Members of teams below it count ("Team members will include the members of child teams"). The token of a job can never read teams: it takes that of an
   * App with the permission "Members", or of a member of the organisation.
   */
  async function isMember(login: string, team: string): ReturnType<Forge['isMember']> {
    const [slug = '', org = repository.owner] = team.split('/').toReversed();
    const membership = await orHidden(rest.teams.getMembershipForUserInOrg({ org, team_slug: slug, username: login }));
    if (membership !== null) return membership.data.state === 'active' ? 'yes' : 'no';
    // "if user has no team membership" is 404, and so is a team that the token must not see
    return (await orHidden(rest.teams.getByName({ org, team_slug: slug }))) === null ? 'unknown' : 'no';
  }
}

async function orHidden<T>(work: Promise<T>): Promise<T | null> {
  return work.catch((error: unknown) => {
    if ([403, 404].includes(failureOf(error)?.status ?? 0)) return null;
    throw error;
  });
}
