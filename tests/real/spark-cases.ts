// Rules of all kinds, rows of awkward values, and both engines' reports of them.
import { digestOf } from '../../src/base/digest.ts';
import type { z } from '../../src/base/schema.ts';
import { requireFormatOfName } from '../../src/datasets/row-format.ts';
import { readRowBatches } from '../../src/datasets/rows.ts';
import { judgeRows, referencesByRows } from '../../src/quality/rules/judge.ts';
import type { Validation } from '../../src/quality/rules/report.ts';
import { rulesSchema } from '../../src/quality/rules/schema.ts';
import { pathForSpark, type SparkRunner } from '../../src/quality/spark/run.ts';
import { runRulesOnSpark } from '../../src/quality/spark/validate.ts';

export type RuleInput = z.input<typeof rulesSchema>['rules'][number];

/** All kinds of rules that Spark can answer. @param columns of numbers, texts, anything */
export const rulesOf = (): RuleInput[] => [
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
  { column: 'm', z_score: 1 },
  { column: 'n', z_score: { max: 0.1, one_sided: true }, when: 'n < 1000' },
  { column: 'x', in: { data: 'others', column: 'v' } },
  { column: 'm', psi: { max: 0, reference: 'others' }, ks: { max: 0, reference: 'others' } },
  { rows: { equal: 'others' } },
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

export function drawn(rows: number): Record<string, unknown>[] {
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

const cellOf = (value: unknown): string =>
  value === null || value === undefined ? '' : `"${(typeof value === 'string' ? value : JSON.stringify(value)).replaceAll('"', '""')}"`;

/** @param names of the columns, in order */
export function csvText(names: readonly string[], rows: readonly Record<string, unknown>[]): string {
  return [names, ...rows.map((row) => names.map((name) => row[name]))].map((cells) => `${cells.map(cellOf).join(',')}\n`).join('');
}

export const jsonlText = (rows: readonly Record<string, unknown>[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** The report of our engine that reads row by row, and that of Spark. */
export async function both(path: string, rules: RuleInput[], runner: SparkRunner, others = ''): Promise<{ ours: Validation; theirs: Validation }> {
  const file = { rules: rulesSchema.parse({ version: 1, key: 'id', rules }), file: 'rules.yaml' };
  const format = requireFormatOfName(path);
  const signal = new AbortController().signal;
  const source = { name: 'others', path: others, format: 'jsonl' } as const;
  const references = referencesByRows(async () => ({ source, content: digestOf(others) }), signal);
  const theirs = await runRulesOnSpark({ format, paths: [pathForSpark(path)] }, file, { references, now: null, runner }, null);
  const ours = await judgeRows(file, { read: () => readRowBatches(path, format), untyped: format === 'csv', references });
  return { ours, theirs };
}
