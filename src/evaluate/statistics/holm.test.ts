import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../train/random.ts';
import fixture from './holm.fixture.json' with { type: 'json' };
import { type HolmTest, holmAdjusted } from './holm.ts';
import { mcnemarExact, mcnemarReach } from './mcnemar.ts';

const any = (level: number): number => level;

function continuous(ps: readonly number[]): HolmTest[] {
  return ps.map((p) => ({ p, reach: any }));
}

/** tests of [changed, lost] cases */
function exact(tests: readonly (readonly [number, number])[]): HolmTest[] {
  return tests.map(([changed, lost]) => ({ p: mcnemarExact({ gained: changed - lost, lost }), reach: mcnemarReach(changed) }));
}

test('corrected p-values of continuous tests are those of statsmodels', () => {
  expect(fixture.cases.length).toBeGreaterThan(5);
  for (const { ps, adjusted } of fixture.cases) {
    const ours = holmAdjusted(continuous(ps));
    for (const [at, p] of adjusted.entries()) expect(ours[at]).toBeCloseTo(p, 12);
  }
});

test('corrected p-values of exact tests are those of whole numbers', () => {
  expect(fixture.exact.length).toBeGreaterThan(5);
  for (const { tests, adjusted } of fixture.exact) {
    const ours = holmAdjusted(exact(tests as [number, number][]));
    for (const [at, p] of adjusted.entries()) expect(ours[at]).toBeCloseTo(p, 11);
  }
});

const family = fc.array(
  fc.nat({ max: 30 }).chain((changed) => fc.tuple(fc.constant(changed), fc.nat({ max: changed }))),
  { maxLength: 40 },
);

test('a correction raises p, keeps the order, does not know the order of the tests, and is never harsher than for continuous tests', () => {
  fc.assert(
    fc.property(family, (list) => {
      const tests = exact(list);
      const adjusted = holmAdjusted(tests);
      const plain = holmAdjusted(continuous(tests.map(({ p }) => p)));
      const turned = holmAdjusted(tests.toReversed()).toReversed();
      for (const [at, { p }] of tests.entries()) {
        const ours = adjusted[at] as number;
        expect(ours).toBeGreaterThanOrEqual(p);
        expect(ours).toBeLessThanOrEqual(1);
        expect(ours).toBeLessThanOrEqual((plain[at] as number) + 1e-12);
        expect(turned[at]).toBeCloseTo(ours, 12);
        for (const [other, { p: q }] of tests.entries()) if (p < q) expect(ours).toBeLessThanOrEqual(adjusted[other] as number);
      }
    }),
  );
});

test('tests in which nothing changed cost nothing', () => {
  const unchanged = Array.from({ length: 70 }, () => [0, 0] as const);
  expect(holmAdjusted(exact([[8, 8], [7, 6], ...unchanged])).slice(0, 2)).toEqual(
    holmAdjusted(
      exact([
        [8, 8],
        [7, 6],
      ]),
    ),
  );
});

test('of many true nulls together, at most 5 % of trials raise any alarm', () => {
  const random = seededRandom(4);
  const alarms = (draw: () => HolmTest[]): number => {
    let raised = 0;
    for (let repeat = 0; repeat < 3000; repeat += 1) if (holmAdjusted(draw()).some((p) => p < 0.05)) raised += 1;
    return raised / 3000;
  };
  const even = alarms(() => continuous(Array.from({ length: 20 }, () => (random.next() + 0.5) / 2 ** 32)));
  expect(even).toBeLessThan(0.062);
  expect(even).toBeGreaterThan(0.035);
  // few changed cases, a different number in each class, each as likely gained as lost
  const reaches = Array.from({ length: 26 }, (_, changed) => mcnemarReach(changed));
  const coins = (): HolmTest[] =>
    Array.from({ length: 30 }, (_, at) => {
      const changed = at % 26;
      let lost = 0;
      for (let toss = 0; toss < changed; toss += 1) lost += random.below(2);
      return { p: mcnemarExact({ gained: changed - lost, lost }), reach: reaches[changed] as (level: number) => number };
    });
  const discrete = alarms(coins);
  expect(discrete).toBeLessThan(0.062);
  // and the sharper correction does use up some of its level
  expect(discrete).toBeGreaterThan(0.015);
});
