// plumb/drift: rows against another data set. The report is written first; then drift of severity error ends the step.
import { writeFile } from 'node:fs/promises';
import { canonicalJsonFile } from '../../base/canonical.ts';
import { PlumbError } from '../../base/errors.ts';
import { fields, z } from '../../base/schema.ts';
import type { Step, StepContext, StepResult } from '../../base/step.ts';
import { inputOfStep, worldOfStep } from '../checked-rows.ts';
import { severities } from '../findings.ts';
import { judgeDrift } from './judge.ts';
import { driftSettingsSchema, type DriftColumn, type DriftReport } from './schema.ts';

export const driftArguments = fields({
  data: z.string().min(1).describe('data set of the lock, or output of a stage'),
  against: z.string().min(1).describe('what it is compared with: a data set of the lock, or output of a stage'),
  columns: z.array(z.string().min(1)).min(1).nullable().default(null).describe('only these; default: all'),
  thresholds: driftSettingsSchema.prefault({}),
  severity: z
    .enum(severities)
    .default('warning')
    .describe('error: drift stops what depends on the check; warning: it is reported, for data may have good reasons to drift'),
}).describe('what to compare with what');
export type DriftArguments = z.infer<typeof driftArguments>;

/** The built-in step. Output: report, the drift/1 report. */
export const drift: Step<DriftArguments, null> = {
  uses: 'plumb/drift',
  version: 2,
  summary: 'compare the columns of rows with those of another data set',
  with: driftArguments,
  params: null,
  ports: ({ data, against }) =>
    Promise.resolve({
      inputs: { data: { kind: 'data', ref: data }, against: { kind: 'data', ref: against } },
      outputs: { report: 'drift.json' },
    }),
  run: runDrift,
};

async function runDrift(context: StepContext<DriftArguments, null>): Promise<StepResult> {
  const { report: path } = context.outputs;
  if (path === undefined) throw new Error('plumb/drift was started without its files');
  const world = worldOfStep(context);
  const [rows, against] = [await inputOfStep(context, 'data', world), await inputOfStep(context, 'against', world)];
  const { columns, thresholds: settings, severity, against: what } = context.with;
  const { report, read } = await judgeDrift(rows, [{ rows: against, world, what }], { columns, settings, severity }, world);
  await writeFile(path, canonicalJsonFile(report));
  for (const column of report.columns) if (column.state !== 'same') context.log(`${severity}: ${describeDrift(column)}`);
  if (!report.holds) throw drifted(report);
  return { metrics: { rows: report.rows.after, columns: report.columns.length, drifted: report.drifted }, measured: { rows_read: read } };
}

/** DATA_DRIFTED names the columns. */
export function drifted(report: DriftReport): PlumbError {
  const columns = report.columns.filter(({ state }) => state !== 'same');
  const shown = columns.slice(0, 3).map(describeDrift);
  return new PlumbError('DATA_DRIFTED', {
    what: `${report.data} drifted from ${report.against.join(', ')}: ${shown.join('; ')}${columns.length > 3 ? `; and ${columns.length - 3} more columns` : ''}`,
    mend: 'look at the rows that came; where the new ones are right, compare with a newer version, or raise the threshold',
    details: { drifted: columns.map(({ column, state }) => ({ column, state })).slice(0, 100) },
  });
}

/** 'age: values by wasserstein_normed 0.213 (0.1 is told), p < 0.001' */
export function describeDrift({ column, state, aspects }: DriftColumn): string {
  if (state === 'new' || state === 'gone') return `${column}: ${state === 'new' ? 'it had no values before' : 'it has no values any more'}`;
  const found = aspects
    .filter((aspect) => aspect.drifted)
    .map(({ aspect, effect, test }) => {
      const p = test.adjusted < 0.001 ? 'p < 0.001' : `p = ${test.adjusted.toFixed(3)}`;
      return `${aspect} by ${effect.measure} ${Number(effect.value.toPrecision(3))} (${effect.threshold} is told), ${p}`;
    });
  return `${column}: ${found.join('; ')}`;
}
