import fc from 'fast-check';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { caseSetDigest, readAllCases, sortById, writeCases } from './cases.ts';
import type { CaseResult } from './schema.ts';

const folder = await mkdtemp(join(tmpdir(), 'plumb-cases-'));
afterAll(() => rm(folder, { recursive: true }));

const text = fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed());
const list = fc.uniqueArray(
  fc.record({ id: text, input: text, expected: text, got: text, score: fc.integer({ min: 0, max: 1_000_000 }).map((score) => score / 1e6) }),
  { selector: ({ id }) => id },
);

let files = 0;
function newFile(): string {
  files += 1;
  return join(folder, `cases-${files}.jsonl`);
}

test('what was written is read back, and the order of the cases changes no byte', async () => {
  await fc.assert(
    fc.asyncProperty(list, async (cases) => {
      const [one, other] = [newFile(), newFile()];
      await writeCases(one, sortById(cases));
      await writeCases(other, sortById(cases.toReversed()));
      expect(await readFile(one)).toEqual(await readFile(other));
      expect(await readAllCases(one)).toEqual(sortById(cases));
    }),
    { numRuns: 40 },
  );
});

const cases: CaseResult[] = [
  { id: 'a', input: 'Wo ist meine Karte?', expected: 'card_arrival', got: 'card_arrival', score: 0.912345 },
  { id: 'b', input: 'line\nbreak "quoted" ü \u2028', expected: 'x', got: 'y', score: 1 },
];

test('the bytes of cases.jsonl', async () => {
  const path = newFile();
  await writeCases(path, cases);
  expect(await readFile(path, 'utf8')).toBe(
    '{"expected":"card_arrival","got":"card_arrival","id":"a","input":"Wo ist meine Karte?","score":0.912345}\n' +
      '{"expected":"x","got":"y","id":"b","input":"line\\nbreak \\"quoted\\" ü \u2028","score":1}\n',
  );
});

test('more than one piece is written whole', async () => {
  const path = newFile();
  const many = Array.from({ length: 30_000 }, (_, at) => ({
    id: String(at).padStart(6, '0'),
    input: 'x'.repeat(60),
    expected: 'a',
    got: 'b',
    score: 0.5,
  }));
  await writeCases(path, many);
  expect(await readAllCases(path)).toEqual(many);
});

test('a file that is there is never overwritten', async () => {
  const path = newFile();
  await writeFile(path, 'kept');
  await expect(writeCases(path, cases)).rejects.toThrow('EEXIST');
  expect(await readFile(path, 'utf8')).toBe('kept');
});

test('cases out of order are a mistake of ours when written', async () => {
  await expect(writeCases(newFile(), cases.toReversed())).rejects.toThrow('not sorted');
  await expect(writeCases(newFile(), [cases[0] as CaseResult, cases[0] as CaseResult])).rejects.toThrow('not sorted');
});

test.for([
  ['{"id":"a"}\n', 'ROW_SYNTAX', 1],
  ['{"expected":"x","got":"x","id":"a","input":"t","score":0.5}\n{"expected":"x","got":"x","id":"b","input":"t","score":"0.5"}\n', 'ROW_SYNTAX', 2],
  ['{"expected":"x","got":"x","id":"b","input":"t","score":0.5}\n{"expected":"x","got":"x","id":"a","input":"t","score":0.5}\n', 'ROW_KEY', 2],
  ['{"expected":"x","got":"x","id":"a","input":"t","score":0.5}\n{"expected":"x","got":"x","id":"a","input":"t","score":0.5}\n', 'ROW_KEY', 2],
  ['{"expected":"x","got":"x","id":"a","input":"t","score":0.5}\n{"expec', 'ROW_SYNTAX', 2],
] as const)('a damaged file is refused by row: %j', async ([content, code, row]) => {
  const path = newFile();
  await writeFile(path, content);
  await expect(readAllCases(path, { name: 'cases.jsonl' })).rejects.toMatchObject({ code, where: { file: 'cases.jsonl', row } });
});

test('the name of a case set is its questions, not the answers that a model gave', () => {
  const digest = caseSetDigest(cases);
  expect(digest).toBe('sha256:fbfeb3aa3132be9d522fe904c253c36a67a972551c7bda94c0a59caa17ebdcdd');
  expect(caseSetDigest(cases.map((entry) => ({ ...entry, got: 'z', score: 0 })))).toBe(digest);
  for (const change of [{ id: 'aa' }, { input: 'other' }, { expected: 'z' }]) {
    expect(caseSetDigest(cases.map((entry, at) => (at === 0 ? { ...entry, ...change } : entry)))).not.toBe(digest);
  }
});
