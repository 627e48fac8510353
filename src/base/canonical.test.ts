import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byCodeUnit, canonicalJson, canonicalJsonFile, type Json } from './canonical.ts';

test('keys that look like numbers are sorted as text, as RFC 8785 has it', () => {
  expect(canonicalJson({ '9': 1, '10': { b: [], a: {} }, é: 'ü\n', a: [1e21, -0, 0.1, null, true] })).toBe(
    '{"10":{"a":{},"b":[]},"9":1,"a":[1e+21,0,0.1,null,true],"é":"ü\\n"}',
  );
  expect(canonicalJsonFile({ b: [1, { c: null }], a: [], d: {} })).toBe(
    '{\n  "a": [],\n  "b": [\n    1,\n    {\n      "c": null\n    }\n  ],\n  "d": {}\n}\n',
  );
});

test('what is left undefined is left out; what no reader agrees on is refused', () => {
  expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, '\ud800', { '\ud800': 1 }] as Json[])
    expect(() => canonicalJson(value)).toThrow('canonical JSON');
});

test('it reads back as the value, in one order, and people’s form is that of JSON.stringify', () => {
  const keys = fc.string({ unit: 'grapheme' }).filter((key) => key !== '__proto__');
  const values = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.string({ unit: 'grapheme' }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value')),
      fc.dictionary(keys, tie('value'), { noNullPrototype: true }),
    ),
  })).value as fc.Arbitrary<Json>;
  fc.assert(
    fc.property(values, (value) => {
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(value);
      expect(canonicalJson(JSON.parse(text) as Json)).toBe(text);
      const names = [...text.matchAll(/"[^"\\]*":/g)];
      if (names.length === 0) expect(text).toBe(JSON.stringify(value));
      expect(JSON.parse(canonicalJsonFile(value))).toEqual(value);
    }),
  );
  expect(['b', 'a', 'B'].toSorted(byCodeUnit)).toEqual(['B', 'a', 'b']);
});
