import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../train/random.ts';
import fixture from './mcnemar.fixture.json' with { type: 'json' };
import { mcnemarExact, mcnemarReach } from './mcnemar.ts';

test('p is that of statsmodels', () => {
  expect(fixture.cases.length).toBeGreaterThan(10);
  for (const { gained, lost, p } of fixture.cases) {
    expect(Math.abs(mcnemarExact({ gained, lost }) / p - 1), `${gained} gained, ${lost} lost`).toBeLessThan(1e-11);
  }
});

test('p is above 0 and at most 1, does not know the direction, and falls as one side grows', () => {
  fc.assert(
    fc.property(fc.nat({ max: 3000 }), fc.nat({ max: 3000 }), (gained, lost) => {
      const p = mcnemarExact({ gained, lost });
      expect(p > 0 && p <= 1).toBe(true);
      expect(mcnemarExact({ gained: lost, lost: gained })).toBe(p);
      if (lost >= gained) expect(mcnemarExact({ gained, lost: lost + 1 })).toBeLessThanOrEqual(p);
    }),
  );
});

test('even where no double is small enough, p is not 0', () => {
  expect(mcnemarExact({ gained: 0, lost: 100_000 })).toBeGreaterThan(0);
});

test('two models that are equally good are told apart in less than 5 % of trials', () => {
  const random = seededRandom(3);
  for (const changed of [3, 8, 20, 57, 300]) {
    let rejected = 0;
    for (let repeat = 0; repeat < 4000; repeat += 1) {
      let gained = 0;
      for (let at = 0; at < changed; at += 1) gained += random.below(2);
      if (mcnemarExact({ gained, lost: changed - gained }) < 0.05) rejected += 1;
    }
    // the exact test never rejects more often than 5 %; 4,000 repeats may show 1 point more by chance (3 standard errors)
    expect(rejected / 4000).toBeLessThan(0.06);
    // and it is no test that rejects nothing
    if (changed > 5) expect(rejected).toBeGreaterThan(0);
  }
});

test('what is no count is refused', () => {
  for (const pairs of [
    { gained: -1, lost: 0 },
    { gained: 0.5, lost: 0 },
    { gained: 0, lost: Number.NaN },
  ]) {
    expect(() => mcnemarExact(pairs)).toThrow(expect.objectContaining({ code: 'STAT_NOT_A_COUNT' }));
  }
});

test('what a test can say is one of its p-values, the nearest not above the level', () => {
  expect(mcnemarReach(0)(0.99)).toBe(0);
  expect(mcnemarReach(0)(1)).toBe(1);
  expect(mcnemarReach(5)(0.05)).toBe(0);
  expect(mcnemarReach(6)(0.05)).toBeCloseTo(0.03125, 14);
  fc.assert(
    fc.property(fc.nat({ max: 60 }), fc.nat({ max: 60 }), (gained, lost) => {
      const p = mcnemarExact({ gained, lost });
      expect(mcnemarReach(gained + lost)(p)).toBe(p);
      expect(mcnemarReach(gained + lost)(p * 0.999)).toBeLessThan(p);
    }),
  );
});
