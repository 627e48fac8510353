import { expect, test } from 'vitest';
import { harmless } from './harmless.ts';

test('colours and line ends stay; what moves a cursor, rings or turns text round goes', () => {
  expect(harmless('\u001b[31mred\u001b[39m\n\ttab', false)).toBe('\u001b[31mred\u001b[39m\n\ttab');
  expect(harmless('a\u001b[2Jb\u001b]0;title\u0007c\rd\u009b2Je\u202ef', false)).toBe('a[2Jb]0;titlecd2Jef');
});

test.each([
  ['::set-output name=a::b', ': :set-output name=a::b'],
  ['ok\n  ::error::x', 'ok\n  : :error::x'],
  ['noisy | ##[add-mask]a', 'noisy | # #[add-mask]a'],
  ['##vso[task.setvariable variable=a]b', '# #vso[task.setvariable variable=a]b'],
])('T5: %j gives a CI no command', (text, expected) => {
  expect(harmless(text, true)).toBe(expected);
  expect(harmless(text, false)).toBe(text);
});

test('what is no command stays as it is', () => {
  for (const text of ['a::b', '## heading', '# [link]', 'std::vector']) expect(harmless(text, true)).toBe(text);
});
