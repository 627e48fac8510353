import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chiSquare, poolRare } from './chi-square.ts';
import { countNumbers, type Aligned, type NumberCounts } from './counts.ts';
import { jensenShannon, stabilityIndex, totalVariation } from './distance.ts';
import fixture from './drift.fixture.json' with { type: 'json' };
import { kolmogorovAsymptotic, kolmogorovExact, kolmogorovP } from './kolmogorov.ts';
import { adjusted } from './multiplicity.ts';
import { binned, decileEdges, describeNumbers, kolmogorovSmirnov, quantiles, wasserstein, wassersteinNormed } from './number-distance.ts';
import { twoProportions } from './proportions.ts';
import { chiSquareTail } from './special.ts';

function bag(runs: readonly (readonly number[])[]): NumberCounts {
  return {
    values: Float64Array.from(runs, ([value = 0]) => value),
    counts: Uint32Array.from(runs, ([, count = 0]) => count),
  };
}

function table(before: readonly number[], after: readonly number[]): Aligned {
  return { categories: before.map((_, at) => `c${at}`), before, after };
}

/** equal to so many digits, or both next to nothing */
function near(value: number | null | undefined, expected: number, digits: number, what: string): void {
  expect(value, what).not.toBeNull();
  const apart = Math.abs((value ?? NaN) - expected);
  expect(apart <= 10 ** -digits * Math.abs(expected) || apart < 1e-12, `${what}: ${value}, expected ${expected}`).toBe(true);
}

test('numbers: distances, p, moments and quantiles are those of scipy and numpy', () => {
  expect(fixture.numbers.length).toBeGreaterThan(12);
  expect(fixture.numbers.filter(({ ksExact }) => !ksExact).length).toBeGreaterThan(2);
  fixture.numbers.forEach((one, at) => {
    const [before, after] = [bag(one.before), bag(one.after)];
    near(wasserstein(before, after), one.wasserstein, 11, `wasserstein ${at}`);
    near(wassersteinNormed(before, after), one.normed, 11, `normed ${at}`);
    near(kolmogorovSmirnov(before, after), one.ks, 12, `D ${at}`);
    near(stabilityIndex(binned(before, after, decileEdges(before))), one.psi, 11, `psi ${at}`);
    const size = (counts: NumberCounts): number => counts.counts.reduce((sum, count) => sum + count, 0);
    near(kolmogorovP(one.ks, size(before), size(after)), one.ksP, 8, `p ${at}`);
    const shape = describeNumbers(before);
    near(shape?.mean, one.mean, 12, `mean ${at}`);
    near(shape?.deviation, one.deviation, 12, `deviation ${at}`);
    one.quantiles.forEach((expected, which) => near(shape?.quantiles[which], expected, 12, `quantile ${which} of ${at}`));
  });
});

test('categories: distances and chi-square are those of scipy', () => {
  expect(fixture.categories.length).toBeGreaterThan(6);
  for (const one of fixture.categories) {
    const both = table(one.before, one.after);
    near(jensenShannon(both), one.jensenShannon, 10, 'Jensen-Shannon');
    near(totalVariation(both), one.totalVariation, 12, 'total variation');
    near(stabilityIndex(both), one.psi, 11, 'psi');
    const found = chiSquare(both);
    near(found?.statistic, one.statistic, 11, 'chi-square');
    near(found?.p, one.p, 9, 'p');
    near(found?.cramersV, one.cramersV, 11, "Cramer's V");
    expect(found?.freedom).toBe(one.freedom);
  }
});

test('shares: Fisher where there are few, z else', () => {
  expect(new Set(fixture.shares.map(({ test: name }) => name))).toEqual(new Set(['fisher', 'z']));
  for (const { before, after, test: name, p, statistic } of fixture.shares) {
    const [[hits = 0, of = 0], [hitsNow = 0, ofNow = 0]] = [before, after];
    const found = twoProportions({ hits, of }, { hits: hitsNow, of: ofNow });
    expect(found?.test).toBe(name);
    near(found?.p, p, 8, `${hits}/${of} ${hitsNow}/${ofNow}`);
    if (statistic !== undefined) near(found?.statistic, statistic, 12, 'z');
  }
});

test('tails are those of scipy', () => {
  for (const { x, freedom, p } of fixture.chiSquareTails) near(chiSquareTail(x, freedom), p, 9, `chi-square ${x}, ${freedom}`);
  // two samples of 2 n have n as their size together
  for (const { d, n, p } of fixture.kolmogorov) near(kolmogorovAsymptotic(d, 2 * n, 2 * n), p, 7, `D ${d}, n ${n}`);
});

