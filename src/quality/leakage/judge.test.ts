import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { z } from '../../base/schema.ts';
import type { CheckedRows } from '../checked-rows.ts';
import type { CheckMemory } from '../memory.ts';
import { openVersions } from '../text/versions.fixture.ts';
import { wordPlaces } from '../text/word-places.ts';
import { wordsOf } from '../text/words.ts';
import { judgeLeakage, type Leaks } from './judge.ts';
import { leakageSettings } from './settings.ts';

const { versionOf, worldOf, newMemory, end } = await openVersions();
afterAll(end);

type Settings = z.input<typeof leakageSettings>;

const judge = (asked: CheckedRows, train: CheckedRows | readonly CheckedRows[], settings: Settings = {}, memory?: CheckMemory): Promise<Leaks> => {
  const world = worldOf(memory);
  return judgeLeakage(
    { rows: asked, world },
    [train].flat().map((rows) => ({ rows, world })),
    leakageSettings.parse(settings),
  );
};
const texts = (...list: readonly string[]): { text: string }[] => list.map((text) => ({ text }));
const kinds = ({ flagged }: Leaks): unknown[] => flagged.map(({ row, findings }) => [row, ...findings.map(({ kind, other }) => [kind, other?.row])]);

const words = (from: number, count: number): string => Array.from({ length: count }, (_, at) => `w${from + at}`).join(' ');

test('what an evaluation row shares with training: the strongest of it, and the row that has most', async () => {
  const train = await versionOf(texts('nothing of it', words(0, 30), 'How are  you?', 'how are you', `${words(100, 15)} x`, `y ${words(200, 9)}`), {
    name: 'train',
  });
  const asked = await versionOf(
    texts('how are you ', 'HOW are you!', `${words(0, 29)} z`, `a b ${words(100, 14)} c d e f g h`, `${words(200, 8)} a b c d`, words(200, 7), 'new'),
    { name: 'eval' },
  );
  const found = await judge(asked, train);
  expect(kinds(found)).toEqual([
    [1, ['exact-text', 4]],
    [2, ['normalised-text', 3]],
    [3, ['near-text', 2]],
    [4, ['13-gram', 5]],
    [5, ['8-gram', 6]],
  ]);
  expect(found.report).toMatchObject({
    holds: false,
    rows: 7,
    flagged: 4,
    numbers: { training_rows: 6, 'exact-text': 1, '13-gram': 1, '8-gram': 1 },
  });
  expect(found.report.notes).toEqual(['4 evaluation rows have fewer than 8 words: a training row must say all of such a row to be found']);
});

test('the span of a run is in code points, on both sides, in the column where it stands', async () => {
  const run = 'the quick brown fox jumps over one lazy dog again';
  const train = await versionOf([{ question: '…', answer: `😀😀 “${run.replace('fox', 'FOX')}” 😀` }], { name: 'train' });
  const asked = await versionOf([{ question: `e\u0301😀: ${run}. And more was said here about it`, answer: 'nothing at all' }]);
  const [flagged] = (await judge(asked, train, { columns: ['question', 'answer'] })).flagged;
  const [finding] = flagged?.findings ?? [];
  expect(finding).toMatchObject({
    kind: '8-gram',
    column: 'question',
    span: [5, 5 + run.length],
    other: { data: 'train', row: 1, span: [4, 4 + run.length] },
  });
});

test('places of words, whatever folding does to them', () => {
  expect(wordPlaces('a ﬁne Straße\u0301 中文')).toEqual([
    [0, 1],
    [2, 5],
    [6, 13],
    [14, 15],
    [15, 16],
  ]);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const places = wordPlaces(text);
      expect(places).toHaveLength(wordsOf(text).length);
      const points = [...text];
      for (const [at, [from, to]] of places.entries()) expect(wordsOf(points.slice(from, to).join('')).join(' ')).toContain(wordsOf(text)[at]);
    }),
  );
});

test('no run of words is missed: beside a search by brute force', async () => {
  const word = fc.constantFrom('a', 'b', 'c');
  const row = fc.array(word, { minLength: 1, maxLength: 24 }).map((list) => ({ text: list.join(' ') }));
  const gramsOf = (text: string, size: number): string[] => {
    const list = wordsOf(text);
    return Array.from({ length: Math.max(0, list.length - size + 1) }, (_, at) => list.slice(at, at + size).join(' '));
  };
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), fc.array(row, { minLength: 1, maxLength: 10 }), async (train, asked) => {
      const found = await judge(await versionOf(asked), await versionOf(train), { near: false, ngrams: [6] });
      const known = new Set(train.flatMap(({ text }) => gramsOf(text, 6)));
      const whole = new Set(train.map(({ text }) => text));
      const leaked = asked.flatMap(({ text }, at) => (whole.has(text) || gramsOf(text, 6).some((gram) => known.has(gram)) ? [at + 1] : []));
      expect(found.flagged.map(({ row: number }) => number)).toEqual(leaked);
    }),
    { numRuns: 40 },
  );
});

