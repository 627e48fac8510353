import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exp, log } from './arithmetic.ts';

function ulpsApart(a: number, b: number): bigint {
  const bits = new BigInt64Array(Float64Array.of(a, b).buffer);
  const apart = (bits[0] as bigint) - (bits[1] as bigint);
  return apart < 0n ? -apart : apart;
}

test('exp and log are within one unit in the last place of the engine', () => {
  const check = (ours: (x: number) => number, engines: (x: number) => number, min: number, max: number): void => {
    const near = (x: number): boolean => ulpsApart(ours(x), engines(x)) <= 1n;
    fc.assert(fc.property(fc.double({ min, max, noNaN: true }), near), { numRuns: 5000 });
  };
  check(exp, Math.exp, -700, 700);
  check(exp, Math.exp, -2, 2);
  check(log, Math.log, 1e-300, 1e300);
  check(log, Math.log, 0.5, 2);
});

test('the edges are what they should be', () => {
  expect([exp(0), exp(-1000), log(1), log(2), exp(1)]).toEqual([1, 0, 0, 0.6931471805599453, 2.7182818284590455]);
  expect(() => log(0)).toThrow('out of range');
  expect(() => log(-1)).toThrow('out of range');
  expect(() => exp(710)).toThrow('out of range');
});
