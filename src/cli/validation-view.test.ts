import { expect, test } from 'vitest';
import type { Validation } from '../quality/rules/report.ts';
import { renderValidation } from './validation-view.ts';

const plain = (text: string): string => text;
const paint = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain };

/** One rule that so many rows break; a report holds the first ten. */
function brokenBy(failing: number): Validation {
  const sample = Array.from({ length: Math.min(failing, 10) }, (_, at) => ({ row: at + 1, key: `k${at + 1}`, value: '-1' }));
  const result = { rule: 1, column: 'price', check: 'min', expected: 'is at least 0', severity: 'error' as const, holds: failing === 0 };
  return {
    plumbline: 'validation/1',
    rows: 100,
    holds: failing === 0,
    errors: failing === 0 ? 0 : 1,
    warnings: 0,
    results: [{ ...result, checked: 100, failing, keys: sample.map(({ key }) => key), sample }],
  };
}

const shown = (failing: number, limit: number): string => renderValidation({ data: 'orders', rules: 'rules.yaml' }, brokenBy(failing), limit, paint);

test('rows that are not shown are counted, whatever the limit', () => {
  expect(shown(11, 3)).toMatch(/row 3 \(k3\): -1\n {4}and 8 more$/);
  expect(shown(11, 100)).toMatch(/row 10 \(k10\): -1\n {4}and 1 more; --out FILE writes all$/);
  expect(shown(10, 100)).toMatch(/row 10 \(k10\): -1$/);
  expect(shown(11, 0)).toMatch(/: 11 of 100 rows$/);
});

test('one is one', () => {
  expect(shown(0, 3)).toBe('orders by rules.yaml: holds, 100 rows, 1 check, 0 broken');
});
