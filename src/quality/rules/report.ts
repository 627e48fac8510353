// validation.json, the report of plumb/validate.
import { countSchema, fields, z } from '../../base/schema.ts';

const result = fields({
  rule: z.number().int().positive().describe('place of the rule in the file, from 1'),
  name: z.string().optional().describe('name of the rule, if it has one'),
  column: z.string().nullable().describe('null for a rule about rows, several columns or the table'),
  check: z.string().describe('name of the check in the rules file; "row", "rows"'),
  expected: z.string().describe('the check in words'),
  desc: z.string().optional(),
  severity: z.enum(['error', 'warning']),
  mostly: z.number().optional().describe('share of values that had to hold'),
  holds: z.boolean(),
  checked: countSchema.describe('rows looked at; missing values are passed by, except by not_missing'),
  failing: countSchema.describe('rows that break the rule; 0 for a rule about all rows together'),
  observed: z.union([z.number(), z.string()]).optional().describe('for a rule about all rows together: what was found'),
  keys: z.array(z.string()).describe('keys (or "row N") of failing rows, in file order, at most 1,000'),
  sample: z
    .array(
      fields({
        row: z.number().int().positive().describe('number of the row, from 1; a header is no row'),
        key: z.string(),
        value: z
          .string()
          .describe('JSON of the value, or of the columns that the rule looks at, at most 200 characters; "missing" where there is none'),
        same_as: z.number().int().positive().optional().describe('for unique: the first other row with this value'),
      }),
    )
    .describe('the first failing rows, at most 10'),
});

/** validation.json */
export const validationSchema = fields({
  plumbline: z.literal('validation/1'),
  rows: countSchema,
  holds: z.boolean().describe('no rule of severity error is broken'),
  errors: countSchema.describe('broken results of severity error'),
  warnings: countSchema.describe('broken results of severity warning'),
  results: z.array(result).describe('one a check, in the order of the rules'),
}).describe('validation/1: which rows break which rules');

export type Validation = z.infer<typeof validationSchema>;
export type CheckResult = Validation['results'][number];
