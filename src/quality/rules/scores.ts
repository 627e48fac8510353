// A z-score is a range once mean and deviation of its column are known: the column is read before the rows are judged.
import type { ColumnBag } from '../columns/column-bag.ts';
import type { Checks, Looked, RowCheck } from './checks.ts';
import { meanAndDeviation } from './statistics.ts';

/** Columns whose bags are wanted first, in the order in which `withScores` takes them. */
export function scoredColumns({ rows }: Checks): Looked[] {
  return rows.filter(isScored).map(({ columns, when }) => ({ columns, when, skip: 'any' }));
}

/** The same checks, with ranges. Fewer than two numbers have no deviation, and no value of them lies far off. */
export function withScores(checks: Checks, bags: readonly ColumnBag[], untyped: boolean): Checks {
  let next = 0;
  return {
    ...checks,
    rows: checks.rows.map((check) => {
      if (!isScored(check)) return check;
      const shape = meanAndDeviation(bags[next++] as ColumnBag, untyped);
      const { max, oneSided } = check.test;
      const [mean, reach] = shape === null ? [0, Number.MAX_VALUE] : [shape.mean, max * shape.deviation];
      return { ...check, test: { kind: 'between', least: oneSided ? -Number.MAX_VALUE : mean - reach, most: mean + reach } };
    }),
  };
}

type Scored = RowCheck & { readonly test: { readonly kind: 'z_score' } };

function isScored(check: RowCheck): check is Scored {
  return check.test.kind === 'z_score';
}
