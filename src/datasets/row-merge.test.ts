import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonl } from './rows.fixture.ts';
import { planRowMerge, type RowMerge, type RowMergeOptions } from './row-merge.ts';
import { mergedCount } from './row-merge-content.ts';
import type { RowSource } from './row-source.ts';

const folder = await mkdtemp(join(tmpdir(), 'plumb-merge-'));
let files = 0;

async function source(text: string, format: RowSource['format'], key?: string): Promise<RowSource> {
  const path = join(folder, `${(files += 1)}.${format}`);
  await writeFile(path, text);
  return { path, format, name: 'data/x', ...(key === undefined ? {} : { key }) };
}

interface Texts {
  readonly base: string | null;
  readonly ours: string;
  readonly theirs: string;
}

async function planOf(texts: Texts, how: { key?: string; format?: 'jsonl' | 'csv' } & Partial<RowMergeOptions> = {}): Promise<RowMerge> {
  const { key, format = 'jsonl', ...options } = how;
  const [ours, theirs] = [await source(texts.ours, format, key), await source(texts.theirs, format, key)];
  return planRowMerge({ base: texts.base === null ? null : await source(texts.base, format, key), ours, theirs }, { limit: 10, ...options });
}

async function textOf(merge: RowMerge): Promise<string> {
  const path = join(folder, `merged-${(files += 1)}`);
  await merge.writeTo(path);
  return readFile(path, 'utf8');
}

const base = jsonl([
  { id: 1, v: 'a' },
  { id: 2, v: 'b' },
  { id: 3, v: 'c' },
]);

test('two branches that add rows: both are there, ours first', async () => {
  const merge = await planOf({ base, ours: base + jsonl([{ id: 4 }]), theirs: base + jsonl([{ id: 5 }, { id: 6 }]) }, { key: 'id' });
  expect(merge).toMatchObject({ by: 'key', rows: 6, added: 2, edited: 0, removed: 0, conflicts: 0 });
  expect(await textOf(merge)).toBe(base + jsonl([{ id: 4 }, { id: 5 }, { id: 6 }]));
});

test('edits of one side are taken, rows that one side took out go, and what both did is done once', async () => {
  const ours = jsonl([{ id: 1, v: 'A' }, { id: 2, v: 'b' }, { id: 3, v: 'c' }, { id: 9 }]);
  const theirs = jsonl([{ id: 0 }, { id: 1, v: 'a' }, { id: 3, v: 'C' }, { id: 9 }]);
  const merge = await planOf({ base, ours, theirs }, { key: 'id' });
  expect(merge).toMatchObject({ rows: 4, added: 1, edited: 1, removed: 1, conflicts: 0 });
  expect(await textOf(merge)).toBe(jsonl([{ id: 0 }, { id: 1, v: 'A' }, { id: 3, v: 'C' }, { id: 9 }]));
});

test('a row that both changed differently is a conflict with both rows; it is decided for one side or not at all', async () => {
  const texts = {
    base,
    ours: jsonl([
      { id: 1, v: 'mine' },
      { id: 2, v: 'mine' },
    ]),
    theirs: jsonl([
      { id: 1, v: 'other' },
      { id: 3, v: 'other' },
    ]),
  };
  const merge = await planOf(texts, { key: 'id' });
  expect(merge.conflicts).toBe(3);
  expect(merge.examples).toEqual([
    { key: '1', base: { id: 1, v: 'a' }, ours: { id: 1, v: 'mine' }, theirs: { id: 1, v: 'other' } },
    { key: '2', base: { id: 2, v: 'b' }, ours: { id: 2, v: 'mine' }, theirs: null },
    { key: '3', base: { id: 3, v: 'c' }, ours: null, theirs: { id: 3, v: 'other' } },
  ]);
  await expect(merge.writeTo(join(folder, 'never'))).rejects.toMatchObject({ code: 'MERGE_CONFLICT', details: { conflicts: 3 } });
  expect(await textOf(await planOf(texts, { key: 'id', take: 'ours' }))).toBe(texts.ours);
  expect(await textOf(await planOf(texts, { key: 'id', take: 'theirs' }))).toBe(texts.theirs);
  expect((await planOf(texts, { key: 'id', limit: 1 })).examples.length).toBe(1);
});

test('both sides added the data set: rows of one key that say the same are one', async () => {
  const merge = await planOf({ base: null, ours: base, theirs: jsonl([{ v: 'a', id: 1 }, { id: 7 }]) }, { key: 'id' });
  expect(merge).toMatchObject({ conflicts: 0, added: 1 });
  expect(await textOf(merge)).toBe(base + jsonl([{ id: 7 }]));
});

test('bytes of rows stay as they are: spaces, line ends, blank lines, a byte order mark, a missing last newline', async () => {
  const odd = '\ufeff{"id": 1}\r\n\n  {"id":2 }\r\n\n\n{"id":3}';
  const same = await planOf({ base: odd, ours: odd, theirs: odd.replace('"id": 1', '"id":1') }, { key: 'id' });
  expect(await textOf(same)).toBe(odd);
  const more = await planOf({ base: odd, ours: odd, theirs: `${odd}\n\n{ "id" : 4 }` }, { key: 'id' });
  expect(await textOf(more)).toBe(`${odd}\n{ "id" : 4 }\n`);
  const top = await planOf({ base: odd, ours: odd, theirs: `{"id":0}\r\n${odd.slice(1)}` }, { key: 'id' });
  expect(await textOf(top)).toBe(`\ufeff{"id":0}\r\n${odd.slice(1)}`);
});

