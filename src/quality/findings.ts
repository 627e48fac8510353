// findings/1: what a check found in the rows of a data set, in one form for all checks: the report, the review queue and provenance read no other.
// Nothing here holds what a finding must not show: messages and places name kinds, never the value of a secret or of personal data.
import { countSchema, digestSchema, fields, z } from '../base/schema.ts';

export const checkNames = ['rules', 'pii', 'secrets', 'duplicates', 'leakage', 'code', 'provenance'] as const;
export type CheckName = (typeof checkNames)[number];

/** error: what depends on the check stops; warning: it is reported; info: it is counted. */
export const severities = ['error', 'warning', 'info'] as const;
export type Severity = (typeof severities)[number];

const finding = fields({
  kind: z.string().describe('what was found, in the words of the check: EMAIL_ADDRESS, near-duplicate, "rule 3"'),
  severity: z.enum(severities),
  column: z.string().nullable().describe('null: of the row as a whole'),
  span: z
    .tuple([countSchema, countSchema])
    .optional()
    .describe('place in the text of the column: first code point (from 0), and the one behind the last'),
  score: z.number().optional().describe('0 to 1: how sure, or how similar'),
  message: z.string().describe('for people; never the value itself where it is personal or secret'),
  other: fields({
    data: z.string().describe('data set'),
    row: z.number().int().positive(),
    key: z.string(),
    span: z.tuple([countSchema, countSchema]).optional(),
  })
    .optional()
    .describe('the row that it is held against: the duplicate, the leaked one'),
});

/** One line of flagged.jsonl: a row with all that a check found in it. */
export const flaggedRowSchema = fields({
  row: z.number().int().positive().describe('number of the row, from 1; a header is no row'),
  key: z.string().describe('value of the key column, else "row N"'),
  digest: digestSchema.describe('of what the row says: datasets/row-digest.ts'),
  findings: z.array(finding).min(1),
}).describe('flagged/1: one row a line, in the order of the data');

/** The report of a check: <check>.json. */
export const findingsSchema = fields({
  plumbline: z.literal('findings/1'),
  check: z.enum(checkNames),
  data: z.string().describe('data set, or stage.output'),
  rows: countSchema,
  holds: z.boolean().describe('nothing of severity error was found'),
  flagged: countSchema.describe('rows with a finding of severity error or warning'),
  kinds: z
    .array(
      fields({
        kind: z.string(),
        severity: z.enum(severities),
        column: z.string().nullable(),
        rows: countSchema,
        findings: countSchema,
        sample: z
          .array(fields({ row: z.number().int().positive(), key: z.string(), message: z.string(), other: finding.shape.other }))
          .describe('the first ones, at most 10'),
      }),
    )
    .describe('errors first, then by number of rows'),
  notes: z.array(z.string()).describe('what was not looked for, and why: a recogniser without a model'),
  settings: z.record(z.string(), z.json()).describe('what the check was asked, defaults filled in'),
  numbers: z.record(z.string(), z.number()).describe('of the check itself: clusters, entropy, coverage; equal on every run'),
}).describe('findings/1: what a check found in the rows of a data set');

export type Finding = z.infer<typeof finding>;
export type FlaggedRow = z.infer<typeof flaggedRowSchema>;
export type FindingsReport = z.infer<typeof findingsSchema>;

export const findingsSampled = 10;
