import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { parseYaml } from '../../base/config.ts';
import { openMemory } from '../memory.ts';
import { csvOf, fileOf, folder, judge, jsonlOf, versionOf, worldOf, type Cells } from './rules.fixture.ts';
import { judgeShard, mergeShards } from './shard.ts';
import { rulesSchema } from './schema.ts';
import type { FlaggedRow } from '../findings.ts';

const columns = ['id', 'text', 'n', 'group', 'wide'];
const rules = `version: 1
key: id
reference: other
rules:
  - { column: text, not_missing: true, mostly: 0.8 }
  - { column: text, unique: true }
  - { columns: [n, group], unique: true, severity: warning }
  - { column: n, min: 2, max: 40, when: "group != 'b'" }
  - { column: n, mean: { max: 20 }, stdev: { max: 9 }, quantiles: [{ at: 0.9, within: { max: 40 } }], sum: { min: 3 } }
  - { column: group, distinct: { max: 3 }, most_common: [a], distinct_share: { max: 0.2 } }
  - { column: group, allowed: [a, b, c], in: { data: other, column: group } }
  - { row: "n > 30 implies group = 'a'" }
  - { column: n, psi: 0.2, ks: 0.3 }
  - { column: group, cramers_v: 0.2 }
  - { column: text, kl: { max: 2, of: { values: [t1, t2], shares: [0.5, 0.5] }, outside: 0.1 } }
  - rows: { min: 20, min_share: 0.5 }
`;

const other = await versionOf(jsonlOf(Array.from({ length: 40 }, (_, at) => ({ id: `o${at}`, n: at, group: 'abc'[at % 3] }))), 'jsonl', 'other');
const row = fc.record({
  text: fc.oneof(
    fc.constant(null),
    fc.nat(80).map((at) => `t${at}`),
  ),
  n: fc.oneof(fc.nat(50), fc.constant(null)),
  group: fc.constantFrom('a', 'b', 'c', 'd'),
});
const base = fc.array(row, { minLength: 150, maxLength: 300 });
const edits = fc.array(fc.record({ at: fc.nat(300), take: fc.nat(2), put: fc.array(row, { maxLength: 2 }) }), { maxLength: 5 });

/** Rows wide enough to stand in several chunks. */
function named(rows: readonly Cells[]): Cells[] {
  return rows.map((one, at) => ({ id: `k${at}`, ...one, wide: `${String(one['text'])} `.repeat(90) }));
}

function edited(rows: readonly Cells[], changes: readonly { at: number; take: number; put: readonly Cells[] }[]): Cells[] {
  const now = [...rows];
  for (const { at, take, put } of changes)
    now.splice(at % (now.length + 1), take, ...named(put).map((one, place) => ({ ...one, id: `e${at}-${place}` })));
  return now;
}

test.each(['jsonl', 'csv'] as const)('after any edits of %s the verdict is that of a full run, byte for byte', async (format) => {
  let incremental = 0;
  let read = 0;
  const text = (rows: readonly Cells[]): string => (format === 'csv' ? csvOf(rows, columns) : jsonlOf(rows));
  await fc.assert(
    fc.asyncProperty(base, edits, fc.boolean(), async (before, changes, moves) => {
      const rows = named(before);
      const after = edited(rows, changes);
      if (moves) after.push(...after.splice(3, 20));
      const memory = openMemory(await mkdtemp(join(tmpdir(), 'plumb-rules-memory-')));
      const pathOf = async (content: string): Promise<string> => join(folder, `${content.slice(7)}.${format}`);
      const world = worldOf({ memory, pathOf, openReference: async () => other });
      await judge(await versionOf(text(rows), format), rules, world);
      const version = await versionOf(text(after), format);
      const [fast, full] = [
        await judge(version, rules, world),
        await judge(version, rules, worldOf({ openReference: async () => other, engine: 'rows' })),
      ];
      if (fast.run.engine === 'changes') incremental += 1;
      if (fast.run.read < after.length) read += 1;
      expect(JSON.stringify(fast.run.validation)).toBe(JSON.stringify(full.run.validation));
      expect(JSON.stringify(fast.flagged)).toBe(JSON.stringify(full.flagged));
    }),
    { numRuns: 25 },
  );
  expect(incremental).toBeGreaterThan(20);
  expect(read).toBeGreaterThan(15);
});

