import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf } from '../base/digest.ts';
import type { Question } from './cases.ts';
import { readQuestions, type SuiteRow } from './questions.ts';
import { type Suite, suiteSchema } from './schema.ts';

const source = { suite: 'evals/intents.yaml', data: 'split.test' };

function suiteOf(columns: Partial<Suite> = {}): Suite {
  return suiteSchema.parse({ version: 1, data: 'split.test', ...columns });
}

function questionsOf(values: readonly Record<string, unknown>[], suite: Suite = suiteOf()): Promise<Question[]> {
  const rows: SuiteRow[] = values.map((value, at) => ({ row: at + 1, value }));
  return readQuestions(rows, suite, source);
}

test('a case has the name that its row has, and cases are sorted by it', async () => {
  const rows = [
    { id: 'b', text: 'second', label: 'x' },
    { id: 10, text: 'ten', label: true },
    { id: 'a', text: '', label: 7 },
  ];
  expect(await questionsOf(rows, suiteOf({ id: 'id' }))).toEqual([
    { id: '10', input: 'ten', expected: 'true' },
    { id: 'a', input: '', expected: '7' },
    { id: 'b', input: 'second', expected: 'x' },
  ]);
});

test('without an id column a case is named by its input, and repeats are numbered by their answers', async () => {
  const name = digestOf('twice');
  const found = await questionsOf([
    { text: 'twice', label: 'b' },
    { text: 'once', label: 'a' },
    { text: 'twice', label: 'a' },
    { text: 'twice', label: 'b' },
  ]);
  expect(found).toHaveLength(4);
  expect(found).toContainEqual({ id: digestOf('once'), input: 'once', expected: 'a' });
  expect(found.filter(({ input }) => input === 'twice')).toEqual([
    { id: name, input: 'twice', expected: 'a' },
    { id: `${name}#2`, input: 'twice', expected: 'b' },
    { id: `${name}#3`, input: 'twice', expected: 'b' },
  ]);
});

test('the order of the rows changes nothing', async () => {
  const row = fc.record({ text: fc.constantFrom('a', 'b', 'c', 'd'), label: fc.constantFrom('x', 'y', 'z') });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1 }), async (rows) => {
      const found = await questionsOf(rows);
      expect(await questionsOf(rows.toReversed())).toEqual(found);
      expect(new Set(found.map(({ id }) => id)).size).toBe(rows.length);
    }),
  );
});

test('other columns are asked when the suite says so', async () => {
  const suite = suiteOf({ input: 'question', expected: 'intent' });
  expect(await questionsOf([{ question: 'where?', intent: 'place', text: 'no', label: 'no' }], suite)).toEqual([
    { id: digestOf('where?'), input: 'where?', expected: 'place' },
  ]);
});

test('a lone surrogate is written as the model reads it', async () => {
  expect(await questionsOf([{ text: 'a\ud800b', label: 'x\ud800' }])).toEqual([{ id: digestOf('a\ufffdb'), input: 'a\ufffdb', expected: 'x\ufffd' }]);
});

const good = { id: 'a', text: 'hello', label: 'x' };

test.for<[Record<string, unknown>, string, string, RegExp]>([
  [{ id: 'b', txt: 'hello', label: 'x' }, 'SUITE_DATA', 'text', /row 2 of split.test has no "text", which evals\/intents.yaml names as input/],
  [{ id: 'b', text: null, label: 'x' }, 'SUITE_DATA', 'text', /has no "text"/],
  [{ id: 'b', text: 12, label: 'x' }, 'SUITE_DATA', 'text', /has 12 where "text" should be text/],
  [{ id: 'b', text: ['a'], label: 'x' }, 'SUITE_DATA', 'text', /has \["a"\] where/],
  [{ id: 'b', text: 'hello' }, 'SUITE_DATA', 'label', /has no "label"/],
  [{ id: 'b', text: 'hello', label: '' }, 'SUITE_DATA', 'label', /has "" where "label" should be a label/],
  [{ id: 'b', text: 'hello', label: { a: 1 } }, 'SUITE_DATA', 'label', /should be a label/],
  [{ id: 'b', text: 'hello', label: 0.5 }, 'SUITE_DATA', 'label', /has 0.5 where/],
  [{ id: '\ud800', text: 'hello', label: 'x' }, 'ROW_KEY', 'id', /should be an id/],
  [{ text: 'hello', label: 'x' }, 'ROW_KEY', 'id', /has no "id"/],
  [{ id: '', text: 'hello', label: 'x' }, 'ROW_KEY', 'id', /should be an id/],
  [{ id: 'a', text: 'hello', label: 'x' }, 'ROW_KEY', 'id', /has the id "a" of row 1/],
])('a row that cannot be asked is named: %j', async ([row, code, path, message]) => {
  const refused = questionsOf([good, row], suiteOf({ id: 'id' }));
  await expect(refused).rejects.toMatchObject({ code, where: { file: 'split.test', row: 2, path } });
  await expect(refused).rejects.toThrow(message);
});

test('a mistyped column gets the nearest one', async () => {
  await expect(questionsOf([{ txt: 'hello', label: 'x' }])).rejects.toMatchObject({ mend: 'the row has "txt", "label". Did you mean "txt"?' });
});

test('columns that every object inherits are no columns', async () => {
  await expect(questionsOf([{ text: 'a', label: 'x' }], suiteOf({ input: 'constructor' }))).rejects.toMatchObject({ code: 'SUITE_DATA' });
});

test('no rows are an error', async () => {
  await expect(questionsOf([])).rejects.toMatchObject({ code: 'DATASET_EMPTY', where: { file: 'evals/intents.yaml' } });
});
