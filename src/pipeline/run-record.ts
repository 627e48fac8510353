import { countSchema, digestSchema, fields, instantSchema, jsonSchema, nameSchema, z } from '../base/schema.ts';

const output = fields({
  path: z.string().describe('relative to the project'),
  digest: digestSchema.describe('SHA-256 of the file, or of a manifest/1 of kind files for a folder'),
  bytes: countSchema,
  kind: z.enum(['file', 'folder']),
});

const input = fields({
  kind: z.enum(['data', 'output', 'file']).describe('a data set of the lock, an output of another stage, a file of the repository'),
  ref: z.string().describe('data set name, stage.output, or path'),
  digest: digestSchema,
  run: digestSchema.optional().describe('for an output: the run record that it came from'),
});

/** What one run of one stage did. Content-addressed: its SHA-256 is its name. */
export const runRecordSchema = fields({
  plumbline: z.literal('run/1'),
  stage: nameSchema.or(z.string()).describe('stage, with @item for foreach and matrix'),
  fingerprint: digestSchema,
  command: z.union([
    fields({ uses: z.string(), version: countSchema, with: jsonSchema }),
    fields({ cmd: z.union([z.string(), z.array(z.string())]) }),
  ]),
  inputs: z.record(z.string(), input),
  after: z.record(z.string(), digestSchema).describe('stage that had to end well before -> its run record, whether it wrote an input or not'),
  params: z.record(z.string(), jsonSchema).describe('every hyperparameter that the stage read, defaults filled in'),
  outputs: z.record(z.string(), output),
  metrics: z.record(z.string(), z.number()).describe('equal on every run of the fingerprint'),
  measured: z.record(z.string(), z.number()).describe('of this run: times and rates'),
  environment: fields({
    fingerprinted: z
      .record(z.string(), z.string())
      .describe('what went into the fingerprint: lock files, image, accelerator; of a step, the latest of its last days that had passed'),
    node: z.string(),
    platform: z.string(),
    cpus: z.string(),
    plumbline: z.string(),
    gpus: z.array(z.string()).optional().describe('name, memory and driver of those that a stage with resources.gpus saw'),
  }),
  seed: countSchema,
  recalled: z
    .literal(true)
    .optional()
    .describe('a check leaned on what this machine remembered of earlier versions: in CI the main branch runs it again'),
  started: instantSchema,
  finished: instantSchema,
  exit: z.literal(0).describe('only a run that ended well has a record'),
  code: fields({ commit: z.string().nullable(), dirty: z.boolean() }),
  builder: fields({
    kind: z.enum(['laptop', 'ci']),
    host: z.string().optional().describe("of a runner; a laptop is nobody else's business"),
    user: z.string().optional(),
    repository: z.string().optional().describe('owner/name, of a job of CI'),
    ref: z.string().optional().describe('that the job was started for: refs/heads/main, refs/pull/7/merge'),
    commit: z.string().optional().describe('the head of the pull request, else the commit that the job was started for'),
    workflow: z.string().optional().describe('path of the workflow file'),
    runId: z.string().optional(),
    attempt: countSchema.optional(),
    domain: z.string().optional().describe('trusted, pull-7 or fork-7: who may reuse it, if its signature says so, too'),
  }),
}).describe('run/1: canonical JSON (RFC 8785), found by its SHA-256');

export type RunRecord = z.infer<typeof runRecordSchema>;
export type RunInput = z.infer<typeof input>;
export type RunOutput = z.infer<typeof output>;
