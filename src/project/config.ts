import { fields, z } from '../base/schema.ts';

/** plumbline.yaml: what is true of this repository on every machine. */
export const projectConfigSchema = fields({
  version: z.literal(1).describe('version of this format'),
  remote: z.string().min(1).optional().describe('where the store keeps bytes for everybody: a folder (absolute, or relative to the project)'),
  main: z.string().min(1).default('main').describe('the branch whose pointers are served and whose policy judges'),
  serve: fields({
    host: z.string().default('127.0.0.1').describe('address that `plumb serve` listens on'),
    hosts: z
      .array(z.string().min(1))
      .default([])
      .describe('names, besides localhost, under which requests reach the loopback: those that a proxy on this machine passes on in the header Host'),
    port: z.number().int().min(0).max(65_535).default(8080).describe('port; 0 takes a free one'),
    stage: z.enum(['staging', 'production']).default('production').describe('the stage whose pointers are served'),
  })
    .prefault({})
    .describe('how `plumb serve` serves'),
}).describe('plumbline.yaml: the project');

export type ProjectConfig = z.infer<typeof projectConfigSchema>;
