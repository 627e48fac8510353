import { expect, test } from 'vitest';
import { seededRandom } from '../../train/random.ts';
import fixture from './bootstrap.fixture.json' with { type: 'json' };
import { bootstrapInterval } from './bootstrap.ts';

const difference = (counts: Uint32Array): number => {
  const [both = 0, gained = 0, lost = 0, neither = 0] = counts;
  return (gained - lost) / (both + gained + lost + neither);
};

test('the interval of a difference is that of scipy', () => {
  expect(fixture.cases.length).toBe(3);
  for (const { counts, low, high } of fixture.cases) {
    const ours = bootstrapInterval({ counts, statistic: difference }, 20_000, seededRandom(0));
    // a quantile of whole cases may fall on either neighbour
    const oneCase = 1.01 / counts.reduce((sum, count) => sum + count, 0);
    expect(Math.abs(ours.low - low)).toBeLessThan(oneCase);
    expect(Math.abs(ours.high - high)).toBeLessThan(oneCase);
  }
});

test('one seed gives one interval, another seed another', () => {
  const sample = { counts: [270, 12, 9, 17], statistic: difference };
  const interval = (seed: number): unknown => bootstrapInterval(sample, 1000, seededRandom(seed));
  expect(interval(5)).toEqual(interval(5));
  const counted = { counts: [2700, 120, 91, 170], statistic: difference };
  expect(bootstrapInterval(counted, 1000, seededRandom(5))).not.toEqual(bootstrapInterval(counted, 1000, seededRandom(6)));
});

test('a resample has as many cases as the sample', () => {
  bootstrapInterval(
    {
      counts: [3, 0, 40],
      statistic: (counts) => {
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(43);
        expect(counts[1]).toBe(0);
        return 0;
      },
    },
    100,
    seededRandom(1),
  );
});

test('19 of 20 intervals hold the true difference', () => {
  const random = seededRandom(8);
  let held = 0;
  for (let repeat = 0; repeat < 400; repeat += 1) {
    const counts = [0, 0, 0, 0];
    for (let at = 0; at < 300; at += 1) {
      const drawn = random.next() / 2 ** 32;
      const kind = drawn < 0.8 ? 0 : drawn < 0.86 ? 1 : drawn < 0.9 ? 2 : 3;
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    const { low, high } = bootstrapInterval({ counts, statistic: difference }, 400, random);
    if (low <= 0.02 + 1e-12 && 0.02 - 1e-12 <= high) held += 1;
  }
  expect(held / 400).toBeGreaterThan(0.91);
  expect(held / 400).toBeLessThan(0.99);
});

test('no case and no tail are mistakes of ours', () => {
  expect(() => bootstrapInterval({ counts: [0, 0], statistic: difference }, 100, seededRandom(1))).toThrow('nothing');
  expect(() => bootstrapInterval({ counts: [1], statistic: difference }, 10, seededRandom(1))).toThrow('tail');
});
