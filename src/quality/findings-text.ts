// A report of findings in a few lines.
import type { FindingsReport } from './findings.ts';

/** 'error: exact-duplicate: 4 rows: row 7: the same as row 2; ...', a line a kind, worst first. */
export function describeFindings({ kinds }: FindingsReport, shown: number): string[] {
  return kinds.map(({ kind, severity, rows, sample }) => {
    const some = sample.slice(0, shown).map(({ key, message }) => `${key}: ${message}`);
    return `${severity}: ${kind}: ${rows} ${rows === 1 ? 'row' : 'rows'}: ${some.join('; ')}${rows > some.length ? '; ...' : ''}`;
  });
}
