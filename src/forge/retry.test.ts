import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decideRetry } from './retry.ts';

const world = { nowMs: 1_000_000, random: 1 };
const failure = (status: number, headers: Record<string, string> = {}, message = ''): Parameters<typeof decideRetry>[0] => ({
  status,
  headers,
  message,
});

test('a server in trouble is asked again, each time after twice as long, half of it by chance', () => {
  expect([0, 1, 2].map((attempt) => decideRetry(failure(502), attempt, world))).toEqual([{ waitMs: 1000 }, { waitMs: 2000 }, { waitMs: 4000 }]);
  expect(decideRetry(failure(502), 0, { ...world, random: 0 })).toEqual({ waitMs: 500 });
  expect(decideRetry(failure(502), 3, world)).toBe('no');
});

test('what is refused stays refused', () => {
  for (const status of [400, 401, 403, 404, 410, 422]) expect(decideRetry(failure(status), 0, world)).toBe('no');
});

test('a limit says how long to wait: a header, the reset of the hour, or a minute', () => {
  expect(decideRetry(failure(403, { 'retry-after': '7' }), 0, world)).toEqual({ waitMs: 8000 });
  expect(decideRetry(failure(429, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1030' }), 0, world)).toEqual({ waitMs: 31_000 });
  expect(decideRetry(failure(403, {}, 'You have exceeded a secondary rate limit'), 0, world)).toEqual({ waitMs: 61_000 });
});

test('a job does not sleep for the rest of the hour', () => {
  expect(decideRetry(failure(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '4600' }), 0, world)).toBe('too long');
  expect(decideRetry(failure(429, { 'retry-after': '7' }), 3, world)).toBe('too long');
});

test('no answer makes it wait over two minutes, or for ever', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 400, max: 599 }),
      fc.nat(6),
      fc.string(),
      fc.string(),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (status, attempt, after, reset, random) => {
        const headers = { 'retry-after': after, 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset };
        const decision = decideRetry({ status, headers, message: '' }, attempt, { nowMs: 0, random });
        if (typeof decision === 'string') return;
        expect(attempt).toBeLessThan(3);
        expect(decision.waitMs).toBeGreaterThanOrEqual(500);
        expect(decision.waitMs).toBeLessThanOrEqual(120_000);
      },
    ),
  );
});
