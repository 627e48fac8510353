import fc from 'fast-check';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf } from '../../base/digest.ts';
import { silentProgress } from '../../base/progress.ts';
import { requireFormatOfName } from '../../datasets/row-format.ts';
import { renderProfilePage } from '../../report/profile-page.ts';
import { maskProfile } from './masked.ts';
import { profileRows } from './profile.ts';
import { profileSchema, type ColumnProfile, type Profile } from './schema.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'plumb-profile-test-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

let files = 0;
async function profileOf(extension: string, content: string | Buffer): Promise<Profile> {
  const path = join(folder, `rows${(files += 1)}${extension}`);
  await writeFile(path, content);
  const source = { path, format: requireFormatOfName(path), name: `rows${extension}` };
  const profile = await profileRows(
    { source, content: digestOf(Buffer.from(content)) },
    { progress: silentProgress, signal: new AbortController().signal },
  );
  return profileSchema.parse(profile);
}

const jsonl = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const column = (profile: Profile, name: string): ColumnProfile => {
  const found = profile.columns.find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`no column ${name}`);
  return found;
};

test('a column of JSONL: types, what is missing, different values', async () => {
  const profile = await profileOf('.jsonl', '{"a":1,"b":"x"}\n{"a":1.0,"b":""}\n\n{"a":2.5,"b":null}\n{"b":"x","c":[1,2]}\n{"a":true,"d":{"k":1}}\n');
  expect(profile.rows).toBe(5);
  const a = column(profile, 'a');
  expect(a).toMatchObject({
    type: 'mixed',
    types: { integer: 2, number: 1, boolean: 1 },
    distinct: 3,
    once: 2,
    missing: { rows: 1, absent: 1, empty: 0 },
  });
  expect(a.top[0]).toEqual({ value: 1, rows: 2 });
  expect(column(profile, 'b')).toMatchObject({ type: 'string', distinct: 1, once: 0, missing: { rows: 3, absent: 2, empty: 1 } });
  expect(column(profile, 'c')).toMatchObject({ type: 'list', lengths: { min: 2, max: 2 } });
  expect(column(profile, 'd')).toMatchObject({ type: 'object', top: [{ value: '{"k":1}', rows: 1 }] });
});

test('whole numbers that a number cannot hold are texts, and two of them stay two', async () => {
  const profile = await profileOf('.jsonl', '{"id":9007199254740993}\n{"id":9007199254740992}\n');
  expect(column(profile, 'id')).toMatchObject({ type: 'string', distinct: 2 });
});

test('a CSV has the narrowest type that all of its cells read as; digits behind a zero are a code', async () => {
  const profile = await profileOf('.csv', 'n,code,wrong,flag,day\n1,007,1,true,2026-01-31\n-2.5e0,12,x,false,2026-02-28\n3,,2,true,2025-12-01\n');
  expect(column(profile, 'n')).toMatchObject({ type: 'number', numbers: { min: -2.5, max: 3 } });
  expect(column(profile, 'code')).toMatchObject({ type: 'string', missing: { rows: 1, empty: 1 } });
  expect(column(profile, 'wrong')).toMatchObject({ type: 'string', types: { integer: 2, string: 1 }, numbers: null, distinct: 3 });
  expect(column(profile, 'flag')).toMatchObject({
    type: 'boolean',
    top: [
      { value: true, rows: 2 },
      { value: false, rows: 1 },
    ],
  });
  expect(column(profile, 'day')).toMatchObject({ format: 'date', range: ['2025-12-01', '2026-02-28'] });
});

test('a date that no calendar has makes a column of texts', async () => {
  expect(column(await profileOf('.csv', 'day\n2026-01-31\n2026-02-31\n'), 'day')).toMatchObject({
    format: null,
    shapes: [{ shape: '9999-99-99', rows: 2 }],
  });
});

test('lengths are code points, not bytes nor units', async () => {
  const profile = await profileOf('.jsonl', jsonl([{ t: '😀é' }, { t: 'abc' }]));
  expect(column(profile, 't').lengths).toMatchObject({ min: 2, max: 3 });
});

