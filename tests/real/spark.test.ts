// The same rules on a real Spark: the whole report is that of our own engine, over all kinds of rules and awkward values. One cluster of a master and a worker
// takes a job by spark-submit, one Spark Connect all others: what takes time is to start each.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planChecks } from '../../src/quality/rules/plan.ts';
import { rulesSchema } from '../../src/quality/rules/schema.ts';
import { driverPath, judgeBySpark, pathForSpark, type SparkRunner } from '../../src/quality/spark/run.ts';
import { newProject } from '../plumb.ts';
import { node, plumbFile } from '../project.ts';
import { both, csvText, drawn, jsonlText, rulesOf, type RuleInput } from './spark-cases.ts';
import { installSpark, jobAt, startCluster, startConnect, type Server, type SparkHome } from './spark-home.ts';

let folder: string;
let others: string;
let spark: SparkHome;
const servers: Server[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumb-spark-test-'));
  others = join(folder, 'others.jsonl');
  await writeFile(others, jsonlText(['a', 'b', 1, 1000, true, 'x\ny', '12', '1.5'].map((v, at) => ({ v, m: at, n: at * 2 }))));
  spark = await installSpark();
  servers.push(await startCluster(spark, folder));
  servers.push(await startConnect(spark, folder));
}, 900_000);
afterAll(async () => {
  for (const server of servers.toReversed()) await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const bySubmit = (): SparkRunner => ({
  command: [spark.submit, ...jobAt(servers[0]?.url ?? ''), driverPath],
  remote: null,
  env: spark.env,
  signal: new AbortController().signal,
});
const byConnect = (): SparkRunner => ({ ...bySubmit(), command: [spark.python, driverPath], remote: servers[1]?.url ?? '' });

test('JSONL, by Spark Connect: byte order mark, blank lines, numbers at the borders, texts of all planes', async () => {
  const path = join(folder, 'rows.jsonl');
  const odd =
    '\n{"n":1.0,"t":"\\u00e9","id":"k-a"}\r\n   \n{"n":12345678901234567890,"x":[1,{"b":2.50,"a":1}],"id":"k-b"}\n{"n":9007199254740993,"x":"😀","id":"k-c","1":0}\n{"n":-0.0,"m":0,"x":null,"id":"k-d"}\n{"n":-0.0,"m":1E+2,"id":"k-e"}\n{"n":123e20,"m":12345678901234567890.5,"id":"k-f"}\n';
  await writeFile(path, `\ufeff${jsonlText(drawn(400))}${odd}`);
  // x has lists and objects
  const rules = rulesOf().filter((rule) => !('column' in rule && rule.column === 'x' && ('unique' in rule || 'distinct' in rule || 'in' in rule)));
  const { ours, theirs } = await both(path, rules, byConnect(), others);
  expect(ours.rows).toBe(406);
  expect(ours.results.filter((result) => result.failing > 0).length).toBeGreaterThan(30);
  expect(theirs).toEqual(ours);
});

test('a master and a worker, by spark-submit', async () => {
  const path = join(folder, 'some.jsonl');
  await writeFile(path, jsonlText(drawn(100)));
  const rules = rulesOf().filter((rule) => 'column' in rule && (rule.column === 'n' || rule.column === 'd') && !('z_score' in rule));
  const { ours, theirs } = await both(path, rules, bySubmit(), others);
  expect(ours.errors).toBeGreaterThan(3);
  expect(theirs).toEqual(ours);
});

test('CSV, by Spark Connect: cells as text and as what they read as', async () => {
  const path = join(folder, 'rows of ü %20#.csv');
  await writeFile(path, csvText(['id', 'n', 'm', 't', 'd', 'x', 'odd `name', 'ID'], drawn(400)));
  const { ours, theirs } = await both(path, rulesOf(), byConnect(), others);
  expect(ours.results.filter((result) => result.failing > 0).length).toBeGreaterThan(30);
  expect(theirs).toEqual(ours);
});

test('Parquet, by Spark Connect: integers of 64 bits, NaN and infinities, dates and times', async () => {
  const path = join(folder, 'rows.parquet');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(`COPY (SELECT CASE i % 5 WHEN 0 THEN 9007199254740993 WHEN 1 THEN NULL ELSE i END::BIGINT AS n,
      CASE i % 6 WHEN 0 THEN 'NaN'::DOUBLE WHEN 1 THEN 'Infinity'::DOUBLE WHEN 2 THEN NULL WHEN 3 THEN -0.0 ELSE i / 4.0 END AS m,
      CASE i % 4 WHEN 0 THEN '' WHEN 1 THEN '😀' || i % 3 WHEN 2 THEN NULL ELSE 'a-b' END AS t,
      TIMESTAMP '2026-10-31 12:00:00.25' + INTERVAL (i % 7) DAY AS d, i % 2 = 0 AS x, 'k' || i AS id
    FROM range(5000) r(i)) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`);
  connection.closeSync();
  const rules = rulesOf().filter((rule) => !JSON.stringify(rule).includes('odd'));
  const { ours, theirs } = await both(path, rules, byConnect(), others);
  expect(ours.results.filter((result) => result.failing > 0).length).toBeGreaterThan(25);
  expect(theirs).toEqual(ours);
});

test('plumb validate --engine spark says what plumb validate says, and flags the same rows', async () => {
  const repository = await newProject({
    'rows.jsonl': jsonlText(drawn(50)),
    'rules.yaml':
      'version: 1\nkey: id\nrules:\n  - { column: n, type: number, z_score: 1 }\n  - { column: t, unique: true, severity: warning }\n  - { column: m, newest: { within_days: 1 } }\n',
  });
  const words = [node, plumbFile, 'validate', 'rows.jsonl', '--rules', 'rules.yaml', '--json', '--out'];
  const here = await repository.run([...words, 'here.jsonl']);
  const remote = ['--engine', 'spark', '--remote', servers[1]?.url ?? ''];
  const there = await repository.run([...words, 'there.jsonl', ...remote], { PYSPARK_PYTHON: spark.python });
  expect([here.exit, there.exit, there.stderr]).toEqual([1, 1, '']);
  expect(JSON.parse(there.stdout)).toEqual(JSON.parse(here.stdout.replace(/"engine":\s*"rows"/, '"engine":"spark"')));
  const [flagged, others_] = await Promise.all(['here.jsonl', 'there.jsonl'].map((name) => readFile(join(repository.folder, name), 'utf8')));
  expect(flagged?.split('\n').length).toBeGreaterThan(10);
  expect(others_).toBe(flagged);
  const wrong = await repository.run([...words, 'x.jsonl', '--engine', 'spork']);
  expect([wrong.exit, wrong.stdout]).toEqual([2, expect.stringContaining('USAGE')]);
});

test.each([
  ['a whole number that ends in .0.jsonl', '{"id":"a","n":1}\n{"id":"a","n":12345678901234567890.0}\n', 'beyond 2^53'],
  ['no double.jsonl', '{"id":"a","n":1e400}\n', 'range of a double'],
  ['NaN.jsonl', '{"id":"a","n":NaN}\n', 'MALFORMED'],
  ['text behind a row.jsonl', '{"id":"a","n":1}] {}\n', 'no JSON object'],
  ['not UTF-8.jsonl', Buffer.from('7b226e223a22ff227d0a', 'hex'), 'UTF-8'],
  ['ragged.csv', 'id,n\na,1\nb\n', 'ragged.csv'],
  ['an open quote.csv', 'id,n\na,"1\n', 'quote'],
  ['mixed ends.csv', 'id,n\na,1\r\nb,2\n', 'same way'],
  ['twice.csv', 'id,n,n\na,1,1\n', 'twice'],
])('%s: what Spark reads otherwise, or not, ends the run by name', async (name, text, said) => {
  const path = join(folder, name);
  await writeFile(path, text);
  const checks = planChecks(rulesSchema.parse({ version: 1, rules: [{ column: 'n', not_missing: true }] }), 'rules.yaml');
  const asking = {
    checks,
    format: name.endsWith('.csv') ? ('csv' as const) : ('jsonl' as const),
    paths: [pathForSpark(path)],
    members: new Map(),
    flagged: false,
  };
  await expect(judgeBySpark(asking, byConnect(), 'rules.yaml')).rejects.toThrow(said);
});

test('what Spark cannot answer the same way is refused by name, before anything runs', async () => {
  const path = join(folder, 'small.jsonl');
  await writeFile(path, jsonlText([{ a: 'x' }]));
  const never = { ...byConnect(), command: ['a-command-that-is-not-there'] };
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
