// The same rules on a real Spark: the state, and so the whole report, is that of our own engine, over all kinds of rules and awkward values.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { z } from '../../src/base/schema.ts';
import { requireFormatOfName } from '../../src/datasets/row-format.ts';
import { readRows } from '../../src/datasets/rows.ts';
import { judgeOfRows } from '../../src/quality/rules/judge-rows.ts';
import { planChecks } from '../../src/quality/rules/plan.ts';
import type { Validation } from '../../src/quality/rules/report.ts';
import { rulesSchema } from '../../src/quality/rules/schema.ts';
import { judgeState } from '../../src/quality/rules/verdict.ts';
import { driverPath, judgeBySpark, type SparkRunner } from '../../src/quality/spark/run.ts';
import { installSpark, startCluster, type SparkHome } from './spark-home.ts';

let spark: SparkHome;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumb-spark-test-'));
  spark = await installSpark();
}, 900_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

type RuleInput = z.input<typeof rulesSchema>['rules'][number];

/** All kinds of rules that Spark can answer. @param columns of numbers, texts, anything */
const rulesOf = (): RuleInput[] => [
  { column: 'n', type: 'number', mostly: 0.5 },
  { column: 'n', type: 'integer' },
  { column: 'x', type: ['string', 'boolean'] },
  { column: 'x', type: ['list', 'object'] },
  { column: 'x', not_missing: true },
  { column: 'x', missing: true },
  { column: 'n', min: 0, below: 9007199254740992 },
  { column: 't', min: 'b', max: '\u{1f600}' },
  { column: 't', length: 2 },
  { column: 'x', min_length: 1, max_length: 3 },
  { column: 'x', allowed: ['a', 1, true, "it's", 'back\\slash', ''] },
  { column: 'x', forbidden: ['a', 0, false, '12'] },
  { column: 't', regex: '^[a-z]+(-[a-z]+)*$' },
  { column: 't', regex: { any: ['\\d{2,}', '^é', 'a.c$', '[[:upper:]]\\b'] } },
  { column: 't', not_regex: ['\\s', '(?s:x.y)'] },
  { column: 't', like: '%a_%' },
  { column: 't', format: 'email' },
  { column: 'd', format: 'date' },
  { column: 'd', format: 'datetime' },
  { column: 'd', format: 'uuid' },
  { column: 'd', date_format: '%d/%m/%Y' },
  { column: 'x', unique: true, when: "t is not missing and not (t = 'b')" },
  { column: 'n', unique: true },
  { columns: ['n', 't'], unique: true, skip_missing: 'never' },
  { columns: ['n', 'm'], sum: { min: 0, max: 10 }, skip_missing: 'all' },
  {
    columns: ['n', 't'],
    allowed: [
      [1, 'a'],
      [null, 'b'],
      [2, null],
    ],
    skip_missing: 'never',
  },
  { columns: ['t', 'd'], different: true, skip_missing: 'all' },
  { columns: ['n', 'm'], equal: true, skip_missing: 'never' },
  { row: 'n <= m or n is missing' },
  { row: 'n / m > 0.5 and n % 3 != 1 and abs(n - m) < 100 implies floor(n) = n' },
  { row: "length(trim(t)) >= 2 and (contains(t, 'a') or starts_with(t, 'b') or ends_with(t, '-'))" },
  { row: 'days(d) >= 20000 or number(t) between 1 and 1e3' },
  { row: "t in ('a', 'b') or t matches '^[0-9]+$' or -ceil(n) > -5", mostly: 0.1 },
  { column: 'n', mean: { min: 0, max: 1 } },
  { column: 'm', median: { min: 0 }, least: { min: -5 }, greatest: { max: 5 }, sum: { max: 0 }, stdev: { max: 1 } },
  { column: 'm', quantiles: [{ at: 0.25, within: { min: 0 } }] },
  { column: 'x', distinct: { max: 3 }, distinct_share: { min: 0.5 }, when: 't is not missing' },
  { column: 't', distinct_within: ['a', 'b'], most_common: ['a'] },
  { column: 't', not_missing_share: { min: 0.9 } },
  { column: 'd', newest: { within_days: 10, of: '2026-11-01' } },
  { rows: { min: 1000 } },
  { table: { columns_contain: ['n', 'nope'], column_count: { max: 3 } } },
  { column: 'odd `name', exists: true },
];

