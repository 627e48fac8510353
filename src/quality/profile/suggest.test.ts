import { cellText } from '../../datasets/row-content.ts';
import fc from 'fast-check';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseYaml } from '../../base/config.ts';
import { digestOf } from '../../base/digest.ts';
import { silentProgress } from '../../base/progress.ts';
import { requireFormatOfName } from '../../datasets/row-format.ts';
import { readRows } from '../../datasets/rows.ts';
import { judgeOfRows } from '../rules/judge-rows.ts';
import { planChecks } from '../rules/plan.ts';
import type { Validation } from '../rules/report.ts';
import { rulesSchema, type Rules } from '../rules/schema.ts';
import { judgeState } from '../rules/verdict.ts';
import { profileRows } from './profile.ts';
import { suggestRules } from './suggest.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'plumb-suggest-test-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

let files = 0;
async function suggested(extension: string, content: string, beside: object = {}): Promise<{ text: string; rules: Rules; verdict: Validation }> {
  const path = join(folder, `rows${(files += 1)}${extension}`);
  await writeFile(path, content);
  const source = { path, format: requireFormatOfName(path), name: `rows${extension}`, ...beside };
  const profile = await profileRows(
    { source, content: digestOf(content) },
    { progress: silentProgress, signal: new AbortController().signal, top: 200 },
  );
  const text = suggestRules(profile);
  const rules = await parseYaml(text, 'rules.yaml', rulesSchema);
  const checks = planChecks(rules, 'rules.yaml');
  const untyped = source.format === 'csv';
  const judge = judgeOfRows(checks, { untyped, members: new Map(), digests: false });
  for await (const row of readRows(path, source.format)) judge.see(row);
  const { validation } = await judgeState(checks, judge.state(), {
    references: { bags: new Map(), rows: new Map() },
    untyped,
    now: null,
    onFlagged: null,
    async *look(numbers) {
      for await (const row of readRows(path, source.format)) if (numbers.includes(row.row)) yield row;
    },
  });
  return { text, rules, verdict: validation };
}

const jsonl = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const orders = Array.from({ length: 400 }, (_, at) => ({
  id: `A-${String(1000 + at)}`,
  state: ['new', 'paid', 'No'][at % 3],
  price: ((at * 7) % 95) + 0.5,
  share: (at % 10) / 10,
  day: `2026-0${(at % 9) + 1}-1${at % 10}`,
  note: at % 50 === 0 ? null : `text number ${at} with words`,
  mixed: at % 2 === 0 ? at : 'x',
  empty: '',
}));

test('a first file: what stands there, with room, and why', async () => {
  const { text, rules, verdict } = await suggested('.jsonl', jsonl(orders), { key: 'id', label: 'state' });
  expect(verdict).toMatchObject({ holds: true, errors: 0, warnings: 0 });
  expect(rules.key).toBe('id');
  const of = (column: string): object[] => rules.rules.filter((rule) => 'column' in rule && rule.column === column);
  expect(of('id')).toMatchObject([{ not_missing: true, type: 'string', regex: '^[A-Z]-[0-9]{4}$', unique: true }]);
  expect(of('state')).toMatchObject([{ allowed: ['No', 'new', 'paid'] }]);
  expect(of('price')).toMatchObject([{ type: 'number', min: 0, max: 200 }]);
  expect(of('share')).toMatchObject([{ min: 0, max: 1 }]);
  expect(of('day')).toMatchObject([{ format: 'date' }]);
  expect(of('note')).toMatchObject([{ type: 'string' }, { not_missing: true, mostly: 0.95 }, { unique: true, severity: 'warning' }]);
  expect(of('mixed')).toEqual([expect.not.objectContaining({ type: expect.anything() })]);
  expect(of('empty')).toEqual([]);
  expect(text).toContain('# all 3 values of now; the rarest stands in 133 rows');
});

test('a CSV of numbers with a few that are none is asked about, as a warning', async () => {
  const rows = Array.from({ length: 300 }, (_, at) => (at === 7 ? 'n/a,007' : `${at},00${at % 10}`));
  const { rules, verdict } = await suggested('.csv', `total,code\n${rows.join('\n')}\n`);
  expect(verdict.holds && verdict.warnings === 0).toBe(true);
  expect(rules.rules).toContainEqual(expect.objectContaining({ column: 'total', type: 'number', mostly: 0.95, severity: 'warning' }));
  expect(rules.rules).not.toContainEqual(expect.objectContaining({ column: 'code', type: 'integer' }));
});

test('personal data and secrets never become a set of allowed values', async () => {
  const { text } = await suggested(
    '.jsonl',
    jsonl(Array.from({ length: 100 }, (_, at) => ({ mail: at % 2 ? 'jane.doe@example.com' : 'joe@example.com' }))),
  );
  expect(text).not.toContain('@');
});

test('the rules hold on whatever they were suggested from', async () => {
  const value = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'a b', '2026-01-01', '12', '1e5', '007', 'true', '') },
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.string({ unit: 'binary', maxLength: 8 }).filter((text) => text.isWellFormed() && !text.includes('\0')),
    fc.array(fc.integer(), { maxLength: 3 }),
  );
  const column = fc.oneof(
    fc.array(value, { minLength: 1, maxLength: 5 }),
    fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 5 }),
  );
  const table = fc.tuple(fc.array(column, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 120 }), fc.boolean());
  await fc.assert(
    fc.asyncProperty(table, async ([columns, rows, asCsv]) => {
      const cells = Array.from({ length: rows }, (_, at) => columns.map((values) => values[(at * 7 + 3) % values.length]));
      const csvCell = (cell: unknown): string => `"${(cell === null ? '' : cellText(cell)).replaceAll('"', '""')}"`;
      const content = asCsv
        ? `${columns.map((_, at) => `c${at}`).join(',')}\n${cells.map((row) => `${row.map(csvCell).join(',')}\n`).join('')}`
        : jsonl(cells.map((row) => Object.fromEntries(row.map((cell, at) => [`c${at}`, cell]))));
      const { verdict } = await suggested(asCsv ? '.csv' : '.jsonl', content);
      expect(verdict.results.filter((result) => !result.holds)).toEqual([]);
    }),
    { numRuns: 40 },
  );
});