test('any numbers: as sorting them all says', async () => {
  const numbers = fc.array(fc.oneof(fc.integer({ min: -50, max: 50 }), fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 })), {
    minLength: 1,
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(numbers, async (drawn) => {
      const values = drawn.map((value) => (Object.is(value, -0) ? 0 : value));
      const { numbers: found, distinct } = column(await profileOf('.jsonl', jsonl(values.map((v) => ({ v })))), 'v');
      const sorted = values.toSorted((a, b) => a - b);
      expect(distinct).toBe(new Set(values).size);
      expect([found?.min, found?.max]).toEqual([sorted[0], sorted.at(-1)]);
      expect(found?.histogram.reduce((a, bin) => a + bin.rows, 0)).toBe(values.length);
      for (const [name, p] of [
        ['p05', 0.05],
        ['p50', 0.5],
        ['p95', 0.95],
      ] as const)
        expect(found?.quantiles[name]).toBeCloseTo(quantile(sorted, p), 5);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      expect(Math.abs((found?.mean ?? 0) - mean)).toBeLessThanOrEqual(1e-9 * Math.max(1, ...values.map(Math.abs)));
      for (const { from, to, rows } of found?.histogram ?? []) {
        const last = to === found?.histogram.at(-1)?.to;
        expect(rows).toBe(values.filter((v) => v >= from && (last ? v <= to : v < to)).length);
      }
    }),
    { numRuns: 15 },
  );
});

function quantile(sorted: readonly number[], p: number): number {
  const place = (sorted.length - 1) * p;
  const [low, high] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0];
  return low + (high - low) * (place - Math.floor(place));
}

test('the order of rows changes no byte', async () => {
  const rows = Array.from({ length: 500 }, (_, at) => ({ v: Math.sin(at), w: `w${at % 7}`, x: at % 3 === 0 ? null : at }));
  const [a, b] = [await profileOf('.jsonl', jsonl(rows)), await profileOf('.jsonl', jsonl(rows.toReversed()))];
  expect(JSON.stringify(b.columns)).toBe(JSON.stringify(a.columns));
});

test('a CSV put together from several machines reads as our reader reads it', async () => {
  const profile = await profileOf('.csv', '\ufeffa,b\r\n1,2\n3,"x\r\ny"\r4,5\n\n6,""\n');
  expect(profile.rows).toBe(4);
  expect(column(profile, 'a')).toMatchObject({ type: 'integer', distinct: 4 });
  expect(column(profile, 'b')).toMatchObject({ distinct: 3, missing: { rows: 1 } });
});

test('a cell of 17 MB is read', async () => {
  const profile = await profileOf('.csv', `a,b\n1,${'x'.repeat(17 << 20)}\n2,y\n`);
  expect(column(profile, 'b')).toMatchObject({ distinct: 2, lengths: { max: 17 << 20 } });
});

test.each([
  ['.csv', 'a,b\n1,2\n3\n', 'ROW_RAGGED', { row: 2, line: 3 }],
  ['.csv', Buffer.from('a,b\n1,\xff\n', 'latin1'), 'ROW_ENCODING', { line: 2 }],
  ['.jsonl', '{"a":1}\n{"a":\n', 'ROW_SYNTAX', { row: 2, line: 2 }],
  ['.jsonl', '{"a":1}\n[1]\n', 'ROW_SYNTAX', { row: 2 }],
  ['.parquet', 'PAR1 no footer PAR1', 'ROW_SYNTAX', {}],
])('%s that does not read: one error with its place', async (extension, content, code, where) => {
  await expect(profileOf(extension, content)).rejects.toMatchObject({ code, where: expect.objectContaining(where) });
});

test('no rows, and rows without columns', async () => {
  expect(await profileOf('.jsonl', '')).toMatchObject({ rows: 0, columns: [] });
  expect(await profileOf('.csv', 'a,b\n')).toMatchObject({ rows: 0, columns: [{ name: 'a', type: 'null', distinct: 0 }, { name: 'b' }] });
  expect(await profileOf('.jsonl', '{}\n{}\n')).toMatchObject({ rows: 2, columns: [] });
});

test('names of columns are data: quotes, keywords, what reads like SQL', async () => {
  const names = ['select', 'a"b', "a'b", 'x; DROP TABLE read', 'ü', 'raw', 'kind', 'n'];
  const profile = await profileOf('.jsonl', jsonl([Object.fromEntries(names.map((name, at) => [name, at]))]));
  expect(profile.columns.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
  expect(profile.columns.every(({ type }) => type === 'integer')).toBe(true);
});

test('the page shows hostile names and values as text, and no secret', async () => {
  const rows = Array.from({ length: 3 }, () => ({ '<img src=x onerror=alert(1)>': '"><script>alert(2)</script>', mail: 'jane.doe@example.com' }));
  const page = renderProfilePage(maskProfile(await profileOf('.jsonl', jsonl(rows))));
  expect(page).not.toContain('<script');
  expect(page).not.toContain('<img');
  expect(page).not.toContain('jane.doe');
  expect(page).toContain('&lt;script&gt;');
  expect(page).toContain("default-src 'none'");
});
