import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../base/config.ts';
import type { Row } from '../../datasets/rows.ts';
import { describeBroken, rulesBroken } from './broken.ts';
import { judgeRows, referencesByRows } from './judge.ts';
import { patternProblem, patternTest } from './pattern.ts';
import { type Validation, validationSchema } from './report.ts';
import { rulesSchema } from './schema.ts';

const noReferences = referencesByRows(() => Promise.reject(new Error('these rules refer to nothing')), new AbortController().signal);

async function judge(rules: string, rows: readonly Record<string, unknown>[], untyped = false): Promise<Validation> {
  const parsed = await parseYaml(rules, 'rules/x.yaml', rulesSchema);
  async function* read(): AsyncGenerator<Row[]> {
    yield rows.map((value, at) => ({ row: at + 1, value: { ...value } }));
  }
  return judgeRows({ rules: parsed, file: 'rules/x.yaml' }, { read, untyped, references: noReferences });
}

const rule = (text: string): string => `version: 1\nkey: id\nrules:\n  - ${text}\n`;
const failing = (validation: Validation): string[][] => validation.results.map((result) => result.keys);

describe('one check', () => {
  const cases: { name: string; rule: string; values: unknown[]; broken: number[] }[] = [
    { name: 'not_missing sees absent, null and empty', rule: 'not_missing: true', values: ['a', undefined, null, '', 0, false], broken: [2, 3, 4] },
    { name: 'type string', rule: 'type: string', values: ['a', 1, true, null], broken: [2, 3] },
    { name: 'type integer', rule: 'type: integer', values: [1, 1.5, '1', -3, undefined], broken: [2, 3] },
    { name: 'type number', rule: 'type: number', values: [1, 1.5, '1', true], broken: [3, 4] },
    { name: 'type boolean', rule: 'type: boolean', values: [true, false, 'true', 0], broken: [3, 4] },
    { name: 'type list', rule: 'type: list', values: [[], [1], {}, 'a'], broken: [3, 4] },
    { name: 'type object', rule: 'type: object', values: [{}, [], 'a'], broken: [2, 3] },
    { name: 'min and max hold their ends, and a text is no number', rule: 'min: 0\n    max: 1', values: [0, 1, -0.1, '0.5'], broken: [3, 4] },
    { name: 'min_length counts characters, not code units', rule: 'min_length: 2', values: ['ab', '😀', '😀😀', [1], 7], broken: [2, 4, 5] },
    { name: 'max_length', rule: 'max_length: 2', values: ['ab', 'abc', '😀😀', [1, 2, 3]], broken: [2, 4] },
    { name: 'allowed', rule: 'allowed: [a, 1]', values: ['a', 1, 'b', '1', null], broken: [3, 4] },
    { name: 'regex', rule: "regex: '^[a-z]+$'", values: ['abc', 'ab1', 5, 'x', ''], broken: [2, 3] },
    {
      name: 'unique names each row whose value stands in another',
      rule: 'unique: true',
      values: ['a', 'b', 'a', 'a', null, null, [1], '[1]', [1]],
      broken: [1, 3, 4, 7, 9],
    },
  ];
  test.each(cases)('$name', async ({ rule: text, values, broken }) => {
    const validation = await judge(
      rule(`column: c\n    ${text}`),
      values.map((value, at) => (value === undefined ? { id: `k${at + 1}` } : { id: `k${at + 1}`, c: value })),
    );
    const keys = new Set(validation.results.flatMap((result) => result.keys));
    expect([...keys].toSorted()).toEqual(broken.map((at) => `k${at}`));
    expect(validation.holds).toBe(false);
    expect(validationSchema.parse(validation)).toEqual(validation);
  });
});

test('a cell of CSV is forbidden as the text that it is, and as what it reads as', async () => {
  const rows = ['12', '0', 'a', 'false', '13'].map((c, at) => ({ id: `k${at}`, c }));
  const { results } = await judge(rule("column: c\n    forbidden: ['12', 0, false, b]"), rows, true);
  expect(results[0]?.keys).toEqual(['k0', 'k1', 'k3']);
});

test('rows of CSV are all text: a rule reads them as what it asks for', async () => {
  const rows = [
    { id: 'a', n: '12', b: 'true', s: '7' },
    { id: 'b', n: '1.5e3', b: 'yes', s: 'x' },
    { id: 'c', n: '12 ', b: 'false', s: '8' },
  ];
  const text =
    'version: 1\nkey: id\nrules:\n  - { column: n, type: number, max: 100 }\n  - { column: b, type: boolean }\n  - { column: s, type: string, allowed: [7, "8"] }\n';
  expect(failing(await judge(text, rows, true))).toEqual([['c'], ['b', 'c'], ['b'], [], ['b']]);
});

