import { load } from 'js-yaml';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseYaml } from '../../base/config.ts';
import { rulesSchema } from '../rules/schema.ts';
import { expectations } from './gx-expectations.ts';
import { importRules } from './import.ts';
import { rulesText } from './rules-text.ts';

const suite = (...expectationsOf: unknown[]): string => JSON.stringify({ name: 's', expectations: expectationsOf });
const gx = (type: string, kwargs: object, beside: object = {}): ReturnType<typeof importRules> =>
  importRules(suite({ type, kwargs, ...beside }), 's.json');
const rulesOf = async (text: string | null): Promise<unknown[]> => (text === null ? [] : (await parseYaml(text, 'r.yaml', rulesSchema)).rules);
/** as written, without what defaults add */
const written = (text: string | null): unknown[] => (text === null ? [] : (load(text) as { rules: unknown[] }).rules);

const noSql = /SQL/;
const x = { column: 'x' };
/** Every core expectation of 0.18.22 and 1.24.1, one use, and the rule that is equal to it (or why there is none). */
const core: readonly [name: string, kwargs: object, rule: object | RegExp][] = [
  ['expect_column_to_exist', { ...x, column_index: 2 }, { ...x, exists: true, position: 3 }],
  ['expect_column_type_to_be', { ...x, type_: 'Int64' }, { ...x, type: 'integer' }],
  ['expect_column_values_to_be_of_type', { ...x, type_: 'DECIMAL(10, 2)' }, { ...x, type: 'number' }],
  ['expect_column_values_to_be_in_type_list', { ...x, type_list: ['StringType', 'IntegerType'] }, { ...x, type: ['string', 'integer'] }],
  ['expect_column_values_to_be_null', { ...x, mostly: 0.5 }, { ...x, missing: true, mostly: 0.5 }],
  ['expect_column_values_to_not_be_null', x, { ...x, not_missing: true }],
  ['expect_column_values_to_be_unique', x, { ...x, unique: true }],
  ['expect_column_values_to_be_in_set', { ...x, value_set: ['a', 1, null] }, { ...x, allowed: ['a', 1] }],
  ['expect_column_values_to_not_be_in_set', { ...x, value_set: ['a'] }, { ...x, forbidden: ['a'] }],
  ['expect_column_values_to_be_between', { ...x, min_value: 1, max_value: 5, strict_max: true }, { ...x, min: 1, below: 5 }],
  ['expect_column_values_to_be_increasing', { ...x, strictly: true }, { ...x, increasing: 'strictly' }],
  ['expect_column_values_to_be_decreasing', x, { ...x, decreasing: true }],
  ['expect_column_value_lengths_to_equal', { ...x, value: 3 }, { ...x, length: 3 }],
  ['expect_column_value_lengths_to_be_between', { ...x, min_value: 1, max_value: 9, strict_min: true }, { ...x, min_length: 2, max_length: 9 }],
  ['expect_column_values_to_match_regex', { ...x, regex: '^a\\Z' }, { ...x, regex: '^a\\z' }],
  ['expect_column_values_to_not_match_regex', { ...x, regex: 'a' }, { ...x, not_regex: 'a' }],
  ['expect_column_values_to_match_regex_list', { ...x, regex_list: ['a', 'b'], match_on: 'all' }, { ...x, regex: { all: ['a', 'b'] } }],
  ['expect_column_values_to_not_match_regex_list', { ...x, regex_list: ['a'] }, { ...x, not_regex: ['a'] }],
  ['expect_column_values_to_match_like_pattern', { ...x, like_pattern: 'a!%_%', escape: '!' }, { ...x, like: 'a\\%_%' }],
  ['expect_column_values_to_not_match_like_pattern', { ...x, like_pattern: 'a%' }, { ...x, not_like: 'a%' }],
  ['expect_column_values_to_match_like_pattern_list', { ...x, like_pattern_list: ['a%'] }, { ...x, like: { any: ['a%'] } }],
  ['expect_column_values_to_not_match_like_pattern_list', { ...x, like_pattern_list: ['a%'] }, { ...x, not_like: ['a%'] }],
  ['expect_column_values_to_match_strftime_format', { ...x, strftime_format: '%Y-%m-%d' }, { ...x, date_format: '%Y-%m-%d' }],
  ['expect_column_values_to_be_dateutil_parseable', x, /dateutil/],
  ['expect_column_values_to_be_json_parseable', x, { ...x, format: 'json' }],
  ['expect_column_values_to_match_json_schema', { ...x, json_schema: { type: 'object' } }, { ...x, json_schema: { type: 'object' } }],
  ['expect_column_value_z_scores_to_be_less_than', { ...x, threshold: 3, double_sided: false }, { ...x, z_score: { max: 3, one_sided: true } }],
  ['expect_column_values_to_not_be_outliers', { ...x, method: 'std', multiplier: 3 }, { ...x, z_score: 3 }],
  ['expect_column_distinct_values_to_be_in_set', { ...x, value_set: [1] }, { ...x, distinct_within: [1] }],
  ['expect_column_distinct_values_to_contain_set', { ...x, value_set: [1] }, { ...x, distinct_contain: [1] }],
  ['expect_column_distinct_values_to_equal_set', { ...x, value_set: [1] }, { ...x, distinct_equal: [1] }],
  ['expect_column_min_to_be_between', { ...x, min_value: 1, strict_min: true }, { ...x, least: { above: 1 } }],
  ['expect_column_max_to_be_between', { ...x, max_value: 1 }, { ...x, greatest: { max: 1 } }],
  ['expect_column_mean_to_be_between', { ...x, min_value: 1, max_value: 2 }, { ...x, mean: { min: 1, max: 2 } }],
  ['expect_column_median_to_be_between', { ...x, min_value: 1 }, { ...x, median: { min: 1 } }],
  ['expect_column_sum_to_be_between', { ...x, min_value: 1 }, { ...x, sum: { min: 1 } }],
  ['expect_column_stdev_to_be_between', { ...x, max_value: 1 }, { ...x, stdev: { max: 1 } }],
  [
    'expect_column_quantile_values_to_be_between',
    { ...x, quantile_ranges: { quantiles: [0.5], value_ranges: [[null, 3]] } },
    { ...x, quantiles: [{ at: 0.5, within: { max: 3 } }] },
  ],
  ['expect_column_most_common_value_to_be_in_set', { ...x, value_set: ['a'], ties_okay: true }, { ...x, most_common: ['a'] }],
  ['expect_column_unique_value_count_to_be_between', { ...x, min_value: 2, strict_min: true }, { ...x, distinct: { min: 3 } }],
  ['expect_column_proportion_of_unique_values_to_be_between', { ...x, min_value: 0.5 }, { ...x, distinct_share: { min: 0.5 } }],
  ['expect_column_proportion_of_non_null_values_to_be_between', { ...x, min_value: 0.9 }, { ...x, not_missing_share: { min: 0.9 } }],
  [
    'expect_column_kl_divergence_to_be_less_than',
    { ...x, threshold: 0.1, partition_object: { values: ['a', 'b'], weights: [0.4, 0.6] } },
    { ...x, kl: { max: 0.1, of: { values: ['a', 'b'], shares: [0.4, 0.6] } } },
  ],
  ['expect_column_chisquare_test_p_value_to_be_greater_than', x, /psi, ks and cramers_v/],
  ['expect_column_bootstrapped_ks_test_p_value_to_be_greater_than', x, /psi, ks and cramers_v/],
  ['expect_column_parameterized_distribution_ks_test_p_value_to_be_greater_than', x, /psi, ks and cramers_v/],
  ['expect_column_pair_values_to_be_equal', { column_A: 'a', column_B: 'b' }, { columns: ['a', 'b'], equal: true, skip_missing: 'all' }],
  [
    'expect_column_pair_values_a_to_be_greater_than_b',
    { column_A: 'a', column_B: 'b', or_equal: true, ignore_row_if: 'either_value_is_missing' },
    { row: '`a` >= `b`' },
  ],
  [
    'expect_column_pair_values_to_be_in_set',
    { column_A: 'a', column_B: 'b', value_pairs_set: [['x', 1]], ignore_row_if: 'either_value_is_missing' },
    { columns: ['a', 'b'], allowed: [['x', 1]] },
  ],
  ['expect_column_pair_cramers_phi_value_to_be_less_than', { column_A: 'a', column_B: 'b' }, /two columns/],
  [
    'expect_compound_columns_to_be_unique',
    { column_list: ['a', 'b'], ignore_row_if: 'never' },
    { columns: ['a', 'b'], unique: true, skip_missing: 'never' },
  ],
  [
    'expect_select_column_values_to_be_unique_within_record',
    { column_list: ['a', 'b'] },
    { columns: ['a', 'b'], different: true, skip_missing: 'all' },
  ],
  ['expect_multicolumn_values_to_be_unique', { column_list: ['a', 'b'] }, { columns: ['a', 'b'], different: true, skip_missing: 'all' }],
  ['expect_multicolumn_values_to_be_equal', { column_list: ['a', 'b'] }, { columns: ['a', 'b'], equal: true, skip_missing: 'all' }],
  [
    'expect_multicolumn_sum_to_equal',
    { column_list: ['a', 'b'], sum_total: 100 },
    { columns: ['a', 'b'], sum: { min: 100, max: 100 }, skip_missing: 'all' },
  ],
  ['expect_table_columns_to_match_ordered_list', { column_list: ['a', 'b'] }, { table: { columns: ['a', 'b'] } }],
  ['expect_table_columns_to_match_set', { column_set: ['a', 'b'], exact_match: false }, { table: { columns_contain: ['a', 'b'] } }],
  ['expect_table_column_count_to_equal', { value: 3 }, { table: { column_count: { min: 3, max: 3 } } }],
  ['expect_table_column_count_to_be_between', { min_value: 3 }, { table: { column_count: { min: 3 } } }],
  ['expect_table_row_count_to_equal', { value: 3 }, { rows: { min: 3, max: 3 } }],
  ['expect_table_row_count_to_be_between', { max_value: 9, strict_max: true }, { rows: { max: 8 } }],
  ['expect_table_row_count_to_equal_other_table', { other_table_name: 'orders' }, { rows: { equal: 'orders' } }],
  ['expect_query_results_to_match_comparison', { base_query: 'SELECT 1', comparison_query: 'SELECT 1' }, noSql],
  ['unexpected_rows_expectation', { unexpected_rows_query: 'SELECT 1' }, noSql],
];

