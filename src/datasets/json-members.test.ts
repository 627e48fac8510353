import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyThatStandsTwice, traitOf } from './json-members.ts';

const trait = (text: string): ReturnType<typeof traitOf> => traitOf(text, JSON.parse(text) as Record<string, unknown>);

test.each([
  ['{"a":"x","a":"y"}', 'a'],
  ['{"a": "x", "b": 1, "a": "x"}', 'a'],
  ['{"b":{"c":[{"d":1,"d":2}]}}', 'd'],
  ['{"\\u0061":"ada@example.com","a":"y"}', 'a'],
  ['{"a":"x\\"","a" : "y"}', 'a'],
  ['{"n":1000000000,"n":1e9}', 'n'],
  ['{"a":"","a":"","b":""}', 'a'],
  ['{"":1,"":2}', ''],
  ['{"__proto__":1,"__proto__":2}', '__proto__'],
  // lengths that fit: the text that stays is as long as what is skipped, and signs stand where the walk looks for them
  ['{"a":"1","a":"1234567"}', 'a'],
  ['{"a":"x","b":"y","a":"z"}', 'a'],
  ['{"a":",","a":":"}', 'a'],
  ['{",":",",",":"x"}', ','],
  ['{"1":"a","0":"b","1":"c"}', '1'],
])('%s has a key twice', (text, key) => {
  expect(trait(text)).toBe('key-twice');
  expect(keyThatStandsTwice(text)).toBe(key);
});

test('whatever is in an object, and however it is written: a key twice is found, and nothing else is', () => {
  // V8 13.6 may take a key that is escaped for another one that it met before (`"\\""` for `\\`): such an object hides nothing and has other keys
  const named = fc.string({ maxLength: 4 }).filter((name) => !/["\\]/.test(name));
  const key = fc.oneof(fc.constantFrom('a', 'b', 'id', '0', '1', ',', ':', ' ', '', 'é', '__proto__'), named);
  const leaf = fc.oneof(
    fc.constantFrom('', ',', '":"', '","a":"', '\\', '\\"', '}', '{"a":1,"a":2}', '1e9'),
    fc.string(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
  );
  const { members } = fc.letrec<{ value: unknown; members: [string, unknown][] }>((tie) => ({
    value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, fc.array(tie('value'), { maxLength: 3 }), tie('members')),
    members: fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }),
  }));
  // a list of pairs is an object here: only so can it have a key twice
  const isMembers = (value: unknown): value is [string, unknown][] =>
    Array.isArray(value) && value.length > 0 && value.every((one) => Array.isArray(one) && one.length === 2 && typeof one[0] === 'string');
  const write = (value: unknown, gap: string): string => {
    if (isMembers(value)) return `{${value.map(([name, inner]) => `${JSON.stringify(name)}:${gap}${write(inner, gap)}`).join(`,${gap}`)}}`;
    return Array.isArray(value) ? `[${value.map((inner) => write(inner, gap)).join(`,${gap}`)}]` : JSON.stringify(value);
  };
  const twice = (value: unknown): boolean =>
    isMembers(value)
      ? new Set(value.map(([name]) => name)).size < value.length || value.some(([, inner]) => twice(inner))
      : Array.isArray(value) && value.some(twice);
  let found = 0;
  fc.assert(
    fc.property(members, fc.constantFrom('', ' ', '  '), (object, gap) => {
      if (object.length === 0) return;
      const text = write(object, gap);
      expect([text, trait(text) === 'key-twice']).toEqual([text, twice(object)]);
      expect(keyThatStandsTwice(text) !== null).toBe(twice(object));
      if (twice(object)) found += 1;
    }),
    { numRuns: 3000, seed: 8 },
  );
  expect(found).toBeGreaterThan(100);
});

test('long numbers and depth are told as before', () => {
  expect(trait('{"a":9007199254740993}')).toBe('long-number');
  expect(trait('{"a":[{"b":-9007199254740993}]}')).toBe('long-number');
  expect(trait('{"a":1e3,"b":0.5,"c":[1,2]}')).toBe(null);
  expect(trait(`{"a":${'['.repeat(200)}${']'.repeat(200)}}`)).toBe('too-deep');
  expect(trait(`{"a":${'['.repeat(198)}${']'.repeat(198)}}`)).toBe(null);
});
