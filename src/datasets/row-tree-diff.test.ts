import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf, type Digest } from '../base/digest.ts';
import { diffRows, type RowsDiff, type RowSource } from './row-diff.ts';
import { scanRows } from './row-scan.ts';

const folder = await mkdtemp(join(tmpdir(), 'plumb-trees-'));
const nodes = new Map<Digest, Uint8Array>();
let files = 0;

interface How {
  readonly format?: 'jsonl' | 'csv';
  readonly key?: string;
  readonly label?: string;
}

/** A file with its tree, as an add leaves it. */
async function versionOf(text: string, { format = 'jsonl', key, label }: How): Promise<RowSource> {
  const path = join(folder, `${(files += 1)}.${format}`);
  await writeFile(path, text);
  const columns = { key: key ?? null, label: label ?? null };
  const keepNode = (bytes: Uint8Array): Digest => {
    const digest = digestOf(bytes);
    nodes.set(digest, bytes.slice());
    return digest;
  };
  const scan = await scanRows(path, { format, ...columns, known: async () => null, keepNode });
  if (scan === null || scan.doubtful) throw new Error('rows that no add would take');
  const tree = { root: scan.tree.root, rows: scan.rows, schema: scan.schema, ...columns, labels: scan.labels };
  return { path, format, name: path, tree, ...(key === undefined ? {} : { key }), ...(label === undefined ? {} : { label }) };
}

function withoutTree({ tree: _, ...source }: RowSource): RowSource {
  return source;
}

async function diffOf(before: string, after: string, how: How): Promise<{ full: RowsDiff; byTree: RowsDiff; read: number }> {
  const [left, right] = [await versionOf(before, how), await versionOf(after, how)];
  let read = 0;
  const readNode = async (digest: Digest): Promise<Uint8Array> => {
    const bytes = nodes.get(digest) as Uint8Array;
    read += bytes.length;
    return bytes;
  };
  const byTree = await diffRows(left, right, { limit: 1000, readNode, onBytes: (bytes) => void (read += bytes) });
  return { full: await diffRows(withoutTree(left), withoutTree(right), { limit: 1000 }), byTree, read };
}

interface Plain {
  readonly id: number;
  readonly text: string;
  readonly label: string;
}

function rowOf(id: number): Plain {
  return { id, text: hash('sha256', String(id)).repeat(3), label: `l${id % 5}` };
}

const jsonl = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const csv = (rows: readonly Plain[]): string => `id,text,label\n${rows.map(({ id, text, label }) => `${id},"${text}",${label}\n`).join('')}`;

const base = Array.from({ length: 300 }, (_, id) => rowOf(id));
const place = fc.nat(base.length - 1);
const edit = fc.oneof(
  fc.record({ what: fc.constantFrom('edit', 'label', 'remove', 'add', 'number'), at: place }),
  fc.record({ what: fc.constant('move'), at: place, to: place, rows: fc.integer({ min: 1, max: 60 }) }),
);

function edited(edits: readonly { what: string; at: number; to?: number; rows?: number }[]): Plain[] {
  let rows = [...base];
  for (const { what, at, to = 0, rows: count = 1 } of edits) {
    const there = rows[at % rows.length] as Plain;
    if (what === 'edit') rows = rows.with(at % rows.length, { ...there, text: `${there.text}!` });
    if (what === 'label') rows = rows.with(at % rows.length, { ...there, label: 'other' });
    if (what === 'remove') rows = rows.toSpliced(at, 1);
    if (what === 'add') rows = rows.toSpliced(at, 0, { ...rowOf(at), id: 1000 + rows.length + at * 1000 });
    if (what === 'number') rows = rows.with(at % rows.length, { ...there, more: at / 2 } as Plain);
    if (what === 'move') rows = rows.toSpliced(at, count).toSpliced(to, 0, ...rows.slice(at, at + count));
  }
  return [...new Map(rows.map((row) => [row.id, row])).values()];
}

test('by key: what two trees tell is what all rows tell, sample for sample', { timeout: 30_000 }, async () => {
  let less = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(edit, { maxLength: 4 }),
      fc.constantFrom('jsonl' as const, 'csv' as const),
      fc.boolean(),
      async (edits, format, hasLabel) => {
        const write = format === 'csv' ? csv : jsonl;
        const how = { format, key: 'id', ...(hasLabel ? { label: 'label' } : {}) };
        const texts = [write(base), write(edited(edits))] as const;
        const { full, byTree, read } = await diffOf(...texts, how);
        expect(byTree).toEqual(full);
        if (read < texts[0].length) less += 1;
      },
    ),
    { numRuns: 60 },
  );
  expect(less).toBeGreaterThan(30);
});

test('by content: counts, order and classes are those of all rows', { timeout: 30_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 4 }), fc.boolean(), async (edits, hasLabel) => {
      const how = hasLabel ? { label: 'label' } : {};
      const { full, byTree } = await diffOf(jsonl(base), jsonl(edited(edits)), how);
      expect(byTree).toEqual(full);
    }),
    { numRuns: 40 },
  );
});

test('one row of a thousand edited: a few per cent of the bytes are read', { timeout: 30_000 }, async () => {
  // rows of 500 bytes, as texts with their labels have
  const rows = Array.from({ length: 20_000 }, (_, id) => ({
    ...rowOf(id),
    more: rowOf(id + 1e6)
      .text.repeat(2)
      .slice(0, 270),
  }));
  const before = jsonl(rows);
  const editedAt = (every: number): string => jsonl(rows.map((row) => (row.id % every === 7 ? { ...row, text: `${row.text}!` } : row)));
  const { full, byTree, read } = await diffOf(before, editedAt(1000), { key: 'id', label: 'label' });
  expect(byTree).toEqual(full);
  expect(byTree.edited).toBe(20);
  expect(read / (2 * before.length)).toBeLessThan(0.05);
  expect((await diffOf(before, editedAt(20_000), { key: 'id' })).read / (2 * before.length)).toBeLessThan(0.01);
});

test('rows that only stand in another order are told as that', async () => {
  const { byTree } = await diffOf(jsonl(base), jsonl(base.toReversed()), { key: 'id' });
  expect(byTree).toMatchObject({ added: 0, removed: 0, edited: 0, reordered: true });
  const moved = await diffOf(jsonl(base), jsonl([...base.slice(1), ...base.slice(0, 1)]), { key: 'id' });
  expect(moved.byTree).toMatchObject({ added: 0, removed: 0, edited: 0, reordered: true });
});

test('a header that changed is a change of all rows, although their bytes are the same', async () => {
  const { byTree, full } = await diffOf(csv(base), csv(base).replace('text', 'words'), { format: 'csv', key: 'id' });
  expect(byTree).toEqual(full);
  expect(byTree.edited).toBe(300);
});

test('a file that is not what its tree says is refused', async () => {
  const [before, after] = [await versionOf(jsonl(base), { key: 'id' }), await versionOf(jsonl(base.slice(5)), { key: 'id' })];
  await writeFile(after.path, jsonl(base.slice(5)).replaceAll('l1', 'l2'));
  const readNode = async (digest: Digest): Promise<Uint8Array> => nodes.get(digest) as Uint8Array;
  await expect(diffRows(before, after, { limit: 5, readNode })).rejects.toMatchObject({ code: 'FILE_CHANGED' });
});
