import { readFile, writeFile, mkdtemp, readdir, chmod, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../base/schema.ts';
import { parseLine } from '../datasets/jsonl.ts';
import { rowDigest } from '../datasets/row-digest.ts';
import type { RowSource } from '../datasets/row-source.ts';
import { applyDecisions, type Applied } from './apply.ts';
import { editDecision, type RowShape, type RowValue } from './change.ts';
import { ada, bob, by } from './decision.fixture.ts';
import type { Decision } from './schema.ts';
import { settle, type Decided } from './settled.ts';

const at = '2026-11-21T07:00:00.000Z';
const signal = new AbortController().signal;

function rejects(value: RowValue): Decided {
  return by(ada, { row: rowDigest(value), action: 'reject', why: [], at });
}

function edits(value: RowValue, edit: Record<string, JsonValue>, format: RowShape['format'] = 'jsonl'): Decided {
  const made = editDecision(value, edit, { format, columns: null, label: null });
  const decision: Decision =
    made === null ? { row: rowDigest(value), action: 'accept', why: [], at } : { row: rowDigest(value), action: 'edit', why: [], at, ...made };
  return by(ada, decision);
}

async function applyTo(name: string, bytes: string, decided: readonly Decided[]): Promise<{ text: string; applied: Applied; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'plumb-apply-'));
  const path = join(folder, name);
  await writeFile(path, bytes);
  const source: RowSource = { path, name, format: name.endsWith('.csv') ? 'csv' : name.endsWith('.parquet') ? 'parquet' : 'jsonl' };
  const applied = await applyDecisions(source, settle(decided), { signal, before: async () => undefined });
  return { text: await readFile(path, 'utf8'), applied, folder };
}

describe('decisions become rows', () => {
  test('of JSONL: an edit keeps column order and every digit, all else stays byte for byte', async () => {
    const lines = ['\ufeff{"id": 1,  "text":"a"}', '{"id": 12345678901234567890, "x": 1.0, "text": "b", "\\u006b": null}', '', '{"id":3,"text":"c"}'];
    const value = parseLine(lines[1] ?? '', { file: 'x', row: 1 });
    const { text, applied } = await applyTo('rows.jsonl', lines.join('\r\n'), [
      edits(value, { text: 'B', lang: 'en' }),
      rejects({ id: 3, text: 'c' }),
    ]);
    expect(text).toBe(`${lines[0]}\r\n{"id":12345678901234567890,"x":1.0,"text":"B","k":null,"lang":"en"}\r\n`);
    expect(applied).toMatchObject({ replaced: 1, removed: 1, rows: 2 });
    expect(applied.lineage).toEqual([{ row: expect.any(String), from: rowDigest(value), action: 'edit' }]);
  });

  test('a value that is taken away is a column that is gone', async () => {
    const value = { id: 1, text: 'a', phone: '123' };
    const { text } = await applyTo('rows.jsonl', `${JSON.stringify(value)}\n`, [edits(value, { phone: null })]);
    expect(text).toBe('{"id":1,"text":"a"}\n');
  });

  test('of CSV: quotes where they are needed, the last line without an end stays without one', async () => {
    const csv = 'id,text\r\n1,"a ""quoted"", text"\r\n2,plain\r\n3,last';
    const { text } = await applyTo('rows.csv', csv, [
      edits({ id: '2', text: 'plain' }, { text: 'now, with a comma' }, 'csv'),
      edits({ id: '3', text: 'last' }, { text: '' }, 'csv'),
    ]);
    expect(text).toBe('id,text\r\n1,"a ""quoted"", text"\r\n2,"now, with a comma"\r\n3,');
  });

  test('equal rows share their decision', async () => {
    const { text, applied } = await applyTo('rows.jsonl', '{"a":1}\n{"a":2}\n{ "a": 1 }\n', [rejects({ a: 1 })]);
    expect(text).toBe('{"a":2}\n');
    expect(applied.removed).toBe(2);
  });

  test('what is disputed or accepted stays, and a file that does not change is not written', async () => {
    const decided = [rejects({ a: 1 }), by(bob, { row: rowDigest({ a: 1 }), action: 'accept', why: [], at }, 'second'), edits({ a: 2 }, { a: 2 })];
    const folder = await mkdtemp(join(tmpdir(), 'plumb-apply-'));
    const path = join(folder, 'rows.jsonl');
    await writeFile(path, '{"a":1}\n{"a":2}\n');
    const before = await stat(path, { bigint: true });
    await applyDecisions({ path, name: 'rows.jsonl', format: 'jsonl' }, settle(decided), {
      signal,
      before: () => Promise.reject(new Error('not to be called')),
    });
    expect((await stat(path, { bigint: true })).mtimeNs).toBe(before.mtimeNs);
    expect(await readdir(folder)).toEqual(['rows.jsonl']);
  });

  test('what cannot be done leaves the file as it was, and nothing beside it', async () => {
    const only = mkdtemp(join(tmpdir(), 'plumb-apply-'));
    const path = join(await only, 'rows.jsonl');
    await writeFile(path, '{"a":1}\n');
    await chmod(path, 0o640);
    const source: RowSource = { path, name: 'rows.jsonl', format: 'jsonl' };
    const how = { signal, before: async () => undefined };
    await expect(applyDecisions(source, settle([rejects({ a: 1 })]), how)).rejects.toMatchObject({ code: 'DATASET_EMPTY' });
    const lying = { ...edits({ a: 1 }, { a: 5 }), becomes: rowDigest({ a: 6 }) };
    await expect(applyDecisions(source, settle([lying]), how)).rejects.toMatchObject({ code: 'REVIEW_INVALID' });
    await expect(applyDecisions({ ...source, format: 'parquet' }, new Map(), how)).rejects.toMatchObject({ code: 'DATASET_FORMAT' });
    await expect(
      applyDecisions(source, settle([edits({ a: 1 }, { a: 5 })]), { signal, before: () => Promise.reject(new Error('full')) }),
    ).rejects.toThrow('full');
    expect(await readFile(path, 'utf8')).toBe('{"a":1}\n');
    expect(await readdir(await only)).toEqual(['rows.jsonl']);
    await applyDecisions(source, settle([edits({ a: 1 }, { a: 5 })]), how);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });

  test('of any rows and decisions: lines without a decision are the same lines, each edit makes the row that it says', async () => {
    const cell = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.constant(null),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.array(fc.string(), { maxLength: 2 }),
    );
    const rows = fc.array(fc.record({ a: cell, b: cell, fate: fc.constantFrom('stay', 'go', 'edit') }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(rows, fc.constantFrom('\n', '\r\n'), async (many, end) => {
        const values = many.map(({ a, b }, id) => parseLine(JSON.stringify({ id, a, b }), { file: 'x', row: 1 }) as RowValue);
        const lines = many.map(({ a, b }, id) => JSON.stringify({ id, a, b }, null, 1).replaceAll('\n', ' '));
        const decided = many.flatMap(({ fate }, id) => {
          const value = values[id] ?? {};
          return fate === 'go' && id > 0 ? [rejects(value)] : fate === 'edit' ? [edits(value, { b: `new ${id}` })] : [];
        });
        const { text } = await applyTo('rows.jsonl', lines.map((line) => line + end).join(''), decided);
        const expected = many.flatMap(({ fate }, id) =>
          fate === 'go' && id > 0 ? [] : [fate === 'edit' ? JSON.stringify({ id, a: many[id]?.a, b: `new ${id}` }) : lines[id]],
        );
        expect(text).toBe(expected.map((line) => line + end).join(''));
      }),
      { numRuns: 40 },
    );
  });
});
