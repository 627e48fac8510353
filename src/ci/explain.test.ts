import { expect, test } from 'vitest';
import { explainCase, findCase } from './explain.ts';

const head = 'a'.repeat(40);
const one = { id: 'test-1', input: 'Where is my card? Write to ada@example.org', expected: 'card_arrival', got: 'lost_card', score: 0.8125 };
const data = [
  {
    name: 'intents',
    before: null,
    after: null,
    rowsBefore: 2,
    rowsAfter: 1,
    added: 0,
    removed: 1,
    edited: 0,
    relabelled: 0,
    balance: [
      { label: 'card_arrival', before: 120, after: 98 },
      { label: 'age_limit', before: 1, after: 2 },
    ],
    schema: [],
    samples: [],
  },
];

test('a case: what each model says, how sure it is, and what its labels were taught', () => {
  const other = { what: 'production', result: { ...one, got: 'card_arrival', score: 0.6 } };
  expect(explainCase({ wanted: 'test-1', head, candidate: one, other, data })).toBe(
    [
      'Case `test-1`: `Where is my card? Write to [e-mail]`',
      '',
      '| | label | sure |',
      '| --- | --- | ---: |',
      '| the answer of the suite | `card_arrival` | |',
      '| this commit, `aaaaaaaaaaaa` | `lost_card` (wrong) | 81.25 % |',
      '| production | `card_arrival` | 60.00 % |',
      '',
      '- `intents`: 120 rows labelled `card_arrival` before, 98 now',
      '',
    ].join('\n'),
  );
});

test('a case that is not there, a model that was not asked, labels whose rows did not change', () => {
  expect(explainCase({ wanted: '@octocat `x`', head, candidate: null, other: null, data })).toContain('There is no case `@octocat ˋxˋ`');
  const text = explainCase({ wanted: 'test-1', head, candidate: one, other: { what: 'production', result: null }, data: [] });
  expect(text).toContain('*was not asked this case*');
  expect(text).toContain('no data set changed');
});

test('a case is found by its id, and by its whole text', () => {
  expect(findCase([one], ' test-1 ')).toBe(one);
  expect(findCase([one], one.input)).toBe(one);
  expect(findCase([one], 'Where is my card?')).toBeNull();
});

test('T21: a label is text of a row, too: personal data in it is masked', () => {
  const label = 'write to ada@example.org';
  const balanced = data.map((set) => ({ ...set, balance: [{ label, before: 1, after: 2 }] }));
  const text = explainCase({ wanted: 'test-1', head, candidate: { ...one, expected: label, got: label }, other: null, data: balanced });
  expect(text).toContain('rows labelled `write to [e-mail]`');
  expect(text).not.toContain('ada@example.org');
});
