// Rows that somebody reads anyway against a rules file, one by one: what changed, large files and what is remembered are run.ts.
import { readRowBatches, type Row } from '../../datasets/rows.ts';
import type { CheckedRows } from '../checked-rows.ts';
import type { ValueIndex } from '../columns/value-index.ts';
import type { DataReference } from './bounds.ts';
import { checksOf, resolveReferences, type ReferenceWorld } from './references.ts';
import { judgeOfRows, type JudgedState } from './judge-rows.ts';
import { namedBy } from './checks.ts';
import { planChecks } from './plan.ts';
import type { Validation } from './report.ts';
import type { RulesFile } from './run.ts';
import { scoredColumns, withScores } from './scores.ts';
import { requireColumns } from './state.ts';
import { judgeState } from './verdict.ts';

export interface JudgedRows {
  /** rows in batches, in their order; read again where a verdict must show more of them than it saw */
  read(): AsyncIterable<readonly Row[]>;
  /** The format of the rows has no types (CSV): "12" is a number and "true" a boolean if a rule asks for one. */
  readonly untyped: boolean;
  /** column that names a row where the rules name none */
  readonly key?: string | undefined;
  readonly references: ReferenceWorld;
}

/**
 * @returns the report; a broken rule is a result, not an error
 * @throws PlumbError DATASET_COLUMN when a rule names a column that no row has
 */
export async function judgeRows({ rules, file }: RulesFile, rows: JudgedRows): Promise<Validation> {
  const planned = namedBy(planChecks(rules, file), rows.key);
  const { untyped } = rows;
  const references = await resolveReferences(planned, file, rows.references);
  const options = { untyped, members: references.members, digests: false };
  const scored = scoredColumns(planned);
  const bags = scored.length === 0 ? [] : (await stateOf(rows, checksOf({ bags: scored }), options)).bags;
  const checks = withScores(planned, bags, untyped);
  const state = await stateOf(rows, checks, options);
  if (state.rows > 0) requireColumns(checks, state.columns, file);
  const look = (numbers: readonly number[]): AsyncIterable<Row> => picked(rows.read(), new Set(numbers));
  return (await judgeState(checks, state, { references, untyped, now: null, look, onFlagged: null })).validation;
}

/** References read row by row. */
export function referencesByRows(openReference: (data: DataReference) => Promise<CheckedRows>, signal: AbortSignal): ReferenceWorld {
  const state: (...of: Parameters<ReferenceWorld['state']>) => Promise<JudgedState> = (checks, { source }) => {
    const untyped = source.format === 'csv';
    const read = (): AsyncIterable<readonly Row[]> => readRowBatches(source.path, source.format, { signal, name: source.name });
    return stateOf({ read }, checks, { untyped, members: new Map(), digests: false });
  };
  return { openReference, state, index: async (...of) => (await state(...of)).values[0] as ValueIndex };
}

async function stateOf(rows: Pick<JudgedRows, 'read'>, ...[checks, options]: Parameters<typeof judgeOfRows>): Promise<JudgedState> {
  const judge = judgeOfRows(checks, options);
  for await (const batch of rows.read()) for (const row of batch) judge.see(row);
  return judge.state();
}

async function* picked(batches: AsyncIterable<readonly Row[]>, numbers: Set<number>): AsyncGenerator<Row> {
  if (numbers.size === 0) return;
  for await (const batch of batches) {
    for (const row of batch) {
      if (!numbers.delete(row.row)) continue;
      yield row;
      if (numbers.size === 0) return;
    }
  }
}
