import { expect, test } from 'vitest';
import type { FindingsReport } from '../quality/findings.ts';
import { FindingsTally } from '../quality/findings-tally.ts';
import { renderFindings } from './findings-view.ts';

const plain = (text: string): string => text;
const paint = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain };

/** Each entry: a row and the columns in which it is flagged. */
function reportOf(found: readonly (readonly [row: number, columns: readonly string[]])[]): FindingsReport {
  const tally = new FindingsTally();
  for (const [row, columns] of found)
    tally.add({
      row,
      key: `row ${row}`,
      digest: `sha256:${'0'.repeat(64)}`,
      findings: columns.map((column) => ({ kind: 'URL', severity: 'error' as const, column, message: `URL in ${column}` })),
    });
  return tally.report({ check: 'pii', data: 'mails', rows: 100, notes: [], settings: {}, numbers: {} });
}

const rows = (count: number): [number, string[]][] => Array.from({ length: count }, (_, at) => [at + 1, ['text']]);

test('what is not shown is counted, whatever the limit: a report holds ten rows of a kind', () => {
  const report = reportOf(rows(29));
  expect(renderFindings(report, 5, paint)).toMatch(/and 24 more rows$/);
  expect(renderFindings(report, 100, paint)).toMatch(/and 19 more rows; --out FILE writes all$/);
  expect(renderFindings(reportOf(rows(10)), 100, paint)).not.toContain('more');
  expect(renderFindings(report, 0, paint)).not.toMatch(/more|row 1:/);
});

test('a row with many places is one row', () => {
  const report = reportOf([
    [1, Array<string>(8).fill('text')],
    [2, ['text']],
  ]);
  const text = renderFindings(report, 5, paint);
  expect(text).toContain('error URL: 2 rows');
  expect(text).toMatch(/and 1 more row$/);
  expect(renderFindings(reportOf([[1, Array<string>(8).fill('text')]]), 5, paint)).toMatch(/and 3 more places in them$/);
});

test('one kind in two columns is told apart', () => {
  const text = renderFindings(reportOf([[1, ['question', 'answer']]]), 5, paint);
  expect(text).toContain('error URL in question: 1 row');
  expect(text).toContain('error URL in answer: 1 row');
});
