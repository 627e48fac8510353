import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetWriteFile } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { DigestTable } from './digest-table.ts';
import { jsonl } from './project.fixture.ts';
import { diffRows, type RowsDiff } from './row-diff.ts';
import type { RowSource } from './row-source.ts';
import { digestOf, hexOf } from '../base/digest.ts';

const folder = await mkdtemp(join(tmpdir(), 'plumb-diff-'));
let files = 0;

async function source(text: string, format: 'jsonl' | 'csv' = 'jsonl', columns: { key?: string; label?: string } = {}): Promise<RowSource> {
  const path = join(folder, `${(files += 1)}.${format}`);
  await writeFile(path, text);
  return { path, format, name: path, ...columns };
}

async function diffOf(
  before: readonly object[],
  after: readonly object[],
  columns: { key?: string; label?: string } = {},
  limit = 10,
): Promise<RowsDiff> {
  return diffRows(await source(jsonl(before)), await source(jsonl(after), 'jsonl', columns), { limit });
}

const named = { key: 'id', label: 'label' };
const base = [
  { id: 'a', text: 'one', label: 'x' },
  { id: 'b', text: 'two', label: 'x' },
  { id: 'c', text: 'three', label: 'y' },
  { id: 'd', text: 'four', label: 'y' },
];

test('by key: added, removed, edited, relabelled, which columns, which classes', async () => {
  const after = [
    { id: 'a', text: 'one', label: 'x' },
    { id: 'b', text: 'TWO', label: 'x' },
    { id: 'd', text: 'FOUR', label: 'z' },
    { id: 'e', text: 'five', label: 'z' },
  ];
  const diff = await diffOf(base, after, named);
  expect(diff).toMatchObject({ by: 'key', key: 'id', label: 'label', rowsBefore: 4, rowsAfter: 4, added: 1, removed: 1, edited: 2, relabelled: 1 });
  expect(diff.columns).toEqual([
    { column: 'text', rows: 2 },
    { column: 'label', rows: 1 },
  ]);
  expect(diff.balance).toEqual([
    { label: 'y', before: 2, after: 0 },
    { label: 'z', before: 0, after: 2 },
  ]);
  expect(diff.samples).toEqual([
    { kind: 'relabelled', key: 'd', rows: { before: 4, after: 3 }, before: base[3], after: after[2], columns: ['label', 'text'] },
    { kind: 'edited', key: 'b', rows: { before: 2, after: 2 }, before: base[1], after: after[1], columns: ['text'] },
    { kind: 'removed', key: 'c', rows: { before: 3, after: null }, before: base[2], after: null, columns: [] },
    { kind: 'added', key: 'e', rows: { before: null, after: 4 }, before: null, after: after[3], columns: [] },
  ]);
  expect(diff).toMatchObject({ reordered: false, schema: [], columnsComplete: true });
});

test('without a key rows are matched by content, as often as they stand there; a changed label is recognised', async () => {
  const after = [base[3], base[0], base[0], { id: 'c', text: 'three', label: 'Q' }, { id: 'n', text: 'new', label: 'x' }] as object[];
  const diff = await diffOf(base, after, { label: 'label' });
  expect(diff).toMatchObject({ by: 'content', key: null, added: 2, removed: 1, edited: 1, relabelled: 1, rowsBefore: 4, rowsAfter: 5 });
  expect(diff.samples.map((sample) => [sample.kind, sample.key])).toEqual([
    ['relabelled', 'row 3'],
    ['removed', 'row 2'],
    ['added', 'row 3'],
    ['added', 'row 5'],
  ]);
  expect(await diffOf(base, after)).toMatchObject({ added: 3, removed: 2, relabelled: 0 });
});

test('another order, another way of writing: no row changed', async () => {
  const shuffled = base.toReversed().map(({ id, text, label }) => ({ label, text, id, none: null }));
  for (const columns of [named, {}]) {
    expect(await diffOf(base, shuffled, columns)).toMatchObject({ added: 0, removed: 0, edited: 0, reordered: true, samples: [] });
  }
  expect((await diffOf(base, base)).reordered).toBe(false);
});

test('schema changes: columns that come, go, or change type', async () => {
  const diff = await diffOf([{ id: 1, a: 1, b: 'x' }], [{ id: 1, a: 1.5, c: true }], { key: 'id' });
  expect(diff.schema).toEqual([
    { column: 'a', before: 'integer', after: 'number' },
    { column: 'b', before: 'string', after: null },
    { column: 'c', before: null, after: 'boolean' },
  ]);
});

test('a key that does not name rows on one side is said, and rows are matched by content', async () => {
  expect(await diffOf([{ text: 'x' }], [{ id: 1, text: 'x' }], { key: 'id' })).toMatchObject({ by: 'content', note: 'row 1 has no "id" before' });
  expect(await diffOf([{ id: 1 }], [{ id: 1 }, { id: 2 }, { id: 2 }], { key: 'id' })).toMatchObject({
    by: 'content',
    note: '"id" of row 3 stands twice after',
    added: 2,
    balance: null,
  });
});

