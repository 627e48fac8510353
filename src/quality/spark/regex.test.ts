import { expect, test } from 'vitest';
import { NotOnSpark } from './refusal.ts';
import { javaRegex } from './regex.ts';
import { patternTest } from '../rules/pattern.ts';

test.each([
  ['^a$', '\\Aa\\z'],
  ['a.c', 'a[\\x{0}-\\x{9}\\x{b}-\\x{10ffff}]c'],
  ['(?s:.)', '[\\x{0}-\\x{10ffff}]'],
  ['\\d+[^x]?', '[0-9]+[\\x{0}-w\\x{79}-\\x{10ffff}]?'.replace('\\x{79}', 'y')],
  ['(ab|c){2,3}', '(ab|c){2,3}'],
  ['(?:a|b)*', '(?:a|b)*'],
  ['[[:digit:]_-]', '[\\x{2d}0-9\\x{5f}]'],
  ['\\x{1f600}\\.', '\\x{1f600}\\x{2e}'],
])('%s is %s for Java', (source, java) => {
  expect(javaRegex(source)).toBe(java);
});

test.each(['(a+)+', '(a|a)*b', '(a*)*', '(x+x+)+y', '(.*a){20}', '(a|b|ab)*c', '\\pL', '(?i)a', '(?m)^a', '\\Qa\\E'])(
  '%s is refused: Java reads it otherwise, or may take for ever',
  (source) => {
    expect(() => javaRegex(source)).toThrow(NotOnSpark);
  },
);

test('what is written for Java means the same in JavaScript, where the two agree', () => {
  const sources = ['^[a-z]+(-[a-z]+)*$', '\\bfoo\\b', '[^\\d\\s]', '^(0|[1-9]\\d{0,2})(\\.\\d+)?$', 'a{2,}b|c', '[\\]\\-^]', '^(?:a|bc)*$', '\\B-'];
  const texts = [
    '',
    'a',
    'abc',
    'a-b-c',
    'a-',
    'foo',
    'a foo.',
    'food',
    '12',
    '0.5',
    '007',
    'aab',
    ']',
    '^',
    'abcbca',
    'é',
    '\n',
    'x\n',
    '--',
    '\u{1f600}',
  ];
  for (const source of sources) {
    const java = new RegExp(javaRegex(source).replaceAll('\\A', '^').replaceAll('\\z', '$').replaceAll('\\x{', '\\u{'), 'u');
    for (const text of texts) expect([source, text, java.test(text)]).toEqual([source, text, patternTest(source)(text)]);
  }
});
