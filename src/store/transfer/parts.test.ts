import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';
import type { FrameLocation } from '../pack/pack.ts';
import { Budget } from './budget.ts';
import { DigestTable, NumberSet } from './digest-table.ts';
import { Lanes } from './lanes.ts';
import { planRanges } from './ranges.ts';
import { limitRate } from './rate.ts';

test('a table numbers digests as they come, each once', () => {
  const digests = Array.from({ length: 70_000 }, (_, at) => digestOf(String(at)));
  const table = new DigestTable();
  for (const [at, digest] of digests.entries()) expect(table.add(digest)).toBe(at);
  expect(table.add(digests[12] as `sha256:${string}`)).toBe(12);
  expect(table.size).toBe(70_000);
  for (const at of [0, 1, 40_000, 69_999]) {
    expect(table.digestAt(at)).toBe(digests[at]);
    expect(table.find(digests[at] as `sha256:${string}`)).toBe(at);
  }
  expect(table.find(digestOf('another'))).toBe(-1);
  expect(() => table.digestAt(70_000)).toThrow('no digest');
});

test('a set of numbers has what was added', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: 5000 })), (numbers) => {
      const set = new NumberSet();
      for (const number of numbers) set.add(number);
      for (let number = 0; number <= 5001; number += 1) expect(set.has(number)).toBe(numbers.includes(number));
    }),
    { numRuns: 30 },
  );
});

/** Frames one behind the other. */
function frames(sizes: readonly number[]): FrameLocation[] {
  let offset = 8;
  return sizes.map((stored) => {
    const frame: FrameLocation = { offset, stored, raw: stored, codec: 0 };
    offset += stored;
    return frame;
  });
}

test('ranges hold all wanted frames in order, read small gaps over, and leave out large ones', () => {
  const anyFrames = fc.array(fc.record({ size: fc.integer({ min: 1, max: 400_000 }), isWanted: fc.boolean() }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(anyFrames, (some) => {
      const all = frames(some.map(({ size }) => size));
      const wanted = some.flatMap(({ isWanted }, at) => (isWanted ? [at] : []));
      const bytes = all.reduce((sum, { stored }) => sum + stored, 8);
      const ranges = planRanges(wanted.toReversed(), (frame) => all[frame] as FrameLocation, { bytes });
      expect(ranges.flatMap((range) => range.frames)).toEqual(wanted);
      for (const { start, end, frames: own } of ranges) {
        expect(start).toBe(all[own[0] as number]?.offset);
        for (const frame of own) expect((all[frame] as FrameLocation).offset + (all[frame] as FrameLocation).stored).toBeLessThanOrEqual(end);
      }
      for (let at = 1; at < ranges.length; at += 1) expect((ranges[at]?.start ?? 0) - (ranges[at - 1]?.end ?? 0)).toBeGreaterThanOrEqual(256 * 1024);
    }),
  );
  const large = frames(Array.from({ length: 100 }, () => 1_000_000));
  const at = (frame: number): FrameLocation => large[frame] as FrameLocation;
  const most = Array.from({ length: 100 }, (_, frame) => frame).filter((frame) => frame % 8 !== 3);
  expect(planRanges(most, at, { bytes: 100_000_008 }).length).toBe(1);
  expect(planRanges([3, 50], at, { bytes: 100_000_008 }).length).toBe(2);
});

test('a limit is one for all: bytes that were spent are waited for, a pause saves up a tenth of a second at most', async () => {
  let now = 0;
  const waits: number[] = [];
  const wait = async (ms: number): Promise<void> => {
    waits.push(Math.round(ms));
  };
  const meter = limitRate(1000, new AbortController().signal, () => now, wait);
  await meter(500);
  await meter(500);
  expect(waits).toEqual([500, 1000]);
  now = 60_000;
  await meter(50);
  await meter(1050);
  expect(waits).toEqual([500, 1000, 1000]);
});

test('what is held at once stays within its budget, and nobody waits for ever', async () => {
  const budget = new Budget(100);
  let held = 0;
  let most = 0;
  await Promise.all(
    [60, 60, 500, 10, 90, 30].map(async (bytes) => {
      const release = await budget.take(bytes);
      held += Math.min(bytes, 100);
      most = Math.max(most, held);
      await sleep(1);
      held -= Math.min(bytes, 100);
      release();
    }),
  );
  expect(held).toBe(0);
  expect(most).toBeLessThanOrEqual(100);
});

test('lanes widen while that brings more bytes, and halve when the remote fails', async () => {
  let now = 0;
  const lanes = new Lanes(() => now);
  let underWay = 0;
  let most = 0;
  let rate = 1000;
  await Promise.all(
    Array.from({ length: 200 }, () =>
      lanes.run(async () => {
        underWay += 1;
        most = Math.max(most, underWay);
        await sleep(1);
        now += 600;
        rate *= 1.2;
        lanes.told(rate * 600);
        underWay -= 1;
      }),
    ),
  );
  expect(most).toBe(16);
  const failing = () => lanes.run(() => Promise.reject(new PlumbError('REMOTE_FAILED', { what: 'no', mend: 'wait' })));
  await expect(failing()).rejects.toThrow('no');
  expect(lanes.width).toBe(8);
  for (let trial = 0; trial < 11; trial += 1) await expect(failing()).rejects.toThrow('no');
  expect(lanes.width).toBe(1);
  expect(lanes.isHopeless).toBe(true);
  expect(await Promise.all([1, 2, 3].map((value) => lanes.run(async () => value)))).toEqual([1, 2, 3]);
  expect(lanes.isHopeless).toBe(false);
});
