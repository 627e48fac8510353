// plumb/provenance: rows that lack what is required of their provenance stop what needs the stage. The outputs are written first.
import { writeFile } from 'node:fs/promises';
import { canonicalJsonFile } from '../../base/canonical.ts';
import type { Digest } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';
import { fields, z } from '../../base/schema.ts';
import type { Step, StepContext, StepInput, StepResult } from '../../base/step.ts';
import { inputOfStep, worldOfStep } from '../checked-rows.ts';
import type { FindingsReport } from '../findings.ts';
import { writeFlagged } from '../flagged-file.ts';
import { judgeProvenance, type ProvenanceVerdict } from './judge.ts';
import { LineageIndex } from './lineage-index.ts';
import { readLineage } from './lineage.ts';
import { requirements } from './schema.ts';
import { sidecarName } from './sidecar.ts';

const reference = z.string().min(1);

export const provenanceArguments = fields({
  data: reference.describe('data set of the lock, or output of a stage'),
  provenance: reference.optional().describe('data set of the sidecar; default: <data>.provenance'),
  lineage: z
    .array(reference)
    .default([])
    .describe('outputs `lineage` of the stages that rewrote the rows since the sidecar knew them: clean.lineage'),
  require: z.array(z.enum(requirements)).default(['source']).describe('what every row must have; of several sources, each'),
  licences: z.array(z.string().min(1)).min(1).optional().describe('SPDX expressions, one of which every source must have, as it is written'),
}).describe('which provenance rows must have');
export type ProvenanceArguments = z.infer<typeof provenanceArguments>;

/** The built-in step. Outputs: report (findings/1), flagged (flagged/1). */
export const provenance: Step<ProvenanceArguments, null> = {
  uses: 'plumb/provenance',
  version: 1,
  summary: 'judge where rows came from: rows without the provenance that is required stop what depends on it',
  with: provenanceArguments,
  params: null,
  ports: (args) => {
    const lineages = args.lineage.map((ref, at): [string, StepInput] => [`lineage_${at + 1}`, { kind: 'data', ref }]);
    return Promise.resolve({
      inputs: {
        data: { kind: 'data', ref: args.data },
        provenance: { kind: 'data', ref: args.provenance ?? sidecarName(args.data) },
        ...Object.fromEntries(lineages),
      },
      outputs: { report: 'provenance.json', flagged: 'flagged.jsonl' },
    });
  },
  run: runProvenance,
};

async function runProvenance(context: StepContext<ProvenanceArguments, null>): Promise<StepResult> {
  const { report, flagged } = context.outputs;
  if (report === undefined || flagged === undefined) throw new Error('plumb/provenance was started without its outputs');
  const verdict = await judgeStep(context);
  await writeFlagged(flagged, verdict.flagged);
  await writeFile(report, canonicalJsonFile(verdict.report));
  for (const line of describeLacking(verdict.report)) context.log(line);
  if (!verdict.report.holds) throw provenanceLacking(verdict.report);
  const { rows, numbers } = verdict.report;
  return { metrics: { rows, with_provenance: numbers['with_provenance'] ?? 0 }, measured: { rows_read: verdict.read } };
}

async function judgeStep(context: StepContext<ProvenanceArguments, null>): Promise<ProvenanceVerdict> {
  const { lineage, require: required, licences } = context.with;
  const world = worldOfStep(context);
  const index = new LineageIndex();
  const contents: Digest[] = [];
  for (const [at, ref] of lineage.entries()) {
    const name = `lineage_${at + 1}`;
    for await (const row of readLineage(context.inputs[name] ?? '', ref, { signal: context.signal })) index.add(row);
    const origin = context.origins[name];
    if (origin !== undefined) contents.push(origin.digest);
  }
  return judgeProvenance(
    {
      rows: await inputOfStep(context, 'data', world),
      sidecar: await inputOfStep(context, 'provenance', world),
      rules: { require: required, licences: licences ?? null },
      lineage: lineage.length === 0 ? null : { index, contents },
    },
    world,
  );
}

/** One line a kind: '12 of 900 rows: nobody accepted it in a review: a, b, c, ...' */
export function describeLacking({ rows, kinds }: FindingsReport): string[] {
  return kinds.map(({ rows: count, sample }) => {
    const keys = sample.slice(0, 3).map(({ key }) => key.slice(0, 80));
    const [first] = sample;
    return `${count} of ${rows} rows: ${first?.message ?? ''}: ${keys.join(', ')}${count > keys.length ? ', ...' : ''}`;
  });
}

export function provenanceLacking(report: FindingsReport): PlumbError {
  return new PlumbError('PROVENANCE_LACKING', {
    what: `${report.flagged} of ${report.rows} rows of ${report.data} lack what is required of their provenance: ${describeLacking(report).slice(0, 3).join('; ')}`,
    mend: 'record where they came from (`plumb provenance record`), have them reviewed (`plumb review`), or take them out',
    details: { kinds: report.kinds.map(({ kind, rows, sample }) => ({ kind, rows, keys: sample.map(({ key }) => key) })) },
  });
}
