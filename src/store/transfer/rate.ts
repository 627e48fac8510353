import { setTimeout as sleep } from 'node:timers/promises';

/** Told of bytes as they move; to wait for it keeps a transfer below its limit. */
export type Meter = (bytes: number) => Promise<void> | void;

/**
 * A bandwidth limit over all that moves at once: a bucket that fills at the rate and holds a tenth of a second of it.
 * @param bytesPerSecond above 0; undefined: no limit
 * @param clock milliseconds that never go back
 */
export function limitRate(
  bytesPerSecond: number | undefined,
  signal: AbortSignal,
  clock: () => number = () => performance.now(),
  wait: (ms: number) => Promise<unknown> = (ms) => sleep(ms, undefined, { signal }),
): Meter {
  if (bytesPerSecond === undefined) return () => undefined;
  const burstMs = 100;
  let paidUntil = clock();
  return async (bytes) => {
    const now = clock();
    paidUntil = Math.max(paidUntil, now - burstMs) + (bytes / bytesPerSecond) * 1000;
    if (paidUntil > now) await wait(paidUntil - now);
  };
}
