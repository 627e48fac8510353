import { describe, expect, test } from 'vitest';
import type { CheckResult } from './report.ts';
import { csvOf, fileOf, jsonlOf, judge, versionOf, worldOf, type Cells } from './rules.fixture.ts';

const numbers = [4, 1, 3, 2, 2, 9, null].map((n, at) => ({ id: `k${at}`, n, text: 'abcaab'[at] ?? '', day: `2026-11-${10 + at}` }));

async function results(rule: string, rows: readonly Cells[] = numbers, world = worldOf()): Promise<CheckResult[]> {
  return (await judge(await versionOf(jsonlOf(rows), 'jsonl'), `version: 1\nrules: [${rule}]\n`, world)).run.validation.results;
}

describe('checks of all values of a column', () => {
  // [rule, holds, observed]; values as numpy and scipy say of [1, 2, 2, 3, 4, 9]
  const cases: [string, boolean, number | string][] = [
    ['least: { min: 1 }', true, 1],
    ['least: { above: 1 }', false, 1],
    ['greatest: { max: 9 }', true, 9],
    ['greatest: { below: 9 }', false, 9],
    ['mean: { min: 3.5, max: 3.5 }', true, 3.5],
    ['median: { max: 2.5 }', true, 2.5],
    ['sum: { min: 21, max: 21 }', true, 21],
    ['stdev: { min: 2.8, max: 2.9 }', true, 2.8809720581775866],
    ['quantiles: [{ at: 0.25, within: { min: 2, max: 2 } }, { at: 0.9, within: { min: 6.5, max: 6.5 } }]', true, '2, 6.5'],
    ['quantiles: [{ at: 0.75, within: { max: 3 } }]', false, '3.75'],
    ['distinct: { min: 5, max: 5 }', true, 5],
    ['distinct: { max: 4 }', false, 5],
    ['distinct_share: { max: 0.9 }', true, 5 / 6],
    ['not_missing_share: { min: 0.9 }', false, 6 / 7],
    ['distinct_within: [1, 2, 3, 4, 9, 10]', true, '5 values'],
    ['distinct_within: [1, 2]', false, 'also 3, 4, 9'],
    ['distinct_equal: [9, 4, 3, 2, 1]', true, '5 values'],
    ['distinct_equal: [1, 2, 3, 4, 5]', false, 'also 9; not 5'],
    ['distinct_contain: [1, 9]', true, '5 values'],
    ['distinct_contain: [1, 7]', false, 'not 7'],
    ['most_common: [2, 3]', true, '2'],
    ['most_common: [1]', false, '2'],
    ['exists: true', true, 'there'],
    ['position: 2', true, 'column 2'],
    ['kl: { max: 0.05, of: { edges: [0, 3, 10], shares: [0.5, 0.5] } }', true, 0],
    ['kl: { max: 0.05, of: { edges: [0, 2, 10], shares: [0.5, 0.5] } }', false, 0.242585971694],
    ['kl: { max: 1, of: { edges: [2, 3, 10], shares: [0.5, 0.5] } }', false, 'infinite: there are values that are not expected'],
    ['kl: { max: 1, of: { edges: [2, 3, 10], shares: [0.5, 0.5] }, outside: 0.1 }', true, 0.153307527733],
  ];
  test.each(cases)('%s', async (rule, holds, observed) => {
    const [result] = await results(`{ column: n, ${rule} }`);
    expect(result).toMatchObject({ holds, failing: 0 });
    if (typeof observed === 'number') expect(result?.observed).toBeCloseTo(observed, 9);
    else expect(result?.observed).toBe(observed);
  });

  test('where there are no values, or one that is no number, a mean says so', async () => {
    expect(await results('{ column: n, mean: { max: 1 } }', [{ n: null }])).toMatchObject([{ holds: true, observed: 'no values' }]);
    expect(await results('{ column: n, mean: { max: 9 } }', [{ n: 1 }, { n: 'x' }])).toMatchObject([{ holds: false, observed: '"x" is no number' }]);
  });

  test('most frequent values that are equally frequent are all of them', async () => {
    const rows = ['a', 'a', 'b', 'b', 'c'].map((text) => ({ text }));
    expect(await results('{ column: text, most_common: [b] }, { column: text, most_common: [c] }', rows)).toMatchObject([
      { holds: true, observed: '"a", "b"' },
      { holds: false },
    ]);
  });

  test('freshness is measured from a date, or from now', async () => {
    const rule = (of: string): string => `{ column: day, newest: { within_days: 2${of} } }`;
    expect(await results(rule(', of: "2026-11-18"'))).toMatchObject([{ holds: true, observed: '2026-11-16' }]);
    expect(await results(rule(', of: "2026-11-18T00:00:01Z"'))).toMatchObject([{ holds: false }]);
    expect(await results(rule(''), numbers, worldOf({ now: new Date('2026-11-17') }))).toMatchObject([{ holds: true }]);
    expect(await results(rule(''), numbers, worldOf({ now: new Date('2026-12-17') }))).toMatchObject([{ holds: false }]);
  });
});

