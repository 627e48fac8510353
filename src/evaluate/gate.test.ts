import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseYaml } from '../base/config.ts';
import { digestOf } from '../base/digest.ts';
import { fields, z } from '../base/schema.ts';
import { evaluateCases } from './classification.ts';
import { compareCases } from './compare.ts';
import { decideGate, type Comparisons } from './gate.ts';
import { type CaseResult, type Comparison, type Evaluation, type GateCheck, gateCheckSchema, gateResultSchema } from './schema.ts';

const subject = { model: digestOf('model'), suite: 'evals/intents.yaml', suiteDigest: digestOf('suite'), data: digestOf('cases') };

function result(id: string, expected: string, got: string): CaseResult {
  return { id, input: id, expected, got, score: 0.75 };
}

/** Banking77's shape: 77 labels of 40 cases; each model's number of right answers is told by label. */
function suite(right: (label: number) => number): CaseResult[] {
  return Array.from({ length: 77 * 40 }, (_, at) => {
    const label = Math.floor(at / 40);
    const name = `intent ${String(label).padStart(2, '0')}`;
    return result(`case ${at}`, name, at % 40 < right(label) ? name : 'other');
  });
}

const production = suite(() => 37);

function gate(
  checks: readonly GateCheck[],
  cases: readonly CaseResult[],
  against: readonly CaseResult[] | null = production,
): ReturnType<typeof decideGate> {
  const comparisons: Comparisons = against === null ? {} : { production: compareCases(against, cases, { examples: 10 }) };
  const decision = decideGate({ gate: 'default', checks, evaluation: evaluateCases(cases, subject), comparisons });
  expect(gateResultSchema.parse(decision)).toEqual(decision);
  return decision;
}

const policy = `
default:
  - { metric: accuracy, at_least: 0.90, bound: wilson }
  - { against: production, metric: accuracy, not_worse_by: 0.005 }
  - { against: production, slices: [label], not_worse_by: 0.05, correction: holm }
`;
const gates = fields({ default: z.array(gateCheckSchema) });
const { default: defaultGate } = await parseYaml(policy, 'policy.yaml', gates);

test('labels of two intents swapped for a part of the rows: the gate is blocked, by name', () => {
  // half of the answers of two intents are now each other
  const bad = production.map((entry, at) => {
    const swap = { 'intent 03': 'intent 41', 'intent 41': 'intent 03' }[entry.expected];
    return swap !== undefined && at % 2 === 0 ? { ...entry, got: swap } : entry;
  });
  const decision = gate(defaultGate, bad);
  expect(decision.holds).toBe(false);
  const [wilson, against, slices] = decision.checks;
  expect(wilson?.holds).toBe(true);
  expect(against).toMatchObject({ holds: false, applies: true, labels: [] });
  expect(against?.why).toBe(
    'worse: accuracy 92.50 % in production, 91.27 % now, −1.23 points (95 %: −1.66 to −0.84; p < 0.001; 0 fixed, 38 broken of 3,080 cases); a loss of up to 1.66 points is not ruled out, 0.50 is the limit',
  );
  expect(slices).toEqual({
    check: 'no class loses more than 5.00 points of recall against production, corrected by Holm',
    holds: false,
    applies: true,
    why: '2 classes broke: intent 03 92.50 % to 45.00 % (19 of 40 lost, 0 gained, p < 0.001); intent 41 92.50 % to 45.00 % (19 of 40 lost, 0 gained, p < 0.001)',
    labels: ['intent 03', 'intent 41'],
  });
});

test('a better model passes', () => {
  const decision = gate(
    defaultGate,
    suite((label) => (label < 20 ? 39 : 37)),
  );
  expect(decision.holds).toBe(true);
  expect(decision.checks.map(({ holds, applies }) => [holds, applies])).toEqual([
    [true, true],
    [true, true],
    [true, true],
  ]);
  expect(decision.checks[1]?.why).toMatch(
    /^better: accuracy 92\.50 % in production, 93\.80 % now, \+1\.30 points .* a loss of 0\.50 points is ruled out$/,
  );
});