test('the table of this test is the list of core expectations', () => {
  expect(core.map(([name]) => name).toSorted()).toEqual(Object.keys(expectations).toSorted());
  expect(core.length).toBe(64);
});

test.each(core)('%s: an equal rule, or refused by name', async (name, kwargs, wanted) => {
  for (const key of ['type', 'expectation_type']) {
    const imported = importRules(suite({ [key]: name, kwargs }), 's.json');
    if (wanted instanceof RegExp) {
      expect(imported.rules).toEqual([]);
      expect(imported.refused[0]).toMatchObject({ what: name, reason: expect.stringMatching(wanted) });
    } else {
      expect(imported.refused).toEqual([]);
      expect(written(imported.text)).toEqual([wanted]);
      expect(await rulesOf(imported.text)).toHaveLength(1);
    }
  }
});

test.each([
  ['expect_column_values_to_be_between', { ...x }, /always holds/],
  ['expect_column_values_to_be_between', { ...x, min_value: { $PARAMETER: 'low' } }, /parameter of the suite/],
  ['expect_column_values_to_be_between', { ...x, min_value: 1, parse_strings_as_datetimes: true }, /parse_strings_as_datetimes/],
  ['expect_column_values_to_be_between', { ...x, min_value: 5, max_value: 1 }, /min is greater than max/],
  ['expect_column_values_to_match_regex', { ...x, regex: '(?=a)b' }, /RE2/],
  ['expect_column_values_to_match_strftime_format', { ...x, strftime_format: '%Q' }, /%Q/],
  ['expect_column_values_to_not_be_null', { ...x, mostly: 0 }, /always holds/],
  ['expect_column_values_to_be_of_type', { ...x, type_: 'object' }, /no one type/],
  ['expect_column_max_to_be_between', { ...x, max_value: '2026-01-01' }, /numbers/],
  ['expect_column_values_to_be_valid_ssn', x, /no core expectation/],
  ['expect_column_values_to_be_uniqe', x, /Did you mean expect_column_values_to_be_unique/],
  ['expect_table_row_count_to_equal', { value: 1, row_condition: 'a > 1' }, /condition/],
  ['constructor', x, /no core expectation/],
])('%s %j is refused', (name, kwargs, reason) => {
  const { rules, refused } = gx(name, kwargs);
  expect(rules).toEqual([]);
  expect(refused[0]?.reason).toMatch(reason);
});

