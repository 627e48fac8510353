// plumb drift beside the same statistics in DuckDB by hand: the 15 columns of adult, 100,000 rows against 90,000. One JSON line as the entries of
// shared/bench/quality have it; with the values of its limit (limits/drift_duckdb.mjs, a JSON line) as second argument, they are compared to five digits.
//   node bench/quality/drift.ts FOLDER [limit.json]      FOLDER: with cur.parquet and prev.parquet, as make/adult.py 100000 writes them
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { driftSchema } from '../../src/quality/drift/schema.ts';
import { node, plumbFile } from '../../tests/project.ts';

const numbers = ['age', 'fnlwgt', 'education_num', 'capital_gain', 'capital_loss', 'hours_per_week'];
const categories = ['workclass', 'education', 'marital_status', 'occupation', 'relationship', 'race', 'sex', 'native_country', 'label'];
const [data = '.', limit] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'plumb-drift-'));
try {
  writeFileSync(join(folder, 'plumbline.yaml'), 'version: 1\n');
  spawnSync('git', ['init', '-q', folder]);
  for (const name of ['cur', 'prev']) cpSync(join(data, `${name}.parquet`), join(folder, `${name}.parquet`));
  const words = ['drift', 'cur.parquet', '--against', 'prev.parquet', '--json', '--html', 'drift.html', '--columns', ...numbers, ...categories];
  const start = performance.now();
  const ended = spawnSync(node, [plumbFile, ...words], { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 });
  const s = (performance.now() - start) / 1000;
  if (ended.status !== 0) throw new Error(ended.stderr);
  const { columns } = driftSchema.parse(JSON.parse(ended.stdout));
  const tests = Object.fromEntries(
    columns.map(({ column, measures }) => [
      column,
      Number((measures[numbers.includes(column) ? 'wasserstein_normed' : 'jensen_shannon'] ?? NaN).toFixed(5)),
    ]),
  );
  const expected =
    limit === undefined ? null : (JSON.parse(readFileSync(limit, 'utf8')) as { result: { tests: Record<string, number> } }).result.tests;
  const show = {
    columns: columns.length,
    html_bytes: statSync(join(folder, 'drift.html')).size,
    ...(expected === null ? {} : { equal: Object.keys(expected).filter((name) => expected[name] === tests[name]).length }),
  };
  console.log(JSON.stringify({ s, result: { show, tests } }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
