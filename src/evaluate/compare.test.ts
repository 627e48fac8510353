import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPlumbError } from '../base/errors.ts';
import { seededRandom } from '../train/random.ts';
import { compareCases } from './compare.ts';
import { type CaseResult, comparisonSchema } from './schema.ts';
import fixture from './statistics/bootstrap.fixture.json' with { type: 'json' };

function result(id: string, expected: string, got: string, score = 0.9): CaseResult {
  return { id, input: `text ${id}`, expected, got, score };
}

/** `counts` cases of a label each way: [both, gained, lost, neither] */
function table(label: string, counts: readonly [number, number, number, number]): { before: CaseResult[]; after: CaseResult[] } {
  const before: CaseResult[] = [];
  const after: CaseResult[] = [];
  for (const [way, count] of counts.entries()) {
    for (let at = 0; at < count; at += 1) {
      const id = `${label}-${way}-${String(at).padStart(3, '0')}`;
      before.push(result(id, label, way === 0 || way === 2 ? label : 'wrong'));
      after.push(result(id, label, way === 0 || way === 1 ? label : 'wrong', 0.5 + at / 1000));
    }
  }
  return { before, after };
}

function tables(...parts: readonly { before: CaseResult[]; after: CaseResult[] }[]): { before: CaseResult[]; after: CaseResult[] } {
  return { before: parts.flatMap(({ before }) => before), after: parts.flatMap(({ after }) => after) };
}

test('a model that lost one intent is worse, and the intent stands first', () => {
  const { before, after } = tables(table('balance', [400, 5, 3, 20]), table('card_arrival', [10, 0, 28, 2]), table('top_up', [39, 1, 0, 0]));
  const comparison = compareCases(before, after, { examples: 10 });
  expect(comparisonSchema.parse(comparison)).toEqual(comparison);
  expect(comparison).toMatchObject({ cases: 508, both: 449, gained: 6, lost: 31, neither: 22, answer: 'worse' });
  expect(comparison.p).toBeLessThan(0.001);
  expect(comparison.difference.high).toBeLessThan(0);
  expect(comparison.classes.map(({ label, gained, lost }) => [label, gained, lost])).toEqual(
    [
      ['card_arrival', 0, 28],
      ['top_up', 1, 0],
      ['balance', 5, 3],
    ].toSorted((a, b) => Number(b[2]) - Number(b[1]) - (Number(a[2]) - Number(a[1]))),
  );
  const [first] = comparison.classes;
  expect(first).toMatchObject({ label: 'card_arrival', cases: 40, before: 38 / 40, after: 10 / 40 });
  // neither 8 changed cases nor 1 can give so small a p by chance: nothing to correct for
  expect(first?.adjusted).toBe(first?.p);
});

test('better, worse and no evidence are three answers', () => {
  const answer = (gained: number, lost: number): string => {
    const { before, after } = table('a', [900, gained, lost, 50]);
    return compareCases(before, after, { examples: 0 }).answer;
  };
  expect(answer(20, 5)).toBe('better');
  expect(answer(5, 20)).toBe('worse');
  expect(answer(5, 0)).toBe('no evidence');
  expect(answer(6, 0)).toBe('better');
  expect(answer(0, 0)).toBe('no evidence');
});

test('examples come five of a class at a time, most broken class first, surest mistakes first', () => {
  const { before, after } = tables(table('a', [5, 0, 12, 0]), table('b', [5, 0, 7, 0]), table('c', [5, 0, 1, 0]));
  const { broken } = compareCases(before, after, { examples: 13 });
  expect(broken.map(({ expected }) => expected).join('')).toBe('aaaaabbbbbcaa');
  // the table's scores grow with the number
  expect(broken[0]).toEqual({ id: 'a-2-011', input: 'text a-2-011', expected: 'a', before: 'a', after: 'wrong' });
  expect(broken.slice(0, 5).map(({ id }) => id)).toEqual(['a-2-011', 'a-2-010', 'a-2-009', 'a-2-008', 'a-2-007']);
  expect(compareCases(before, after, { examples: 0 }).broken).toEqual([]);
  expect(compareCases(before, after, { examples: 1000 }).broken).toHaveLength(20);
  expect(compareCases(after, before, { examples: 13 }).fixed).toHaveLength(13);
});

const label = fc.constantFrom('a', 'b', 'c', '__proto__');
const cases = fc.uniqueArray(
  fc.record({ id: fc.string(), expected: label, before: label, after: label, score: fc.double({ min: 0, max: 1, noNaN: true }) }),
  {
    selector: ({ id }) => id,
    minLength: 1,
    maxLength: 40,
  },
);

