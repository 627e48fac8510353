// Who may do what on Gitea. Its teams have no teams below them, and nobody is asked before they are a member.
import { z } from 'zod';
import type { Forge, Permission } from './forge.ts';
import { orNull, read, type GiteaPlace } from './gitea-place.ts';

const permissionData = z.object({ permission: z.string() });
const teamData = z.object({ id: z.int(), name: z.string() });
/** Not known, or not to be seen by this token. */
const hidden = [403, 404];

type Parts = Pick<Forge, 'permissionOf' | 'isMember'>;

export function openPeople({ options, ask, askServer, all }: GiteaPlace): Parts {
  return { permissionOf, isMember };

  async function permissionOf(login: string): Promise<Permission> {
    const found = await orNull(ask('GET', '/collaborators/{login}/permission', { login }));
    const { permission } = read(permissionData, found?.data ?? { permission: 'none' });
    if (permission === 'owner') return 'admin';
    return (['admin', 'write', 'read'] as const).find((one) => one === permission) ?? 'none';
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
    if (id === undefined) return 'unknown';
    if ((await orNull(askServer('GET', '/teams/{id}/members/{login}', { id, login }), hidden)) !== null) return 'yes';
    return (await orNull(askServer('GET', '/teams/{id}', { id }), hidden)) === null ? 'unknown' : 'no';
  }
}
