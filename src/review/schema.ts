// review/1 and review-queue/1: what people decided about rows, and which rows wait for them. Both are lines of canonical JSON in git, below reviews/.
import { digestSchema, fields, instantSchema, jsonSchema, nameSchema, z } from '../base/schema.ts';
import { severities } from '../quality/findings.ts';

export const reviewActions = ['accept', 'edit', 'reject', 'label'] as const;
/** first: as anybody does; second: without having seen the first one's; adjudicator: of a row that two disagree about, and it counts for both */
export const reviewRoles = ['first', 'second', 'adjudicator'] as const;

const annotator = fields({
  name: z.string().min(1).max(300),
  email: z.string().max(300).describe("one person is one address, as git's user.email has it; an import of another tool may have a name only"),
});

/** First line of a file of decisions: they are one person's, in one sitting. */
export const reviewHeaderSchema = fields({
  plumbline: z.literal('review/1'),
  data: nameSchema.describe('data set of the lock'),
  annotator,
  role: z.enum(reviewRoles),
}).describe('review/1: the first line of reviews/<data>/<SHA-256 of the file>.jsonl');

/** Every other line. */
export const decisionSchema = fields({
  row: digestSchema.describe('of what the row said when it was looked at: datasets/row-digest.ts'),
  action: z.enum(reviewActions),
  edit: z
    .record(z.string(), jsonSchema)
    .optional()
    .describe('of edit and label: column -> its new value; null takes the value away. Columns that are not named stay as they are'),
  becomes: digestSchema.optional().describe('of edit and label: the row as it is then'),
  label: z
    .string()
    .max(10_000)
    .optional()
    .describe('the label that the row has after it, where the data set has a label column: agreement is counted on it'),
  note: z.string().min(1).max(10_000).optional(),
  why: z.array(z.string().max(1000)).max(100).describe('why the row was in the queue: "EMAIL_ADDRESS in text", "sample of 100, seed 7"'),
  at: instantSchema,
})
  .refine(
    (decision) => hasChange(decision.action) === (decision.edit !== undefined && decision.becomes !== undefined),
    'edit and becomes belong to edit and label',
  )
  .describe('review/1: one decision a line');

export const queueHeaderSchema = fields({
  plumbline: z.literal('review-queue/1'),
  data: nameSchema,
  why: z.string().min(1).max(1000).describe('"sample of 100, seed 7", or the stage or file that flagged the rows'),
}).describe('review-queue/1: the first line of reviews/<data>/asked/<SHA-256 of the file>.jsonl');

const asked = fields({
  kind: z.string().max(1000),
  severity: z.enum(severities),
  column: z.string().nullable(),
  message: z.string().max(10_000),
  span: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]).optional().describe('code points of the text of the column'),
});

export const queueRowSchema = fields({
  row: digestSchema,
  findings: z.array(asked).describe('what a check found in it; of a sample: none'),
}).describe('review-queue/1: one row a line');

export type ReviewAction = (typeof reviewActions)[number];
export type ReviewRole = (typeof reviewRoles)[number];
export type Annotator = z.infer<typeof annotator>;
export type ReviewHeader = z.infer<typeof reviewHeaderSchema>;
export type Decision = z.infer<typeof decisionSchema>;
export type QueueHeader = z.infer<typeof queueHeaderSchema>;
export type QueueRow = z.infer<typeof queueRowSchema>;
export type AskedFinding = QueueRow['findings'][number];

export function hasChange(action: ReviewAction): action is 'edit' | 'label' {
  return action === 'edit' || action === 'label';
}
