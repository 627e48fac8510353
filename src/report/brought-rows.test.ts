import { expect, test } from 'vitest';
import type { FlaggedRow } from '../quality/findings.ts';
import { digestOf } from '../base/digest.ts';
import { broughtRows, withBrought } from './brought-rows.ts';
import { broughtInWords } from './findings-words.ts';
import type { FindingsPart } from './schema.ts';

type Finding = FlaggedRow['findings'][number];
const same = (row: number, data = 'train'): Finding => ({
  kind: 'exact-duplicate',
  severity: 'warning',
  column: 'text',
  message: `the same as row ${row}`,
  other: { data, row, key: `row ${row}` },
});
const mail: Finding = { kind: 'EMAIL_ADDRESS', severity: 'error', column: 'text', message: 'EMAIL_ADDRESS in text, 0 to 5' };

const lines = (rows: readonly (readonly [number, readonly Finding[]])[]): string =>
  rows.map(([row, findings]) => `${JSON.stringify({ row, key: `row ${row}`, digest: digestOf(String(row)), findings })}\n`).join('');

const part = (kinds: FindingsPart['kinds'], dataset = 'train'): FindingsPart => ({
  check: 'duplicates',
  dataset,
  state: 'holds',
  rows: 100,
  flagged: 3,
  kinds,
  notes: [],
});

const duplicates: FindingsPart['kinds'][number] = {
  kind: 'exact-duplicate',
  severity: 'warning',
  column: 'text',
  rows: 3,
  sample: [
    { key: 'row 4', message: 'the same as row 1', other: { data: 'train', key: 'row 1' } },
    { key: 'row 5', message: 'the same as row 2', other: { data: 'train', key: 'row 2' } },
    { key: 'row 99', message: 'the same as row 7', other: { data: 'train', key: 'row 7' } },
  ],
};
const flagged = lines([
  [4, [same(1)]],
  [5, [same(2)]],
  [99, [same(7)]],
]);

test('rows that a branch brings are counted apart, and stand first', () => {
  const [kind] = withBrought(part([duplicates]), flagged, new Map([['train', new Set([99])]])).kinds;
  expect(kind?.brought).toBe(1);
  expect(kind?.sample.map(({ key }) => key)).toEqual(['row 99', 'row 4', 'row 5']);
  expect(withBrought(part([duplicates]), flagged, new Map([['train', new Set()]])).kinds).toEqual([{ ...duplicates, brought: 0 }]);
});

test('so is a row of the main branch that is held against one that comes', () => {
  const [kind] = withBrought(part([duplicates]), flagged, new Map([['train', new Set([2])]])).kinds;
  expect(kind?.brought).toBe(1);
  expect(kind?.sample[0]?.key).toBe('row 5');
});

test('a row of which two things are found counts once; what another kind found is another', () => {
  const both = lines([[8, [mail, { ...mail, message: 'EMAIL_ADDRESS in text, 9 to 14' }, { ...mail, column: 'note' }]]]);
  const kinds = ['text', 'note'].map((column) => ({ kind: 'EMAIL_ADDRESS', severity: 'error' as const, column, rows: 1, sample: [] }));
  const told = withBrought(part(kinds), both, new Map([['train', new Set([8])]])).kinds;
  expect(told.map(({ brought, sample }) => [brought, sample.length])).toEqual([
    [1, 2],
    [1, 1],
  ]);
});

test('what is not known is not told', () => {
  const known = new Map([['train', new Set([99])]]);
  // rows that a stage made; rows held against such; a form of a later version; what is only counted
  expect(withBrought(part([duplicates], 'clean.data'), flagged, known)).toEqual(part([duplicates], 'clean.data'));
  expect(withBrought(part([duplicates]), lines([[99, [same(1, 'clean.data')]]]), known)).toEqual(part([duplicates]));
  expect(withBrought(part([duplicates]), '{"line":1}\n', known)).toEqual(part([duplicates]));
  expect(withBrought(part([duplicates]), 'no JSON', known)).toEqual(part([duplicates]));
  const counted = { ...duplicates, severity: 'info' as const };
  expect(withBrought(part([counted]), '', known).kinds).toEqual([counted]);
});

test('data sets of which all changes are listed, and in words', () => {
  const data = { before: null, after: null, rowsBefore: 0, rowsAfter: 0, added: 0, removed: 0, edited: 0, relabelled: 0, balance: [], schema: [] };
  const brought = broughtRows([
    { ...data, name: 'a', samples: [], brought: new Set([1]) },
    { ...data, name: 'b', samples: [] },
  ]);
  expect([...brought]).toEqual([['a', new Set([1])]]);
  expect([{ rows: 5 }, { rows: 5, brought: 0 }, { rows: 5, brought: 2 }, { rows: 5, brought: 5 }].map(broughtInWords)).toEqual([
    '',
    ', none new',
    ', 2 new',
    ', new',
  ]);
});
