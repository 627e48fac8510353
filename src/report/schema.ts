// report/1: all that a reviewer needs to judge one model, in one value. Markdown, HTML and terminal text are views of it.
// It is content-addressed and goes into git with a promotion: small (see bounds.ts) and without a clock of its own.
import { countSchema, digestSchema, fields, nameSchema, z } from '../base/schema.ts';
import { comparisonSchema, evaluationSchema, gateResultSchema } from '../evaluate/schema.ts';
import { rowKinds } from './row-kinds.ts';

const verdicts = ['better', 'worse', 'no evidence', 'first model'] as const;
const stageStates = ['ran', 'cached', 'frozen', 'failed', 'skipped'] as const;

const side = {
  artifact: digestSchema.describe('digest of the model file'),
  run: digestSchema.describe('run record of the stage that made it'),
  commit: z.string().nullable().describe('commit whose files the run read; null: a dirty work tree'),
};

const columns = z.record(z.string(), z.string()).describe('column -> value as text, cut at a bound; for an edit, changed columns first to be kept');

const rowSample = fields({
  kind: z.enum(rowKinds),
  key: z.string(),
  before: columns.nullable().describe('null: the row was not there'),
  after: columns.nullable(),
});

const dataChange = fields({
  name: nameSchema,
  before: digestSchema.nullable().describe('manifest; null: the data set was not there'),
  after: digestSchema.nullable(),
  rowsBefore: countSchema,
  rowsAfter: countSchema,
  added: countSchema,
  removed: countSchema,
  edited: countSchema.describe('rows of one key with other content, the relabelled ones among them'),
  relabelled: countSchema,
  balance: z
    .array(fields({ label: z.string(), before: countSchema, after: countSchema }))
    .describe('labels whose number of rows changed, largest change first'),
  schema: z.array(fields({ column: z.string(), before: z.string().nullable(), after: z.string().nullable() })).describe('columns whose type changed'),
  samples: z.array(rowSample).describe('examples: relabelled, edited, removed, added'),
});

const curve = fields({
  stage: z.string(),
  name: z.string().describe('what x counts: epoch, step'),
  points: z.array(fields({ x: z.number(), y: z.record(z.string(), z.number()) })),
});

/** report/1 */
export const reportSchema = fields({
  plumbline: z.literal('report/1'),
  model: nameSchema,
  title: fields({
    revision: z.string().describe('commit or the words for a dirty work tree'),
    branch: z.string().nullable(),
    base: z.string().nullable().describe('branch or revision that it would be merged into'),
  }),
  verdict: z.enum(verdicts).describe('the comparison with the baseline, in one word'),
  gate: gateResultSchema.nullable(),
  candidate: fields(side),
  baseline: fields({ what: z.string().describe("'production', 'merge base' or a revision"), ...side }).nullable(),
  data: z.array(dataChange).describe('sorted by name'),
  params: z
    .array(fields({ key: z.string(), before: z.string().nullable(), after: z.string().nullable() }))
    .describe('every hyperparameter as JSON text, sorted by key; null: not there'),
  stages: z
    .array(fields({ stage: z.string(), state: z.enum(stageStates), why: z.array(z.string()), seconds: z.number().nonnegative() }))
    .describe('in the order of the pipeline'),
  evaluation: evaluationSchema.nullable(),
  baselineEvaluation: evaluationSchema.nullable(),
  comparison: comparisonSchema.nullable(),
  curves: z.array(curve),
  cost: fields({
    seconds: z.number().nonnegative().describe('of all stages that ran'),
    measured: z.record(z.string(), z.number()).describe('what the runs measured: latency, rates; differs from run to run'),
  }),
  warnings: z.array(z.string()).describe('forced, not reproducible, dirty work tree, ...'),
  shortened: z.array(fields({ what: z.string(), shown: countSchema, of: countSchema })).describe('lists that were cut at their bound'),
}).describe('report/1: what changed, what it did to the model, and whether the gate holds; canonical JSON (RFC 8785), found by its SHA-256');

export type Report = z.infer<typeof reportSchema>;
export type Verdict = Report['verdict'];
export type DataChange = z.infer<typeof dataChange>;
export type RowSample = z.infer<typeof rowSample>;
export type Curve = z.infer<typeof curve>;
