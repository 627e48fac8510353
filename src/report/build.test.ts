import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../base/canonical.ts';
import { bounds } from './bounds.ts';
import { buildReport } from './build.ts';
import { branchParts, comparisonOf, exampleParts, pairedCases } from './example.fixture.ts';
import { giantParts, hostileParts, hostileText } from './hostile.fixture.ts';
import { reportSchema } from './schema.ts';

const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

test('a report is what its schema says', () => {
  const report = buildReport(exampleParts('bad'));
  expect(reportSchema.parse(JSON.parse(canonicalJson(report)))).toEqual(report);
});

test('the order of parts that have an order of their own does not change the bytes', () => {
  const parts = exampleParts('bad');
  const turned = {
    ...parts,
    data: parts.data.toReversed().map((set) => ({ ...set, balance: set.balance.toReversed() })),
    params: parts.params.toReversed(),
  };
  expect(canonicalJson(buildReport(turned))).toBe(canonicalJson(buildReport(parts)));
});

test('the verdict comes from the comparison, and a first model has none', () => {
  expect(buildReport(exampleParts('bad')).verdict).toBe('worse');
  expect(buildReport({ ...exampleParts('bad'), comparison: null }).verdict).toBe('no evidence');
  expect(buildReport({ ...exampleParts('bad'), baseline: null, comparison: null }).verdict).toBe('first model');
});

test('at 100,000 cases a report stays small and says what it left out', () => {
  const parts = exampleParts('bad', 100_000);
  const report = buildReport(parts);
  expect(parts.comparison?.lost).toBeGreaterThan(1000);
  expect(report.comparison?.broken).toHaveLength(bounds.cases);
  expect(report.shortened).toContainEqual({ what: 'newly broken cases', shown: bounds.cases, of: parts.comparison?.lost });
  expect(bytes(report)).toBeLessThan(100_000);
});

test('the examples of broken cases begin with the class that lost most and hold others too', () => {
  const paired = pairedCases({ cases: 20_000, seed: 3, broken: ['age_limit'] });
  const report = buildReport({ ...exampleParts('bad'), comparison: comparisonOf(paired) });
  const expected = report.comparison?.broken.map((entry) => entry.expected) ?? [];
  expect(expected.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => 'age_limit'));
  expect(new Set(expected).size).toBeGreaterThan(8);
});

test('many added rows do not hide the one relabelled row', () => {
  const [set] = exampleParts('good').data;
  if (set === undefined) throw new Error('the example has data');
  const added = Array.from({ length: 5000 }, (_, index) => ({ kind: 'added' as const, key: `a${index}`, before: null, after: { text: 'x' } }));
  const relabelled = { kind: 'relabelled' as const, key: 'r', before: { label: 'a' }, after: { label: 'b' } };
  const [built] = buildReport({ ...exampleParts('good'), data: [{ ...set, samples: [...added, relabelled] }] }).data;
  expect(built?.samples[0]?.key).toBe('r');
  expect(built?.samples).toHaveLength(bounds.samplesOfOneDataSet);
});

test('a confused pair of the candidate has its count in the baseline, however rare it was there', () => {
  const report = buildReport(exampleParts('bad'));
  const parts = exampleParts('bad');
  const worst = report.evaluation?.confusion.filter((cell) => cell.expected === 'card_arrival') ?? [];
  expect(worst.length).toBeGreaterThan(0);
  for (const cell of worst) {
    const same = (other: typeof cell): boolean => other.expected === cell.expected && other.got === cell.got;
    expect(report.baselineEvaluation?.confusion.find(same)).toEqual(parts.baselineEvaluation?.confusion.find(same));
  }
});

test('whatever comes in, the report is under its bound and is canonical JSON of its schema', () => {
  const giant = buildReport(giantParts());
  expect(bytes(giant)).toBeLessThanOrEqual(bounds.bytes);
  expect(giant.shortened.length).toBeGreaterThan(20);
  fc.assert(
    fc.property(hostileText, (text) => {
      const report = buildReport(hostileParts(text));
      expect(bytes(report)).toBeLessThanOrEqual(bounds.bytes);
      reportSchema.parse(JSON.parse(canonicalJson(report)));
    }),
    { numRuns: 60 },
  );
});

test('T21: secrets and personal data leave in no place of a report', () => {
  const [mail, key] = ['jane.doe@example.com', ['AKIA', 'IOSFODNN7EXAMPLE'].join('')];
  const json = JSON.stringify(buildReport(hostileParts(`write to ${mail} with ${key}.`)));
  expect(json).not.toMatch(/jane|IOSFODNN7/);
  expect(json).toContain('write to [e-mail] with [secret: AWS key]');
  // nor half of one, at the place where a long text is cut
  for (let at = 270; at < 310; at += 3)
    expect(JSON.stringify(buildReport(hostileParts(`${'x'.repeat(at)} ${mail} ${key}.`)))).not.toMatch(/jane|AKIA/);
});

test('a secret that became another one is seen to have changed', () => {
  const [set] = exampleParts('good').data;
  if (set === undefined) throw new Error('the example has data');
  const sample = { kind: 'edited' as const, key: 'r1', before: { mail: 'a@example.com', n: '1' }, after: { mail: 'b@example.com', n: '1' } };
  const report = buildReport({
    ...exampleParts('good'),
    data: [{ ...set, samples: [sample] }],
    params: [{ key: 'mail', before: 'a@b.example', after: 'c@b.example' }],
  });
  expect(report.data[0]?.samples[0]).toMatchObject({ before: { mail: '[e-mail]' }, after: { mail: '[e-mail] (another)' } });
  expect(report.params).toEqual([{ key: 'mail', before: '"[e-mail]"', after: '"[e-mail]" (another)' }]);
});

test('a report that is of no branch has none of its parts: old ones and new ones are one format', () => {
  const report = buildReport(exampleParts('bad'));
  expect(Object.keys(report).filter((name) => ['change', 'problem', 'validation', 'mergeBase', 'links'].includes(name))).toEqual([]);
  const branch = buildReport(branchParts('bad'));
  expect(reportSchema.parse(JSON.parse(canonicalJson(branch)))).toEqual(branch);
});
