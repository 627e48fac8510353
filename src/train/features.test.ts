import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { featureExtractor, type FeatureSpec, sparseRowsBuilder, type Vocabulary, vocabularyBuilder } from './features.ts';

const spec: FeatureSpec = { version: 1, words: { min: 1, max: 2 }, characters: { min: 3, max: 5 }, minDocuments: 2, maxLength: 10_000 };

interface Fixture {
  readonly rows: readonly { text: string; label: string }[];
  readonly words: readonly Record<string, number>[];
  readonly characters: readonly Record<string, number>[];
}
const fixture = JSON.parse(readFileSync(new URL('./train.fixture.json', import.meta.url), 'utf8')) as Fixture;

function vocabularyOf(texts: readonly string[], of: FeatureSpec = spec): Vocabulary {
  const builder = vocabularyBuilder(of);
  for (const text of texts) builder.add(text);
  return builder.build();
}

/** Features of a text by name. */
function named(text: string, vocabulary: Vocabulary, of: FeatureSpec = spec): { words: Record<string, number>; characters: Record<string, number> } {
  const vector = featureExtractor(of, vocabulary).extract(text);
  const result = { words: {} as Record<string, number>, characters: {} as Record<string, number> };
  for (let at = 0; at < vector.length; at += 1) {
    const id = vector.ids[at] as number;
    const isWord = id < vocabulary.words.length;
    const gram = (isWord ? vocabulary.words[id] : vocabulary.characters[id - vocabulary.words.length]) as string;
    result[isWord ? 'words' : 'characters'][gram] = vector.values[at] as number;
  }
  return result;
}

test('words and characters weigh what scikit-learn says', () => {
  const vocabulary = vocabularyOf(fixture.rows.map((row) => row.text));
  let compared = 0;
  for (const [at, row] of fixture.rows.entries()) {
    const ours = named(row.text, vocabulary);
    for (const block of ['words', 'characters'] as const) {
      const theirs = fixture[block][at] as Record<string, number>;
      expect(Object.keys(ours[block]).toSorted()).toEqual(Object.keys(theirs).toSorted());
      for (const [gram, value] of Object.entries(theirs)) {
        expect(ours[block][gram]).toBeCloseTo(value, 6);
        compared += 1;
      }
    }
  }
  expect(compared).toBeGreaterThan(300);
});

test('the vocabulary is sorted by code unit and does not depend on the order of the texts', () => {
  const texts = fixture.rows.map((row) => row.text);
  const vocabulary = vocabularyOf(texts);
  expect(vocabulary.words).toEqual([...vocabulary.words].toSorted());
  expect(vocabulary.characters).toEqual([...vocabulary.characters].toSorted());
  expect(vocabularyOf(texts.toReversed())).toEqual(vocabulary);
});

test('a text in another form of the same characters, or in capitals, gives the same features', () => {
  const vocabulary = vocabularyOf(['währung größer', 'währung größer']);
  const plain = named('währung größer', vocabulary);
  expect(Object.keys(plain.words)).toEqual(['währung', 'währung größer', 'größer']);
  expect(named('WA\u0308HRUNG Größer', vocabulary)).toEqual(plain);
  expect(named('ｗährung\u00a0\n größer', vocabulary)).toEqual(plain);
});

test('characters outside the basic plane are never cut in half, and lone surrogates do no harm', () => {
  const vocabulary = vocabularyOf(['💳💳💳 lost', '💳💳💳 lost', '\ud83d lost']);
  for (const gram of vocabulary.characters) expect(gram.isWellFormed()).toBe(true);
  expect(vocabulary.characters).toContain(' 💳💳💳 ');
});

test('each block has length 1, or is empty; every id is in the vocabulary and stands once', () => {
  const vocabulary = vocabularyOf(fixture.rows.map((row) => row.text));
  const extractor = featureExtractor(spec, vocabulary);
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'grapheme' }),
        fc.shuffledSubarray(fixture.rows.map((row) => row.text)).map((texts) => texts.join(' ')),
      ),
      (text) => {
        const { length, ids, values } = extractor.extract(text);
        const squares = [0, 0];
        for (let at = 0; at < length; at += 1) {
          const block = (ids[at] as number) < vocabulary.words.length ? 0 : 1;
          squares[block] = (squares[block] as number) + (values[at] as number) ** 2;
        }
        for (const sum of squares) expect(sum === 0 || Math.abs(sum - 1) < 1e-5).toBe(true);
        expect(new Set(ids.subarray(0, length)).size).toBe(length);
      },
    ),
  );
});

test('a long text is read up to the limit: a request cannot take minutes', () => {
  const short: FeatureSpec = { ...spec, maxLength: 12 };
  const vocabulary = vocabularyOf(['card arrived', 'card arrived'], short);
  expect(named(`card arrived${' lost'.repeat(1000)}`, vocabulary, short)).toEqual(named('card arrived', vocabulary, short));
});

test('rows keep their features, however many there are', () => {
  const vocabulary = vocabularyOf(fixture.rows.map((row) => row.text));
  const extractor = featureExtractor(spec, vocabulary);
  const builder = sparseRowsBuilder();
  for (let copy = 0; copy < 200; copy += 1) for (const row of fixture.rows) builder.add(extractor.extract(row.text));
  const rows = builder.build();
  expect(rows.offsets).toHaveLength(200 * fixture.rows.length + 1);
  const last = extractor.extract((fixture.rows.at(-1) as { text: string }).text);
  expect(rows.ids.slice(-last.length)).toEqual(last.ids.slice(0, last.length));
  expect(rows.values.slice(-last.length)).toEqual(last.values.slice(0, last.length));
});
