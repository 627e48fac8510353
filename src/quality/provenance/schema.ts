// provenance/1: where each row came from, in a data set beside the data. A row is named by what it says (datasets/row-digest.ts), so that rows of any format
// have it, equal rows share it, and a row keeps it wherever it moves.
import { digestSchema, fields, z } from '../../base/schema.ts';

export const reviewStates = ['accepted', 'rejected', 'pending'] as const;
export type Reviewed = (typeof reviewStates)[number];

const text = z.string().min(1);

export const provenanceSourceSchema = fields({
  source: text.describe('the system that it came from: a crawl, a ticket system, an annotation job'),
  document: text.optional().describe('the document there: a path, an address, a number'),
  created: text.optional().describe('when it was made there, as the source says it'),
  annotator: text.optional().describe('who wrote or labelled it'),
  licence: text.optional().describe('SPDX licence expression'),
});
export type ProvenanceSource = z.infer<typeof provenanceSourceSchema>;

export const provenanceRowSchema = fields({
  row: digestSchema.describe('of what the row says; the key of the data set'),
  sources: z.array(provenanceSourceSchema).describe('where it came from, sorted, each once; equal rows of several sources have them all'),
  reviewed: z.enum(reviewStates).optional().describe('what people decided of it (reviews/); without it, nobody was asked'),
  pii: fields({
    verdict: z.enum(['clean', 'found']).describe('found: plumb/pii found personal data of severity error or warning'),
    kinds: z.array(text).describe('what was found, sorted: EMAIL_ADDRESS'),
  })
    .optional()
    .describe('what plumb/pii said of it; without it, it did not look'),
  made: z
    .array(fields({ from: z.array(digestSchema).min(1), by: text }))
    .optional()
    .describe('the rows that it was made of, and by what, where a step or a person rewrote it: as lineage/1 has it'),
}).describe('provenance/1: one row of content a line, sorted by `row`');
export type ProvenanceRow = z.infer<typeof provenanceRowSchema>;

/** What a check may require of every row. */
export const requirements = ['source', 'document', 'created', 'annotator', 'licence', 'reviewed', 'pii'] as const;
export type Requirement = (typeof requirements)[number];
