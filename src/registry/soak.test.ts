import { expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import type { PointerChange } from './history.ts';
import { durationMs, durationText, soakLeftMs, stagedSince } from './soak.ts';

const [a, b] = [digestOf('a'), digestOf('b')];
const minute = 60_000;

test('a duration is read as policy.yaml has it, and told rounded up', () => {
  expect([durationMs('1 minute'), durationMs('24 hours'), durationMs('3 days')]).toEqual([minute, 1440 * minute, 4320 * minute]);
  expect([1, minute, 61 * minute, 1440 * minute + 1, 49 * 60 * minute].map(durationText)).toEqual([
    '1 minute',
    '1 minute',
    '1 hour and 1 minute',
    '1 day and 1 minute',
    '2 days and 1 hour',
  ]);
});

test('what is left of it; what is not there has all of it left', () => {
  const since = new Date('2026-11-21T00:00:00Z');
  expect(soakLeftMs('1 hour', since, new Date('2026-11-21T00:20:00Z'))).toBe(40 * minute);
  expect(soakLeftMs('1 hour', since, new Date('2026-11-21T01:00:00Z'))).toBe(0);
  expect(soakLeftMs('1 hour', null, new Date('2026-11-21T01:00:00Z'))).toBe(60 * minute);
});

/** Newest first, as a history is: one an hour. */
function historyOf(...artifacts: (typeof a | null)[]): PointerChange[] {
  return artifacts.map((after, at) => ({
    after,
    date: new Date(Date.UTC(2026, 10, 21, artifacts.length - at)),
    parents: ['p'],
  })) as unknown as PointerChange[];
}
const git = (parent: string): Parameters<typeof stagedSince>[0] => ({
  readCommit: async (oid) => ({ oid, parents: [], author: { name: '', email: '' }, date: new Date(parent), message: '' }),
});

test('a model soaks from the last time that it came; a break begins it anew', async () => {
  const early = git('2026-11-20T00:00:00Z');
  expect(await stagedSince(early, historyOf(a, b), a)).toEqual(new Date('2026-11-21T02:00:00Z'));
  expect(await stagedSince(early, historyOf(a, a, b), a)).toEqual(new Date('2026-11-21T02:00:00Z'));
  expect(await stagedSince(early, historyOf(a, b, a), a)).toEqual(new Date('2026-11-21T03:00:00Z'));
  expect(await stagedSince(early, historyOf(a, null, a), a)).toEqual(new Date('2026-11-21T03:00:00Z'));
  expect(await stagedSince(early, historyOf(a), a)).toEqual(new Date('2026-11-21T01:00:00Z'));
  expect(await stagedSince(early, historyOf(b, a), a)).toBeNull();
  expect(await stagedSince(early, [], a)).toBeNull();
});

test('a commit that says an earlier date than the one before it counts from there', async () => {
  expect(await stagedSince(git('2026-11-21T05:00:00Z'), historyOf(a, b), a)).toEqual(new Date('2026-11-21T05:00:00Z'));
});