test('a rule about the number of rows', async () => {
  const rows = [{ a: 1 }, { a: 2 }, { a: 3 }];
  expect((await judge('version: 1\nrules:\n  - rows: { min: 3, max: 3 }\n', rows)).holds).toBe(true);
  const few = await judge('version: 1\nrules:\n  - rows: { min: 4 }\n', rows);
  expect(few).toMatchObject({ holds: false, errors: 1, results: [{ column: null, check: 'rows', expected: 'at least 4 rows' }] });
  expect((await judge('version: 1\nrules:\n  - rows: { max: 2 }\n', rows)).holds).toBe(false);
});

test('a broken warning is reported and holds', async () => {
  const validation = await judge(rule('{ column: c, unique: true, severity: warning }'), [
    { id: 'a', c: 1 },
    { id: 'b', c: 1 },
  ]);
  expect(validation).toMatchObject({ holds: true, errors: 0, warnings: 1 });
  expect(validation.results[0]?.sample).toEqual([
    { row: 1, key: 'a', value: '1', same_as: 2 },
    { row: 2, key: 'b', value: '1', same_as: 1 },
  ]);
});

test('the error names rule, rows and values, and the report is bounded', async () => {
  const rows = Array.from({ length: 1500 }, (_, at) => ({ id: `k${at}`, c: 'x'.repeat(500) }));
  const validation = await judge(rule('{ column: c, desc: "short, please", max_length: 3 }'), rows);
  const [result] = validation.results;
  expect(result).toMatchObject({ failing: 1500, checked: 1500 });
  expect(result?.keys.length).toBe(1000);
  expect(result?.sample.length).toBe(10);
  expect(result?.sample[0]?.value.length).toBe(200);
  const error = rulesBroken(validation, 'rules/x.yaml');
  expect(error.code).toBe('RULES_BROKEN');
  expect(error.exitCode).toBe(1);
  expect(error.message).toMatch(/^rule 1: 1500 of 1500 rows break "c has at most 3 characters or items" \(short, please\): k0: "xxx/);
  expect(error.message.length).toBeLessThan(1000);
  expect(describeBroken(validation.results[0] as (typeof validation.results)[0], validation)).toContain('...');
});

test('a rule about a column that no row has is a mistake in the rules', async () => {
  await expect(judge(rule('{ column: txt, max_length: 3 }'), [{ id: 1, text: 'a' }])).rejects.toMatchObject({
    code: 'DATASET_COLUMN',
    message: 'no row has the column "txt". Did you mean "text"?',
  });
});

test('a column named like a member of Object is a column', async () => {
  const validation = await judge(rule('{ column: constructor, not_missing: true }'), [{ id: 'a' }, { id: 'b', constructor: 'x' }]);
  expect(failing(validation)).toEqual([['a']]);
});

test('a regex that would run for ever elsewhere ends at once', async () => {
  const rows = [{ id: 'a', c: 'aaa' }, ...Array.from({ length: 3 }, (_, at) => ({ id: `b${at}`, c: `${'a'.repeat(50_000)}!` }))];
  const validation = await judge(rule("{ column: c, regex: '^(a+)+$' }"), rows);
  expect(failing(validation)).toEqual([['b0', 'b1', 'b2']]);
});

test('a pattern answers as the engine of JavaScript does, where both know it', () => {
  expect(patternProblem('(')).toContain('not a regular expression');
  expect(patternProblem('(?<=a)b')).toContain('not a regular expression of RE2');
  expect(patternProblem(String.raw`(a)\1`)).toContain('not a regular expression of RE2');
  expect(patternProblem(String.raw`^\p{L}+$`)).toBeUndefined();
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 20 }),
      fc.constantFrom('^[a-z]', String.raw`\d+$`, '.', '^$'),
      (texts, source) => {
        const test_ = patternTest(source);
        expect(texts.map((text) => test_(text))).toEqual(texts.map((text) => new RegExp(source, 'u').test(text)));
      },
    ),
    { numRuns: 50 },
  );
});

describe('a rules file that is wrong', () => {
  const cases: [string, string, RegExp][] = [
    ['an unknown key', rule('{ column: c, not_mising: true }'), /unknown key "not_mising"/],
    ['no check at all', rule('{ column: c }'), /expected at least one of not_missing/],
    ['ends crossed', rule('{ column: c, min: 3, max: 2 }'), /min is greater than max/],
    ['a regex that does not parse', rule("{ column: c, regex: '(' }"), /not a regular expression/],
    ['a later version', 'version: 2\nrules: []\n', /"version" is 2/],
    ['no rule', 'version: 1\nrules: []\n', /"rules" is \[\]/],
  ];
  test.each(cases)('%s', async (_, text, message) => {
    const error: unknown = await judge(text, [{ id: 1, c: 1 }]).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect((error as Error).message).toMatch(message);
  });
});
