// Who may do what on Gitea. Its teams have no teams below them, and nobody is asked before they are a member.
import { z } from 'zod';
import { PlumbError } from '../base/errors.ts';
import type { Forge, Permission } from './forge.ts';
import { orNull, read, type GiteaPlace } from './gitea-place.ts';

const permissionData = z.object({ permission: z.string() });
const teamData = z.object({ id: z.int(), name: z.string(), units_map: z.record(z.string(), z.string()).nullish() });
/** Not known, or not to be seen by this token. */
const hidden = [403, 404];

type Parts = Pick<Forge, 'permissionOf' | 'isMember'>;

export function openPeople({ options, ask, askServer, all }: GiteaPlace): Parts {
  return { permissionOf, isMember };

  async function permissionOf(login: string): Promise<Permission> {
    const found = await orNull(ask('GET', '/collaborators/{login}/permission', { login }));
    const { permission } = read(permissionData, found?.data ?? { permission: 'none' });
    if (permission === 'owner') return 'admin';
    const role = (['admin', 'write', 'read'] as const).find((one) => one === permission);
    return role ?? (found === null ? 'none' : byTeams(login));
  }

  /**
   * What somebody may do with the code as a member of a team. That answer leaves it out: it says "none" of members of all teams but those of administrators,
   * for a team's rights are kept part by part (seen on 1.26).
   */
  async function byTeams(login: string): Promise<Permission> {
    // the repository of a person has none
    const teams = await orNull(
      all({ what: 'the teams of the repository', path: '/teams' }, (data) => read(teamData, data)),
      [404, 405],
    );
    for (const level of ['admin', 'write', 'read'] as const) {
      let unseen: string | null = null;
      for (const { id, name, units_map: may } of teams ?? []) {
        if (may?.['repo.code'] !== level) continue;
        const member = await isOfTeam(id, login);
        if (member === 'yes') return level;
        if (member === 'unknown') unseen ??= name;
      }
      // of this team or not: what the ones below would say is not all that they may do
      if (unseen !== null) throw notSeen(unseen);
    }
    return 'none';
  }

  /** The token must be of a member of the team, of an owner of the organisation or of an administrator. */
  async function isMember(login: string, team: string): ReturnType<Forge['isMember']> {
    const [name = '', org = options.owner] = team.split('/').toReversed();
    const list = { what: `the teams of ${org}`, path: '/orgs/{org}/teams', words: { org }, top: true };
    const teams = await orNull(
      all(list, (data) => read(teamData, data)),
      hidden,
    );
    const id = teams?.find((one) => one.name.toLowerCase() === name.toLowerCase())?.id;
    return id === undefined ? 'unknown' : isOfTeam(id, login);
  }

  async function isOfTeam(id: number, login: string): ReturnType<Forge['isMember']> {
    if ((await orNull(askServer('GET', '/teams/{id}/members/{login}', { id, login }), hidden)) !== null) return 'yes';
    return (await orNull(askServer('GET', '/teams/{id}', { id }), hidden)) === null ? 'unknown' : 'no';
  }
}

function notSeen(team: string): PlumbError {
  return new PlumbError('FORGE_DENIED', {
    what: `Gitea does not say who is of team ${team}`,
    mend: 'give the token of an owner of the organisation, or of a member of the team',
  });
}
