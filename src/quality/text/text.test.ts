import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addGrams } from './grams.ts';
import { documentWords, jaccardOf, ShingleSets } from './jaccard.ts';
import { bandingFor, MinHash } from './min-hash.ts';
import { NumberList } from './number-list.ts';
import { TextReader } from './text-reader.ts';
import { foldText, isWord, tokensOf, wordsOf } from './words.ts';

const nameOf = (text: string): string => {
  const reader = new TextReader();
  reader.read({ parts: [text], tokens: null });
  const name = new Uint32Array(4);
  reader.name(name, 0);
  return name.join();
};

test('two texts have one name just when their words and signs are the same', () => {
  const piece = fc.constantFrom(
    'a',
    'B',
    'é',
    'e\u0301',
    '中',
    '文',
    ' ',
    '-',
    '£',
    '$',
    '%',
    '₂',
    '2',
    '\u00ad',
    '_',
    'ﬁ',
    '.',
    '\n',
    '😀',
    '’',
    '\u00a0',
    '…',
  );
  const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
  const normal = (one: string): string => tokensOf(foldText(one)).join(' ') || `\0${one.trim()}`;
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(nameOf(a) === nameOf(b)).toBe(normal(a) === normal(b));
      expect(wordsOf(a)).toEqual(tokensOf(foldText(a)).filter(isWord));
    }),
    { numRuns: 2000 },
  );
});

test('grams of what is read are those of its words, part by part', () => {
  const word = fc.constantFrom('a', 'bb', 'ccc', 'é');
  fc.assert(
    fc.property(fc.array(fc.array(word, { maxLength: 12 }), { maxLength: 3 }), fc.integer({ min: 1, max: 4 }), (parts, size) => {
      const grams = (texts: readonly string[], short: 'one' | 'none'): number[] => {
        const [reader, into] = [new TextReader(), new NumberList()];
        reader.read({ parts: texts, tokens: null });
        addGrams(reader, size, short, into);
        return [...into.values];
      };
      const whole = grams(
        parts.map((words) => words.join(' ')),
        'none',
      );
      const one = parts.flatMap((words) =>
        Array.from({ length: Math.max(0, words.length - size + 1) }, (_, at) => grams([words.slice(at, at + size).join('-')], 'none')[0]),
      );
      expect(whole).toEqual(one);
      const short = parts.filter((words) => words.length > 0 && words.length < size).length;
      expect(
        grams(
          parts.map((words) => words.join(' ')),
          'one',
        ),
      ).toHaveLength(whole.length + short);
    }),
  );
});

test('Jaccard by sets of runs of words', () => {
  const sets = new ShingleSets(2);
  const [a, b, none] = ['a b c d', 'A, b! c e', ''].map((text) => sets.setOf({ parts: [text], tokens: null })) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  expect(jaccardOf(a, b)).toBe(2 / 4);
  expect([jaccardOf(a, a), jaccardOf(none, none), jaccardOf(a, none)]).toEqual([1, 0, 0]);
  expect(documentWords({ parts: ['a b', 'c'], tokens: null })).toEqual([['a', 'b'], ['c']]);
});

test('bands find pairs as the formula says', () => {
  expect(bandingFor(0.8)).toEqual({ bands: 12, rows: 5 });
  expect(bandingFor(0.9).rows).toBeGreaterThan(bandingFor(0.5).rows);
  const signer = new MinHash({ bands: 12, rows: 5 });
  const found = (shared: number, alone: number): number => {
    let hits = 0;
    const trials = 400;
    for (let trial = 0; trial < trials; trial += 1) {
      const gram = (at: number): number => {
        const into = new NumberList();
        addGrams({ words: Int32Array.of(trial * 1000 + at), ends: [1] }, 1, 'none', into);
        return into.array[0] as number;
      };
      const both = Array.from({ length: shared }, (_, at) => gram(at));
      const keys = new Uint32Array(24);
      signer.sign(Uint32Array.from([...both, ...Array.from({ length: alone }, (_, at) => gram(300 + at))]), keys, 0);
      signer.sign(Uint32Array.from([...both, ...Array.from({ length: alone }, (_, at) => gram(600 + at))]), keys, 12);
      if (keys.subarray(0, 12).some((key, band) => key === keys[12 + band])) hits += 1;
    }
    return hits / trials;
  };
  // J = 0.8: 0.991; J = 0.5: 0.32; J = 0.2: 0.004
  expect(found(80, 10)).toBeGreaterThan(0.97);
  expect(found(50, 25)).toBeGreaterThan(0.2);
  expect(found(50, 25)).toBeLessThan(0.45);
  expect(found(20, 40)).toBeLessThan(0.03);
});
