import { expect, test } from 'vitest';
import { renderDataCard, type CardFacts } from './data-card.ts';

const facts: CardFacts = {
  name: 'intents',
  entry: {
    path: 'data/intents.jsonl',
    format: 'jsonl',
    digest: `sha256:${'1'.repeat(64)}`,
    content: `sha256:${'2'.repeat(64)}`,
    source: { kind: 'files' },
    rows: 3,
    bytes: 90,
    schema: { id: 'string', text: 'string', label: 'string?' },
    key: 'id',
    label: 'label',
  },
  labels: [['card', 3]],
  provenance: null,
  checks: [],
  splits: [],
  versions: [],
};
const known: CardFacts = { ...facts, provenance: { rows: 3, sources: [['helpdesk', 3]], licences: [['CC-BY-4.0', 3]], reviews: [] } };
const card = (of: CardFacts, old: string | null): string => renderDataCard(of, old, 'cards/intents.md');

test.each([facts, known])('a card made anew from itself is the same bytes, the first one, too', (of) => {
  const first = card(of, null);
  expect(first).toContain('size_categories:\n  - n<1K\n');
  expect(card(of, first)).toBe(first);
});

test('what people wrote stays where it stands, and what is computed follows the data', () => {
  const before = '---\nlanguage: en # of the customers\nsize_categories: [10K<n<100K]\npretty_name: Questions\n---\n<!-- about: yours -->\nno\n';
  const made = card(facts, before);
  expect(made).toMatch(/^---\nlanguage: en # of the customers\nsize_categories:\n {2}- n<1K\npretty_name: Questions\ntask_categories:/);
  expect(card(facts, made)).toBe(made);
  const told = card(known, made.replace(/nobody has written it yet\./, 'bank customers ask.'));
  expect(told).toContain('\nlicense: cc-by-4.0\n');
  expect(told).toContain('bank customers ask.');
  expect(card(known, told)).toBe(told);
});

test('features that can no longer be told go', () => {
  const made = card(facts, null);
  expect(made).toContain('  features:');
  const lists = card({ ...facts, entry: { ...facts.entry, schema: { id: 'string', tags: 'list' } } }, made);
  expect(lists).not.toContain('features:');
});
