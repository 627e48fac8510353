import fc from 'fast-check';
import { expect, test } from 'vitest';
import { medianSeconds } from './estimate.ts';

test('the median is the middle of what was measured, whatever the order', () => {
  expect([medianSeconds([]), medianSeconds([5]), medianSeconds([1, 100, 2]), medianSeconds([4, 1, 3, 2])]).toEqual([null, 5, 2, 2.5]);
  expect(medianSeconds([Number.NaN, -3, Number.POSITIVE_INFINITY])).toBeNull();
  fc.assert(
    fc.property(fc.array(fc.float({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }), (seconds) => {
      const median = medianSeconds(seconds) ?? -1;
      const half = seconds.length / 2;
      expect(seconds.filter((value) => value <= median).length).toBeGreaterThanOrEqual(half);
      expect(seconds.filter((value) => value >= median).length).toBeGreaterThanOrEqual(half);
      expect(medianSeconds(seconds.toReversed())).toBe(median);
    }),
  );
});
