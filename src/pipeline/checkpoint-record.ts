// What a stage that was stopped left behind, as the store keeps it: found by the fingerprint of the stage, in the names of one trust domain.
import { countSchema, digestSchema, fields, instantSchema, z } from '../base/schema.ts';
import { runRecordSchema } from './run-record.ts';

export const checkpointSchema = fields({
  plumbline: z.literal('checkpoint/1'),
  stage: z.string(),
  fingerprint: digestSchema.describe('what the stage would have been a run of'),
  command: runRecordSchema.shape.command,
  attempt: countSchema.describe('how often the stage was started until then'),
  seconds: z.number().nonnegative().describe('that it ran in all attempts together, as far as they are known'),
  folder: digestSchema.describe('a manifest/1 of kind files'),
  bytes: countSchema,
  saved: instantSchema,
  builder: runRecordSchema.shape.builder,
}).describe('checkpoint/1: canonical JSON (RFC 8785), found by its SHA-256');

export type CheckpointRecord = z.infer<typeof checkpointSchema>;