test('a remembered index that was changed on the disk is not believed: all rows are read', async () => {
  const rows = named(Array.from({ length: 1500 }, (_, at) => ({ text: `t${at}`, n: at % 45, group: 'a' })));
  const after = edited(rows, [{ at: 700, take: 1, put: [{ text: 't20', n: 1, group: 'a' }] }]);
  const place = await mkdtemp(join(tmpdir(), 'plumb-rules-memory-'));
  const pathOf = async (content: string): Promise<string> => join(folder, `${content.slice(7)}.jsonl`);
  const world = worldOf({ memory: openMemory(place), pathOf });
  const unique = 'version: 1\nrules: [{ column: text, unique: true }]\n';
  await judge(await versionOf(jsonlOf(rows), 'jsonl'), unique, world);
  const version = await versionOf(jsonlOf(after), 'jsonl');
  const [kept = ''] = await readdir(join(place, (await readdir(place))[0] ?? ''));
  const path = join(place, (await readdir(place))[0] ?? '', kept);
  const whole = await readFile(path);
  const engines = [];
  // the whole file, one whose blocks are all other ones, and the whole one again
  for (const bytes of [whole, Buffer.from(whole).fill(0, whole.length - 30_000), whole]) {
    await writeFile(path, bytes);
    await rm(join(place, (await readdir(place))[0] ?? '', version.content.slice(7)), { force: true });
    const { run } = await judge(version, unique, world);
    engines.push(run.engine);
    expect(run.validation.results.map(({ failing }) => failing)).toEqual([2]);
  }
  expect(engines).toEqual(['changes', 'rows', 'changes']);
});

test('a version of which too much changed is judged as a whole, and the one after it by what changed since', async () => {
  const memory = openMemory(await mkdtemp(join(tmpdir(), 'plumb-rules-memory-')));
  const world = worldOf({ memory });
  const small = 'version: 1\nrules: [{ column: n, max: 5 }]\n';
  const version = (from: number): Promise<Awaited<ReturnType<typeof versionOf>>> =>
    versionOf(jsonlOf(Array.from({ length: 1000 }, (_, at) => ({ n: at + from }))), 'jsonl');
  const engines = [];
  for (const from of [0, 500, 510, 510]) engines.push((await judge(await version(from), small, world)).run.engine);
  expect(engines).toEqual(['rows', 'rows', 'changes', 'changes']);
});

test('what DuckDB found of a version is carried on as what our own readers found', async () => {
  const rows = named(Array.from({ length: 200 }, (_, at) => ({ text: `t${at % 190}`, n: at % 45, group: 'abcd'[at % 4] as string })));
  const after = edited(rows, [{ at: 50, take: 2, put: [{ text: 't3', n: 1, group: 'a' }] }]);
  for (const format of ['jsonl', 'csv'] as const) {
    const text = (some: readonly Cells[]): string => (format === 'csv' ? csvOf(some, columns) : jsonlOf(some));
    const memory = openMemory(await mkdtemp(join(tmpdir(), 'plumb-rules-memory-')));
    const pathOf = async (content: string): Promise<string> => join(folder, `${content.slice(7)}.${format}`);
    const world = worldOf({ memory, pathOf, openReference: async () => other });
    const first = await judge(await versionOf(text(rows), format), rules, { ...world, engine: 'duckdb' });
    const version = await versionOf(text(after), format);
    const [fast, full] = [await judge(version, rules, world), await judge(version, rules, { ...world, engine: 'rows' })];
    expect([first.run.engine, fast.run.engine, full.run.engine]).toEqual(['duckdb', 'changes', 'rows']);
    expect(JSON.stringify(fast.run.validation)).toBe(JSON.stringify(full.run.validation));
    expect(JSON.stringify(fast.flagged)).toBe(JSON.stringify(full.flagged));
  }
});