describe('checks of rows', () => {
  const cases: [string, Cells[], number[]][] = [
    ['{ column: c, increasing: true }', [1, 2, null, 2, 1, 5].map((c) => ({ c })), [5]],
    ['{ column: c, increasing: strictly }', [1, 2, null, 2, 3].map((c) => ({ c })), [4]],
    ['{ column: c, decreasing: true }', ['c', 'b', 'b', 'd'].map((c) => ({ c })), [4]],
    ['{ column: c, z_score: 1.5 }', [1, 2, 1, 2, 1, 50].map((c) => ({ c })), [6]],
    ['{ column: c, z_score: { max: 1.5, one_sided: true } }', [1, 2, 1, 2, 1, -50].map((c) => ({ c })), []],
    [
      '{ column: c, json_schema: { type: object, required: [a], properties: { a: { minimum: 1 } } } }',
      [{ c: { a: 1 } }, { c: { a: 0 } }, { c: '{"a": 2}' }, { c: '{' }, { c: null }, { c: '[]' }],
      [2, 4, 6],
    ],
    ['{ column: c, format: json }', [{ c: '{"a":1}' }, { c: 'x' }, { c: '1' }], [2]],
    ['{ column: c, format: email }', [{ c: 'a.b@c.de' }, { c: 'a@b' }, { c: '@c.de' }], [2, 3]],
    ['{ column: c, format: uuid }', [{ c: '0d5f7f3e-6f5b-4c1c-9a58-0c6f5b0d5f7f' }, { c: '0d5f' }], [2]],
    ['{ column: c, format: ipv4 }', [{ c: '10.0.0.255' }, { c: '10.0.0.256' }], [2]],
    ['{ column: c, format: uri }', [{ c: 'https://a.b/c?d#e' }, { c: 'a b' }], [2]],
    ['{ column: c, format: time }', [{ c: '23:59:60Z' }, { c: '24:00' }], [2]],
    ["{ column: c, date_format: '%d %B %Y' }", [{ c: '29 February 2024' }, { c: '29 February 2026' }, { c: '1 Foo 2024' }], [2, 3]],
    ["{ column: c, date_format: '%Y-%j' }", [{ c: '2024-366' }, { c: '2025-366' }], [2]],
    ["{ column: c, like: 'a\\%%' }", [{ c: 'a%b' }, { c: 'ab' }], [2]],
    ['{ column: c, mostly: 0.5, min: 1 }', [{ c: 0 }, { c: 1 }], [1]],
    ['{ columns: [a, b], unique: true }', [{ a: 1, b: 1 }, { a: 1, b: 2 }, { a: 1, b: 1 }, { a: 1 }, { a: 1 }], [1, 3]],
    ['{ columns: [a, b], unique: true, skip_missing: all }', [{ a: 1, b: 1 }, { a: 1 }, { a: 1 }, {}, {}], [2, 3]],
    ['{ columns: [a, b], allowed: [[1, x], [2, null]], skip_missing: never }', [{ a: 1, b: 'x' }, { a: 2 }, { a: 2, b: 'x' }, {}], [3, 4]],
    ['{ row: "a implies b" }', [{ a: true, b: false }, { a: false, b: false }, { a: true }, { b: true }], [1]],
    ["{ row: \"lower(b) = 'é' or upper(b) = 'É'\" }", [{ b: 'É' }, { b: 'é' }, { b: 'x' }], [3]],
    ['{ row: "a / 0 = 1" }', [{ a: 1 }], []],
    ['{ row: "a > 1", when: "b = \'x\'" }', [{ a: 1, b: 'x' }, { a: 1, b: 'y' }, { a: 1 }, { a: 2, b: 'x' }], [1]],
    ['{ row: "a > 1" }', [{ a: '2' }, { a: 2 }, { a: null }], [1]],
  ];
  test.each(cases)('%s', async (rule, rows, broken) => {
    const [result] = await results(rule, rows);
    expect(result?.keys).toEqual(broken.map((at) => `row ${at}`));
  });

  test('mostly counts values that are there: the share itself is enough', async () => {
    const rows = [0, 1, 1, 1, null, null].map((c) => ({ c }));
    expect(await results('{ column: c, min: 1, mostly: 0.75 }, { column: c, min: 1, mostly: 0.76 }', rows)).toMatchObject([
      { holds: true, checked: 4, failing: 1, mostly: 0.75 },
      { holds: false, checked: 4, failing: 1 },
    ]);
  });
});