test('CSV: the header is that of ours, and rows of theirs have their fields in its order', async () => {
  const csv = 'id,text\n1,"two\nlines"\n2,b\n';
  const merge = await planOf({ base: csv, ours: csv, theirs: 'text,id\n"two\nlines",1\nb,2\n"c, ""d""",3' }, { key: 'id', format: 'csv' });
  expect(await textOf(merge)).toBe(`${csv}3,"c, ""d"""\n`);
  await expect(planOf({ base: csv, ours: csv, theirs: 'id,text,new\n1,a,b\n' }, { key: 'id', format: 'csv' })).rejects.toMatchObject({
    code: 'MERGE_CONFLICT',
    details: { ours: [], theirs: ['new'] },
  });
  const removed = await planOf({ base: csv, ours: csv, theirs: 'id,text\n2,b\n' }, { key: 'id', format: 'csv' });
  expect(await textOf(removed)).toBe('id,text\n2,b\n');
});

test('what cannot be merged row by row is said', async () => {
  const parquet = await source('x', 'parquet');
  await expect(planRowMerge({ base: null, ours: parquet, theirs: parquet }, { limit: 1 })).rejects.toMatchObject({ code: 'DATASET_FORMAT' });
  const twice = jsonl([{ id: 1 }, { id: 1 }]);
  expect(await planOf({ base: null, ours: base, theirs: twice }, { key: 'id' })).toMatchObject({
    by: 'content',
    note: '"id" of row 2 of data/x stands twice',
  });
});

interface Plain {
  readonly id: number;
  readonly v: string;
}

/** The merge said the slow way: lists, look-ups from the start, and one row put in at a time. */
function modelByKey(from: readonly Plain[], ours: readonly Plain[], theirs: readonly Plain[], take: 'ours' | 'theirs'): Plain[] {
  const find = (rows: readonly Plain[], id: number): string | null => rows.find((row) => row.id === id)?.v ?? null;
  const result = (id: number): string | null => {
    const [b, o, t] = [find(from, id), find(ours, id), find(theirs, id)];
    return o === t || b === t ? o : b === o ? t : take === 'ours' ? o : t;
  };
  // places are those of ours; rows that go leave theirs when all stand
  const list: (Plain & { own: boolean; come: boolean })[] = ours.map((row) => ({
    ...row,
    own: find(from, row.id) === null && find(theirs, row.id) === null,
    come: false,
  }));
  let behind: number | null = null;
  for (const row of theirs) {
    if (find(ours, row.id) !== null) behind = row.id;
    else if (result(row.id) !== null) {
      let at: number = behind === null ? 0 : list.findIndex((other) => other.id === behind) + 1;
      while (list[at]?.own === true || list[at]?.come === true) at += 1;
      list.splice(at, 0, { ...row, own: false, come: true });
    }
  }
  return list.flatMap(({ id }) => {
    const v = result(id);
    return v === null ? [] : [{ id, v }];
  });
}

const rowsByKey = fc.uniqueArray(fc.record({ id: fc.nat(12), v: fc.constantFrom('a', 'b', 'c') }), { selector: (row) => row.id });

test("by key, the merge is the model's, row for row and in its order", async () => {
  await fc.assert(
    fc.asyncProperty(rowsByKey, rowsByKey, rowsByKey, fc.constantFrom('ours' as const, 'theirs' as const), async (from, ours, theirs, take) => {
      const merge = await planOf({ base: jsonl(from), ours: jsonl(ours), theirs: jsonl(theirs) }, { key: 'id', take });
      const model = modelByKey(from, ours, theirs, take);
      expect(await textOf(merge)).toBe(jsonl(model));
      expect(merge.rows).toBe(model.length);
    }),
    { numRuns: 200 },
  );
});

test('by content, every row stands as often as the three versions say', async () => {
  const rows = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 8 }).map((texts) => texts.map((text) => ({ text })));
  const count = (list: readonly { text: string }[], text: string): number => list.filter((row) => row.text === text).length;
  await fc.assert(
    fc.asyncProperty(rows, rows, rows, async (from, ours, theirs) => {
      const merge = await planOf({ base: jsonl(from), ours: jsonl(ours), theirs: jsonl(theirs) });
      const text = await textOf(merge);
      const merged = text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { text: string });
      for (const name of ['a', 'b', 'c', 'd'])
        expect([name, count(merged, name)]).toEqual([name, mergedCount(count(from, name), count(ours, name), count(theirs, name))]);
      expect(merge.rows).toBe(merged.length);
      if (JSON.stringify(from) === JSON.stringify(theirs)) expect(text).toBe(jsonl(ours));
    }),
    { numRuns: 200 },
  );
  expect([mergedCount(0, 1, 1), mergedCount(1, 0, 1), mergedCount(2, 1, 3), mergedCount(0, 1, 3), mergedCount(2, 0, 1)]).toEqual([1, 0, 2, 3, 0]);
});

test('a side that changed nothing leaves the other as it is, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(rowsByKey, rowsByKey, async (from, changed) => {
      expect(await textOf(await planOf({ base: jsonl(from), ours: jsonl(changed), theirs: jsonl(from) }, { key: 'id' }))).toBe(jsonl(changed));
    }),
    { numRuns: 50 },
  );
});