test('the order of either list changes no bit, and exchanging the models exchanges gained and lost', () => {
  fc.assert(
    fc.property(cases, (list) => {
      const before = list.map((entry) => result(entry.id, entry.expected, entry.before, entry.score));
      const after = list.map((entry) => result(entry.id, entry.expected, entry.after, entry.score));
      const one = compareCases(before, after, { examples: 7 });
      expect(
        JSON.stringify(
          compareCases(
            before.toReversed(),
            after.toSorted((a, b) => a.score - b.score),
            { examples: 7 },
          ),
        ),
      ).toBe(JSON.stringify(one));
      const other = compareCases(after, before, { examples: 7 });
      expect([other.gained, other.lost, other.p]).toEqual([one.lost, one.gained, one.p]);
      expect(other.macroF1?.value).toBeCloseTo(-(one.macroF1?.value ?? 0), 12);
      expect(one.both + one.gained + one.lost + one.neither).toBe(list.length);
    }),
    { numRuns: 30 },
  );
});

test('macro F1 and its bootstrap interval are those of scikit-learn and scipy', () => {
  const { kinds, value, low, high } = fixture.macroF1;
  const rows = kinds.flatMap(([expected, before, after, count]) =>
    Array.from({ length: count as number }, () => [expected, before, after] as string[]),
  );
  const got = (which: number): CaseResult[] => rows.map((row, at) => result(`c${at}`, row[0] as string, row[which] as string));
  const { macroF1 } = compareCases(got(1), got(2), { examples: 0 });
  expect(macroF1?.value).toBeCloseTo(value, 12);
  expect(Math.abs((macroF1?.low ?? 1) - low)).toBeLessThan(0.06 * (high - low));
  expect(Math.abs((macroF1?.high ?? 1) - high)).toBeLessThan(0.06 * (high - low));
});

function refusal(before: readonly CaseResult[], after: readonly CaseResult[]): string {
  try {
    compareCases(before, after, { examples: 0 });
  } catch (error) {
    if (isPlumbError(error, 'SUITE_MISMATCH')) return error.message;
    throw error;
  }
  return 'compared';
}

test('results of different cases are refused, with how many and the first', () => {
  const three = [result('a', 'x', 'x'), result('b', 'x', 'y'), result('c', 'y', 'y')];
  const [a, b, c] = three as [CaseResult, CaseResult, CaseResult];
  expect(refusal(three, three)).toBe('compared');
  expect(refusal(three, [c])).toBe('2 cases were asked of the first model only, first "a"');
  expect(refusal([a], three)).toBe('2 cases were asked of the second model only, first "b"');
  expect(refusal([a, b], [b, c])).toBe('1 case was asked of the first model only, first "a"; 1 case was asked of the second model only, first "c"');
  expect(refusal(three, [a, { ...b, expected: 'y' }, c])).toBe('1 of 3 cases differ in input or expected answer, first "b"');
  expect(refusal(three, [{ ...a, input: 'other' }, b, { ...c, input: 'other' }])).toBe('2 of 3 cases differ in input or expected answer, first "a"');
  expect(refusal([a, a, b, c], three)).toBe("1 id stands twice in the first model's results");
  expect(refusal(three, [a, b, c, c])).toBe("1 id stands twice in the second model's results");
  expect(() => compareCases([], [], { examples: 0 })).toThrow(expect.objectContaining({ code: 'DATASET_EMPTY' }));
});

test('of equally good models, fewer than 5 % have any class called worse', () => {
  const random = seededRandom(9);
  let alarms = 0;
  for (let repeat = 0; repeat < 100; repeat += 1) {
    const labels = Array.from({ length: 12 }, (_, number) => {
      const counts: [number, number, number, number] = [0, 0, 0, 0];
      for (let at = 0; at < 40; at += 1) {
        const drawn = random.below(20);
        const way = drawn < 2 ? 1 : drawn < 4 ? 2 : drawn < 5 ? 3 : 0;
        counts[way] = (counts[way] ?? 0) + 1;
      }
      return table(`label ${number}`, counts);
    });
    const { before, after } = tables(...labels);
    const { classes } = compareCases(before, after, { examples: 0 });
    if (classes.some(({ adjusted }) => adjusted < 0.05)) alarms += 1;
  }
  expect(alarms / 100).toBeLessThan(0.09);
});
