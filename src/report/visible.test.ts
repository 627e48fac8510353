import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cut, visible } from './visible.ts';

test('ordinary text stays as it is', () => {
  for (const text of ['Why was I charged £1.50 twice?', 'Füße, naïve, 漢字, हिन्दी, עברית, 👍🏽 🇩🇪', 'a_b|c`d<e>']) expect(visible(text)).toBe(text);
});

test('what cannot be seen is spelled out', () => {
  expect(visible('a\u200Bb')).toBe('a⟨U+200B⟩b');
  expect(visible('\u202Egnp.exe')).toBe('⟨U+202E⟩gnp.exe');
  expect(visible('\u001B[31mred')).toBe('⟨U+001B⟩[31mred');
  expect(visible('one\r\ntwo\nthree\tfour\u00A0five')).toBe('one⏎two⏎three four five');
  expect(visible('❤\uFE0F')).toBe('❤');
  expect(visible('\u{E0041}'.repeat(40))).toHaveLength(16 * '⟨U+E0041⟩'.length + 24);
});

test('no text keeps a control, a format character, a line end or a pile of marks', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(visible(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|\p{M}{5}/u);
    }),
    { numRuns: 2000 },
  );
});

test('a cut text is well formed and not longer than its limit', () => {
  expect(cut('👍👍👍', 4)).toBe('👍…');
  expect(cut('\uD800', 10)).toBe('\uFFFD');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 20 }), (text, limit) => {
      const short = cut(text, limit);
      expect(short.length).toBeLessThanOrEqual(limit);
      expect(short.isWellFormed()).toBe(true);
    }),
  );
});
