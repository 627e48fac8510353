// The formats of decisions: policy.yaml, pointers and promotion records.
import { countSchema, digestSchema, fields, instantSchema, nameSchema, z } from '../base/schema.ts';
import { gateCheckSchema, gateResultSchema } from '../evaluate/schema.ts';
import { trustPolicySchema } from '../pipeline/trust-policy.ts';

export const stages = ['staging', 'production'] as const;
export type Stage = (typeof stages)[number];

const stageRule = fields({
  from: z.enum(stages).optional().describe('the model must be there before: production from staging'),
  gate: nameSchema.describe('a name of gates'),
  approvals: fields({
    count: countSchema.default(0).describe('how many people'),
    teams: z.array(z.string()).default([]).describe('of which teams; none named: anybody who may write'),
  })
    .prefault({})
    .describe('who must approve the promotion pull request; enforced by the forge check'),
  reverts: fields({ approvals: countSchema.default(0).describe('how many people') })
    .prefault({})
    .describe('what a move back to a model that was there before needs'),
});

const daysSchema = z.string().regex(/^[1-9][0-9]{0,5} days?$/, 'expected a number of days, such as "400 days"');

/** policy.yaml */
export const policySchema = fields({
  version: z.literal(1).describe('version of this format'),
  models: z
    .record(
      nameSchema,
      fields({
        staging: stageRule.optional().describe('how a model comes into staging'),
        production: stageRule.optional().describe('how a model comes into production'),
      }),
    )
    .describe('name -> how it is promoted'),
  gates: z.record(nameSchema, z.array(gateCheckSchema).min(1)).describe('name -> checks, all of which must hold'),
  trust: trustPolicySchema.optional(),
  retention: fields({
    pointers: z
      .union([z.literal('forever'), daysSchema])
      .default('forever')
      .describe(
        'how long what a pointer of the main branch named stays fetchable after another took its place: a rollback within that time is enough',
      ),
    runs: daysSchema.default('30 days').describe('how long runs that no pointer names are kept'),
  })
    .prefault({})
    .describe('what a garbage collection may let go of'),
}).describe('policy.yaml: who may promote what, on which evidence');
export type Policy = z.infer<typeof policySchema>;

/** models/<model>/<stage>.json */
export const pointerSchema = fields({
  plumbline: z.literal('pointer/1'),
  model: nameSchema,
  stage: z.enum(stages),
  artifact: fields({ digest: digestSchema, bytes: countSchema, format: z.string() }),
  run: digestSchema.describe('run record of the stage that made the artifact'),
  evaluation: digestSchema.describe('run record of the evaluation'),
  data: z.record(z.string(), digestSchema).describe('data set -> manifest, for all that made and evaluated the artifact'),
  code: z.string().nullable().describe('commit whose files the runs read'),
  report: digestSchema,
  policy: digestSchema.describe('SHA-256 of the policy.yaml that judged'),
  promotion: digestSchema.describe('promotion record'),
  metrics: z.record(z.string(), z.number()),
}).describe('models/<model>/<stage>.json: which model is in that stage, and why');
export type Pointer = z.infer<typeof pointerSchema>;

/** The decision itself, in the evidence. */
export const promotionSchema = fields({
  plumbline: z.literal('promotion/1'),
  model: nameSchema,
  stage: z.enum(stages),
  artifact: digestSchema,
  pointer: digestSchema.describe("SHA-256 of the pointer's canonical JSON without its field promotion: the record vouches for every field of it"),
  previous: digestSchema.nullable().describe('artifact that was there before'),
  at: instantSchema,
  by: z.string().describe('name and e-mail as git has them'),
  base: z.string().nullable().describe('commit whose policy judged'),
  gate: gateResultSchema,
  comparisons: fields({ production: digestSchema.optional(), staging: digestSchema.optional() }).describe(
    'the comparison/1 that the gate read, by the stage that it compares with; in the evidence',
  ),
  forced: fields({ reason: z.string().min(1) })
    .nullable()
    .describe('the gate did not hold and somebody took it on himself'),
  again: fields({ reason: z.string().min(1) })
    .nullable()
    .describe('the artifact was reverted before and comes back'),
}).describe('promotion/1');
export type Promotion = z.infer<typeof promotionSchema>;
