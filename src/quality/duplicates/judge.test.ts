import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { z } from '../../base/schema.ts';
import type { CheckedRows } from '../checked-rows.ts';
import type { CheckMemory } from '../memory.ts';
import { jaccardOf, ShingleSets } from '../text/jaccard.ts';
import { openVersions } from '../text/versions.fixture.ts';
import { judgeDuplicates, type Duplicates } from './judge.ts';
import { duplicateSettings } from './settings.ts';

const { versionOf, worldOf, newMemory, end } = await openVersions();
afterAll(end);

type Settings = z.input<typeof duplicateSettings>;

const judge = (rows: CheckedRows, settings: Settings = {}, memory?: CheckMemory): Promise<Duplicates> =>
  judgeDuplicates(rows, duplicateSettings.parse(settings), worldOf(memory));

const told = ({ report, flagged }: Duplicates): string => JSON.stringify([report, [...flagged()]]);
const kinds = ({ flagged }: Duplicates): unknown[] =>
  [...flagged()].map(({ row, findings }) => [row, ...findings.map(({ kind, other }) => [kind, other?.row])]);

const story = 'a man walks into a shop and asks for a loaf of bread that was baked this morning in the old oven behind the house';

test('exact, normalised and near duplicates, each with the row that it repeats', async () => {
  const rows = [story, `${story}\n`, story.toUpperCase().replaceAll(' ', ' -- '), story.replace('house', 'barn'), 'something else', '', '', null];
  const found = await judge(
    await versionOf(
      rows.map((text, at) => ({ id: `r${at + 1}`, text })),
      { key: 'id' },
    ),
  );
  expect(kinds(found)).toEqual([
    [2, ['exact-duplicate', 1]],
    [3, ['normalised-duplicate', 1]],
    [4, ['near-duplicate', 1]],
  ]);
  expect(found.report).toMatchObject({ holds: true, flagged: 3, numbers: { clusters: 1, kept: 5, exact: 1, normalised: 1, near: 1 } });
  const sets = new ShingleSets(5);
  const [a, b] = [story, rows[3] as string].map((text) => sets.setOf({ parts: [text], tokens: null })) as [Float64Array, Float64Array];
  expect([...found.flagged()][2]).toMatchObject({ key: 'r4', findings: [{ score: jaccardOf(a, b), other: { row: 1, key: 'r1' }, column: 'text' }] });
});

test('the same text with two labels is an error, nearly the same a warning', async () => {
  const rows = [story, story, story.replace('house', 'barn')].map((text, at) => ({ text, label: `l${at}` }));
  const found = await judge(await versionOf(rows, { label: 'label' }));
  expect(kinds(found)).toEqual([
    [2, ['exact-duplicate', 1], ['label-conflict', 1]],
    [3, ['near-duplicate', 1], ['near-label-conflict', 1]],
  ]);
  expect(found.report.holds).toBe(false);
});

test('signs that change what is said are told apart; scripts, widths and hidden characters are not', async () => {
  const texts = [
    'is there a £1 fee',
    'is there a €1 fee',
    'Is there a €1 fee?',
    'ｉｓ there a\u00ad €1 f\u200dee',
    '我喜歡你',
    '我喜歡你。',
    '!!!',
    '???',
    ' ??? ',
  ];
  expect(kinds(await judge(await versionOf(texts.map((text) => ({ text })))))).toEqual([
    [2, ['near-duplicate', 1]],
    [3, ['near-duplicate', 1]],
    [4, ['near-duplicate', 1]],
    [6, ['normalised-duplicate', 5]],
    [9, ['exact-duplicate', 8]],
  ]);
});

test('code whose names differ, and a line put in above; rows by their cells', async () => {
  const code = 'def area(width, height):\n    total = width * height\n    for step in range(total):\n        print(step, total)\n    return total\n';
  const renamed = code.replaceAll('width', 'w').replaceAll('height', 'h').replaceAll('total', 'size');
  const other =
    'class Reader:\n    def __init__(self, path):\n        self.path = path\n    def lines(self):\n        return open(self.path).readlines()\n';
  const snippets = [code, `${renamed}# said otherwise\n`, other].map((text) => ({ text }));
  expect(kinds(await judge(await versionOf(snippets), { as: 'code' }))).toEqual([[2, ['normalised-duplicate', 1]]]);
  const people = [
    { name: 'Ada', town: 'London', born: 1815, field: 'mathematics', died: 1852 },
    { name: 'ada', town: ' London', born: 1815, field: 'Mathematics', died: 1852 },
    { name: 'Ada', town: 'London', born: 1815, field: 'mathematics', died: null },
    { name: 'Grace', town: 'New York', born: 1906, field: 'mathematics', died: 1992 },
  ];
  expect(kinds(await judge(await versionOf(people), { as: 'rows' }))).toEqual([
    [2, ['normalised-duplicate', 1]],
    [3, ['near-duplicate', 1]],
  ]);
});

