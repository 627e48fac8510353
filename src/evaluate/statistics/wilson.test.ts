import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../train/random.ts';
import fixture from './wilson.fixture.json' with { type: 'json' };
import { wilsonInterval } from './wilson.ts';

test('bounds are those of statsmodels', () => {
  expect(fixture.cases.length).toBeGreaterThan(10);
  for (const { successes, trials, low, high } of fixture.cases) {
    const interval = wilsonInterval({ successes, trials });
    expect(interval.value).toBe(successes / trials);
    expect(interval.low).toBeCloseTo(low, 12);
    expect(interval.high).toBeCloseTo(high, 12);
  }
});

test('the share lies between its bounds, failures mirror successes, and more of the same narrows', () => {
  const share = fc.nat({ max: 5000 }).chain((trials) => fc.record({ trials: fc.constant(trials + 1), successes: fc.nat({ max: trials + 1 }) }));
  fc.assert(
    fc.property(share, ({ successes, trials }) => {
      const { value, low, high } = wilsonInterval({ successes, trials });
      expect(0 <= low && low <= value && value <= high && high <= 1).toBe(true);
      const mirror = wilsonInterval({ successes: trials - successes, trials });
      expect(mirror.low).toBeCloseTo(1 - high, 12);
      const more = wilsonInterval({ successes: successes * 2, trials: trials * 2 });
      expect(more.high - more.low).toBeLessThan(high - low);
    }),
  );
});

test('19 of 20 intervals hold the true share', () => {
  const random = seededRandom(1);
  const coverage = (share: number, trials: number): number => {
    let held = 0;
    for (let repeat = 0; repeat < 2000; repeat += 1) {
      let successes = 0;
      for (let trial = 0; trial < trials; trial += 1) if (random.next() < share * 2 ** 32) successes += 1;
      const { low, high } = wilsonInterval({ successes, trials });
      if (low <= share && share <= high) held += 1;
    }
    return held / 2000;
  };
  // a score interval of a discrete count holds its level on average, not at each share: by chance and by design a bit more or less
  for (const [share, trials] of [
    [0.5, 40],
    [0.9, 40],
    [0.92, 400],
    [0.97, 300],
  ] as const) {
    expect(coverage(share, trials)).toBeGreaterThan(0.93);
    expect(coverage(share, trials)).toBeLessThan(0.98);
  }
});

test('what is no count is refused', () => {
  for (const share of [
    { successes: 0, trials: 0 },
    { successes: 3, trials: 2 },
    { successes: -1, trials: 2 },
    { successes: 0.5, trials: 2 },
    { successes: Number.NaN, trials: 2 },
  ]) {
    expect(() => wilsonInterval(share)).toThrow(expect.objectContaining({ code: 'STAT_NOT_A_COUNT' }));
  }
});
