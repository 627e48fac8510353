import { parquetWriteBuffer } from 'hyparquet-writer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvOf, fileOf, jsonlOf, judgeBy, versionOf, type Cells } from './rules.fixture.ts';

// Every check that SQL can say, and some that it cannot.
const columns = ['id', 'text', 'n', 'm', 'b', 'day'];
const rules = `version: 1
key: id
rules:
  - { column: text, not_missing: true, mostly: 0.9 }
  - { column: b, missing: true, severity: warning }
  - { column: text, type: string, min_length: 2, max_length: 4, length: 3 }
  - { column: text, type: [number, integer] }
  - { column: n, type: integer, min: -1, max: 2, above: -2, below: 3 }
  - { column: n, type: [string, boolean] }
  - { column: text, min: b, max: 'été' }
  - { column: text, allowed: [abc, '12', 12, true], forbidden: ['', "a'b", 'x"y'] }
  - { column: n, allowed: [0, 1, 1.5, -3], forbidden: [2] }
  - { column: b, allowed: [true], type: boolean }
  - { column: text, regex: '^[a-c]+$', not_regex: [z, 'a.c'] }
  - { column: text, regex: { any: ['^a|c$', é] }, like: 'a%', not_like: '_b_' }
  - { column: day, date_format: '%Y-%m-%d', format: date }
  - { column: day, format: datetime, severity: warning }
  - { column: text, unique: true }
  - { column: n, unique: true, mostly: 0.5 }
  - { columns: [n, m], unique: true }
  - { columns: [n, m], different: true }
  - { columns: [n, m], equal: true, skip_missing: never }
  - { columns: [n, m], sum: { min: 0, max: 3 } }
  - { columns: [text, n], allowed: [[abc, 1], [abc, null]], skip_missing: all }
  - { row: 'n > 0 implies m >= 0' }
  - { row: 'not (n = 1 and b = true) or text is missing' }
  - { row: 'n + m * 2 - 1 between -3 and 3 or abs(n) / m > 1 or n % 2 = 1' }
  - { row: 'n < m' }
  - { row: "length(trim(text)) > 1 and not contains(text, 'b') or starts_with(text, 'a') or ends_with(text, 'c')" }
  - { row: 'days(day) > 20000', when: 'n is not missing and b is missing' }
  - { row: "text in ('abc', 'été') or number(text) >= 12", when: "text not like '%z'" }
  - { column: n, distinct: { max: 3 }, distinct_share: { max: 0.5 }, mean: { min: 0 }, median: { max: 1 }, stdev: { max: 2 }, sum: { below: 9 } }
  - { column: text, distinct_within: [abc, b], most_common: [abc], not_missing_share: { min: 0.5 } }
  - { column: n, least: { min: 0 }, greatest: { max: 1 }, quantiles: [{ at: 0.25, within: { min: 0 } }], when: 'm >= 0' }
  - rows: { min: 3, max: 5 }
  - table: { columns_contain: [id, text], column_count: { max: 5 } }
`;

const text = fc.oneof(
  fc.constantFrom('abc', 'ab', 'a', 'b', 'été', '😀', '12', '012', '1.5', "a'b", 'x"y', 'a,b', ' c', 'a\nb', 'true', '٣', '\u2028', 'ＡＢ'),
  fc.string({ maxLength: 5 }),
);
const number = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(0, 1.5, 1e21, -0.1, 2 ** 53 - 1, 1e-7));
const day = fc.constantFrom(
  '2026-11-21',
  '2026-02-29',
  '2024-02-29',
  '31/12/2026',
  '2026-1-2',
  '2026-11-21T10:00:00Z',
  '2026-11-21 25:00',
  '0000-01-01',
);
const row = fc.record({ text, n: number, m: number, b: fc.boolean(), day }, { requiredKeys: [] });
const rowsOf = fc.array(row, { minLength: 1, maxLength: 30 }).map((rows) => rows.map((one, at): Cells => ({ id: `k${at}`, ...one })));

/** Every column is there, so that no rule is about one that no row has. */
const whole: Cells = { id: 'whole', text: 'abc', n: 1, m: 2, b: true, day: '2026-11-21' };

test('DuckDB says of JSONL what our own reader says, row by row', async () => {
  let used = 0;
  await fc.assert(
    fc.asyncProperty(rowsOf, async (rows) => {
      const version = await versionOf(jsonlOf([whole, ...rows]), 'jsonl');
      const [fast, plain] = [await judgeBy('duckdb', version, rules), await judgeBy('rows', version, rules)];
      if (fast.run.engine === 'duckdb') used += 1;
      expect(fast.run.validation).toEqual(plain.run.validation);
      expect(fast.flagged).toEqual(plain.flagged);
    }),
    { numRuns: 8 },
  );
  expect(used).toBeGreaterThan(5);
}, 60_000);

test('DuckDB says of CSV what our own reader says', async () => {
  let used = 0;
  await fc.assert(
    fc.asyncProperty(rowsOf, async (rows) => {
      const file = await fileOf(csvOf([whole, ...rows], columns), 'csv');
      const [fast, plain] = [await judgeBy('duckdb', file, rules), await judgeBy('rows', file, rules)];
      if (fast.run.engine === 'duckdb') used += 1;
      expect(fast.run.validation).toEqual(plain.run.validation);
      expect(fast.flagged).toEqual(plain.flagged);
    }),
    { numRuns: 8 },
  );
  expect(used).toBeGreaterThan(3);
}, 60_000);

test('DuckDB says of Parquet what our own reader says', async () => {
  let used = 0;
  await fc.assert(
    fc.asyncProperty(rowsOf, fc.boolean(), async (rows, small) => {
      const all = [whole, ...rows];
      const column = (name: string, type: 'STRING' | 'DOUBLE' | 'BOOLEAN') => ({
        name,
        type,
        nullable: true,
        data: all.map((one) => one[name] ?? null),
      });
      const columnData = [
        column('id', 'STRING'),
        column('text', 'STRING'),
        column('n', 'DOUBLE'),
        column('m', 'DOUBLE'),
        column('b', 'BOOLEAN'),
        column('day', 'STRING'),
      ];
      const bytes = Buffer.from(parquetWriteBuffer({ columnData, ...(small ? { rowGroupSize: 4 } : {}) }));
      const file = await fileOf(bytes, 'parquet');
      const [fast, plain] = [await judgeBy('duckdb', file, rules), await judgeBy('rows', file, rules)];
      if (fast.run.engine === 'duckdb') used += 1;
      expect(fast.run.validation).toEqual(plain.run.validation);
      expect(fast.flagged).toEqual(plain.flagged);
    }),
    { numRuns: 8 },
  );
  expect(used).toBeGreaterThan(5);
}, 60_000);
