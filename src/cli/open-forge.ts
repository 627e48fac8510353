// The forge that this repository is on, opened with the token of the environment: the same for all commands that ask one.
import { setTimeout as pause } from 'node:timers/promises';
import { Option } from 'commander';
import { decideForge, decideToken, type ForgePlace, type ForgeToken } from '../ci/forge-place.ts';
import type { Forge } from '../forge/index.ts';
import type { GitToken } from '../git/publish.ts';
import type { Project } from '../project/open.ts';
import type { Cli } from './command.ts';

export interface OpenForge {
  readonly place: ForgePlace;
  readonly forge: Forge;
  readonly token: ForgeToken;
  /** the same token, for git over http to that server */
  readonly gitToken: GitToken;
  /** login that its comments should appear under */
  readonly author: string;
}

export interface ForgeOptions {
  readonly forge?: ForgePlace['kind'];
  readonly author?: string;
}

export function forgeOption(): Option {
  return new Option('--forge <kind>', 'what kind of forge origin is at, where its address does not tell').choices(['github', 'gitea']);
}

export function authorOption(): Option {
  return new Option('--author <login>', "login that the token's comments appear under (default: that of the forge's own token for jobs)");
}

/**
 * Asks nothing yet.
 * @param check of the token, before it is used: see `refuseTokenOfJob`
 * @throws PlumbError FORGE_UNKNOWN, FORGE_TOKEN
 */
export async function openForgeOf(
  { git, config }: Pick<Project, 'git' | 'config'>,
  options: ForgeOptions,
  { env }: Pick<Cli, 'env'>,
  check: (token: ForgeToken, kind: ForgePlace['kind']) => void = () => undefined,
): Promise<OpenForge> {
  const [{ addressOfRemote }, { openForge }] = await Promise.all([import('../git/publish.ts'), import('../forge/index.ts')]);
  const place = decideForge({ env, origin: await addressOfRemote(git, 'origin'), config: config.forge, kind: options.forge });
  const token = decideToken(env);
  check(token, place.kind);
  const author = options.author ?? (place.kind === 'gitea' ? 'gitea-actions' : 'github-actions[bot]');
  const { kind, apiUrl, owner, repo } = place;
  const forge = openForge(kind, {
    apiUrl,
    owner,
    repo,
    token: token.secret,
    author,
    fetch: globalThis.fetch,
    pause: (ms) => pause(ms),
    nowMs: () => Date.now(),
    random: () => Math.random(),
  });
  return { place, forge, token, gitToken: { server: place.serverUrl, secret: token.secret }, author };
}
