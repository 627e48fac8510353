import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import { silentProgress } from '../base/progress.ts';
import { drawOf, sideOf } from './side.ts';
import { split as splitStep, splitArguments } from './step.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'split-'));
});
afterEach(() => rm(folder, { recursive: true }));

interface Outcome {
  readonly train: string;
  readonly test: string;
  readonly validation: string | undefined;
  readonly metrics: Readonly<Record<string, number>>;
  readonly log: readonly string[];
}

let runs = 0;

async function split(
  input: string | Uint8Array,
  arguments_: Record<string, unknown>,
  options: { name?: string; seed?: number } = {},
): Promise<Outcome> {
  runs += 1;
  const data = join(folder, `${runs}-${options.name ?? 'rows.jsonl'}`);
  await writeFile(data, input);
  const args = splitArguments.parse({ data: 'rows', by: 'hash(id)', test: 0.3, ...arguments_ });
  const ports = await splitStep.ports(args, () => Promise.reject(new Error('reads no file')));
  const outputs = Object.fromEntries(Object.entries(ports.outputs).map(([name, file]) => [name, join(folder, `${runs}-out-${file}`)]));
  const log: string[] = [];
  const result = await splitStep.run({
    with: args,
    params: null,
    seed: options.seed ?? 0,
    origins: {},
    cacheDir: folder,
    memoryDir: null,
    inputs: { data },
    outputs,
    progress: silentProgress,
    signal: new AbortController().signal,
    log: (line) => log.push(line),
  });
  const read = (name: string): Promise<string> => readFile(outputs[name] ?? '', 'utf8');
  return {
    train: await read('train'),
    test: await read('test'),
    validation: outputs['validation'] === undefined ? undefined : await read('validation'),
    metrics: result.metrics,
    log,
  };
}

const rowsOf = (count: number, from = 0): { id: string; text: string; label: string }[] =>
  Array.from({ length: count }, (_, at) => ({ id: `row-${at + from}`, text: `text ${(at + from) * 7}`, label: `label ${(at + from) % 5}` }));
const jsonl = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const idsOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => String((JSON.parse(line) as { id: unknown }).id));

test('the output of this version is what it was (raise the version when it must change)', async () => {
  const golden: Record<number, string> = { 1: 'sha256:ddf4c0b2c4cbbb2d00105a0aea79f8a816d20fc007376cca24f3553d71bd3ff9' };
  const { train, test: testing, validation } = await split(jsonl(rowsOf(200)), { test: 0.2, validation: 0.1, stratify: 'label', seed: 7 });
  const plain = await split(jsonl(rowsOf(200)), {});
  expect(digestOf([train, testing, validation, plain.train, plain.test].join('\0'))).toBe(golden[splitStep.version]);
});

test('rows keep their order and the bytes of their line', async () => {
  const lines = Array.from({ length: 60 }, (_, at) => `{ "text":"caf\\u00e9 é ${at}",   "id": ${at} , "n": 1.0 }  `);
  const input = `\ufeff${lines.slice(0, 30).join('\r\n')}\r\n\n   \n${lines.slice(30).join('\n')}`;
  const { train, test: testing } = await split(input, {});
  const kept = [...train.split('\n'), ...testing.split('\n')].filter((line) => line !== '');
  expect(kept.toSorted()).toEqual(lines.toSorted());
  const numbers = idsOf(train).map(Number);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  expect(train.endsWith('\n')).toBe(true);
});

test('a line that lies across two reads of the file is whole', async () => {
  const rows = rowsOf(40).map((row) => ({ ...row, text: 'é'.repeat(40_000) }));
  const { train, test: testing } = await split(jsonl(rows), {});
  expect(idsOf(train).length + idsOf(testing).length).toBe(40);
  expect([...train.split('\n'), ...testing.split('\n')].filter((line) => line !== '').toSorted()).toEqual(
    rows.map((row) => JSON.stringify(row)).toSorted(),
  );
});

test('CSV becomes JSONL, on the same sides as the same keys in JSONL', async () => {
  const rows = rowsOf(50);
  const csv = `id,text,label\n${rows.map((row) => `${row.id},"${row.text}",${row.label}\n`).join('')}`;
  const fromCsv = await split(csv, {}, { name: 'rows.csv' });
  expect(fromCsv).toEqual(await split(jsonl(rows), {}));
});