const numbers = [1, 2, 0, -0.5, 1.5, 3, 1e3, 0.1, 9007199254740991, 1e300, -7, 12];
const texts = [
  'a',
  'b',
  'ab',
  'a-b',
  'é',
  '\u{1f600}',
  '\u{1f600}x',
  'x\ny',
  'a\tc',
  "it's",
  'back\\slash',
  'A b',
  '12',
  '007',
  ' a ',
  'x@y.org',
  '\u0130',
  '\uffff',
  'a\u2028c',
  'true',
  '1e5',
  'abc\n',
  '"q"',
  'a,b',
];
const dates = [
  '2026-10-31',
  '2026-02-31',
  '2026-10-31T23:59:60Z',
  '31/10/2026',
  '31/02/2026',
  '1/2/2026',
  '0000-01-01',
  '2024-02-29',
  '2023-02-29',
  '6f9619ff-8b86-d011-b42d-00cf4fc964ff',
  '2026-10-31T25:00',
];

function drawn(rows: number): Record<string, unknown>[] {
  // a fixed walk through the values, so that each meets many others
  let seed = 7;
  const pick = <T>(of: readonly T[]): T => of[(seed = (seed * 48271) % 2147483647) % of.length] as T;
  const any = [...numbers, ...texts, true, false, null];
  return Array.from({ length: rows }, (_, at) => ({
    n: pick([...numbers, ...numbers, null, 'no number']),
    m: at % 9 === 0 ? null : pick(numbers.slice(0, 8)),
    t: pick([...texts, null, '']),
    d: pick([...dates, null]),
    x: pick(any),
    id: `k${at}`,
    ...(at % 5 === 0 ? { 'odd `name': pick(texts) } : {}),
  }));
}

const csvCell = (value: unknown): string => (value === null || value === undefined ? '' : `"${String(value).replaceAll('"', '""')}"`);

async function both(
  path: string,
  rules: RuleInput[],
  runner: SparkRunner,
  now: Date | null = null,
): Promise<{ ours: Validation; theirs: Validation }> {
  const checks = planChecks(rulesSchema.parse({ version: 1, key: 'id', rules }), 'rules.yaml');
  const format = requireFormatOfName(path);
  const untyped = format === 'csv';
  const judge = judgeOfRows(checks, { untyped, members: new Map(), digests: false });
  for await (const row of readRows(path, format)) judge.see(row);
  const world = { references: { bags: new Map(), rows: new Map() }, untyped, now, onFlagged: null };
  const look = async function* (wanted: readonly number[]): ReturnType<typeof readRows> {
    const set = new Set(wanted);
    for await (const row of readRows(path, format)) if (set.has(row.row)) yield row;
  };
  const { validation: ours } = await judgeState(checks, judge.state(), { ...world, look });
  const found = await judgeBySpark({ checks, format, paths: [path], members: new Map(), flagged: false }, runner, 'rules.yaml');
  const { validation: theirs } = await judgeState(checks, found.state, { ...world, look: (wanted) => found.look(wanted) });
  return { ours, theirs };
}

const local = (): SparkRunner => ({
  command: [spark.submit, '--master', 'local[2]', '--conf', 'spark.ui.enabled=false', '--conf', 'spark.sql.shuffle.partitions=2', driverPath],
  remote: null,
  env: spark.env,
  signal: new AbortController().signal,
});

