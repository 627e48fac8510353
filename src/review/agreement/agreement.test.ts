import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ada, bob, by, decision, eve, relabelled, row } from '../decision.fixture.ts';
import { settle, type Decided } from '../settled.ts';
import { agreementOf, type AgreementRequest } from './agreement.ts';
import { cohenKappa, weightedKappa } from './cohen.ts';
import { krippendorffAlpha, type AlphaScale } from './krippendorff.ts';

interface Reference {
  readonly kappa: readonly { readonly table: number[][]; readonly none: Figure; readonly linear: Figure; readonly quadratic: Figure }[];
  readonly alpha: readonly ({ readonly units: number[][]; readonly size: number } & Readonly<Record<AlphaScale, number>>)[];
}
interface Figure {
  readonly kappa: number;
  readonly se: number;
}
const reference = JSON.parse(readFileSync(new URL('agreement.fixture.json', import.meta.url), 'utf8')) as Reference;

describe("Cohen's kappa", () => {
  // Cohen 1960, table 1, and 1968, table 1: 200 cases, three diagnoses
  const cohen = [
    [88, 14, 18],
    [10, 40, 10],
    [2, 6, 12],
  ];

  test("Cohen's own examples: .49 plain, .35 with his weights", () => {
    expect(cohenKappa(cohen).kappa).toBeCloseTo(0.492, 3);
    const disagreement = [
      [0, 1, 3],
      [1, 0, 6],
      [3, 6, 0],
    ];
    expect(weightedKappa(cohen, (i, j) => 1 - (disagreement[i]?.[j] ?? 0) / 6).kappa).toBeCloseTo(0.348, 3);
  });

  test('statsmodels says the same, errors too', () => {
    expect(reference.kappa.length).toBe(15);
    for (const { table, ...figures } of reference.kappa) {
      for (const weights of ['none', 'linear', 'quadratic'] as const) {
        const found = cohenKappa(table, weights);
        expect(found.kappa).toBeCloseTo(figures[weights].kappa, 10);
        expect(found.se).toBeCloseTo(figures[weights].se, 10);
      }
    }
  });

  test('people who only ever say one thing: nothing can be said', () => {
    expect(cohenKappa([[12]])).toMatchObject({ kappa: null, se: null, agreement: 1, rows: 12 });
    expect(
      cohenKappa([
        [12, 0],
        [0, 0],
      ]).kappa,
    ).toBeNull();
  });
});

describe("Krippendorff's alpha", () => {
  // Krippendorff 2011, example C: four observers, twelve units, one of which only one of them looked at
  const units = [
    [1, 1, 1],
    [2, 2, 3, 2],
    [3, 3, 3, 3],
    [3, 3, 3, 3],
    [2, 2, 2, 2],
    [1, 2, 3, 4],
    [4, 4, 4, 4],
    [1, 1, 2, 1],
    [2, 2, 2, 2],
    [5, 5, 5],
    [1, 1],
    [3],
  ];
  const places = units.map((unit) => unit.map((value) => value - 1));
  const categories = [1, 2, 3, 4, 5];

  test.each([
    ['nominal', 0.743],
    ['ordinal', 0.815],
    ['interval', 0.849],
  ] as const)('the example of the paper: %s %f', (scale, alpha) => {
    expect(krippendorffAlpha(places, categories, scale)).toMatchObject({ rows: 11, values: 40 });
    expect(krippendorffAlpha(places, categories, scale).alpha).toBeCloseTo(alpha, 3);
  });

  test('the package krippendorff says the same', () => {
    expect(reference.alpha.length).toBe(8);
    for (const { units: rows, size, ...figures } of reference.alpha) {
      const numbers = Array.from({ length: size }, (_, at) => at);
      for (const scale of ['nominal', 'ordinal', 'interval'] as const)
        expect(krippendorffAlpha(rows, numbers, scale).alpha).toBeCloseTo(figures[scale], 10);
    }
  });

  test('two people who looked at all rows: alpha is what Scott’s pi is, corrected for a small sample', () => {
    const table = fc.array(fc.tuple(fc.nat(2), fc.nat(2)), { minLength: 2, maxLength: 40 });
    fc.assert(
      fc.property(table, (pairs) => {
        const share = [0, 1, 2].map((one) => pairs.flat().filter((value) => value === one).length / (2 * pairs.length));
        const chance = share.reduce((sum, p) => sum + p * p, 0);
        fc.pre(chance < 1);
        const pi = (pairs.filter(([a, b]) => a === b).length / pairs.length - chance) / (1 - chance);
        const n = 2 * pairs.length;
        expect(krippendorffAlpha(pairs, [0, 1, 2], 'nominal').alpha).toBeCloseTo(1 - ((1 - pi) * (n - 1)) / n, 10);
      }),
    );
  });

  test('nobody looked twice: nothing can be said', () => {
    expect(krippendorffAlpha([[0], [1]], [0, 1], 'nominal')).toEqual({ alpha: null, rows: 0, values: 0 });
  });
});

describe('agreement of decisions', () => {
  const plain: AgreementRequest = { of: null, scale: 'nominal', weights: 'none', order: null };
  const votes = (labels: readonly (readonly [string, string])[]): Decided[] =>
    labels.flatMap(([a, b], at) => [by(ada, relabelled(at, a)), by(bob, relabelled(at, b), 'second')]);

  test('labels are compared where every vote has one, what an adjudicator said is no vote', () => {
    const agreement = agreementOf(
      settle([
        ...votes([
          ['x', 'x'],
          ['x', 'y'],
          ['y', 'y'],
        ]),
        by(eve, relabelled(1, 'y'), 'adjudicator'),
      ]),
      plain,
    );
    expect(agreement).toMatchObject({ of: 'label', rows: 3, categories: ['x', 'y'] });
    expect(agreement.pairs).toEqual([expect.objectContaining({ a: 'Ada', b: 'Bob', rows: 3 })]);
    expect(agreement.pairs[0]?.kappa).toBeCloseTo(0.4, 10);
    expect(agreement.disagreements).toEqual([
      {
        row: row(1),
        votes: [
          { who: 'Ada', category: 'x' },
          { who: 'Bob', category: 'y' },
        ],
      },
    ]);
  });

  test('without labels it is what was done with the row', () => {
    const agreement = agreementOf(settle([by(ada, decision(1)), by(bob, decision(1, { action: 'reject' }))]), plain);
    expect(agreement).toMatchObject({ of: 'action', categories: ['accept', 'reject'] });
  });

  test('numbers have their order, words need one, and an interval needs numbers', () => {
    const scores = settle(
      votes([
        ['1', '10'],
        ['2', '2'],
        ['10', '10'],
      ]),
    );
    expect(agreementOf(scores, { ...plain, scale: 'interval' }).categories).toEqual(['1', '2', '10']);
    const words = settle(
      votes([
        ['bad', 'good'],
        ['fair', 'fair'],
      ]),
    );
    expect(agreementOf(words, { ...plain, scale: 'ordinal', order: ['bad', 'fair', 'good'] }).categories).toEqual(['bad', 'fair', 'good']);
    expect(() => agreementOf(words, { ...plain, scale: 'interval' })).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(() => agreementOf(words, { ...plain, order: ['bad', 'good'] })).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});
