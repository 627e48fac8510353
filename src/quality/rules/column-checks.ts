// What a rule may ask of one column. Row checks judge each value by itself, column checks all values of the column together.
import { countSchema, fields, z } from '../../base/schema.ts';
import { boundsSchema, columnReferenceSchema, countBoundsSchema, dataReferenceSchema } from './bounds-schema.ts';
import { textFormats, type ColumnCheckName, type RowCheckName } from './check-names.ts';
import { dateFormatProblem } from './date-format.ts';
import { jsonSchemaProblem } from './json-schema.ts';
import { patternProblem } from './pattern.ts';
import { valueTypes } from './values.ts';

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const end = z.union([z.number(), z.string().min(1)]);

const regexSchema = z
  .string()
  .min(1)
  .superRefine((text, context) => {
    const problem = patternProblem(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

/** One pattern, or several of which each (`all`) or one (`any`) must match. */
function oneOrSeveral<T extends z.ZodType>(pattern: T) {
  return z.union([
    pattern,
    fields({ any: z.array(pattern).min(1).describe('one of them fits') }),
    fields({ all: z.array(pattern).min(1).describe('each of them fits') }),
  ]);
}

const referenceKey = dataReferenceSchema.optional().describe('what is compared with; else `reference` of the file');

/** A measure of drift: how far it may go. */
const drift = z.union([
  z.number().nonnegative(),
  fields({ max: z.number().nonnegative().describe('greatest value, itself allowed'), reference: referenceKey }),
]);

const partition = z.union([
  fields({
    values: z.array(scalar).min(1).describe('in the order of their shares'),
    shares: z.array(z.number().nonnegative()).min(1).describe('of the rows, one a value; they add up to 1'),
  }).refine(({ values, shares }) => values.length === shares.length, 'expected a share for each value'),
  fields({
    edges: z.array(z.number()).min(2).describe('of bins of numbers, rising'),
    shares: z.array(z.number().nonnegative()).min(1).describe('of the rows, one a bin; they add up to 1'),
  })
    .refine(({ edges, shares }) => edges.length === shares.length + 1, 'expected one edge more than shares')
    .refine(({ edges }) => edges.every((edge, at) => at === 0 || edge > (edges[at - 1] as number)), 'expected edges that rise'),
]);

const divergence = fields({
  max: z.number().nonnegative().describe('greatest divergence in nats, itself allowed'),
  of: partition.optional().describe('expected shares, of values or between edges'),
  reference: referenceKey,
  outside: z.number().min(0).max(1).default(0).describe('share that is held back for what the partition does not know'),
  empty: z.number().min(0).max(1).default(0).describe('share that is held back for what the partition knows and gives nothing'),
});

/** Judged value by value. The order is that of the report. */
export const rowChecks = {
  not_missing: z.literal(true).optional().describe('every row has a value: not absent, not null, not an empty text'),
  missing: z.literal(true).optional().describe('no row has a value'),
  type: z
    .union([z.enum(valueTypes), z.array(z.enum(valueTypes)).min(1)])
    .optional()
    .describe('type of the values, or a list of types; integer is a number without a fraction'),
  min: end.optional().describe('least value, itself allowed: of a number, or where it is a text, of a text by code points (ISO dates)'),
  max: end.optional().describe('greatest value, itself allowed'),
  above: end.optional().describe('values are greater'),
  below: end.optional().describe('values are less'),
  length: countSchema.optional().describe('exact length: Unicode characters of a text, items of a list'),
  min_length: countSchema.optional().describe('least length'),
  max_length: countSchema.optional().describe('greatest length'),
  allowed: z.array(scalar).min(1).optional().describe('the values that may stand there'),
  forbidden: z.array(scalar).min(1).optional().describe('values that may not stand there'),
  regex: oneOrSeveral(regexSchema)
    .optional()
    .describe('regular expression (RE2) that matches somewhere in the text; ^ and $ bind it to the ends. Or {any: [...]}, {all: [...]}'),
  not_regex: z
    .union([regexSchema, z.array(regexSchema).min(1)])
    .optional()
    .describe('regular expressions (RE2) of which none matches'),
  like: oneOrSeveral(z.string().min(1))
    .optional()
    .describe('SQL pattern of the whole text: % any characters, _ one character, \\ takes the next one as it is'),
  not_like: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .optional()
    .describe('SQL patterns of which none fits'),
  format: z.enum(textFormats).optional().describe('the text is a date, a time, ... as ISO 8601 and the RFCs have them'),
  date_format: z
    .string()
    .superRefine((text, context) => {
      const problem = dateFormatProblem(text);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    })
    .optional()
    .describe('the text is a date or time of this strftime format, and one of the calendar'),
  json_schema: z
    .record(z.string(), z.json())
    .superRefine((schema, context) => {
      const problem = jsonSchemaProblem(schema);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    })
    .optional()
    .describe('the value, or the JSON that the text is, fits this JSON Schema'),
  in: columnReferenceSchema.optional().describe('the value stands in a column of other data'),
  increasing: z.enum(['yes', 'strictly']).or(z.literal(true)).optional().describe('no value is less than the one before; strictly: nor equal'),
  decreasing: z.enum(['yes', 'strictly']).or(z.literal(true)).optional().describe('no value is greater than the one before; strictly: nor equal'),
  z_score: z
    .union([
      z.number().positive(),
      fields({
        max: z.number().positive().describe('standard deviations'),
        one_sided: z.boolean().default(false).describe('values below the mean never break it'),
      }),
    ])
    .optional()
    .describe('standard deviations that a number may lie from the mean of its column; one_sided: above it'),
  unique: z.literal(true).optional().describe('no value stands in two rows'),
} as const satisfies Record<RowCheckName, z.ZodType>;

/** Judged of all values together. */
export const columnChecks = {
  least: boundsSchema.optional().describe('the least number'),
  greatest: boundsSchema.optional().describe('the greatest number'),
  mean: boundsSchema.optional().describe('arithmetic mean of the numbers'),
  median: boundsSchema.optional().describe('median of the numbers'),
  sum: boundsSchema.optional().describe('sum of the numbers'),
  stdev: boundsSchema.optional().describe('sample standard deviation (n - 1) of the numbers'),
  quantiles: z
    .array(
      fields({
        at: z.number().min(0).max(1).describe('share of the values that are smaller'),
        within: boundsSchema.describe('where that quantile lies'),
      }),
    )
    .min(1)
    .optional()
    .describe('quantiles of the numbers, interpolated linearly'),
  distinct: countBoundsSchema.optional().describe('how many different values there are'),
  distinct_share: boundsSchema.optional().describe('different values, as a share of the rows with a value'),
  not_missing_share: boundsSchema.optional().describe('rows with a value, as a share of all rows'),
  distinct_within: z.array(scalar).min(1).optional().describe('each value that stands there is one of these'),
  distinct_equal: z.array(scalar).min(1).optional().describe('the values that stand there are these, each of them'),
  distinct_contain: z.array(scalar).min(1).optional().describe('each of these stands there'),
  most_common: z.array(scalar).min(1).optional().describe('the most frequent value is one of these; where several are, one of them is'),
  newest: fields({
    within_days: z.number().positive().describe('days that the newest date may be older than `of`'),
    of: z
      .string()
      .min(1)
      .optional()
      .describe('ISO date or time; else the time of the command. A stage must give it: what it says may not depend on the day'),
  })
    .optional()
    .describe('freshness: the newest ISO date or time of the column'),
  position: z.number().int().positive().optional().describe('place of the column among the columns, from 1 (CSV and Parquet)'),
  exists: z.literal(true).optional().describe('the column is there'),
  kl: divergence.optional().describe('Kullback-Leibler divergence of the shares of its values from expected ones'),
  psi: drift.optional().describe('population stability index against the deciles (texts: the values) of the reference'),
  ks: drift.optional().describe('two-sample Kolmogorov-Smirnov distance from the reference'),
  cramers_v: drift.optional().describe("Cramer's V of the values, here and in the reference"),
} as const satisfies Record<ColumnCheckName, z.ZodType>;
