// Rows that a Spark sees against a rules file: the same report as of rules/run.ts, by another engine.
import type { FlaggedRow } from '../findings.ts';
import { planChecks } from '../rules/plan.ts';
import { namedBy } from '../rules/checks.ts';
import { checksOf, resolveReferences, type ReferenceWorld } from '../rules/references.ts';
import type { Validation } from '../rules/report.ts';
import type { RulesFile } from '../rules/run.ts';
import { scoredColumns, withScores } from '../rules/scores.ts';
import { requireColumns } from '../rules/state.ts';
import { judgeState } from '../rules/verdict.ts';
import type { SparkAsking } from './plan.ts';
import { judgeBySpark, type SparkRunner } from './run.ts';

export interface SparkWorld {
  /** data that rules name: read on this machine */
  readonly references: ReferenceWorld;
  /** what freshness is measured from */
  readonly now: Date | null;
  readonly runner: SparkRunner;
}

/**
 * One job of Spark, and one before it where a rule asks for z-scores.
 * @param data as Spark opens them; key: the column that names a row where the rules name none
 * @param onFlagged as of runRules
 * @throws PlumbError CONFIG_INVALID for rules or data whose verdict would not be the same, DATASET_COLUMN for a column that no row has, SPARK_FAILED
 */
export async function runRulesOnSpark(
  { key, ...data }: Pick<SparkAsking, 'format' | 'paths'> & { readonly key?: string },
  { rules, file }: RulesFile,
  world: SparkWorld,
  onFlagged: ((row: FlaggedRow) => void) | null,
): Promise<Validation> {
  const untyped = data.format === 'csv';
  const planned = namedBy(planChecks(rules, file), key);
  const references = await resolveReferences(planned, file, world.references);
  const asking = { ...data, members: references.members, flagged: false };
  const scored = scoredColumns(planned);
  const bags = scored.length === 0 ? [] : (await judgeBySpark({ ...asking, checks: checksOf({ bags: scored }) }, world.runner, file)).state.bags;
  const checks = withScores(planned, bags, untyped);
  const found = await judgeBySpark({ ...asking, checks, flagged: onFlagged !== null }, world.runner, file);
  const { state } = found;
  if (state.rows > 0) requireColumns(checks, state.columns, file);
  return (await judgeState(checks, state, { references, untyped, now: world.now, look: (rows) => found.look(rows), onFlagged })).validation;
}
