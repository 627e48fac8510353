import { expect, test } from 'vitest';
import { count, counted, duration, percent, points, probability, signed, signedCount } from './figures.ts';

test('figures are the same words on every machine', () => {
  expect([count(0), count(999), count(10_003), count(1_234_567)]).toEqual(['0', '999', '10,003', '1,234,567']);
  expect([counted(1, 'case'), counted(2, 'class', 'classes')]).toEqual(['1 case', '2 classes']);
  expect([percent(0.9166), percent(1)]).toEqual(['91.66 %', '100.00 %']);
  expect([points(0.0045), points(-0.0045), points(-0.00001)]).toEqual(['+0.45', '−0.45', '±0.00']);
  expect([signed(0.25, 1), signedCount(-1200), signedCount(0)]).toEqual(['+0.3', '−1,200', '0']);
  expect([probability(0.0271), probability(0.0001), probability(1)]).toEqual(['p = 0.027', 'p < 0.001', 'p = 1.000']);
  expect([duration(0.31), duration(59.97), duration(125), duration(7384)]).toEqual(['0.3 s', '1 min 00 s', '2 min 05 s', '2 h 03 min']);
});
