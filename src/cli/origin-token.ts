// The forge's token for git over http(s), where the environment has one and origin is at that forge; else what the machine has for origin.
import { decideForge, decideToken } from '../ci/forge-place.ts';
import { isPlumbError } from '../base/errors.ts';
import type { GitToken } from '../git/publish.ts';

/** @param origin its address; null: there is none */
export function tokenForGit(env: Readonly<Record<string, string | undefined>>, origin: string | null): GitToken | null {
  try {
    const { secret } = decideToken(env);
    // of what kind the forge is plays no part in fetching
    return { server: decideForge({ env, origin, kind: 'github' }).serverUrl, secret };
  } catch (error) {
    if (isPlumbError(error, 'FORGE_TOKEN') || isPlumbError(error, 'FORGE_UNKNOWN')) return null;
    throw error;
  }
}
