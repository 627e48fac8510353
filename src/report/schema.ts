// report/1: all that a reviewer needs to judge one model, or data alone, in one value. Markdown, HTML and terminal text are views of it.
// It is content-addressed and goes into git with a promotion: small (see bounds.ts) and without a clock of its own.
import { countSchema, digestSchema, fields, nameSchema, z } from '../base/schema.ts';
import { comparisonSchema, evaluationSchema, gateResultSchema } from '../evaluate/schema.ts';
import { driftColumnSchema } from '../quality/drift/schema.ts';
import { checkNames, severities } from '../quality/findings.ts';
import { rowKinds } from './row-kinds.ts';

const verdicts = ['better', 'worse', 'no evidence', 'first model', 'no model'] as const;
const stageStates = ['ran', 'cached', 'frozen', 'failed', 'skipped', 'not run'] as const;

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
  triggers: z
    .array(
      fields({
        words: z.string().describe('one to three words, in small letters'),
        label: z.string(),
        rows: countSchema.describe('changed rows that have the words'),
        labelled: countSchema.describe('of those, with the label'),
        before: countSchema.describe('rows of before that have the words'),
        sources: z
          .array(fields({ source: z.string(), rows: countSchema }))
          .describe('what those changed rows say of where they came from: column source, origin, author, ...'),
      }),
    )
    .optional()
    .describe('phrases that hardly any row had, and that came with nearly one label only: a backdoor is taught so, and a new product looks so'),
  samples: z.array(rowSample).describe('examples: relabelled, edited, removed, added'),
});

const validation = fields({
  dataset: z.string().describe('data set, or stage.output'),
  rules: z.string().describe('path of the rules file'),
  state: z.enum(['holds', 'broken', 'not looked at']),
  rows: countSchema,
  errors: countSchema.describe('broken checks of severity error'),
  warnings: countSchema.describe('broken checks of severity warning'),
  checks: z
    .array(
      fields({
        rule: countSchema.describe('place of the rule in the file, from 1; 0: the rows or the rules could not be read'),
        what: z.string().describe('the check in words'),
        severity: z.enum(['error', 'warning']),
        failing: countSchema.describe('rows'),
        rows: z.array(fields({ key: z.string(), value: z.string() })).describe('the first failing rows; values as JSON text, masked and cut'),
      }),
    )
    .describe('broken ones, errors first'),
  note: z.string().optional().describe('why nobody looked'),
});

const findings = fields({
  check: z.enum(checkNames),
  dataset: z.string().describe('data set, or stage.output'),
  state: z.enum(['holds', 'broken', 'not looked at']),
  rows: countSchema,
  flagged: countSchema.describe('rows with a finding of severity error or warning'),
  kinds: z
    .array(
      fields({
        kind: z.string().describe('EMAIL_ADDRESS, near-duplicate, ...'),
        severity: z.enum(severities),
        column: z.string().nullable(),
        rows: countSchema,
        brought: countSchema
          .optional()
          .describe('of these, rows that the branch adds or edits, and rows that are held against such a one; the first of the sample'),
        sample: z
          .array(
            fields({
              key: z.string(),
              message: z.string().describe('masked'),
              other: fields({ data: z.string(), key: z.string() }).optional().describe('the row that it is held against'),
            }),
          )
          .describe('the first rows'),
      }),
    )
    .describe('errors first'),
  notes: z.array(z.string()).describe('what was not looked for'),
  note: z.string().optional().describe('why nobody looked, or what could not be read'),
});

const drift = fields({
  dataset: z.string().describe('data set, or stage.output'),
  against: z.array(z.string()),
  state: z.enum(['same', 'drifted', 'not looked at']),
  severity: z.enum(severities).describe('what a drift is there'),
  rows: fields({ before: countSchema, after: countSchema }),
  compared: countSchema.describe('columns'),
  columns: z.array(driftColumnSchema).describe('those that drifted, with what a plot of each shows'),
  note: z.string().optional().describe('why nobody looked, or what could not be read'),
});

const mergeBase = fields({
  commit: z.string(),
  model: fields(side).nullable().describe('null: the pipeline was not run there, or its runs cannot be had'),
  metrics: fields({ accuracy: z.number(), macroF1: z.number(), ece: z.number() }).nullable().describe('on the cases of the candidate'),
  comparison: comparisonSchema
    .omit({ plumbline: true, classes: true, broken: true, fixed: true })
    .nullable()
    .describe('null: not comparable, or the very same model'),
});

