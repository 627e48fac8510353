// The formats of Plumbline, each with the schema that is its single source.
import type { ZodType } from 'zod';
import { manifestSchema, lockSchema } from '../../src/datasets/schema.ts';
import { caseResultSchema, comparisonSchema, evaluationSchema, suiteSchema } from '../../src/evaluate/schema.ts';
import { checkpointSchema } from '../../src/pipeline/checkpoint-record.ts';
import { runRecordSchema } from '../../src/pipeline/run-record.ts';
import { pipelineSchema } from '../../src/pipeline/schema.ts';
import { projectConfigSchema } from '../../src/project/config.ts';
import { codeSchema } from '../../src/quality/code/config.ts';
import { piiSchema } from '../../src/quality/pii/config.ts';
import { waiversSchema } from '../../src/quality/waivers.ts';
import { findingsSchema, flaggedRowSchema } from '../../src/quality/findings.ts';
import { profileSchema } from '../../src/quality/profile/schema.ts';
import { lineageRowSchema } from '../../src/quality/provenance/lineage.ts';
import { provenanceRowSchema } from '../../src/quality/provenance/schema.ts';
import { driftSchema } from '../../src/quality/drift/schema.ts';
import { validationSchema } from '../../src/quality/rules/report.ts';
import { secretsSchema } from '../../src/quality/secrets/config.ts';
import { rulesSchema } from '../../src/quality/rules/schema.ts';
import { pointerSchema, policySchema, promotionSchema } from '../../src/registry/schema.ts';
import { reportSchema } from '../../src/report/schema.ts';
import { decisionSchema, queueHeaderSchema, queueRowSchema, reviewHeaderSchema } from '../../src/review/schema.ts';
import { predictAnswerSchema, predictRequestSchema } from '../../src/serve/request.ts';
import { curveSchema } from '../../src/train/schema.ts';

export interface Format {
  /** schemas/<name>.schema.json */
  readonly name: string;
  /** what the file is called in a project, or in the store */
  readonly file: string;
  readonly version: number;
  readonly schema: ZodType;
}

/** Files that people write. */
export const writtenByPeople: readonly Format[] = [
  { name: 'plumbline', file: 'plumbline.yaml', version: 1, schema: projectConfigSchema },
  { name: 'pipeline', file: 'pipeline.yaml', version: 1, schema: pipelineSchema },
  { name: 'rules', file: 'rules/*.yaml', version: 1, schema: rulesSchema },
  { name: 'pii', file: 'pii.yaml', version: 1, schema: piiSchema },
  { name: 'pii-waivers', file: 'pii-waivers.yaml', version: 1, schema: waiversSchema },
  { name: 'secrets', file: 'secrets.yaml', version: 1, schema: secretsSchema },
  { name: 'code', file: 'code.yaml', version: 1, schema: codeSchema },
  { name: 'suite', file: 'evals/*.yaml', version: 1, schema: suiteSchema },
  { name: 'policy', file: 'policy.yaml', version: 1, schema: policySchema },
];

/** Files and objects that Plumbline writes. */
export const writtenByPlumbline: readonly Format[] = [
  { name: 'datasets-lock', file: 'datasets.lock', version: 1, schema: lockSchema },
  { name: 'pointer', file: 'models/<model>/<stage>.json', version: 1, schema: pointerSchema },
  { name: 'promotion', file: 'promotion record, in the evidence of a pointer', version: 1, schema: promotionSchema },
  { name: 'manifest', file: 'manifest of a data set, in the store', version: 1, schema: manifestSchema },
  { name: 'run', file: 'run record, in the store', version: 1, schema: runRecordSchema },
  { name: 'checkpoint', file: 'checkpoint of a stage that was stopped, in the store', version: 1, schema: checkpointSchema },
  { name: 'validation', file: 'validation.json of plumb/validate', version: 1, schema: validationSchema },
  { name: 'findings', file: 'pii.json, secrets.json and the like: the report of a check of rows', version: 1, schema: findingsSchema },
  { name: 'flagged', file: 'a line of flagged.jsonl of a check of rows', version: 1, schema: flaggedRowSchema },
  { name: 'profile', file: '`plumb profile --json`', version: 1, schema: profileSchema },
  { name: 'drift', file: 'drift.json of plumb/drift', version: 1, schema: driftSchema },
  { name: 'provenance', file: 'a line of the sidecar <data>.provenance', version: 1, schema: provenanceRowSchema },
  { name: 'lineage', file: 'a line of lineage.jsonl of a step that rewrites rows', version: 1, schema: lineageRowSchema },
  { name: 'report', file: 'report of a promotion, in the evidence of its pointer', version: 1, schema: reportSchema },
  { name: 'curve', file: 'curve.json of plumb/train-text', version: 1, schema: curveSchema },
  { name: 'evaluation', file: 'evaluation.json of plumb/evaluate', version: 1, schema: evaluationSchema },
  { name: 'case-result', file: 'a line of cases.jsonl of plumb/evaluate', version: 1, schema: caseResultSchema },
  { name: 'comparison', file: 'comparison of two models, in a report', version: 1, schema: comparisonSchema },
  { name: 'review', file: 'first line of reviews/<data>/<digest>.jsonl', version: 1, schema: reviewHeaderSchema },
  { name: 'review-decision', file: 'every other line of it', version: 1, schema: decisionSchema },
  { name: 'review-queue', file: 'first line of reviews/<data>/asked/<digest>.jsonl', version: 1, schema: queueHeaderSchema },
  { name: 'review-queue-row', file: 'every other line of it', version: 1, schema: queueRowSchema },
  { name: 'predict-request', file: 'body of POST /v1/models/<model>/predict', version: 1, schema: predictRequestSchema },
  { name: 'predict-answer', file: 'its answer', version: 1, schema: predictAnswerSchema },
];