const jsonl = (rows: readonly Record<string, unknown>[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

test('JSONL: byte order mark, blank lines, numbers at the borders, texts of all planes; on a cluster of a master and a worker', async () => {
  const path = join(folder, 'rows.jsonl');
  const odd =
    '\n{"n":1.0,"t":"\\u00e9","id":"k-a"}\r\n   \n{"n":12345678901234567890,"x":[1,{"b":2.50,"a":1}],"id":"k-b"}\n{"n":9007199254740993,"x":"😀","id":"k-c"}\n{"n":-0.0,"m":0,"x":null,"id":"k-d"}\n';
  await writeFile(path, `\ufeff${jsonl(drawn(400))}${odd}`);
  const rules = rulesOf().filter((rule) => !('column' in rule && rule.column === 'x' && ('unique' in rule || 'distinct' in rule)));
  await using cluster = await startCluster(spark, folder);
  const runner = { ...local(), command: local().command.map((word) => (word === 'local[2]' ? cluster.master : word)) };
  const { ours, theirs } = await both(path, rules, runner);
  expect(ours.results.filter((result) => result.failing > 0).length).toBeGreaterThan(15);
  expect(theirs).toEqual(ours);
}, 300_000);

test('CSV: cells as text and as what they read as', async () => {
  const path = join(folder, 'rows.csv');
  const rows = drawn(400);
  const names = ['id', 'n', 'm', 't', 'd', 'x', 'odd `name'];
  await writeFile(path, `${names.map(csvCell).join(',')}\n${rows.map((row) => `${names.map((name) => csvCell(row[name])).join(',')}\n`).join('')}`);
  const { ours, theirs } = await both(path, rulesOf(), local());
  expect(theirs).toEqual(ours);
}, 300_000);

test('Parquet: integers of 64 bits, NaN and infinities, dates and times', async () => {
  const path = join(folder, 'rows.parquet');
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(`COPY (SELECT CASE i % 5 WHEN 0 THEN 9007199254740993 WHEN 1 THEN NULL ELSE i END::BIGINT AS n,
      CASE i % 6 WHEN 0 THEN 'NaN'::DOUBLE WHEN 1 THEN 'Infinity'::DOUBLE WHEN 2 THEN NULL WHEN 3 THEN -0.0 ELSE i / 4.0 END AS m,
      CASE i % 4 WHEN 0 THEN '' WHEN 1 THEN '😀' || i % 3 WHEN 2 THEN NULL ELSE 'a-b' END AS t,
      TIMESTAMP '2026-10-31 12:00:00.25' + INTERVAL (i % 7) DAY AS d, i % 2 = 0 AS x, 'k' || i AS id
    FROM range(300) r(i)) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`);
  connection.closeSync();
  const rules = rulesOf().filter((rule) => !JSON.stringify(rule).includes('odd'));
  const { ours, theirs } = await both(path, rules, local());
  expect(theirs).toEqual(ours);
}, 300_000);

test('what Spark cannot answer the same way is refused by name, before anything runs', async () => {
  const path = join(folder, 'small.jsonl');
  await writeFile(path, jsonl([{ a: 'x' }]));
  const never = { ...local(), command: ['a-command-that-is-not-there'] };
  const rules: RuleInput[] = [
    { column: 'a', increasing: true },
    { column: 'a', regex: '\\p{Greek}' },
    { column: 'a', regex: '(a+)+$' },
    { column: 'a', format: 'json' },
    { row: "lower(a) = 'x'" },
  ];
  const plan = planChecks(rulesSchema.parse({ version: 1, rules }), 'rules.yaml');
  const error = await judgeBySpark({ checks: plan, format: 'jsonl', paths: [path], members: new Map(), flagged: false }, never, 'rules.yaml').catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
  expect((error as { details: { refused: { rule: number }[] } }).details.refused.map(({ rule }) => rule)).toEqual([1, 2, 3, 4, 5]);
  const few = planChecks(rulesSchema.parse({ version: 1, rules: [{ column: 'a', not_missing: true }] }), 'rules.yaml');
  await expect(
    judgeBySpark({ checks: few, format: 'jsonl', paths: [path], members: new Map(), flagged: false }, never, 'rules.yaml'),
  ).rejects.toMatchObject({ code: 'SPARK_FAILED' });
});

test('data that Spark reads otherwise end the run by name', async () => {
  const path = join(folder, 'odd.jsonl');
  await writeFile(path, '{"id":"a","n":12345678901234567890.0}\n');
  await expect(both(path, [{ column: 'n', type: 'number' }], local())).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
}, 300_000);
