// Teams, Apps and who a token speaks for: docs.github.com/en/rest/teams/members, teams/teams, apps/apps, users/users
import type { Objects } from './objects.ts';
import { missing, refusedAs, type Answer, type ApiTeam, type Asked, type Routes, type State } from './state.ts';

export function peopleRoutes(state: State, objects: Objects): Routes {
  const team = '/orgs/{org}/teams/{team_slug}';
  return {
    [`GET ${team}`]: { needs: ['members=read'], answer: (asked) => ofTeam(asked, (name) => ({ status: 200, body: objects.team(name) })) },
    [`GET ${team}/memberships/{username}`]: {
      needs: ['members=read'],
      answer: (asked) => withoutBody(ofTeam(asked, (name) => membership(asked, name))),
    },
    'GET /apps/{app_slug}': { needs: ['metadata=read'], answer: readApp },
    'GET /user': { needs: ['metadata=read'], answer: readSelf },
  };

  /** docs.github.com/en/rest/users/users: not for "GitHub App installation access tokens", which speak for no user. */
  function readSelf({ actor: { login } }: Asked): Answer {
    if (login.endsWith('[bot]')) return refusedAs(403, 'Resource not accessible by integration');
    return { status: 200, body: objects.self(login) };
  }

  /** "To get a user's membership with a team, the team must be visible to the authenticated user." */
  function ofTeam({ parameters }: Asked, answer: (name: string) => Answer): Answer {
    const name = `${parameters['org']}/${parameters['team_slug']}`.toLowerCase();
    const found = state.teams[name];
    return found === undefined || found.hidden === true ? missing : answer(name);
  }

  /** A 404 has none here, by the description. */
  function withoutBody(answer: Answer): Answer {
    return answer.status === 404 ? { status: 404 } : answer;
  }

  function membership({ parameters }: Asked, name: string): Answer {
    const login = parameters['username'] ?? '';
    const standing = standingIn(name, login.toLowerCase());
    return standing === undefined ? missing : { status: 200, body: objects.membership(name, login, standing) };
  }

  /** "Team members will include the members of child teams." */
  function standingIn(name: string, login: string): 'active' | 'pending' | undefined {
    const below = Object.entries(state.teams).filter(([, { parent }]) => parent === name);
    const all = [ownStanding(state.teams[name], login), ...below.map(([child]) => standingIn(child, login))];
    return all.includes('active') ? 'active' : all.find((one) => one !== undefined);
  }

  function ownStanding(of: ApiTeam | undefined, login: string): 'active' | 'pending' | undefined {
    return Object.entries(of?.members ?? {}).find(([name]) => name.toLowerCase() === login)?.[1];
  }

  function readApp({ parameters }: Asked): Answer {
    const slug = parameters['app_slug'] ?? '';
    return state.apps[slug] === undefined ? missing : { status: 200, body: objects.app(slug) };
  }
}
