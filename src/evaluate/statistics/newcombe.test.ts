import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../train/random.ts';
import fixture from './newcombe.fixture.json' with { type: 'json' };
import { newcombeInterval } from './newcombe.ts';

test('bounds are those of the paper, computed with 60 digits', () => {
  expect(fixture.cases.length).toBeGreaterThan(10);
  for (const { value, low, high, ...pairs } of fixture.cases) {
    const interval = newcombeInterval(pairs);
    expect(interval.value).toBeCloseTo(value, 12);
    // the bounds of the paper may leave [-1, 1] by less than a rounding
    expect(interval.low).toBeCloseTo(Math.max(-1, low), 10);
    expect(interval.high).toBeCloseTo(Math.min(1, high), 10);
  }
});

test('bounds are those that others published', () => {
  expect(fixture.published).toHaveLength(1);
  for (const { low, high, digits, both, gained, lost, neither } of fixture.published) {
    const interval = newcombeInterval({ both, gained, lost, neither });
    expect(Number(interval.low.toFixed(digits))).toBe(low);
    expect(Number(interval.high.toFixed(digits))).toBe(high);
  }
});

const tables = fc
  .record({ both: fc.nat({ max: 3000 }), gained: fc.nat({ max: 300 }), lost: fc.nat({ max: 300 }), neither: fc.nat({ max: 500 }) })
  .filter(({ both, gained, lost, neither }) => both + gained + lost + neither > 0);

test('the difference lies between its bounds, and the models changed about mirrors them', () => {
  fc.assert(
    fc.property(tables, (pairs) => {
      const { value, low, high } = newcombeInterval(pairs);
      expect(-1 <= low && low <= value && value <= high && high <= 1).toBe(true);
      const mirror = newcombeInterval({ ...pairs, gained: pairs.lost, lost: pairs.gained });
      expect(mirror.low).toBeCloseTo(-high, 12);
      expect(mirror.high).toBeCloseTo(-low, 12);
    }),
  );
});

test('19 of 20 intervals hold the true difference', () => {
  const random = seededRandom(2);
  const [gain, loss, both] = [0.03, 0.05, 0.86];
  let held = 0;
  for (let repeat = 0; repeat < 2000; repeat += 1) {
    const pairs = { both: 0, gained: 0, lost: 0, neither: 0 };
    for (let at = 0; at < 300; at += 1) {
      const drawn = random.next() / 2 ** 32;
      if (drawn < gain) pairs.gained += 1;
      else if (drawn < gain + loss) pairs.lost += 1;
      else if (drawn < gain + loss + both) pairs.both += 1;
      else pairs.neither += 1;
    }
    const { low, high } = newcombeInterval(pairs);
    if (low <= gain - loss && gain - loss <= high) held += 1;
  }
  expect(held / 2000).toBeGreaterThan(0.94);
  expect(held / 2000).toBeLessThan(0.98);
});

test('no cases and no counts are refused', () => {
  const none = { both: 0, gained: 0, lost: 0, neither: 0 };
  for (const pairs of [none, { ...none, both: -1 }, { ...none, lost: 1.5 }]) {
    expect(() => newcombeInterval(pairs)).toThrow(expect.objectContaining({ code: 'STAT_NOT_A_COUNT' }));
  }
});