test.each([
  ['col("state") == "US"', 'great_expectations', "`state` = 'US'"],
  ['col("zip").notNull()', 'great_expectations__experimental__', '`zip` is not missing'],
  ['state == "it\'s" and n > 5', 'pandas', "state = 'it''s' and n > 5"],
  ["state = 'US' AND zip IS NOT NULL", 'spark', "state = 'US' AND zip IS NOT NULL"],
  [{ type: 'comparison', column: { name: 'a`b' }, operator: 'IN', parameter: [1, 2] }, undefined, '`a``b` in (1, 2)'],
  [
    {
      type: 'or',
      conditions: [
        { type: 'nullity', column: { name: 'a' }, is_null: true },
        { type: 'comparison', column: { name: 'b' }, operator: '!=', parameter: 'x' },
      ],
    },
    undefined,
    "(`a` is missing) or (`b` != 'x')",
  ],
])('row_condition %j (%s)', (condition, parser, when) => {
  const { rules, refused } = gx('expect_column_values_to_not_be_null', { ...x, row_condition: condition, condition_parser: parser });
  expect(refused).toEqual([]);
  expect(rules[0]?.rule).toMatchObject({ when });
});

test.each([
  ['a.str.len() > 3', 'pandas'],
  ['(a == 1) & (b == 2)', 'pandas'],
  [{ type: 'pass_through', pass_through_filter: 'a > 1' }, undefined],
  ['a ===== 1', 'pandas'],
])('row_condition %j has no equal', (condition, parser) => {
  const { rules, refused } = gx('expect_column_values_to_not_be_null', { ...x, row_condition: condition, condition_parser: parser });
  expect(rules).toEqual([]);
  expect(refused[0]?.reason).toMatch(/row_condition/);
});

