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
  /** comments, issues or deployments: those of its author are looked for before others are made */
  readonly writes?: boolean;
}

export function forgeOption(): Option {
  return new Option('--forge <kind>', 'what kind of forge origin is at, where its address does not tell').choices(['github', 'gitea']);
}

export function authorOption(): Option {
  return new Option(
    '--author <login>',
    "login that what the token writes appears under (default: the forge is asked; of an App's token, or a job's own, that of the forge's token for jobs)",
  );
}

/**
 * Asks nothing yet, unless it is to write what it has to find again: then, without --author, whose token it is, unless it is a job's own.
 * @param check of the token, before it is used: see `refuseTokenOfJob`
 * @throws PlumbError FORGE_UNKNOWN, FORGE_TOKEN
 */
export async function openForgeOf(
  { git, config }: Pick<Project, 'git' | 'config'>,
  options: ForgeOptions,
  { env }: Pick<Cli, 'env'>,
  check: (token: ForgeToken, kind: ForgePlace['kind']) => void = () => undefined,
): Promise<OpenForge> {
  const [{ addressOfRemote }, { loginOf, openForge }] = await Promise.all([import('../git/publish.ts'), import('../forge/index.ts')]);
  const place = decideForge({ env, origin: await addressOfRemote(git, 'origin'), config: config.forge, kind: options.forge });
  const token = decideToken(env);
  check(token, place.kind);
  const { kind, apiUrl, owner, repo } = place;
  const world = {
    apiUrl,
    token: token.secret,
    fetch: globalThis.fetch,
    pause: (ms: number) => pause(ms),
    nowMs: () => Date.now(),
    random: () => Math.random(),
  };
  const asked = options.writes !== true || options.author !== undefined || token.ofJob ? null : await loginOf(kind, world);
  const author = options.author ?? asked ?? (kind === 'gitea' ? 'gitea-actions' : 'github-actions[bot]');
  const forge = openForge(kind, { ...world, owner, repo, author });
  return { place, forge, token, gitToken: { server: place.serverUrl, secret: token.secret }, author };
}
