// How often GitHub lets itself be asked. docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
import { refusedAs, type Answer, type State } from './state.ts';

/** "No more than 900 points per minute are allowed for REST API endpoints": 1 for most GETs, 5 for what changes something. */
const pointsPerMinute = 900;
/** "In general, no more than 80 content-generating requests per minute" */
const contentPerMinute = 80;
const contentPaths = /\/(comments|pulls|reviews|check-runs|reactions)(\/\d+)?$/;

export interface Limiter {
  /** @returns the refusal, or null */
  refuse(method: string, path: string): Answer | null;
  /** of every answer */
  headers(): Record<string, string>;
  /** "a conditional request that gets a 304 does not count against your primary rate limit" */
  giveBack(): void;
}

export function limiterOf(state: State): Limiter {
  let recent: { at: number; points: number; content: boolean }[] = [];
  const until = state.now() + 3_600_000;
  return {
    refuse(method, path) {
      if (state.limit.used >= state.limit.perHour) return refusedAs(403, 'API rate limit exceeded for installation.');
      state.limit.used += 1;
      const now = state.now();
      recent = [
        ...recent.filter((one) => now - one.at < 60_000),
        { at: now, points: method === 'GET' ? 1 : 5, content: method !== 'GET' && contentPaths.test(path) },
      ];
      const points = recent.reduce((sum, one) => sum + one.points, 0);
      if (points <= pointsPerMinute && recent.filter((one) => one.content).length <= contentPerMinute) return null;
      const said = refusedAs(403, 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.');
      return { ...said, headers: { 'retry-after': '60' } };
    },
    headers: () => ({
      'x-ratelimit-limit': String(state.limit.perHour),
      'x-ratelimit-remaining': String(Math.max(0, state.limit.perHour - state.limit.used)),
      'x-ratelimit-used': String(state.limit.used),
      'x-ratelimit-reset': String(Math.ceil(until / 1000)),
      'x-ratelimit-resource': 'core',
    }),
    giveBack: () => {
      state.limit.used -= 1;
    },
  };
}
