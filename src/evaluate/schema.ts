// The formats of evaluation: the suite (what is asked), one case's result, the evaluation of one model, the comparison of two, the gate.
import { countSchema, digestSchema, fields, nameSchema, z } from '../base/schema.ts';

/** evals/*.yaml */
export const suiteSchema = fields({
  version: z.literal(1).describe('version of this format'),
  task: z.literal('classification').default('classification').describe('what the model does'),
  data: z.string().min(1).describe('data set of the lock, or output of a stage (split.test)'),
  input: z.string().min(1).default('text').describe('column given to the model'),
  expected: z.string().min(1).default('label').describe('column with the right answer'),
  id: z.string().min(1).optional().describe('column that names a case; without one, a case is named by the SHA-256 of its input'),
}).describe('evals/*.yaml: a suite of evaluation cases');
export type Suite = z.infer<typeof suiteSchema>;

/** One line of cases.jsonl, sorted by id. `score` is the model's probability of `got`, 0 to 1, rounded to 6 digits. */
export const caseResultSchema = fields({ id: z.string(), input: z.string(), expected: z.string(), got: z.string(), score: z.number() });
export type CaseResult = z.infer<typeof caseResultSchema>;

const interval = fields({ value: z.number(), low: z.number(), high: z.number() });
export type Interval = z.infer<typeof interval>;

const perClass = fields({ label: z.string(), support: countSchema, precision: z.number(), recall: z.number(), f1: z.number() });

/** How one model did on one suite. Bounds are 95 %. */
export const evaluationSchema = fields({
  plumbline: z.literal('evaluation/1'),
  model: digestSchema,
  suite: z.string().describe('path of the suite'),
  suiteDigest: digestSchema,
  data: digestSchema.describe('digest of the cases that were asked'),
  cases: countSchema,
  correct: countSchema,
  accuracy: interval.describe('Wilson'),
  macro: fields({ precision: z.number(), recall: z.number(), f1: z.number() }),
  micro: fields({ precision: z.number(), recall: z.number(), f1: z.number() }),
  classes: z.array(perClass).describe('sorted by label'),
  confusion: z
    .array(fields({ expected: z.string(), got: z.string(), cases: countSchema }))
    .describe('every non-zero cell, sorted by expected, then got'),
  calibration: fields({
    ece: z.number().describe('expected calibration error, 15 bins of equal width'),
    bins: z.array(fields({ low: z.number(), high: z.number(), cases: countSchema, confidence: z.number(), accuracy: z.number() })),
  }),
}).describe('evaluation/1');
export type Evaluation = z.infer<typeof evaluationSchema>;

const change = fields({ id: z.string(), input: z.string(), expected: z.string(), before: z.string(), after: z.string() });

/** Two models on the same cases, pair by pair. */
export const comparisonSchema = fields({
  plumbline: z.literal('comparison/1'),
  cases: countSchema,
  both: countSchema.describe('right before and after'),
  gained: countSchema.describe('wrong before, right after'),
  lost: countSchema.describe('right before, wrong after'),
  neither: countSchema,
  p: z.number().describe('exact two-sided McNemar'),
  difference: interval.describe('accuracy after minus before; Newcombe 1998, method 10, 95 %'),
  macroF1: interval.optional().describe('macro F1 after minus before; paired bootstrap, 95 %, 1,000 resamples, seed 0'),
  answer: z.enum(['better', 'worse', 'no evidence']).describe('from p < 0.05 and the sign'),
  classes: z
    .array(
      fields({
        label: z.string(),
        cases: countSchema,
        gained: countSchema,
        lost: countSchema,
        before: z.number().describe('recall'),
        after: z.number(),
        p: z.number(),
        adjusted: z.number().describe("Holm's correction over all classes, each counted by the p-values that its changed cases can give"),
      }),
    )
    .describe('classes with a change, most lost first'),
  broken: z.array(change).describe('lost cases, bounded by the caller'),
  fixed: z.array(change).describe('gained cases, bounded by the caller'),
}).describe('comparison/1');
export type Comparison = z.infer<typeof comparisonSchema>;

/** One line of a gate in policy.yaml. */
export const gateCheckSchema = z.union([
  fields({
    metric: z.enum(['accuracy', 'macro_f1', 'macro_precision', 'macro_recall', 'ece']).describe('number of the evaluation; macro: mean over classes'),
    at_least: z.number().min(0).max(1).optional().describe('the gate holds from this value on'),
    at_most: z.number().min(0).max(1).optional().describe('the gate holds up to this value'),
    bound: z.enum(['none', 'wilson']).default('none').describe('wilson: the lower 95 % bound must reach it (accuracy only)'),
  })
    .refine((check) => (check.at_least === undefined) !== (check.at_most === undefined), 'expected exactly one of at_least and at_most')
    .refine((check) => check.bound === 'none' || check.metric === 'accuracy', 'bound: wilson is for accuracy only'),
  fields({
    against: z.enum(['production', 'staging']).describe('the model that is there now, on the same cases'),
    metric: z.literal('accuracy').default('accuracy').describe('what is compared, case by case'),
    not_worse_by: z.number().min(0).max(1).describe('non-inferiority margin: the lower 95 % bound of the difference must lie above minus this'),
  }),
  fields({
    against: z.enum(['production', 'staging']).describe('the model that is there now, on the same cases'),
    slices: z.array(z.literal('label')).length(1).describe('each class by itself'),
    not_worse_by: z.number().min(0).max(1).describe('a class may lose this much recall; more, and significant after the correction, breaks the gate'),
    correction: z.enum(['holm', 'none']).default('holm').describe('for many tests at once'),
  }),
]);
export type GateCheck = z.infer<typeof gateCheckSchema>;

/** What the gate said. */
export const gateResultSchema = fields({
  gate: nameSchema,
  holds: z.boolean(),
  checks: z.array(
    fields({
      check: z.string().describe('the check in words'),
      holds: z.boolean(),
      applies: z.boolean().describe('false: nothing to compare with (first promotion); such a check does not break the gate'),
      why: z.string().describe('one sentence with the numbers'),
      labels: z.array(z.string()).describe('classes that broke it'),
    }),
  ),
});
export type GateResult = z.infer<typeof gateResultSchema>;
