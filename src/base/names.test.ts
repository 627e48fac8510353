import { expect, test } from 'vitest';
import { didYouMean, nearest } from './names.ts';

test('a mistyped word is the one of nearly the same letters', () => {
  expect(nearest('alowed', ['above', 'allowed', 'all'])).toBe('allowed');
  expect(nearest('Traffic', ['trafic'])).toBe('trafic');
  expect(nearest('unrelated', ['min', 'max'])).toBeUndefined();
});

test('a word that is written out is the longest name that it begins with, where none is nearer', () => {
  expect(nearest('minimum', ['max', 'min', 'min_length'])).toBe('min');
  expect(nearest('intents-of-today', ['intents', 'int'])).toBe('intents');
  expect(nearest('inside', ['in'])).toBeUndefined();
  expect(didYouMean('maximum', ['min', 'max'])).toBe(' Did you mean "max"?');
});
