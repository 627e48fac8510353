import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseYaml } from '../../base/config.ts';
import { rowCheckNames } from './check-names.ts';
import { rowChecks } from './column-checks.ts';
import { quickRules } from './quick-rules.ts';
import { parseRules } from './parse-rules.ts';
import { rulesSchema } from './schema.ts';

const text = fc.constantFrom('', 'a', 'b{2}', '(', '^x$', 'date', 'uuid', 'string', 'integer', 'error', 'warning', 'wrong');
const number = fc.constantFrom(0, -0, 1, 0.5, -3, 2 ** 53, 1e300, Number.NaN, Number.POSITIVE_INFINITY);
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null));
const odd = fc.oneof({ weight: 6, arbitrary: scalar }, { weight: 2, arbitrary: fc.array(scalar, { maxLength: 3 }) }, fc.constant({ any: ['a'] }));

/** What mostly is right, so that both readers take many of them. */
const right: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  not_missing: fc.constant(true),
  missing: fc.constant(true),
  unique: fc.constant(true),
  type: fc.constantFrom('string', 'number', ['integer', 'boolean']),
  min: fc.constantFrom(1, 'a'),
  max: fc.constantFrom(2, 'b'),
  above: fc.constantFrom(1, 'a'),
  below: fc.constantFrom(2, 'b'),
  length: fc.nat(5),
  min_length: fc.nat(5),
  max_length: fc.nat(5),
  allowed: fc.constantFrom(['a', 1], [true]),
  forbidden: fc.constantFrom(['a', 1], [true]),
  regex: fc.constantFrom('a+', '^x$'),
  format: fc.constantFrom('date', 'uuid'),
  name: fc.constantFrom('a name'),
  desc: fc.constantFrom('', 'why'),
  severity: fc.constantFrom('error', 'warning'),
  mostly: fc.constantFrom(0.5, 1),
};
const few = fc.oneof(
  { weight: 9, arbitrary: fc.subarray(Object.keys(right), { minLength: 1, maxLength: 3 }) },
  fc.subarray(['like', 'when', 'unknown', 'min', 'regex']),
);
const columnRule = few.chain((names) =>
  fc.record(
    Object.fromEntries([
      ['column', fc.oneof({ weight: 19, arbitrary: fc.constant('c') }, odd)],
      ...names.map((name) => [name, fc.oneof({ weight: 19, arbitrary: right[name] ?? text }, odd)] as const),
    ]),
    { noNullPrototype: true },
  ),
);
const rowsRule = fc.record(
  {
    rows: fc.record({ min: fc.oneof(fc.nat(9), odd), max: fc.oneof(fc.nat(9), odd) }, { requiredKeys: [], noNullPrototype: true }),
    severity: right['severity'] as fc.Arbitrary<unknown>,
    name: text,
  },
  { requiredKeys: ['rows'], noNullPrototype: true },
);
const file = fc.record(
  {
    version: fc.constantFrom(1, 1, 1, 1, 2),
    key: fc.oneof(fc.constantFrom('id', ['id', 'day']), odd),
    rules: fc.array(fc.oneof({ weight: 5, arbitrary: columnRule }, rowsRule), { maxLength: 3 }),
  },
  { requiredKeys: ['version', 'rules'], noNullPrototype: true },
);

test('what is read quickly is what the schema reads, in the same order of keys; what the schema refuses is not read', () => {
  let taken = 0;
  fc.assert(
    fc.property(file, (value) => {
      const quick = quickRules(value);
      if (quick === null) return;
      taken += 1;
      const slow = rulesSchema.parse(value);
      expect(quick).toEqual(slow);
      expect(JSON.stringify(quick)).toBe(JSON.stringify(slow));
    }),
    { numRuns: 3000 },
  );
  expect(taken).toBeGreaterThan(300);
});

test('files as people write them are read quickly', async () => {
  const written = [
    'version: 1',
    'key: id',
    'rules:',
    '  - { column: id, not_missing: true, type: string, unique: true }',
    '  - { column: text, min_length: 3, max_length: 2000, severity: warning, mostly: 0.99, name: short, desc: why }',
    "  - { column: label, regex: '^label-[0-9]+$', allowed: [a, 1, true], format: date }",
    '  - { column: amount, type: [number, integer], min: 0, below: 100000 }',
    '  - { rows: { min: 100 } }',
  ].join('\n');
  const read = await parseRules(written, 'rules.yaml');
  expect(JSON.stringify(read)).toBe(JSON.stringify(await parseYaml(written, 'rules.yaml', rulesSchema)));
  expect(quickRules(JSON.parse(JSON.stringify(read)))).not.toBeNull();
  for (const wrong of ['version: 1\nrules: [{ column: a, regex: "(" }]', 'version: 1\nrules: []', 'rules: ['])
    await expect(parseRules(wrong, 'rules.yaml')).rejects.toMatchObject({ code: /CONFIG_INVALID|YAML_SYNTAX/ });
});

test('checks come in the order in which the schema has them', () => {
  expect(Object.keys(rowChecks)).toEqual(rowCheckNames);
});
