// The GitHub adapter on the strict stand-in, for tests of one theme: what GitHub would not take fails the test when it ends.
import type { GitHubApi } from '../../tests/github-api/api.ts';
import { startGitHub } from '../../tests/github-api/start.ts';
import type { Forge, ForgeOptions } from './forge.ts';
import { openGitHub } from './github.ts';

const token = 'ghs_0123456789abcdefABCDEF';
export const head = 'a'.repeat(40);
export const base = 'b'.repeat(40);

export interface GitHubWorld extends AsyncDisposable {
  readonly github: GitHubApi;
  readonly forge: Forge;
  /** how long the adapter waited, milliseconds; nobody does */
  readonly waits: readonly number[];
  now: number;
}

/** The token is that of plumb-app[bot], an App with the number 4711; pull request 7 is open. @param pause done with each wait */
export async function openWorld({
  pause = () => undefined,
  ...options
}: Partial<Pick<ForgeOptions, 'fetch'>> & { readonly pause?: () => void } = {}): Promise<GitHubWorld> {
  const waits: number[] = [];
  const world = { now: Date.UTC(2026, 5, 1) };
  const author = 'plumb-app[bot]';
  const github = await startGitHub({ token, login: author, now: () => world.now });
  github.apps['plumb-app'] = 4711;
  github.pulls.push({ number: 7, state: 'open', head, base, files: [] });
  const wait = (ms: number): Promise<void> => {
    waits.push(ms);
    pause();
    world.now += ms;
    return Promise.resolve();
  };
  const effects = { fetch: globalThis.fetch, pause: wait, nowMs: () => world.now, random: () => 1, ...options };
  const forge = openGitHub({ apiUrl: github.url, owner: 'o', repo: 'r', token, author, ...effects });
  return Object.assign(world, { github, forge, waits, [Symbol.asyncDispose]: close });

  async function close(): Promise<void> {
    await github.close();
    if (github.violations.length > 0) throw new Error(`GitHub would not take: ${github.violations.join('; ')}`);
  }
}
