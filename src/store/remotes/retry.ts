// Trying again what may pass: time-outs, cut connections, 429, 5xx. Waits grow, and are random so that many who failed together do not come back together.
import { setTimeout as sleep } from 'node:timers/promises';
import { PlumbError } from '../../base/errors.ts';

/** A failure that may pass. It never leaves the remote: what does not pass becomes REMOTE_FAILED. */
export class Passing extends Error {
  /** how long the other side asks to be left alone; null where it did not say */
  readonly afterMs: number | null;

  constructor(what: string, options: { readonly afterMs?: number | null; readonly cause?: unknown } = {}) {
    super(what, options.cause === undefined ? {} : { cause: options.cause });
    this.afterMs = options.afterMs ?? null;
  }
}

export interface Patience {
  /** waits, and ends early with the signal's reason */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** 0 <= value < 1 */
  readonly random: () => number;
}

export const patience: Patience = {
  pause: async (ms, signal) => {
    // the signal's own reason, not one that the timer makes of it
    await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
  },
  random: Math.random,
};

const mostTries = 7;
const firstMs = 400;
const longestMs = 20_000;
/** A wait that is asked for and longer than this is not a hiccup: whoever waits for us should be told instead. */
const longestAskedMs = 180_000;

/**
 * Waits before the next try.
 * @param tries how many failed in a row, this one too
 * @throws PlumbError REMOTE_FAILED when it was the last, or when the other side asks for more time than anyone should wait
 * Source: "full jitter", AWS Architecture Blog 2015, Exponential Backoff And Jitter
 */
export async function waitOut(failure: Passing, tries: number, url: string, how: Patience, signal: AbortSignal): Promise<void> {
  const asked = failure.afterMs ?? 0;
  if (tries >= mostTries || asked > longestAskedMs) {
    throw new PlumbError('REMOTE_FAILED', {
      what: `the remote ${url} ${failure.message}${asked > longestAskedMs ? `, and asks to be left alone for ${Math.ceil(asked / 60_000)} minutes` : `, ${tries} times in a row`}`,
      mend: 'try again later; what was sent stays, and the next try goes on from there',
      cause: failure.cause ?? failure,
    });
  }
  const jitter = how.random() * Math.min(longestMs, firstMs * 2 ** tries);
  await how.pause(asked + jitter, signal);
}

/** Does it until it works, or fails in a way that does not pass. */
export async function persist<T>(work: () => Promise<T>, url: string, how: Patience, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries++) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Passing)) throw error;
      await waitOut(error, tries, url, how, signal);
    }
  }
}

/**
 * How long an answer asks us to wait, in milliseconds: Retry-After in seconds or as a date; else what GitHub's registry writes into its message
 * ("retry-after: 1.5s, allowed: 2000/minute", a duration as Go prints it).
 */
export function askedWait(header: string | null, message: string, now: number): number | null {
  const seconds = header === null ? Number.NaN : Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = header === null ? Number.NaN : Date.parse(header);
  if (Number.isFinite(date)) return Math.max(0, date - now);
  const [, amount, unit = ''] = /retry-after: ([\d.]+)(ns|µs|us|ms|s|m)\b/i.exec(message) ?? [];
  const scale = { ns: 1e-6, µs: 1e-3, us: 1e-3, ms: 1, s: 1000, m: 60_000 }[unit];
  return amount === undefined || scale === undefined ? null : Number(amount) * scale;
}