test('corrections are those of statsmodels', () => {
  for (const { ps, benjaminiHochberg, holm } of fixture.multiplicity) {
    adjusted(ps, 'benjamini-hochberg').forEach((p, at) => near(p, benjaminiHochberg[at] ?? 0, 12, 'Benjamini-Hochberg'));
    adjusted(ps, 'holm').forEach((p, at) => near(p, holm[at] ?? 0, 12, 'Holm'));
    expect(adjusted(ps, 'none')).toEqual(ps);
  }
});

const numbers = fc.array(fc.oneof(fc.integer({ min: -20, max: 20 }), fc.double({ noNaN: true, noDefaultInfinity: true })), {
  minLength: 1,
  maxLength: 40,
});

test('a bag is at no distance from itself, in whatever order it came, and distances go both ways', () => {
  fc.assert(
    fc.property(numbers, numbers, (before, after) => {
      const [a, b, again] = [countNumbers(before), countNumbers(after), countNumbers(before.toReversed())];
      expect(again).toEqual(a);
      expect(wasserstein(a, again)).toBe(0);
      expect(kolmogorovSmirnov(a, again)).toBe(0);
      expect(kolmogorovSmirnov(a, b)).toBe(kolmogorovSmirnov(b, a));
      expect(kolmogorovExact(kolmogorovSmirnov(a, b) ?? 0, before.length, after.length)).toBeLessThanOrEqual(1);
      expect(quantiles(a, [0, 1])).toEqual([a.values[0], a.values.at(-1)]);
      expect(describeNumbers(a)?.deviation).toBeGreaterThanOrEqual(0);
    }),
  );
});

test('nothing on one side is no answer', () => {
  const none = countNumbers([]);
  const some = countNumbers([1, 2]);
  expect([wasserstein(none, some), kolmogorovSmirnov(some, none), describeNumbers(none), wassersteinNormed(none, some)]).toEqual([
    null,
    null,
    null,
    null,
  ]);
  const empty = table([0, 0], [3, 4]);
  expect([jensenShannon(empty), totalVariation(empty), stabilityIndex(empty), chiSquare(empty)]).toEqual([null, null, null, null]);
  expect(twoProportions({ hits: 0, of: 0 }, { hits: 1, of: 2 })).toBeNull();
});

test('numbers far from zero and close together keep their deviation', () => {
  near(describeNumbers(countNumbers([1e15, 1e15 + 2]))?.deviation, 1, 12, 'deviation');
  near(describeNumbers(countNumbers([1e15, 1e15 + 2]))?.mean, 1e15 + 1, 15, 'mean');
  near(describeNumbers(countNumbers([-1.7e308, 1.7e308]))?.deviation, 1.7e308, 12, 'huge');
});

test('categories that are expected too seldom are tested together', () => {
  expect(poolRare(table([50, 1, 1, 40], [60, 0, 2, 44]))).toEqual({ categories: ['c0', 'c3', ''], before: [50, 40, 2], after: [60, 44, 2] });
});

/** mulberry32 */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

test('a 5 % test rejects at most 5 % of equal populations', () => {
  const next = random(5);
  const draw = (many: number, kinds: number): number[] => Array.from({ length: many }, () => Math.floor(next() ** 2 * kinds));
  const rounds = 1000;
  const rejected = { ks: 0, chi: 0, share: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const [before, after] = [draw(60, 1000), draw(45, 1000)];
    const [a, b] = [countNumbers(before), countNumbers(after)];
    if (kolmogorovP(kolmogorovSmirnov(a, b) ?? 0, 60, 45) < 0.05) rejected.ks += 1;
    const tens = (values: number[]): number[] =>
      Array.from({ length: 10 }, (_, ten) => values.filter((value) => Math.floor(value / 100) === ten).length);
    if ((chiSquare(poolRare(table(tens(before), tens(after))))?.p ?? 1) < 0.05) rejected.chi += 1;
    const few = (values: number[]): number => values.filter((value) => value > 950).length;
    if ((twoProportions({ hits: few(before), of: 60 }, { hits: few(after), of: 45 })?.p ?? 1) < 0.05) rejected.share += 1;
  }
  // three standard deviations above 5 %
  for (const count of Object.values(rejected)) expect(count / rounds).toBeLessThan(0.0707);
  expect(rejected.ks).toBeGreaterThan(10);
});