test('severity and notes come along; hostile notes stay text', async () => {
  const notes = { format: 'markdown', content: ['first: "x"\n- rule', 'second # \u0085 \u2028 end'] };
  const { text } = gx('expect_column_values_to_be_unique', x, { severity: 'info', meta: { notes } });
  expect(await rulesOf(text)).toMatchObject([{ ...x, severity: 'warning', desc: 'first: "x"\n- rule second # \u0085 \u2028 end' }]);
});

test('what is refused stands in the file, on comment lines', () => {
  const { text } = importRules(
    suite({ type: 'bad\nname: 1', kwargs: {} }, { type: 'expect_column_values_to_be_unique', kwargs: { column: 'a\nb' } }),
    's\n.json',
  );
  expect(
    text
      ?.split('\n')
      .slice(0, 3)
      .every((line) => line.startsWith('#')),
  ).toBe(true);
  expect(written(text)).toEqual([{ column: 'a\nb', unique: true }]);
});

test('JSON Schema: properties are columns', async () => {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: ['id', 'state', 'other'],
    additionalProperties: false,
    properties: {
      id: { type: 'integer', minimum: 1, exclusiveMaximum: 100, description: 'the id' },
      state: { $ref: '#/$defs/state' },
      tags: { type: 'array', minItems: 1, items: { type: 'string' } },
      score: { type: ['number', 'null'], multipleOf: 0.5 },
      day: { type: 'string', format: 'date', pattern: '^2' },
      tree: { $ref: '#/$defs/tree' },
      odd: { type: 'string', pattern: '(?<=a)b', maxLength: 3 },
    },
    dependentRequired: { day: ['id'] },
    if: { properties: {} },
    $defs: { state: { enum: ['a', 'b'] }, tree: { type: 'object', properties: { left: { $ref: '#/$defs/tree' } } } },
  };
  const { text, refused, kind } = importRules(JSON.stringify(schema), 's.json');
  expect(kind).toBe('json-schema');
  expect(written(text)).toEqual([
    { column: 'id', desc: 'the id', not_missing: true, type: 'integer', min: 1, below: 100 },
    { column: 'state', not_missing: true, allowed: ['a', 'b'] },
    { column: 'tags', type: 'list', min_length: 1, json_schema: { items: { type: 'string' } } },
    { column: 'score', type: 'number' },
    { column: 'day', type: 'string', format: 'date', regex: '^2' },
    { column: 'odd', type: 'string', max_length: 3 },
    { column: 'other', not_missing: true },
    { table: { columns_within: ['id', 'state', 'tags', 'score', 'day', 'tree', 'odd'] } },
    { row: '`day` is not missing implies `id` is not missing' },
  ]);
  expect(await rulesOf(text)).toHaveLength(9);
  expect(refused.map(({ what, column }) => [what, column])).toEqual([
    ['multipleOf', 'score'],
    ['properties', 'tree'],
    ['pattern', 'odd'],
    ['if', null],
  ]);
});

