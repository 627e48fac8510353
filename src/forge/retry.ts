// When a request to a forge is worth repeating, and after how long. Pure: the clock and the dice come in.
// Source: GitHub's "Rate limits for the REST API" and "Best practices for using the REST API".

/** What came back instead of an answer. */
export interface Failure {
  /** HTTP status; a connection that broke counts as 500 */
  readonly status: number;
  /** lower-case names */
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  readonly message: string;
}

export interface RetryWorld {
  readonly nowMs: number;
  /** from 0 to 1 */
  readonly random: number;
}

/** 'no': the same request would fail the same way. 'too long': it would do, but only after more than we wait. */
export type RetryDecision = { readonly waitMs: number } | 'no' | 'too long';

const attempts = 4;
/** A job that sleeps is paid for: longer than this we say so and stop. */
const longestMs = 120_000;

/** @param attempt requests of this kind that have failed before this one, from 0 */
export function decideRetry(failure: Failure, attempt: number, world: RetryWorld): RetryDecision {
  const limited = isRateLimit(failure);
  if (!limited && failure.status < 500) return 'no';
  if (attempt + 1 >= attempts) return limited ? 'too long' : 'no';
  // half of it is by chance: jobs that failed together do not come back together
  const backoffMs = 1000 * 2 ** attempt * (0.5 + world.random / 2);
  if (!limited) return { waitMs: backoffMs };
  const waitMs = (askedMs(failure, world.nowMs) ?? 60_000 * 2 ** attempt) + backoffMs;
  return waitMs > longestMs ? 'too long' : { waitMs };
}

/** 429, or a 403 that is about how often we ask and not about who we are. */
export function isRateLimit(failure: Failure): boolean {
  if (failure.status === 429) return true;
  if (failure.status !== 403) return false;
  const { headers, message } = failure;
  return headers['retry-after'] !== undefined || headers['x-ratelimit-remaining']?.toString() === '0' || /secondary rate limit|abuse/i.test(message);
}

function askedMs(failure: Failure, nowMs: number): number | undefined {
  const seconds = Number(failure.headers['retry-after']);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  if (failure.headers['x-ratelimit-remaining']?.toString() !== '0') return undefined;
  const reset = Number(failure.headers['x-ratelimit-reset']);
  return Number.isFinite(reset) ? Math.max(0, reset * 1000 - nowMs) : undefined;
}