test('parts of a Parquet file are its row groups', async () => {
  const columnData = [
    { name: 'id', type: 'STRING' as const, data: Array.from({ length: 90 }, (_, at) => `k${at % 80}`) },
    { name: 'n', type: 'DOUBLE' as const, data: Array.from({ length: 90 }, (_, at) => at) },
  ];
  const file = await fileOf(Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize: 20 })), 'parquet');
  const text = 'version: 1\nkey: id\nrules: [{ column: id, unique: true }, { column: n, max: 60, mean: { max: 40 } }]\n';
  const parsed = { rules: await parseYaml(text, 'x', rulesSchema), file: 'x' };
  const parts = [];
  for (const at of [1, 2, 3]) parts.push({ name: `p${at}`, bytes: await judgeShard(file, parsed, worldOf(), { at, of: 3 }) });
  const merged = await mergeShards(file, parsed, worldOf(), parts, null);
  expect(merged.validation).toEqual((await judge(file, text)).run.validation);
});

test.each(['tree', 'lines', 'csv'] as const)('any number of parts of %s put together are one run', async (kind) => {
  await fc.assert(
    fc.asyncProperty(base, fc.integer({ min: 1, max: 7 }), async (before, of) => {
      const rows = named(before);
      const version = await versionOf(kind === 'csv' ? csvOf(rows, columns) : jsonlOf(rows), kind === 'csv' ? 'csv' : 'jsonl');
      const { tree, ...plain } = version.source;
      const data = kind === 'lines' ? { ...version, source: plain } : version;
      const world = worldOf({ openReference: async () => other, engine: 'rows' });
      const parsed = { rules: await parseYaml(rules, 'x', rulesSchema), file: 'x' };
      const parts = [];
      for (let at = of; at >= 1; at -= 1) parts.push({ name: `part${at}`, bytes: await judgeShard(data, parsed, world, { at, of }) });
      const flagged: FlaggedRow[] = [];
      const merged = await mergeShards(data, parsed, world, parts, (one) => void flagged.push(one));
      const whole = await judge(data, rules, world);
      expect(JSON.stringify(merged.validation)).toBe(JSON.stringify(whole.run.validation));
      expect(JSON.stringify(flagged)).toBe(JSON.stringify(whole.flagged));
      expect(tree?.rows).toBe(rows.length);
    }),
    { numRuns: 10 },
  );
});

test('parts that do not belong together, or are cut, are refused', async () => {
  const data = await versionOf(jsonlOf([{ n: 1 }, { n: 2 }, { n: 9 }]), 'jsonl');
  const parse = async (text: string): Promise<{ rules: Awaited<ReturnType<typeof parseYaml<import('./schema.ts').Rules>>>; file: string }> => ({
    rules: await parseYaml(text, 'x', rulesSchema),
    file: 'x',
  });
  const asked = await parse('version: 1\nrules: [{ column: n, max: 5 }]\n');
  const world = worldOf();
  const part = async (at: number, of: number): Promise<{ name: string; bytes: Buffer }> => ({
    name: `p${at}`,
    bytes: await judgeShard(data, asked, world, { at, of }),
  });
  const [one, two] = [await part(1, 2), await part(2, 2)];
  const merge = (parts: { name: string; bytes: Buffer }[], by = asked) => mergeShards(data, by, world, parts, null);
  expect((await merge([one, two])).validation.results[0]?.keys).toEqual(['row 3']);
  await expect(merge([one])).rejects.toMatchObject({ code: 'PARTS_INVALID', message: 'part 2/2 is not there' });
  await expect(merge([one, one])).rejects.toMatchObject({ code: 'PARTS_INVALID', message: 'part 1/2 is there twice' });
  await expect(merge([one, await part(2, 3)])).rejects.toMatchObject({ code: 'PARTS_INVALID' });
  await expect(merge([one, two], await parse('version: 1\nrules: [{ column: n, max: 6 }]\n'))).rejects.toMatchObject({ code: 'PARTS_INVALID' });
  const flipped = Buffer.from(one.bytes);
  flipped[40] = (flipped[40] as number) ^ 1;
  for (const bytes of [flipped, one.bytes.subarray(0, -1), Buffer.alloc(0)])
    await expect(merge([{ name: 'p1', bytes }, two])).rejects.toMatchObject({
      code: 'PARTS_INVALID',
      message: 'p1 is no part of a validation, or was cut',
    });
  await expect(
    judgeShard(data, await parse('version: 1\nrules: [{ column: n, increasing: true }]\n'), world, { at: 1, of: 2 }),
  ).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: 'rule 1 (increasing) needs all rows in one run',
  });
});