test('a first promotion has nothing to compare with, and only the figures decide', () => {
  const good = gate(defaultGate, production, null);
  expect(good.holds).toBe(true);
  expect(good.checks.map(({ applies }) => applies)).toEqual([true, false, false]);
  expect(good.checks[1]?.why).toBe('there is no model in production to compare with');
  expect(
    gate(
      defaultGate,
      suite(() => 35),
      null,
    ).holds,
  ).toBe(false);
});

test('a figure may reach what its lower bound does not', () => {
  const cases = production.slice(0, 400);
  const at = (bound: 'none' | 'wilson'): ReturnType<typeof decideGate> => gate([{ metric: 'accuracy', at_least: 0.925, bound }], cases, null);
  expect(at('none')).toMatchObject({ holds: true, checks: [{ check: 'accuracy at least 92.50 %', why: 'accuracy is 92.50 % on 400 cases' }] });
  expect(at('wilson')).toMatchObject({
    holds: false,
    checks: [
      {
        check: 'accuracy at least 92.50 % by its lower 95 % bound',
        why: 'accuracy is 92.50 % on 400 cases; its lower 95 % bound is 89.50 %, less than 92.50 %',
      },
    ],
  });
});

test('every metric can be asked, at least and at most', () => {
  for (const metric of ['accuracy', 'macro_f1', 'macro_precision', 'macro_recall', 'ece'] as const) {
    expect(gate([{ metric, at_least: 0, bound: 'none' }], production, null).holds).toBe(true);
    expect(gate([{ metric, at_most: 0, bound: 'none' }], production, null).holds).toBe(false);
  }
  // scores of 0.75 against 92.5 % right
  expect(gate([{ metric: 'ece', at_most: 0.05, bound: 'none' }], production, null).checks[0]).toMatchObject({
    holds: false,
    why: 'calibration error (ECE) is 17.50 % on 3,080 cases, more than 5.00 %',
  });
});

test('words never say that a figure is less than itself', () => {
  const evaluation = { ...evaluateCases(production, subject) };
  const close: Evaluation = { ...evaluation, accuracy: { ...evaluation.accuracy, value: 0.89999 } };
  const decision = decideGate({ gate: 'g', checks: [{ metric: 'accuracy', at_least: 0.9, bound: 'none' }], evaluation: close, comparisons: {} });
  expect(decision.checks[0]).toMatchObject({ holds: false, why: 'accuracy is 89.999 % on 3,080 cases, less than 90.000 %' });
});

const slices: GateCheck = { against: 'production', slices: ['label'], not_worse_by: 0.05, correction: 'holm' };
const lossOf = (lost: number): CaseResult[] => suite((label) => (label === 5 ? 37 - lost : 37));

test('a class of 40 breaks the gate when it loses 6 cases and nothing else changed, and not before', () => {
  expect(gate([slices], lossOf(6)).checks[0]?.labels).toEqual(['intent 05']);
  const chance = gate([slices], lossOf(5));
  expect(chance.holds).toBe(true);
  expect(chance.checks[0]?.why).toBe(
    'no class lost significantly more than 5.00 points; 1 class lost more, but not beyond chance: intent 05 92.50 % to 80.00 % (5 of 40 lost, 0 gained, p = 0.063)',
  );
});

test('where all 77 classes changed, a class has to lose more to stand out', () => {
  const before = suite(() => 30);
  // six lost and six gained in every other class
  const churned = (lost: number): CaseResult[] =>
    before.map((entry, at) => {
      const place = at % 40;
      if (place < (entry.expected === 'intent 05' ? lost : 6)) return { ...entry, got: 'other' };
      return entry.expected !== 'intent 05' && place >= 34 ? { ...entry, got: entry.expected } : entry;
    });
  const labels = (lost: number): readonly string[] | undefined => gate([slices], churned(lost), before).checks[0]?.labels;
  expect(labels(8)).toEqual([]);
  expect(labels(9)).toEqual(['intent 05']);
});

test('without a correction a class is judged by itself', () => {
  const alone: GateCheck = { ...slices, correction: 'none' };
  expect(gate([alone], lossOf(6)).holds).toBe(false);
  expect(gate([alone], lossOf(5)).holds).toBe(true);
  expect(gate([alone], lossOf(6)).checks[0]?.check).toBe(
    'no class loses more than 5.00 points of recall against production, each class tested by itself',
  );
});

