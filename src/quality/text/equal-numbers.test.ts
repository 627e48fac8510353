import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EqualNumbers } from './equal-numbers.ts';
import { NumberFilter } from './number-filter.ts';

/** By a map. */
function equalOf(numbers: readonly number[]): number[][] {
  const places = new Map<number, number[]>();
  for (const [place, number] of numbers.entries()) places.set(number, [...(places.get(number) ?? []), place]);
  return [...places.values()].filter(({ length }) => length > 1);
}

const found = (equal: EqualNumbers, numbers: readonly number[]): number[][] => {
  equal.numbers.set(numbers);
  return Array.from(equal.search(), (places) => [...places]).toSorted(([a = 0], [b = 0]) => a - b);
};

test('equal numbers are found, and no others: few of many, many of few, of any bits', () => {
  const number = fc.oneof(
    fc.nat(0xffffffff),
    fc.nat(20),
    fc.nat(20).map((one) => one * 0x08000000),
  );
  const lists = fc.nat(300).chain((length) => fc.array(fc.array(number, { minLength: length, maxLength: length }), { minLength: 1, maxLength: 3 }));
  fc.assert(
    fc.property(lists, (several) => {
      const equal = new EqualNumbers(several[0]?.length ?? 0);
      for (const numbers of several) expect(found(equal, numbers)).toEqual(equalOf(numbers));
    }),
  );
});

test('a list of many parts; one that is one number', () => {
  const count = 50_000;
  const spread = Array.from({ length: count }, (_, at) => Math.imul(at % 30_000, 0x9e3779b1) >>> 0);
  const equal = new EqualNumbers(count);
  expect(found(equal, spread)).toEqual(Array.from({ length: 20_000 }, (_, at) => [at, at + 30_000]));
  expect(found(equal, spread.fill(7))).toEqual([Array.from({ length: count }, (_, at) => at)]);
});

test('a filter knows what was added, and little else', () => {
  const filter = new NumberFilter(1000);
  const numbers = Array.from({ length: 100_000 }, (_, at) => Math.imul(at + 1, 0x85ebca6b) >>> 0);
  for (const number of numbers.slice(0, 1000)) filter.add(number);
  expect(numbers.slice(0, 1000).every((number) => filter.mayHave(number))).toBe(true);
  expect(numbers.slice(1000).filter((number) => filter.mayHave(number)).length).toBeLessThan(5000);
});