describe('other data', () => {
  const users = fileOf(
    csvOf(
      [
        { id: '1', team: 'a' },
        { id: '2', team: 'b' },
      ],
      ['id', 'team'],
    ),
    'csv',
    'users',
  );
  const world = worldOf({ openReference: () => users });

  test('a value stands in a column of other data, one or several together, whatever the formats', async () => {
    const rows = [
      { user: 1, team: 'a' },
      { user: 2, team: 'a' },
      { user: 3, team: 'a' },
      { user: null, team: 'x' },
    ];
    const rule = '{ column: user, in: { data: users, column: id } }, { columns: [user, team], in: { data: users, column: [id, team] } }';
    expect((await results(rule, rows, world)).map(({ keys }) => keys)).toEqual([['row 3'], ['row 2', 'row 3']]);
  });

  test('numbers of rows, held against other data', async () => {
    const rule = '{ rows: { equal: users } }, { rows: { of: users, min_share: 2, max_share: 3 } }';
    expect(await results(rule, [{ a: 1 }, { a: 2 }, { a: 3 }], world)).toMatchObject([
      { holds: false, observed: 3, expected: 'as many rows as users' },
      { holds: false, observed: 1.5, expected: 'at least 2 and at most 3 of the rows of users' },
    ]);
  });

  test('drift of values of a CSV against those of a format with types', async () => {
    const rows = Array.from({ length: 50 }, (_, at) => ({ id: (at % 2) + 1, team: 'ab'[at % 2] }));
    const rule =
      '{ column: id, psi: { max: 0, reference: users }, ks: { max: 0, reference: users }, cramers_v: { max: 0, reference: users } }, { column: team, kl: { max: 0, reference: users } }';
    expect((await results(rule, rows, world)).map(({ observed }) => observed)).toEqual([0, 0, 0, 0]);
  });
});

test('columns of a table: in order, in any order, some, how many', async () => {
  const file = await fileOf('b,a,c\n1,2,3\n', 'csv');
  const asked = [
    'columns: [b, a, c]',
    'columns: [a, b, c]',
    'columns_any_order: [a, b, c]',
    'columns_any_order: [a, b]',
    'columns_contain: [c, d]',
    'columns_within: [a, b, c, d]',
    'columns_within: [c, b]',
    'column_count: { max: 2 }',
  ];
  const { run } = await judge(file, `version: 1\nrules: [${asked.map((one) => `{ table: { ${one} } }`).join(', ')}]\n`);
  expect(run.validation.results.map(({ holds, observed }) => [holds, observed])).toEqual([
    [true, 'as asked'],
    [false, 'in the order "b", "a", "c"'],
    [true, 'in the order "b", "a", "c"'],
    [false, 'also "c"'],
    [false, 'not "d"'],
    [true, 'as asked'],
    [false, 'also "a"'],
    [false, 3],
  ]);
});

test('flagged rows name rules, keys and digests, and no value; what is tolerated is not flagged', async () => {
  const rows = [
    { id: 'a', n: 1, secret: 'hunter2' },
    { id: 'b', n: 9, secret: 'hunter2' },
    { id: 'c', n: 1 },
  ];
  const rules =
    'version: 1\nkey: id\nrules: [{ column: secret, unique: true }, { name: small, column: n, max: 5, severity: warning }, { column: secret, not_missing: true, mostly: 0.5 }]\n';
  const { flagged, run } = await judge(await versionOf(jsonlOf(rows), 'jsonl'), rules);
  expect(
    flagged.map(({ row, key, findings }) => [row, key, findings.map(({ kind, severity, message }) => `${severity} ${kind}: ${message}`)]),
  ).toEqual([
    [1, 'a', ['error rule 1: secret stands in one row only; as row 2']],
    [2, 'b', ['error rule 1: secret stands in one row only; as row 1', 'warning small: n is at most 5']],
  ]);
  expect(JSON.stringify(flagged)).not.toContain('hunter2');
  expect(run.validation.results[2]).toMatchObject({ holds: true, failing: 1, keys: ['c'] });
});