test('a row never changes side when others are added, removed or reordered', async () => {
  const side = (outcome: Outcome): Map<string, string> =>
    new Map((['train', 'test', 'validation'] as const).flatMap((name) => idsOf(outcome[name] ?? '').map((id) => [id, name] as const)));
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.string({ minLength: 1, unit: 'grapheme' }), { minLength: 60, maxLength: 90 }),
      fc.nat(),
      fc.boolean(),
      async (ids, seed, stratify) => {
        const rows = ids.map((id) => ({ id, label: `l${id.length % 2}` }));
        const args = { validation: 0.3, ...(stratify ? { stratify: 'label' } : {}), seed };
        const before = side(await split(jsonl(rows), args));
        const after = side(await split(jsonl([...rowsOf(40), ...rows.toReversed().slice(10)]), args));
        for (const { id } of rows.toReversed().slice(10)) expect(after.get(id)).toBe(before.get(id));
      },
    ),
    { numRuns: 20 },
  );
});

test('a greater share takes rows from training alone', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.double({ min: 0, max: 0.4, noNaN: true }),
      fc.double({ min: 0, max: 0.4, noNaN: true }),
      fc.double({ min: 0, max: 0.1, noNaN: true }),
      (key, share, validation, more) => {
        const draw = drawOf(key, null, 1);
        const before = sideOf(draw, { test: share, validation });
        const after = sideOf(draw, { test: share + more, validation });
        if (before !== 'train') expect(after).toBe(before);
      },
    ),
  );
});

test('shares come out as asked, overall and in each label', async () => {
  const { metrics } = await split(jsonl(rowsOf(5000)), { test: 0.2, validation: 0.1, stratify: 'label' });
  // 5 standard deviations of a binomial: sqrt(5000 * 0.2 * 0.8) = 28
  expect(Math.abs((metrics['test'] ?? 0) - 1000)).toBeLessThan(141);
  expect(Math.abs((metrics['validation'] ?? 0) - 500)).toBeLessThan(106);
  expect(metrics['labels']).toBe(5);
  expect(metrics['least_test_share']).toBeGreaterThan(0.14);
  expect(metrics['greatest_test_share']).toBeLessThan(0.26);
});

test('a group stays together, and the seed draws other sides', async () => {
  const rows = rowsOf(300).map((row, at) => ({ ...row, user: `user ${at % 40}` }));
  const users = (text: string): Set<string> =>
    new Set(
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { user: string }).user),
    );
  const first = await split(jsonl(rows), { by: 'hash(user)' });
  const testUsers = users(first.test);
  expect([...users(first.train)].filter((user) => testUsers.has(user))).toEqual([]);
  const second = await split(jsonl(rows), { by: 'hash(user)' }, { seed: 1 });
  expect(second.test).not.toBe(first.test);
  expect(await split(jsonl(rows), { by: 'hash(user)', seed: 1 })).toEqual(second);
});

test('a label that has no row on a side is reported', async () => {
  const { log } = await split(jsonl([...rowsOf(60), { id: 'lonely', text: 'x', label: 'rare' }]), { stratify: 'label' });
  expect(log.join('\n')).toMatch(/warning: 1 labels have no row in (train|test): rare/);
});

describe('refused', () => {
  const row = (value: unknown): string => jsonl([...rowsOf(30), value]);
  test.each([
    ['a row without the key', row({ text: 'x' }), {}, { code: 'ROW_KEY', where: { file: 'rows', row: 31, line: 31 } }],
    ['an empty key', row({ id: '' }), {}, { code: 'ROW_KEY' }],
    ['a group with two labels, split by label', row({ id: 'row-1', label: 'other' }), { stratify: 'label' }, { code: 'ROW_KEY' }],
    ['a row that does not parse', `${jsonl(rowsOf(3))}{`, {}, { code: 'ROW_SYNTAX', where: { row: 4 } }],
    ['a side without rows', jsonl(rowsOf(1)), {}, { code: 'DATASET_EMPTY' }],
    ['no rows', '', {}, { code: 'DATASET_EMPTY' }],
  ])('%s', async (_, input, args, expected) => {
    await expect(split(input, args)).rejects.toMatchObject(expected);
  });
  test.each([
    [{ by: 'id' }, /expected hash\(column\)/],
    [{ test: 0 }, /./],
    [{ test: 0.6, validation: 0.4 }, /nothing for training/],
  ])('arguments %j', (args, message) => {
    const parsed = splitArguments.safeParse({ data: 'rows', by: 'hash(id)', test: 0.3, ...args });
    expect(parsed.error?.message).toMatch(message);
  });
});