test('formats may differ: CSV, JSONL and Parquet with the same rows are the same', async () => {
  const rows = [
    { id: 1, text: 'a,b', ok: true, x: 0.5 },
    { id: 2, text: 'é', ok: false, x: 2 },
  ];
  const csv = await source('id,text,ok,x,gone\n1,"a,b",true,0.5,\n2,é,false,2,\n', 'csv');
  const lines = await source(jsonl(rows), 'jsonl', { key: 'id' });
  const path = join(folder, 'same.parquet');
  parquetWriteFile({
    filename: path,
    columnData: [
      { name: 'id', data: [1n, 2n], type: 'INT64' },
      { name: 'text', data: ['a,b', 'é'], type: 'STRING' },
      { name: 'ok', data: [true, false], type: 'BOOLEAN' },
      { name: 'x', data: [0.5, 2], type: 'DOUBLE' },
    ],
  });
  const parquet: RowSource = { path, format: 'parquet', name: path, key: 'id' };
  for (const [before, after] of [
    [csv, lines],
    [lines, csv],
    [csv, parquet],
    [parquet, lines],
  ] as const) {
    expect(await diffRows(before, after, { limit: 5 })).toMatchObject({ by: 'key', added: 0, removed: 0, edited: 0 });
  }
});

test('examples are bounded: in number, in columns, in length', async () => {
  const wide = Object.fromEntries(Array.from({ length: 80 }, (_, at) => [`c${at}`, 'x'.repeat(5000)]));
  const diff = await diffOf(
    Array.from({ length: 30 }, (_, id) => ({ id, ...wide, last: 1 })),
    Array.from({ length: 30 }, (_, id) => ({ id, ...wide, last: 2 })),
    { key: 'id' },
    3,
  );
  expect(diff.edited).toBe(30);
  expect(diff.samples.length).toBe(3);
  const after = diff.samples[0]?.after ?? {};
  expect(Object.keys(after).length).toBe(50);
  expect(after['last']).toBe('2');
  expect(after['c0']?.length).toBe(1000);
});

test('counts by key agree with a plain comparison of all rows', async () => {
  const rows = fc.uniqueArray(fc.record({ id: fc.nat(30), text: fc.constantFrom('a', 'b'), label: fc.constantFrom('x', 'y') }), {
    selector: (row) => row.id,
  });
  await fc.assert(
    fc.asyncProperty(rows, rows, async (before, after) => {
      const left = new Map(before.map((row) => [row.id, row]));
      const right = new Map(after.map((row) => [row.id, row]));
      const both = before.filter((row) => right.has(row.id)).map((row) => [row, right.get(row.id) as typeof row] as const);
      expect(await diffOf(before, after, named)).toMatchObject({
        added: after.filter((row) => !left.has(row.id)).length,
        removed: before.filter((row) => !right.has(row.id)).length,
        edited: both.filter(([a, b]) => a.text !== b.text || a.label !== b.label).length,
        relabelled: both.filter(([a, b]) => a.label !== b.label).length,
      });
    }),
    { numRuns: 60 },
  );
});

test('counts by content agree with a comparison of bags', async () => {
  const rows = fc.array(fc.record({ text: fc.constantFrom('a', 'b', 'c'), label: fc.constantFrom('x', 'y') }), { maxLength: 12 });
  const surplus = (from: readonly object[], of: readonly object[]): number => {
    const left = of.map((row) => JSON.stringify(row));
    return from.filter((row) => {
      const at = left.indexOf(JSON.stringify(row));
      if (at !== -1) left.splice(at, 1);
      return at === -1;
    }).length;
  };
  await fc.assert(
    fc.asyncProperty(rows, rows, async (before, after) => {
      expect(await diffOf(before, after)).toMatchObject({ added: surplus(after, before), removed: surplus(before, after), edited: 0 });
      const labelled = await diffOf(before, after, { label: 'label' });
      expect(labelled.added + labelled.relabelled).toBe(surplus(after, before));
      expect(labelled.removed + labelled.relabelled).toBe(surplus(before, after));
    }),
    { numRuns: 60 },
  );
});

test('the table of digests keeps what it is given, beyond its first size', () => {
  const table = new DigestTable(2);
  const names = Array.from({ length: 5000 }, (_, at) => Buffer.from(hexOf(digestOf(String(at))), 'hex'));
  for (const [at, name] of names.entries()) {
    const { entry, isNew } = table.add(name);
    expect([entry, isNew]).toEqual([at, true]);
    table.set(entry, 1, at * 3);
  }
  for (const [at, name] of names.entries()) {
    expect(table.add(name)).toEqual({ entry: at, isNew: false });
    expect(table.get(table.find(name), 1)).toBe(at * 3);
  }
  expect(table.find(Buffer.alloc(16))).toBe(-1);
  expect(table.size).toBe(5000);
});
