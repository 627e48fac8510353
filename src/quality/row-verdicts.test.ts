import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf, hexOf, type Digest } from '../base/digest.ts';
import { silentProgress } from '../base/progress.ts';
import { scanRows } from '../datasets/row-scan.ts';
import type { CheckedRows, CheckWorld } from './checked-rows.ts';
import type { Finding } from './findings.ts';
import { checkDigest, noMemory, openMemory } from './memory.ts';
import { judgeEachRow } from './row-verdicts.ts';

const folder = await mkdtemp(join(tmpdir(), 'plumb-verdicts-'));
const nodes = new Map<Digest, Uint8Array>();
const check = checkDigest('multiples of seven');

function finding(kind: string): Finding {
  return { kind, severity: 'error', column: 'value', message: kind };
}

/** What a row says, and nothing else, decides. */
function judge(value: Readonly<Record<string, unknown>>): Finding[] {
  return Number(value['value']) % 7 === 0 ? [finding('seven')] : [];
}

async function versionOf(values: readonly number[], keyed: boolean): Promise<CheckedRows> {
  const text = values.map((value, at) => `${JSON.stringify({ id: `k${value}-${at}`, value, wide: String(value).repeat(40) })}\n`).join('');
  const content = digestOf(Buffer.from(text));
  const path = join(folder, hexOf(content));
  await writeFile(path, text);
  const key = keyed ? 'id' : null;
  const keepNode = (bytes: Uint8Array): Digest => {
    const digest = digestOf(bytes);
    nodes.set(digest, bytes.slice());
    return digest;
  };
  const scan = await scanRows(path, { format: 'jsonl', key, label: null, known: async () => null, keepNode });
  if (scan === null) throw new Error('rows that no add would take');
  const tree = { root: scan.tree.root, rows: scan.rows, schema: scan.schema, key, label: null, labels: null };
  return { source: { path, format: 'jsonl', name: 'data', tree, ...(keyed ? { key: 'id' } : {}) }, content };
}

async function worldWith(memory: CheckWorld['memory']): Promise<CheckWorld> {
  return {
    memory,
    readNode: async (digest) => nodes.get(digest) as Uint8Array,
    pathOf: async (content) => join(folder, hexOf(content)),
    progress: silentProgress,
    signal: new AbortController().signal,
  };
}

test('after any edits the verdicts are those of a full run', async () => {
  const edits = fc.array(fc.record({ at: fc.nat(400), take: fc.nat(3), put: fc.array(fc.nat(50), { maxLength: 3 }) }), { maxLength: 6 });
  let memories = 0;
  let incremental = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(60), { minLength: 1, maxLength: 400 }), edits, fc.boolean(), async (before, changed, keyed) => {
      const after = [...before];
      for (const { at, take, put } of changed) after.splice(at, take, ...put);
      await mkdir(join(folder, 'memory'), { recursive: true });
      const world = await worldWith(openMemory(join(folder, 'memory', `${(memories += 1)}`)));
      await judgeEachRow(await versionOf(before, keyed), world, check, judge);
      const next = await versionOf(after, keyed);
      const found = await judgeEachRow(next, world, check, judge);
      const full = await judgeEachRow(next, await worldWith(noMemory), check, judge);
      expect([found.rows, found.flagged]).toEqual([full.rows, full.flagged]);
      if (found.judged < full.judged) incremental += 1;
      expect((await judgeEachRow(next, world, check, judge)).judged).toBe(0);
    }),
    { numRuns: 25 },
  );
  expect(incremental).toBeGreaterThan(5);
});

test('another check remembers nothing of this one; a version without a tree is judged in full', async () => {
  const rows = await versionOf([7, 8, 14], false);
  const world = await worldWith(openMemory(join(folder, 'memory', 'apart')));
  await judgeEachRow(rows, world, check, judge);
  expect((await judgeEachRow(rows, world, checkDigest('another'), judge)).judged).toBe(3);
  const next = await versionOf([7, 8, 15], false);
  const { tree: _, ...treeless } = next.source;
  const found = await judgeEachRow({ source: treeless, content: next.content }, world, check, judge);
  expect(found).toMatchObject({ judged: 3, flagged: [{ row: 1, key: 'row 1' }] });
});

test('a key that was found, or that is an address, names no row, nor after rows moved', async () => {
  const rows = await versionOf([7, 1, 14, 2, 3, 4, 5, 6], true);
  const world = await worldWith(openMemory(await mkdtemp(join(tmpdir(), 'plumb-verdicts-memory-'))));
  const byKey = (value: Readonly<Record<string, unknown>>): Finding[] => judge(value).map((one) => ({ ...one, column: 'id' }));
  const first = await judgeEachRow(rows, world, check, byKey);
  expect(first.flagged.map(({ key }) => key)).toEqual(['row 1', 'row 3']);
  const moved = await versionOf([7, 1, 14, 2, 3, 4, 5, 6].toReversed(), true);
  const [some, all] = [await judgeEachRow(moved, world, check, byKey), await judgeEachRow(moved, await worldWith(noMemory), check, byKey)];
  expect(some.flagged).toEqual(all.flagged);
});
