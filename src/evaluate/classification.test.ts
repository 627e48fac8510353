import { expect, test } from 'vitest';
import fc from 'fast-check';
import { digestOf } from '../base/digest.ts';
import fixture from './classification.fixture.json' with { type: 'json' };
import { evaluateCases } from './classification.ts';
import { type CaseResult, evaluationSchema } from './schema.ts';

const subject = { model: digestOf('model'), suite: 'evals/test.yaml', suiteDigest: digestOf('suite'), data: digestOf('cases') };

function caseOf(row: unknown): CaseResult {
  const [id, expected, got, score] = row as [string, string, string, number];
  return { id, input: `text of ${id}`, expected, got, score };
}

test('all numbers are those of scikit-learn', () => {
  expect(fixture.suites).toHaveLength(4);
  for (const suite of fixture.suites) {
    const evaluation = evaluateCases(suite.cases.map(caseOf), subject);
    expect(evaluationSchema.parse(evaluation)).toEqual(evaluation);
    expect(evaluation.accuracy.value).toBeCloseTo(suite.accuracy, 14);
    for (const [average, expected] of [
      [evaluation.macro, suite.macro],
      [evaluation.micro, suite.micro],
    ] as const) {
      expect(average.precision).toBeCloseTo(expected[0] as number, 12);
      expect(average.recall).toBeCloseTo(expected[1] as number, 12);
      expect(average.f1).toBeCloseTo(expected[2] as number, 12);
    }
    expect(evaluation.classes.map(({ label, support }) => [label, support])).toEqual(suite.classes.map(([label, support]) => [label, support]));
    for (const [at, [, , precision, recall, f1]] of suite.classes.entries()) {
      expect(evaluation.classes[at]?.precision).toBeCloseTo(precision as number, 12);
      expect(evaluation.classes[at]?.recall).toBeCloseTo(recall as number, 12);
      expect(evaluation.classes[at]?.f1).toBeCloseTo(f1 as number, 12);
    }
    expect(evaluation.confusion.map(({ expected, got, cases }) => [expected, got, cases])).toEqual(suite.confusion);
    expect(evaluation.calibration.ece).toBeCloseTo(suite.ece, 12);
    expect(evaluation.calibration.bins).toHaveLength(15);
    const filled = evaluation.calibration.bins.filter((bin) => bin.cases > 0);
    expect(filled.map((bin) => bin.cases)).toEqual(suite.bins.map(([cases]) => cases));
    for (const [at, [, confidence, accuracy]] of suite.bins.entries()) {
      expect(filled[at]?.confidence).toBeCloseTo(confidence as number, 12);
      expect(filled[at]?.accuracy).toBeCloseTo(accuracy as number, 12);
    }
  }
});

const cases = fc.uniqueArray(
  fc.record({
    id: fc.string({ minLength: 1 }),
    input: fc.string(),
    expected: fc.constantFrom('a', 'b', '__proto__', 'ä', 'constructor'),
    got: fc.constantFrom('a', 'b', '__proto__', 'ä', 'Z'),
    score: fc.integer({ min: 0, max: 1_000_000 }).map((score) => score / 1e6),
  }),
  { selector: ({ id }) => id, minLength: 1 },
);

test('the order of the cases changes no bit', () => {
  fc.assert(
    fc.property(cases, fc.infiniteStream(fc.nat()), (list, keys) => {
      const shuffled = list.map((entry) => ({ entry, key: keys.next().value as number })).toSorted((a, b) => a.key - b.key);
      expect(
        JSON.stringify(
          evaluateCases(
            shuffled.map(({ entry }) => entry),
            subject,
          ),
        ),
      ).toBe(JSON.stringify(evaluateCases(list, subject)));
    }),
  );
});

test('counts add up, whatever the labels are called', () => {
  fc.assert(
    fc.property(cases, (list) => {
      const evaluation = evaluateCases(list, subject);
      const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
      expect(sum(evaluation.confusion.map((cell) => cell.cases))).toBe(list.length);
      expect(sum(evaluation.classes.map((entry) => entry.support))).toBe(list.length);
      expect(sum(evaluation.calibration.bins.map((bin) => bin.cases))).toBe(list.length);
      expect(sum(evaluation.confusion.filter(({ expected, got }) => expected === got).map((cell) => cell.cases))).toBe(evaluation.correct);
      const { ece } = evaluation.calibration;
      expect(ece >= 0 && ece <= 1).toBe(true);
    }),
  );
});

test('a suite without cases is an error, not a row of zeros', () => {
  expect(() => evaluateCases([], subject)).toThrow(expect.objectContaining({ code: 'DATASET_EMPTY', where: { file: 'evals/test.yaml' } }));
});