test('the same user, and evaluation that is older than training', async () => {
  const train = await versionOf(
    [
      { text: 'one', user: 'ada', at: '2026-01-03' },
      { text: 'two', user: 7, at: '2026-02-01T08:00:00+01:00' },
      { text: 'three', user: null },
    ],
    { name: 'train' },
  );
  const asked = await versionOf([
    { text: 'four', user: '7', at: '2026-02-01 07:30' },
    { text: 'five', user: '', at: '2026-02-01T06:59:59Z' },
    { text: 'six', user: 'bo' },
  ]);
  expect(kinds(await judge(asked, train, { columns: ['text'], group: 'user', time: 'at' }))).toEqual([
    [1, ['same-group', 2]],
    [2, ['older-than-training', 2]],
  ]);
  const broken = await versionOf([{ text: 'four', at: 'soon' }]);
  await expect(judge(broken, train, { columns: ['text'], time: 'at' })).rejects.toMatchObject({ code: 'DATASET_COLUMN', where: { row: 1 } });
  await expect(judge(asked, train, { columns: ['text'], group: 'usr' })).rejects.toMatchObject({ message: expect.stringContaining('"user"') });
});

test('what is remembered changes nothing: rows that come and go on both sides', async () => {
  const text = fc.array(fc.constantFrom('red', 'green', 'blue'), { maxLength: 12 }).map((list) => list.join(' '));
  const row = fc.record({ text, user: fc.constantFrom('', 'a', 'b', 'c', 'd'), at: fc.nat(9) });
  const edits = fc.array(fc.record({ at: fc.nat(60), take: fc.nat(3), put: fc.array(row, { maxLength: 3 }) }), { maxLength: 3 });
  const sides = fc.array(row, { minLength: 15, maxLength: 60 });
  let recalled = 0;
  await fc.assert(
    fc.asyncProperty(sides, sides, fc.array(fc.tuple(edits, edits), { maxLength: 3 }), async (train, asked, steps) => {
      const memory = newMemory();
      const settings: Settings = { columns: ['text'], group: 'user', time: 'at', ngrams: [5], threshold: 0.7 };
      const open = async (): Promise<[CheckedRows, CheckedRows]> => [
        await versionOf(asked, { name: 'eval' }),
        await versionOf(train, { name: 'train' }),
      ];
      await judge(...(await open()), settings, memory);
      for (const changes of steps) {
        for (const [side, list] of [train, asked].entries())
          for (const { at, take, put } of changes[side] ?? []) list.splice(Math.min(at, list.length - 4), take, ...put);
        const [now, then] = await open();
        expect(await judge(now, then, settings, memory)).toEqual(await judge(now, then, settings));
      }
      recalled += memory.recalled();
    }),
    { numRuns: 10 },
  );
  expect(recalled).toBeGreaterThan(5);
});

test('boilerplate in all rows of both sides costs each row little', async () => {
  const boilerplate = words(0, 40);
  const rows = (count: number, mark: string): { text: string }[] =>
    Array.from({ length: count }, (_, at) => ({ text: `${boilerplate} ${mark}${at} ${words(at * 100, 9)}` }));
  const found = await judge(await versionOf(rows(1500, 'e')), await versionOf(rows(3000, 't')));
  expect(found.report.flagged).toBe(1500);
});

test('Banking77: six test texts stand in training as they are', async () => {
  const open = (name: string): CheckedRows => ({
    source: {
      path: fileURLToPath(new URL(`../../../templates/classifier/data/${name}.jsonl`, import.meta.url)),
      format: 'jsonl',
      name,
      key: 'id',
      label: 'label',
    },
    content: `sha256:${'0'.repeat(64)}`,
  });
  const { report, flagged } = await judge(open('intents-test'), [open('intents'), open('held-back')]);
  const exact = flagged.flatMap(({ key, findings }) => findings.filter(({ kind }) => kind === 'exact-text').map(({ other }) => [key, other?.key]));
  expect(exact).toMatchInlineSnapshot(`
    [
      [
        "test-00555",
        "train-01723",
      ],
      [
        "test-00977",
        "train-03104",
      ],
      [
        "test-00978",
        "train-03117",
      ],
      [
        "test-01433",
        "train-04477",
      ],
      [
        "test-01475",
        "train-04577",
      ],
      [
        "test-02150",
        "train-06985",
      ],
    ]
  `);
  expect(report.numbers).toMatchObject({ 'exact-text': 6, 'normalised-text': 19 });
});