test('what is remembered changes nothing: after any edits the answer is that of a full run', async () => {
  const words = fc.array(fc.constantFrom('red', 'green', 'blue', 'one', 'two'), { minLength: 0, maxLength: 14 });
  const row = fc.record({ text: words.map((list) => list.join(' ')), label: fc.constantFrom('a', 'b') });
  const edit = fc.record({ at: fc.nat(80), take: fc.nat(3), put: fc.array(row, { maxLength: 3 }) });
  let remembered = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 20, maxLength: 80 }),
      fc.array(fc.array(edit, { maxLength: 4 }), { maxLength: 3 }),
      async (first, steps) => {
        const memory = newMemory();
        const settings: Settings = { columns: ['text'], shingle: 2, threshold: 0.6 };
        const rows = [...first];
        await judge(await versionOf(rows, { label: 'label' }), settings, memory);
        for (const edits of steps) {
          for (const { at, take, put } of edits) rows.splice(Math.min(at, rows.length), take, ...put);
          const version = await versionOf(rows.length === 0 ? first : rows, { label: 'label' });
          expect(told(await judge(version, settings, memory))).toBe(told(await judge(version, settings)));
        }
        remembered += memory.recalled();
      },
    ),
    { numRuns: 12 },
  );
  expect(remembered).toBeGreaterThan(5);
});

test('boilerplate that puts all rows into one bucket costs each row a few comparisons, not one a row', async () => {
  const boilerplate = Array.from({ length: 60 }, (_, at) => `word${at}`).join(' ');
  const count = 4000;
  const rows = Array.from({ length: count }, (_, at) => ({ text: at % 2 === 0 ? boilerplate : `${boilerplate} ${at}` }));
  const found = await judge(await versionOf(rows));
  expect(found.report.numbers).toMatchObject({ clusters: 1, kept: 1, exact: count / 2 - 1, near: count / 2 });
});

test('a row of ten megabytes; a text that is no Unicode is an error that says the row', async () => {
  const long = 'lorem ipsum dolor sit amet '.repeat(400_000);
  expect(kinds(await judge(await versionOf([{ text: long }, { text: `${long}!` }])))).toEqual([[2, ['normalised-duplicate', 1]]]);
  const broken = await versionOf([{ text: 'a' }, { text: 'half \ud800 a character' }]);
  await expect(judge(broken)).rejects.toMatchObject({ code: 'ROW_ENCODING', where: { row: 2 } });
});

test('a column that is not there is an error that names the nearest', async () => {
  const version = await versionOf([{ text: 'a', n: 1 }]);
  await expect(judge(version, { columns: ['txt'] })).rejects.toMatchObject({ code: 'DATASET_COLUMN', message: expect.stringContaining('"text"') });
  await expect(judge(await versionOf([{ n: 1 }]))).rejects.toMatchObject({ code: 'DATASET_COLUMN', mend: 'name columns: n' });
});

test('Banking77: four training texts stand there twice as they are', async () => {
  const files = ['intents', 'held-back'].map((name) =>
    readFileSync(new URL(`../../../templates/classifier/data/${name}.jsonl`, import.meta.url), 'utf8'),
  );
  const rows = files.flatMap((text) => text.trimEnd().split('\n')).map((line) => JSON.parse(line) as { id: string });
  const found = await judge(
    await versionOf(
      rows.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      { key: 'id', label: 'label' },
    ),
  );
  const exact = [...found.flagged()].filter(({ findings }) => findings[0]?.kind === 'exact-duplicate');
  expect(exact.map(({ key, findings }) => [key, findings[0]?.other?.key])).toMatchInlineSnapshot(`
    [
      [
        "train-01291",
        "train-01247",
      ],
      [
        "train-01725",
        "train-01711",
      ],
      [
        "train-04596",
        "train-04595",
      ],
      [
        "train-06966",
        "train-06911",
      ],
    ]
  `);
  expect(found.report.numbers).toMatchObject({ exact: 4, normalised: 24, conflicts: 1 });
});
