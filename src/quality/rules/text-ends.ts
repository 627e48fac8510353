// `min: zero` of a column of numbers: a text that is an end orders texts, and in a CSV every cell is one, so that nobody would hear of it.
import { PlumbError } from '../../base/errors.ts';
import type { RowSource } from '../../datasets/row-source.ts';
import { readRowBatches } from '../../datasets/rows.ts';
import type { Checks } from './checks.ts';
import { cell, isMissing, numberOfText } from './values.ts';

interface TextEnd {
  readonly column: string;
  readonly end: string;
  readonly check: string;
  readonly rule: number;
}

/** Values that are looked at of a column before it is one of numbers. */
const mostSeen = 1000;

/**
 * What a column holds its first rows say.
 * @throws PlumbError CONFIG_INVALID: the end of a range is a word, and the column holds numbers
 */
export async function requireOrder(
  checks: Checks,
  { source, file, signal }: { readonly source: RowSource; readonly file: string; readonly signal: AbortSignal },
): Promise<void> {
  const ends = source.format === 'csv' ? textEnds(checks) : [];
  if (ends.length === 0) return;
  const numbers = new Set(ends.map(({ column }) => column));
  const seen = new Set<string>();
  let left = mostSeen;
  rows: for await (const batch of readRowBatches(source.path, source.format, { name: source.name, signal })) {
    for (const { value } of batch) {
      for (const column of numbers) {
        const found = cell(value, column);
        if (isMissing(found)) continue;
        seen.add(column);
        if (typeof found !== 'string' || numberOfText(found) === null) numbers.delete(column);
      }
      left -= 1;
      if (left === 0 || numbers.size === 0) break rows;
    }
  }
  const wrong = ends.find(({ column }) => numbers.has(column) && seen.has(column));
  if (wrong === undefined) return;
  throw new PlumbError('CONFIG_INVALID', {
    what: `"${wrong.column}" holds numbers, and ${wrong.check} is ${JSON.stringify(wrong.end.slice(0, 80))}`,
    where: { file, path: `rules.${wrong.rule - 1}.${wrong.check}` },
    mend: `write a number: ${wrong.check}: 0`,
  });
}

/** Ends that are texts and that no number is written as. */
function textEnds({ checks, rows }: Checks): TextEnd[] {
  return checks.flatMap((check) => {
    if (check.kind !== 'row') return [];
    const { test, columns } = rows[check.row] as Checks['rows'][number];
    const { rule, check: name } = check.about;
    return test.kind === 'end' && typeof test.end === 'string' && numberOfText(test.end) === null
      ? columns.map((column) => ({ column, end: test.end as string, check: name, rule }))
      : [];
  });
}
