import fc from 'fast-check';
import { expect, test } from 'vitest';
import fixture from './binomial.fixture.json' with { type: 'json' };
import { fairCoin } from './binomial.ts';

test('probabilities are those of whole numbers', () => {
  expect(fixture.cases.length).toBeGreaterThan(10);
  for (const { k, n, p } of fixture.cases) {
    if (p < 1e-300) continue;
    expect(Math.abs(fairCoin(k, n) / p - 1), `${k} of ${n}`).toBeLessThan(1e-11);
  }
});

test('all outcomes together have probability 1', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), (n) => {
      let sum = 0;
      for (let k = 0; k <= n; k += 1) sum += fairCoin(k, n);
      expect(sum).toBeCloseTo(1, 11);
    }),
    { numRuns: 30 },
  );
});
