// pipeline.yaml: stages as dvc.yaml has them, built-in steps by `uses`, and which outputs are models.
import { countSchema, digestSchema, fields, jsonSchema, z } from '../base/schema.ts';

const stageName = z.string().regex(/^[\p{L}\p{N}_][\p{L}\p{N}_-]{0,99}$/u, 'expected a name of letters, digits, "_" and "-"');

const text = z.string().min(1);

const body = {
  desc: z.string().optional().describe('what the stage is for'),
  cmd: z
    .union([text, z.array(text).min(1)])
    .optional()
    .describe('a command: a text for the shell, or a list of words that no shell sees'),
  uses: z
    .string()
    .regex(/^plumb\/[a-z0-9-]+$/, 'expected a built-in step, such as plumb/split')
    .optional()
    .describe('a built-in step'),
  with: z.record(z.string(), jsonSchema).optional().describe('arguments of the built-in step'),
  needs: z.array(text).optional().describe('stages that must have ended well before, beyond those whose outputs are read'),
  deps: z.array(text).optional().describe('files, folders, data sets and outputs that the command reads'),
  params: z.array(text).optional().describe('keys of params.yaml that the stage reads, dotted: train or train.epochs'),
  outs: z.array(text).optional().describe('files and folders that the command writes'),
  metrics: z.array(text).optional().describe('JSON files of numbers that the command writes'),
  plots: z.array(text).optional().describe('JSON or CSV files of series that the command writes'),
  checkpoint: text
    .optional()
    .describe('folder of what a command needs to go on after it was stopped: kept until it ends well; neither an output nor part of the fingerprint'),
  seed: countSchema.optional().describe('seed of the built-in step; PLUMB_SEED of a command; default 0'),
  env: z.record(z.string(), z.string()).optional().describe('environment variables of the command; part of the fingerprint'),
  resources: fields({
    gpus: countSchema.default(0).describe('graphics processors'),
    labels: z.array(text).default([]).describe('runner labels in CI'),
    image: text.optional().describe('container image by digest; part of the fingerprint'),
    minutes: z.number().positive().optional().describe('time limit'),
  })
    .optional()
    .describe('what the stage needs of a machine'),
  frozen: z
    .union([z.boolean(), digestSchema])
    .optional()
    .describe('true: keep the outputs of the last run on this machine; a digest: those of that run record'),
  always: z.boolean().optional().describe('run every time'),
};

const plain = fields(body);

export const stageSchema = fields({
  ...body,
  foreach: z
    .union([z.array(jsonSchema).min(1), z.record(z.string(), jsonSchema)])
    .optional()
    .describe('one stage an item: name@item; ${item}, ${item.x} and ${key} are filled in'),
  do: plain.optional().describe('the stage of foreach'),
  matrix: z.record(z.string(), z.array(jsonSchema).min(1)).optional().describe('one stage a combination: name@a-b; ${item.x} is filled in'),
})
  .refine((stage) => (stage.foreach === undefined) === (stage.do === undefined), 'expected foreach and do together')
  .refine((stage) => stage.foreach === undefined || stage.matrix === undefined, 'expected foreach or matrix, not both')
  .refine((stage) => {
    const inner = stage.do ?? stage;
    return (inner.cmd === undefined) !== (inner.uses === undefined);
  }, 'expected exactly one of cmd and uses')
  .refine((stage) => (stage.do ?? stage).with === undefined || (stage.do ?? stage).uses !== undefined, '"with" belongs to "uses"')
  .refine((stage) => (stage.do ?? stage).checkpoint === undefined || (stage.do ?? stage).cmd !== undefined, '"checkpoint" belongs to "cmd"');

/** pipeline.yaml */
export const pipelineSchema = fields({
  version: z.literal(1).default(1).describe('version of this format'),
  stages: z.record(stageName, stageSchema).describe('name -> stage'),
  models: z
    .record(
      stageName,
      fields({
        artifact: text.describe('the output that is the model: stage.output, or its path'),
        evaluation: text.describe('the stage whose results judge it'),
        parts: z
          .record(stageName, text)
          .optional()
          .describe(
            'what moves with it as one (base model, adapter, tokenizer, prompt, index), by name: stage.output, its path, or a data set, of the runs that make or evaluate it',
          ),
      }),
    )
    .default({})
    .describe('name -> what is promoted and served under it'),
  environment: fields({
    lockfiles: z.array(text).describe('files whose digests go into the fingerprint of every command'),
  })
    .optional()
    .describe('what of the environment determines outputs; without it, well-known lock files at the root'),
}).describe('pipeline.yaml: stages, and which outputs are models');

export type PipelineConfig = z.infer<typeof pipelineSchema>;
export type StageBody = z.infer<typeof plain>;