test('JSON Schema, draft 4: exclusive ends as flags, definitions, references that double', () => {
  const defs = Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [
      `d${at}`,
      { type: 'object', allOf: [{ $ref: `#/definitions/d${at + 1}` }, { $ref: `#/definitions/d${at + 1}` }] },
    ]),
  );
  const schema = {
    $schema: 'http://json-schema.org/draft-04/schema#',
    properties: { a: { type: 'number', minimum: 0, exclusiveMinimum: true }, bomb: { $ref: '#/definitions/d0' } },
    definitions: { ...defs, d40: { type: 'object' } },
  };
  const { text, refused } = importRules(JSON.stringify(schema), 's.json');
  expect(written(text)).toEqual([{ column: 'a', type: 'number', above: 0 }]);
  expect(refused).toMatchObject([{ column: 'bomb', reason: expect.stringMatching(/\$ref/) }]);
});

test('Table Schema: fields, constraints, keys', async () => {
  const schema = {
    fields: [
      { name: 'id', type: 'integer', constraints: { required: true, minimum: '1' } },
      { name: 'kind', type: 'string', constraints: { enum: ['a', 'b'], pattern: 'a|b' }, description: 'why' },
      { name: 'day', type: 'date', format: '%d/%m/%Y' },
      { name: 'at', type: 'datetime' },
      { name: 'box', type: 'geopoint' },
      { name: 'price', type: 'number', decimalChar: ',' },
    ],
    primaryKey: ['id'],
    foreignKeys: [{ fields: 'kind', reference: { resource: 'kinds', fields: 'name' } }],
    missingValues: ['', 'NA'],
  };
  const { text, refused, key, kind } = importRules(
    JSON.stringify({
      resources: [
        { name: 't', schema },
        { name: 'img', path: 'a.png' },
      ],
    }),
    'datapackage.json',
  );
  expect([kind, key]).toEqual(['table-schema', 'id']);
  expect(written(text)).toEqual([
    { table: { columns: ['id', 'kind', 'day', 'at', 'box', 'price'] } },
    { column: 'id', type: 'integer', not_missing: true, min: 1 },
    { column: 'kind', desc: 'why', type: 'string', allowed: ['a', 'b'], regex: '^(?:a|b)$' },
    { column: 'day', date_format: '%d/%m/%Y' },
    { column: 'at', format: 'datetime' },
    { column: 'id', not_missing: true },
    { column: 'id', unique: true },
    { column: 'kind', in: { data: 'kinds', column: 'name' } },
  ]);
  expect(await rulesOf(text)).toHaveLength(8);
  expect(refused.map(({ what, column }) => [what, column])).toEqual([
    ['type', 'box'],
    ['type', 'price'],
    ['missingValues', null],
  ]);
});

test.each([
  ['[]', 'CONFIG_INVALID'],
  ['{', 'JSON_SYNTAX'],
  ['{"expectations": [1]}', 'CONFIG_INVALID'],
  ['{"resources": [{"schema": {"fields": []}}, {"schema": {"fields": []}}]}', 'CONFIG_INVALID'],
])('%s is no file of rules: %s', (text, code) => {
  expect(() => importRules(text, 'x.json')).toThrow(expect.objectContaining({ code }));
});

test('any names and values read back as they were', async () => {
  const text = fc
    .oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom('yes', 'No', '~', '1e3', '- a', 'a: b', '#', '0x1f', '2026-01-01', '=', '<<', '\u2028', '\ufeff'),
    )
    .filter((t) => t !== '' && t.isWellFormed());
  const value = fc.oneof(
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
    fc.boolean(),
  );
  await fc.assert(
    fc.asyncProperty(text, fc.array(value, { minLength: 1, maxLength: 40 }), fc.string({ unit: 'binary' }), async (column, allowed, comment) => {
      const file = rulesText({
        head: [comment],
        rules: [
          { comments: [comment], rule: { column, allowed } },
          { comments: [], rule: { table: { columns_contain: allowed.map(String) } } },
        ],
      });
      expect(load(file)).toEqual({ version: 1, rules: [{ column, allowed }, { table: { columns_contain: allowed.map(String) } }] });
    }),
    { numRuns: 200 },
  );
});
