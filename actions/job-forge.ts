// The forge that a job runs on, asked with a token of the job.
import { setTimeout as pause } from 'node:timers/promises';
import { defaults } from '@actions/github/lib/utils';
import type { ForgePlace } from '../src/ci/forge-place.ts';
import { openForge, type Forge } from '../src/forge/index.ts';

/** @param author login that the token's comments appear under; left out by whoever writes none */
export function openJobForge(place: Pick<ForgePlace, 'kind' | 'apiUrl' | 'owner' | 'repo'>, token: string, author = ''): Forge {
  const { kind, apiUrl, owner, repo } = place;
  return openForge(kind, {
    apiUrl,
    owner,
    repo,
    token,
    author,
    // goes through the proxy of the runner where there is one
    fetch: defaults.request?.fetch ?? globalThis.fetch,
    pause: (ms) => pause(ms),
    nowMs: () => Date.now(),
    random: () => Math.random(),
  });
}
