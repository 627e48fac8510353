import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createProject, jsonl, quiet } from '../../datasets/project.fixture.ts';
import { openCheckedData } from '../checked-data.ts';
import { noMemory } from '../memory.ts';
import { ColumnCounter, type RowsCounts } from './column-counts.ts';
import { countColumns } from './count-columns.ts';
import { decodeCounts, encodeCounts } from './counts-file.ts';
import { NumberBag } from './number-bag.ts';
import { countNumbers } from './statistics/counts.ts';
import { mostValues } from './text-bag.ts';

type Row = Record<string, unknown>;

function counted(rows: readonly Row[], untyped = false): RowsCounts {
  const counter = new ColumnCounter({ columns: null, untyped });
  for (const row of rows) counter.add(row, 1);
  const counts = counter.counts();
  if (counts === null) throw new Error('rows that were only added make counts');
  return counts;
}

const cell = fc.oneof(
  fc.constantFrom(null, '', 0, -0, true, false, 'a', 'b c', 'b c d'),
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('x'.repeat(300), `${'long words '.repeat(40)}end`, '\0mark', [1], { a: 1 }, '👩‍💻 ok', '\ud800'),
);
const row = fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'constructor'), cell, { noNullPrototype: false });

test('taking rows out and putting others in leaves what a count of all would, byte by byte', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), fc.array(row, { maxLength: 30 }), fc.nat(30), (before, added, cut) => {
      const removed = before.slice(0, cut);
      const state = decodeCounts(encodeCounts(counted(before)));
      if (state === null) throw new Error('what was written is read');
      const counter = new ColumnCounter({ columns: null, untyped: false });
      counter.addAll(state);
      for (const one of removed) counter.add(one, -1);
      for (const one of added) counter.add(one, 1);
      const changed = counter.counts();
      expect(changed).not.toBeNull();
      if (changed !== null) expect(encodeCounts(changed).equals(encodeCounts(counted([...before.slice(cut), ...added])))).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('more different texts than are kept: distinct, lengths and words go on being exact, and fewer again is no guess', () => {
  const texts = Array.from({ length: mostValues + 20 }, (_, at) => ({ t: `text number ${at}` }));
  const many = counted(texts);
  expect(many.columns.get('t')?.texts.values).toBeNull();
  expect(many.columns.get('t')?.texts.digests.values.length).toBe(mostValues + 20);
  // nine known ones, and then too many: the same as all at once
  const counter = new ColumnCounter({ columns: null, untyped: false });
  counter.addAll(counted(texts.slice(0, 9)));
  for (const one of texts.slice(9)) counter.add(one, 1);
  const grown = counter.counts();
  expect(grown !== null && encodeCounts(grown).equals(encodeCounts(many))).toBe(true);
  const few = new ColumnCounter({ columns: null, untyped: false });
  few.addAll(many);
  for (const one of texts.slice(0, 10)) few.add(one, -1);
  expect(few.counts()?.columns.get('t')?.texts.words?.get('text')).toBe(mostValues + 10);
  for (const one of texts.slice(10, 30)) few.add(one, -1);
  expect(few.counts()).toBeNull();
});

test('what was not there cannot be taken out', () => {
  const counter = new ColumnCounter({ columns: null, untyped: false });
  counter.addAll(counted([{ a: 'x', n: 1 }]));
  counter.add({ a: 'y', n: 1 }, -1);
  expect(counter.counts()).toBeNull();
});

test('numbers in their hundreds of thousands are merged as they come', () => {
  const bag = new NumberBag();
  const values = Array.from({ length: 300_000 }, (_, at) => (at * 7919) % 200_003);
  for (const value of values) bag.add(value, 1);
  for (const value of values.slice(0, 100_000)) bag.add(value, -1);
  const [found, expected] = [bag.counts(), countNumbers(values.slice(100_000))];
  expect(found?.values.length).toBe(expected.values.length);
  expect(found?.values.every((value, at) => value === expected.values[at])).toBe(true);
  expect(found?.counts.every((count, at) => count === expected.counts[at])).toBe(true);
});

test('cells of a CSV are what they look like; 007 is a text', () => {
  const { columns } = counted([{ a: '1', b: 'true', c: '007', d: '1e999', e: '12345678901234567' }], true);
  expect([...columns].map(([name, { kinds }]) => [name, Object.entries(kinds).find(([, many]) => many > 0)?.[0]])).toEqual([
    ['a', 'number'],
    ['b', 'boolean'],
    ['c', 'text'],
    ['d', 'text'],
    ['e', 'text'],
  ]);
});

test('what was cut or changed is as good as not there', () => {
  const bytes = encodeCounts(counted([{ a: 1, b: 'x' }]));
  expect(decodeCounts(bytes)).not.toBeNull();
  for (const cut of [0, 5, 12, 30, bytes.length - 1]) expect(decodeCounts(bytes.subarray(0, cut))).toBeNull();
  expect(decodeCounts(Buffer.concat([bytes, Buffer.alloc(1)]))).toBeNull();
});

test('of a data set that is remembered only the rows that changed are read, with the same counts', async () => {
  const project = await createProject();
  const rows = Array.from({ length: 4000 }, (_, at) => ({
    id: `r${at}`,
    text: `question number ${at % 900}`,
    age: at % 70,
    label: at % 3 === 0 ? 'a' : 'b',
  }));
  const version = async (some: readonly object[]): Promise<Awaited<ReturnType<typeof openCheckedData>>> => {
    await project.write('data/topics.jsonl', jsonl(some));
    await project.add('data/topics.jsonl');
    return openCheckedData(await project.open(), 'topics', { cwd: project.root, ...quiet });
  };
  const first = await version(rows);
  expect((await countColumns(first.rows, null, first.world)).read).toBe(4000);
  expect((await countColumns(first.rows, null, first.world)).read).toBe(0);
  const edited = rows.map((one, at) => (at % 400 === 7 ? { ...one, text: 'another question', age: null } : one)).slice(3);
  const next = await version([...edited, { id: 'new', text: 'one more', age: 3, label: 'c' }]);
  const counts = await countColumns(next.rows, null, next.world);
  expect(counts.read).toBeGreaterThan(0);
  expect(counts.read).toBeLessThan(40);
  const full = await countColumns(next.rows, null, { ...next.world, memory: noMemory });
  expect(full.read).toBe(3998);
  expect(encodeCounts(counts.counts).equals(encodeCounts(full.counts))).toBe(true);
});
