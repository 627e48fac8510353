// Under which keys the forge keeps the store's cache of a job, from values alone.
import { wrongInput } from '../job.ts';
import { domainText, type TrustDomain } from '../../src/project/trust-domain.ts';

export interface CacheKeys {
  readonly key: string;
  /** what may be restored where the key is new, the best first */
  readonly restoreKeys: readonly string[];
}

/** @throws PlumbError ACTION_INPUT */
export function wantsCache(text: string): boolean {
  const value = text.trim() || 'false';
  if (value === 'true' || value === 'false') return value === 'true';
  throw wrongInput('cache', text, 'true or false');
}

/**
 * A cache is written once a key: so each job has its own, and takes the latest of its domain. What a pull request keeps stays with it: a stage of its
 * code may have written into the cache what nobody would find out.
 * @param job lock: a digest of datasets.lock, or '' where there is none
 */
export function cacheKeys(
  domain: TrustDomain,
  job: { readonly os: string; readonly lock: string; readonly runId: string; readonly attempt: string; readonly name: string },
): CacheKeys {
  const of = (whose: string): string => `plumbline-store-${job.os}-${whose}-`;
  const own = domainText(domain);
  const locked = `${of(own)}${job.lock}-`;
  return {
    key: `${locked}${job.runId}-${job.attempt}-${job.name}`.replaceAll(',', '_').slice(0, 500),
    restoreKeys: [locked, of(own), ...(domain.kind === 'trusted' ? [] : [of('trusted')])],
  };
}
