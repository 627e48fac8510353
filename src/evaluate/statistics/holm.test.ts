import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../train/random.ts';
import fixture from './holm.fixture.json' with { type: 'json' };
import { holmAdjusted } from './holm.ts';

test('corrected p-values are those of statsmodels', () => {
  expect(fixture.cases.length).toBeGreaterThan(5);
  for (const { ps, adjusted } of fixture.cases) {
    const ours = holmAdjusted(ps);
    for (const [at, p] of adjusted.entries()) expect(ours[at]).toBeCloseTo(p, 12);
  }
});

const values = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 });

test('a correction raises p, keeps the order, and tests with p = 1 may be left out of the list', () => {
  fc.assert(
    fc.property(values, fc.nat({ max: 50 }), (ps, silent) => {
      const adjusted = holmAdjusted(ps, ps.length + silent);
      const spelled = holmAdjusted([...ps, ...new Array<number>(silent).fill(1)]);
      for (const [at, p] of ps.entries()) {
        expect(adjusted[at]).toBeGreaterThanOrEqual(p);
        expect(adjusted[at]).toBeLessThanOrEqual(1);
        expect(adjusted[at]).toBe(spelled[at]);
        for (const [other, q] of ps.entries()) if (p < q) expect(adjusted[at]).toBeLessThanOrEqual(adjusted[other] as number);
      }
    }),
  );
});

test('of 20 true nulls together, fewer than 5 % of trials raise any alarm', () => {
  const random = seededRandom(4);
  let alarms = 0;
  for (let repeat = 0; repeat < 4000; repeat += 1) {
    const ps = Array.from({ length: 20 }, () => (random.next() + 0.5) / 2 ** 32);
    if (holmAdjusted(ps).some((p) => p < 0.05)) alarms += 1;
  }
  expect(alarms / 4000).toBeLessThan(0.06);
  expect(alarms / 4000).toBeGreaterThan(0.035);
});

test('a family smaller than its tests is a mistake of ours', () => {
  expect(() => holmAdjusted([0.1, 0.2], 1)).toThrow('family');
});
