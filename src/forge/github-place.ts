// What each part of the GitHub adapter works with.
import type { Octokit } from '@octokit/rest';
import type { ForgeOptions } from './forge.ts';
import { openSession, type Session } from './session.ts';

export interface GitHubPlace {
  readonly session: Session;
  readonly rest: Octokit['rest'];
  readonly repository: { readonly owner: string; readonly repo: string };
  readonly options: ForgeOptions;
}

/** Nothing is asked yet. */
export function openPlace(options: ForgeOptions): GitHubPlace {
  const session = openSession('GitHub', options);
  session.octokit.hook.before('request', (asked) => {
    asked.headers['x-github-api-version'] = '2022-11-28';
  });
  return { session, rest: session.octokit.rest, repository: { owner: options.owner, repo: options.repo }, options };
}