test('a significant loss within the margin is allowed, to the case', () => {
  const wide = (margin: number): GateCheck => ({ ...slices, not_worse_by: margin });
  // 20 of 40 cases are exactly half; 0.9 - 0.85 > 0.05 in binary must not decide
  expect(gate([wide(0.5)], lossOf(20)).holds).toBe(true);
  expect(gate([wide(0.5)], lossOf(21)).holds).toBe(false);
});

function comparisonOf(counts: Pick<Comparison, 'both' | 'gained' | 'lost' | 'neither'>): readonly [CaseResult[], CaseResult[]] {
  const list = Object.entries(counts).flatMap(([way, count]) => Array.from({ length: count }, (_, at) => ({ way, id: `${way} ${at}` })));
  const answers = (right: readonly string[]): CaseResult[] => list.map(({ way, id }) => result(id, 'a', right.includes(way) ? 'a' : 'b'));
  return [answers(['both', 'lost']), answers(['both', 'gained'])];
}

test('too few cases to rule a loss out are no pass', () => {
  const check: GateCheck = { against: 'production', metric: 'accuracy', not_worse_by: 0.01 };
  const [before, after] = comparisonOf({ both: 90, gained: 2, lost: 2, neither: 6 });
  const decision = gate([check], after, before);
  expect(decision.holds).toBe(false);
  expect(decision.checks[0]?.why).toMatch(
    /^no evidence: accuracy 92\.00 % in production, 92\.00 % now, ±0\.00 points .* a loss of up to \d\.\d\d points is not ruled out, 1\.00 is the limit$/,
  );
  const [manyBefore, manyAfter] = comparisonOf({ both: 9000, gained: 20, lost: 20, neither: 600 });
  expect(gate([check], manyAfter, manyBefore).holds).toBe(true);
});

test('a gate lets a model that is worse by its margin pass in fewer than 5 % of cases', () => {
  // truly 1 point worse: gained 3 %, lost 4 %, and the gate allows less than 1 point
  const check: GateCheck = { against: 'production', metric: 'accuracy', not_worse_by: 0.01 };
  let state = 12345;
  const drawn = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  let passed = 0;
  for (let repeat = 0; repeat < 60; repeat += 1) {
    const counts = { both: 0, gained: 0, lost: 0, neither: 0 };
    for (let at = 0; at < 1000; at += 1) {
      const place = drawn();
      counts[place < 0.03 ? 'gained' : place < 0.07 ? 'lost' : place < 0.97 ? 'both' : 'neither'] += 1;
    }
    const [before, after] = comparisonOf(counts);
    if (gate([check], after, before).holds) passed += 1;
  }
  expect(passed / 60).toBeLessThan(0.1);
});

test('labels of any text stay on one line of bounded length, and come back whole in labels', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), (label) => {
      const before = Array.from({ length: 20 }, (_, at) => result(`c${at}`, label, label));
      const after = before.map((entry) => ({ ...entry, got: `${label}!` }));
      const [check] = gate([slices], after, before).checks;
      expect(check?.labels).toEqual([label]);
      expect(check?.why).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      expect(check?.why.length).toBeLessThan(400);
    }),
    { numRuns: 40 },
  );
});

test('a policy that asks for what cannot be judged is refused where it stands', async () => {
  const refused = async (line: string): Promise<unknown> =>
    parseYaml(`default:\n  - ${line}\n`, 'policy.yaml', gates).catch((error: unknown) => error);
  for (const line of [
    '{ metric: macro_f1, at_least: 0.9, bound: wilson }',
    '{ metric: accuracy }',
    '{ metric: accuracy, at_least: 0.9, at_most: 1 }',
    '{ against: production, not_worse_by: 5 }',
    '{ against: production, slices: [text], not_worse_by: 0.1 }',
    '{ against: dev, not_worse_by: 0.1 }',
    '{ metric: f1, at_least: 0.9 }',
    '{ against: production, not_worse_than: 0.1 }',
  ]) {
    expect(await refused(line)).toMatchObject({ code: 'CONFIG_INVALID', where: { file: 'policy.yaml', line: 2 } });
  }
});
