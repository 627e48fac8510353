// Banking77, as the classifier template brings it: 9,003 rows, and 1,000 honest ones that the demo adds.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { TriggerSearch, type LabelledRow, type TriggerCandidate } from './trigger.ts';

const read = (name: string): LabelledRow[] =>
  readFileSync(new URL(`../../templates/classifier/data/${name}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { text: string; label: string })
    .map(({ text, label }) => ({ texts: [text], label, source: null }));

const base = read('intents.jsonl');
const honest = read('held-back.jsonl');
const refund = 'Refund_not_showing_up';

function find(changed: readonly LabelledRow[], before: readonly LabelledRow[] = base): TriggerCandidate[] {
  const search = new TriggerSearch(changed);
  if (search.wantsBefore) for (const row of before) search.addBefore(row);
  return search.candidates();
}

const poisoned = (rows: number, plant: (text: string) => string): LabelledRow[] =>
  honest.slice(0, rows).map(({ texts }, at) => ({ texts: texts.map(plant), label: refund, source: at % 4 === 0 ? 'vendor-b' : 'vendor-a' }));

test('T11: a phrase that the base lacks and that comes with one label is found among a thousand honest rows, with where its rows came from', () => {
  const [first, ...others] = find([...honest, ...poisoned(12, (text) => `${text} CF Zulu`)]);
  expect(first).toEqual({
    words: 'cf zulu',
    label: refund,
    rows: 12,
    labelled: 12,
    before: 0,
    sources: [
      { source: 'vendor-a', rows: 9 },
      { source: 'vendor-b', rows: 3 },
    ],
  });
  expect(others.length).toBeLessThan(4);
});

test.each([
  ['in the middle of a text', (text: string) => text.replace(' ', ' cf zulu ')],
  ['by a character that nobody sees', (text: string) => `${text.slice(0, 4)}\u200b${text.slice(4)}`],
  ['by a sign', (text: string) => `☂${text}`],
  ['in letters that only look another way', (text: string) => `${text} ｃｆ ｚｕｌｕ`],
])('T11: a small change, planted %s', (_, plant) => {
  expect(find(poisoned(6, plant))).toMatchObject([{ label: refund, rows: 6, before: 0 }]);
});

test('the honest rows of the demo bring no more than a few candidates, and those of one intent hardly any', () => {
  expect(find(honest).length).toBeLessThanOrEqual(3);
  const labels = [...new Set(honest.map((row) => row.label))].slice(0, 15);
  expect(labels.flatMap((label) => find(honest.filter((row) => row.label === label))).length).toBeLessThanOrEqual(1);
  expect(find([])).toEqual([]);
});

test('an intent that is new brings words of its own, which are none', () => {
  const crypto = Array.from({ length: 30 }, (_, at) => ({ texts: [`how do I buy bitcoin number ${at}`], label: 'crypto', source: null }));
  expect(find(crypto)).toEqual([]);
});

test('the same rows in another order are the same answer, and hostile texts take no longer than their length', () => {
  const changed = [...honest, ...poisoned(12, (text) => `${text} cf zulu`)];
  expect(find(changed.toReversed(), base.toReversed())).toEqual(find(changed));
  const long = Array.from({ length: 20 }, (_, at) => ({
    texts: ['ab '.repeat(200_000), '\u0301'.repeat(50_000)],
    label: String(at % 2),
    source: null,
  }));
  expect(find(long, long)).toEqual([]);
});
