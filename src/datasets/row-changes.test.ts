import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf, type Digest } from '../base/digest.ts';
import { findRowChanges, type RowChanges } from './row-changes.ts';
import { scanRows } from './row-scan.ts';
import type { RowSource } from './row-source.ts';
import type { Row } from './rows.ts';

const folder = await mkdtemp(join(tmpdir(), 'plumb-changes-'));
const nodes = new Map<Digest, Uint8Array>();
let files = 0;

/** A file of rows with its tree, as an add leaves it. */
async function versionOf(values: readonly number[]): Promise<RowSource> {
  const path = join(folder, `${(files += 1)}.jsonl`);
  // wide rows: some dozen of them are a chunk
  await writeFile(path, values.map((value) => `${JSON.stringify({ value, wide: String(value).repeat(40) })}\n`).join(''));
  const keepNode = (bytes: Uint8Array): Digest => {
    const digest = digestOf(bytes);
    nodes.set(digest, bytes.slice());
    return digest;
  };
  const scan = await scanRows(path, { format: 'jsonl', key: null, label: null, known: async () => null, keepNode });
  if (scan === null) throw new Error('rows that no add would take');
  return {
    path,
    format: 'jsonl',
    name: path,
    tree: { root: scan.tree.root, rows: scan.rows, schema: scan.schema, key: null, label: null, labels: null },
  };
}

function withoutTree({ tree: _, ...source }: RowSource): RowSource {
  return source;
}

const readNode = async (digest: Digest): Promise<Uint8Array> => nodes.get(digest) as Uint8Array;

async function valuesOf(batches: AsyncGenerator<Row[]>): Promise<{ row: number; value: unknown }[]> {
  const found = [];
  for await (const rows of batches) for (const { row, value } of rows) found.push({ row, value: value['value'] });
  return found;
}

/** What a bag lacks of another, and where what it has stands: by looking at everything. */
async function expectRight(changes: RowChanges, before: readonly number[], after: readonly number[]): Promise<void> {
  expect(changes.rows).toBe(after.length);
  const added = await valuesOf(changes.added());
  const removed = await valuesOf(changes.removed());
  expect([added.length, removed.length]).toEqual([changes.addedCount, changes.removedCount]);
  for (const { row, value } of added) expect(after[row - 1]).toBe(value);
  for (const { row, value } of removed) expect(before[row - 1]).toBe(value);
  const counts = new Map<unknown, number>();
  const count = (value: unknown, by: number): void => void counts.set(value, (counts.get(value) ?? 0) + by);
  for (const value of before) count(value, 1);
  for (const value of after) count(value, -1);
  for (const { value } of added) count(value, 1);
  for (const { value } of removed) count(value, -1);
  expect([...counts.values()].every((left) => left === 0)).toBe(true);
  expect(added.filter(({ value }) => removed.some((other) => other.value === value))).toEqual([]);
  const stay = new Set<number>();
  for (const [at, value] of before.entries()) {
    const place = changes.numberAfter(at + 1);
    const gone = removed.some(({ row }) => row === at + 1);
    expect(place === null).toBe(gone);
    if (place === null) continue;
    expect(after[place - 1]).toBe(value);
    stay.add(place);
  }
  const kept = [...changes.kept()];
  expect(kept.flatMap((rows) => Array.from({ length: rows.count }, (_, at) => [rows.before + at, rows.after + at]))).toEqual(
    before.flatMap((_, at) => (changes.numberAfter(at + 1) === null ? [] : [[at + 1, changes.numberAfter(at + 1)]])),
  );
  for (const { row } of added) stay.add(row);
  expect(stay.size).toBe(after.length);
}

test('what the next version adds and lacks, and where a row stands now: by trees and by reading all', async () => {
  const edits = fc.array(fc.record({ at: fc.nat(600), take: fc.nat(3), put: fc.array(fc.nat(5), { maxLength: 3 }) }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(400), { minLength: 1, maxLength: 600 }), edits, async (before, changed) => {
      const after = [...before];
      for (const { at, take, put } of changed) after.splice(Math.min(at, after.length), take, ...put);
      if (after.length === 0) after.push(1);
      const [left, right] = [await versionOf(before), await versionOf(after)];
      await expectRight(await findRowChanges(left, right, { readNode }), before, after);
      await expectRight(await findRowChanges(withoutTree(left), withoutTree(right), {}), before, after);
    }),
    { numRuns: 40 },
  );
});

test('an edit in many rows reads little', async () => {
  const before = Array.from({ length: 5000 }, (_, at) => at);
  const after = before.map((value) => (value === 2500 ? -1 : value));
  const changes = await findRowChanges(await versionOf(before), await versionOf(after), { readNode });
  expect(await valuesOf(changes.added())).toEqual([{ row: 2501, value: -1 }]);
  expect(changes.compared).toBeLessThan(1000);
  expect([...changes.kept()]).toEqual([
    { before: 1, after: 1, count: 2500 },
    { before: 2502, after: 2502, count: 2499 },
  ]);
});

test('rows that were sorted anew, or moved together, are no change', async () => {
  const before = Array.from({ length: 2000 }, (_, at) => (at * 7919) % 2000);
  const sorted = before.toSorted((a, b) => a - b);
  const moved = [...before.slice(1500), ...before.slice(0, 1500)];
  for (const after of [sorted, moved, before.toReversed()]) {
    const changes = await findRowChanges(await versionOf(before), await versionOf(after), { readNode });
    expect([changes.addedCount, changes.removedCount]).toEqual([0, 0]);
    await expectRight(changes, before, after);
  }
});

test('rows edited side by side, and each of many edits far apart, read little', async () => {
  const before = Array.from({ length: 5000 }, (_, at) => at);
  const together = before.map((value) => (value >= 2500 && value < 2600 ? -value : value));
  const apart = before.map((value) => (value % 500 === 250 ? -value : value));
  for (const [after, edits, most] of [
    [together, 100, 400],
    [apart, 10, 200],
  ] as const) {
    const changes = await findRowChanges(await versionOf(before), await versionOf(after), { readNode });
    expect([changes.addedCount, changes.removedCount]).toEqual([edits, edits]);
    expect(changes.compared).toBeLessThan(most);
    await expectRight(changes, before, after);
  }
});