const curve = fields({
  stage: z.string(),
  name: z.string().describe('what x counts: epoch, step'),
  points: z.array(fields({ x: z.number(), y: z.record(z.string(), z.number()) })),
});

/** report/1 */
export const reportSchema = fields({
  plumbline: z.literal('report/1'),
  model: nameSchema.nullable().describe('null: a report of data alone, where pipeline.yaml names no model'),
  title: fields({
    revision: z.string().describe('commit or the words for a dirty work tree'),
    branch: z.string().nullable(),
    base: z.string().nullable().describe('branch or revision that it would be merged into'),
  }),
  verdict: z.enum(verdicts).describe('the comparison with the baseline, in one word'),
  gate: gateResultSchema.nullable(),
  candidate: fields(side).nullable().describe('null: there is no model for this revision; `problem` says why where one was to be'),
  problem: fields({ code: z.string(), what: z.string(), mend: z.string() })
    .optional()
    .describe('why there is no model, or none that could be judged; of data alone: which checks do not hold, or have no answer'),
  change: fields({
    since: z.string().describe('commit that data, hyperparameters and stages are compared with: where the branch left its base'),
    relevant: z.boolean().describe('false: nothing that a model comes out of, or is judged by, changed'),
    why: z.array(z.string()).describe('what makes it relevant'),
  })
    .optional()
    .describe('of a branch; without it, data, hyperparameters and stages are compared with the baseline'),
  baseline: fields({ what: z.string().describe("'production', 'merge base' or a revision"), ...side }).nullable(),
  data: z.array(dataChange).describe('sorted by name'),
  params: z
    .array(fields({ key: z.string(), before: z.string().nullable(), after: z.string().nullable() }))
    .describe('every hyperparameter as JSON text, sorted by key; null: not there'),
  stages: z
    .array(
      fields({
        stage: z.string(),
        state: z.enum(stageStates),
        why: z.array(z.string()).describe('which of its inputs is another; none: they all are what they were'),
        seconds: z.number().nonnegative().describe('that its run took, whenever that was'),
        origin: z.string().optional().describe('of a run from the cache: whose it was'),
      }),
    )
    .describe('in the order of the pipeline'),
  validation: z.array(validation).optional().describe('what the rules say of the data'),
  findings: z.array(findings).optional().describe('what the other checks found in the data: personal data, secrets, duplicates, leaks, ...'),
  drift: z.array(drift).optional().describe('which columns differ from the data that they are compared with'),
  mergeBase: mergeBase.optional().describe('the model of the commit where the branch left its base'),
  evaluation: evaluationSchema.nullable(),
  baselineEvaluation: evaluationSchema.nullable(),
  comparison: comparisonSchema.nullable(),
  curves: z.array(curve),
  cost: fields({
    seconds: z.number().nonnegative().describe('of all stages that ran'),
    gpuMinutes: z.number().nonnegative().optional().describe('minutes of one graphics processor, of all stages that ran'),
    savedSeconds: z.number().nonnegative().optional().describe('that the runs from the cache took when they were made'),
    measured: z.record(z.string(), z.number()).describe('what the runs measured: latency, rates; differs from run to run'),
  }),
  links: z
    .array(fields({ name: z.enum(['run', 'page']), url: z.string() }))
    .optional()
    .describe('run: of the CI that made this; page: the report as HTML'),
  warnings: z.array(z.string()).describe('forced, not reproducible, dirty work tree, ...'),
  shortened: z.array(fields({ what: z.string(), shown: countSchema, of: countSchema })).describe('lists that were cut at their bound'),
}).describe('report/1: what changed, what it did to the model, and whether the gate holds; canonical JSON (RFC 8785), found by its SHA-256');

export type Report = z.infer<typeof reportSchema>;
export type Verdict = Report['verdict'];
export type DataChange = z.infer<typeof dataChange>;
export type RowSample = z.infer<typeof rowSample>;
export type ValidationPart = z.infer<typeof validation>;
export type FindingsPart = z.infer<typeof findings>;
export type DriftPart = z.infer<typeof drift>;
export type MergeBase = z.infer<typeof mergeBase>;
export type Side = NonNullable<Report['candidate']>;
export type Curve = z.infer<typeof curve>;
