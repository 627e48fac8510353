// The formats of decisions: policy.yaml, pointers and promotion records.
import { countSchema, digestSchema, fields, instantSchema, jsonSchema, nameSchema, z } from '../base/schema.ts';
import { gateCheckSchema, gateResultSchema } from '../evaluate/schema.ts';
import { publicKeysSchema, trustPolicySchema } from '../pipeline/trust-policy.ts';
import { accessSchema, whoSchema } from './access.ts';

export const stages = ['staging', 'production'] as const;
export type Stage = (typeof stages)[number];

/** '90 minutes', '24 hours', '3 days' */
export const durationForm = /^([1-9][0-9]{0,5}) (minute|hour|day)s?$/;
const durationSchema = z.string().regex(durationForm, 'expected a time such as "24 hours"');

const stageRule = fields({
  from: z.enum(stages).optional().describe('the model must be there before: production from staging'),
  gate: nameSchema.describe('a name of gates'),
  soak: durationSchema.optional().describe('how long the model must have been in staging before, without a break'),
  approvals: fields({
    count: countSchema.default(0).describe('how many people'),
    ...whoSchema.shape,
    codeowners: z.boolean().default(true).describe('where CODEOWNERS of the base names owners of the pointer, one of them must approve'),
  })
    .prefault({})
    .describe('who must approve the promotion pull request'),
  reverts: fields({
    approvals: countSchema.default(0).describe('how many people'),
    review: z.boolean().default(true).describe('open an issue for a review afterwards, where fewer approved than a promotion needs'),
  })
    .prefault({})
    .describe('what a move back to a model that was served before needs: the fast lane'),
});

const daysSchema = z.string().regex(/^[1-9][0-9]{0,5} days?$/, 'expected a number of days, such as "400 days"');

const auditPolicySchema = fields({
  branch: z
    .string()
    .regex(/^[\w][\w./-]*$/, 'expected the name of a branch')
    .default('plumb/audit')
    .describe('the branch that holds the log of decisions'),
  keys: publicKeysSchema.describe('keys that sign the log; `plumb keys new --for audit` makes one'),
  workflows: z
    .array(z.string().min(1))
    .default([])
    .describe('workflow files of the main branch whose jobs sign the log by trust.sigstore, without a key'),
}).describe('the log of what was decided and served: with it, only what it says is served');

const budgetSchema = fields({
  jobs: countSchema.default(256).describe('most jobs that one pull request may start at a time'),
  minutes: countSchema.optional().describe('most minutes, as estimated, that one push to a pull request may cost'),
  commands: countSchema.default(30).describe('most commands in comments that one pull request gets answered in an hour'),
}).describe('what a pull request may cost');

const checkStep = z.string().regex(/^plumb\/[a-z0-9-]+$/, 'expected a built-in step, such as plumb/validate');

const dataPolicySchema = fields({
  require: z
    .array(
      z.union([
        checkStep,
        fields({
          check: checkStep.describe('built-in step'),
          with: z
            .record(z.string(), jsonSchema)
            .describe('arguments that the check must have had, each exactly so; defaults are filled in; null: it must not have had it'),
        }),
      ]),
    )
    .min(1)
    .describe('checks that must have held for all rows that a model is trained on: of the data set, or of what a stage made of it'),
  except: z
    .array(z.string().min(1))
    .default([])
    .describe('data sets, and files and folders of the repository, that hold no rows (weights, images, code): the checks cannot look at them'),
}).describe('what data must have gone through before a model that was trained on it is promoted');

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
  data: dataPolicySchema.optional(),
  trust: trustPolicySchema.optional(),
  access: accessSchema.prefault({}),
  units: z
    .record(nameSchema, z.array(nameSchema).min(2))
    .default({})
    .describe('models that move together: one pull request moves all of a unit, or none'),
  audit: auditPolicySchema.optional(),
  check: fields({
    context: z.string().min(1).default('plumb/promotion').describe('name of the required check'),
    app: countSchema.optional().describe('number of the GitHub App that alone may set it'),
  })
    .prefault({})
    .describe('the required check of pull requests that move a pointer'),
  budget: budgetSchema.prefault({}),
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
  parts: z
    .record(nameSchema, fields({ digest: digestSchema, bytes: countSchema }))
    .optional()
    .describe('what moves with the artifact as one: base model, adapter, tokenizer, prompt, index'),
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
  baselines: fields({ production: digestSchema.optional(), staging: digestSchema.optional() })
    .optional()
    .describe('run record of the evaluation whose answers gate and report compare with, by stage; in the evidence'),
  with: z.array(nameSchema).optional().describe('other models that the same commit moves, sorted'),
  signatures: digestSchema.optional().describe('who signed the runs, in the evidence: signatures/1'),
}).describe('promotion/1');
export type Promotion = z.infer<typeof promotionSchema>;

/** signatures/1: what jobs of CI said of the runs of a promotion, as it stood in the store. */
export const signaturesSchema = fields({
  plumbline: z.literal('signatures/1'),
  notes: z.array(z.string().min(1)).describe('DSSE envelopes or Sigstore bundles, each as one line of JSON; sorted, each once'),
  runs: z.record(digestSchema, countSchema).describe('run record -> which of the notes vouches for it, from 0'),
}).describe('signatures/1: who vouches for the runs of a promotion');
export type Signatures = z.infer<typeof signaturesSchema>;

/** models/<model>/revoked/<64 hex>.json */
export const revocationSchema = fields({
  plumbline: z.literal('revocation/1'),
  model: nameSchema,
  digest: digestSchema.describe('the artifact, or one of its parts'),
  reason: z.string().min(1),
  at: instantSchema,
  by: z.string().describe('name and e-mail as git has them'),
}).describe('models/<model>/revoked/<digest>.json: a model that is never served and never promoted again');
export type Revocation = z.infer<typeof revocationSchema>;
