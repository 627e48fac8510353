// rules/*.yaml: what the rows of a data set must satisfy, as a list. A later version may add checks and keys; it does not change what these mean.
import { countSchema, fields, z } from '../base/schema.ts';
import { patternProblem } from './pattern.ts';

const severity = z
  .enum(['error', 'warning'])
  .default('error')
  .describe('error: a broken rule stops what depends on the validation; warning: it is reported');

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** The types a rule can ask for; a null, an absent value and an empty text have none: they are missing. */
export const valueTypes = ['string', 'integer', 'number', 'boolean', 'list', 'object'] as const;
export type ValueType = (typeof valueTypes)[number];

/** What one rule may ask of one column, in the order in which the report lists the results. */
export const columnCheckNames = ['not_missing', 'type', 'min', 'max', 'min_length', 'max_length', 'allowed', 'regex', 'unique'] as const;
export type ColumnCheckName = (typeof columnCheckNames)[number];

const columnRule = fields({
  column: z.string().min(1).describe('name of the column that the checks below look at'),
  desc: z.string().optional().describe('why the rule is there; shown with the result'),
  not_missing: z.literal(true).optional().describe('every row has a value: not absent, not null, not an empty text'),
  type: z.enum(valueTypes).optional().describe('type of the values; integer is a number without a fraction'),
  min: z.number().optional().describe('least value of a number, itself allowed'),
  max: z.number().optional().describe('greatest value of a number, itself allowed'),
  min_length: countSchema.optional().describe('least length: Unicode characters of a text, items of a list'),
  max_length: countSchema.optional().describe('greatest length: Unicode characters of a text, items of a list'),
  allowed: z.array(scalar).min(1).optional().describe('the values that may stand there'),
  regex: z
    .string()
    .min(1)
    .superRefine((text, context) => {
      const problem = patternProblem(text);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    })
    .optional()
    .describe(
      'JavaScript regular expression with flag u that matches somewhere in the text; ^ and $ bind it to the ends. It has 2 seconds per 1,000 rows',
    ),
  unique: z.literal(true).optional().describe('no value stands in two rows'),
  severity,
})
  .refine((rule) => columnCheckNames.some((name) => rule[name] !== undefined), `expected at least one of ${columnCheckNames.join(', ')}`)
  .refine((rule) => rule.min === undefined || rule.max === undefined || rule.min <= rule.max, 'min is greater than max')
  .refine(
    (rule) => rule.min_length === undefined || rule.max_length === undefined || rule.min_length <= rule.max_length,
    'min_length is greater than max_length',
  );

const rowsRule = fields({
  rows: fields({
    min: countSchema.optional().describe('least number of rows'),
    max: countSchema.optional().describe('greatest number of rows'),
  })
    .refine((rows) => rows.min !== undefined || rows.max !== undefined, 'expected min, max or both')
    .refine((rows) => rows.min === undefined || rows.max === undefined || rows.min <= rows.max, 'min is greater than max')
    .describe('how many rows there are'),
  desc: z.string().optional().describe('why the rule is there; shown with the result'),
  severity,
});

/** rules/*.yaml. A missing value is judged by not_missing alone; every other check passes it by. */
export const rulesSchema = fields({
  version: z.literal(1).describe('version of this format'),
  key: z.string().min(1).optional().describe('column that names a row in the report; without one, rows are named by their number'),
  rules: z
    .array(z.union([columnRule, rowsRule]))
    .min(1)
    .describe('the rules, judged one by one'),
}).describe('rules/*.yaml: what the rows of a data set must satisfy');

export type Rules = z.infer<typeof rulesSchema>;
export type Rule = Rules['rules'][number];
export type ColumnRule = z.infer<typeof columnRule>;
