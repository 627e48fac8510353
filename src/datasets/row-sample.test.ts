import { join } from 'node:path';
import { parquetWriteFile } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { readManifest, type RowsManifest } from './manifest.ts';
import { createProject, jsonl, type TestProject } from './project.fixture.ts';
import { pickRows, sampleRows } from './row-sample.ts';

async function sampleOf(project: TestProject, path: string, rows: number, seed = 1): Promise<{ text: string; reads: number }> {
  const { entry } = await project.add(path);
  const { store } = await project.open();
  const manifest = (await readManifest(store, entry.digest)) as RowsManifest;
  let reads = 0;
  const counting = {
    pathOf: store.pathOf.bind(store),
    readBytes: (digest: Parameters<typeof store.readBytes>[0]) => {
      reads += 1;
      return store.readBytes(digest);
    },
  };
  let text = '';
  for await (const line of sampleRows(counting, manifest, { rows, seed })) text += line;
  return { text, reads };
}

test('a sample is one row of each stretch, the same for one seed, another for another', () => {
  for (const [all, rows] of [
    [1000, 10],
    [1001, 7],
    [12, 11],
  ] as const) {
    const picked = pickRows(all, { rows, seed: 5 });
    expect(picked.map((row) => Math.floor((row * rows) / all)).every((stretch, at) => Math.abs(stretch - at) <= 1)).toBe(true);
    expect(new Set(picked).size).toBe(rows);
    expect(picked).toEqual(picked.toSorted((a, b) => a - b));
    expect(pickRows(all, { rows, seed: 5 })).toEqual(picked);
  }
  expect(pickRows(1000, { rows: 10, seed: 6 })).not.toEqual(pickRows(1000, { rows: 10, seed: 5 }));
  expect(pickRows(3, { rows: 10, seed: 1 })).toEqual([0, 1, 2]);
});

test('JSONL: lines as they stand in the file, few or many', async () => {
  const project = await createProject();
  const rows = Array.from({ length: 30_000 }, (_, id) => ({ id, text: 'é'.repeat(id % 40) }));
  const text = `\ufeff${jsonl(rows)}`;
  await project.write('data/a.jsonl', text);
  const few = await sampleOf(project, 'data/a.jsonl', 5);
  expect(few.text).toBe(jsonl(pickRows(30_000, { rows: 5, seed: 1 }).map((row) => rows[row] as object)));
  const many = await sampleOf(project, 'data/a.jsonl', 2000, 9);
  expect(many.text).toBe(jsonl(pickRows(30_000, { rows: 2000, seed: 9 }).map((row) => rows[row] as object)));
  expect((await sampleOf(project, 'data/a.jsonl', 40_000)).text).toBe(jsonl(rows));
  expect(few.reads).toBeLessThan(30);
});

test('CSV: the header comes first; Parquet: rows as JSON', async () => {
  const project = await createProject();
  const records = Array.from({ length: 4000 }, (_, id) => `${id},"a ""b"",\n${id}"\n`);
  await project.write('data/b.csv', `id,text\n${records.join('')}`);
  expect((await sampleOf(project, 'data/b.csv', 3)).text).toBe(
    `id,text\n${pickRows(4000, { rows: 3, seed: 1 })
      .map((row) => records[row] ?? '')
      .join('')}`,
  );
  parquetWriteFile({ filename: join(project.root, 'data/c.parquet'), columnData: [{ name: 'id', data: [1n, 2n, 3n], type: 'INT64' }] });
  expect((await sampleOf(project, 'data/c.parquet', 3)).text).toBe(jsonl([{ id: 1 }, { id: 2 }, { id: 3 }]));
});
