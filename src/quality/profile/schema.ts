// profile/1: what the columns of a data set hold. Every number is a function of the bag of rows: neither their order nor the machine changes it.
import { countSchema, digestSchema, fields, z } from '../../base/schema.ts';

/** The types of a column; mixed: values of several types; null: no row has a value. The cells of a CSV count as the narrowest type that all of them read as. */
export const columnTypes = ['string', 'integer', 'number', 'boolean', 'list', 'object', 'mixed', 'null'] as const;
export type ColumnType = (typeof columnTypes)[number];

const bin = fields({
  from: z.number().describe('itself in the bin'),
  to: z.number().describe('not in the bin, but for the last one'),
  rows: countSchema,
});

const numberSummary = fields({
  min: z.number(),
  max: z.number(),
  mean: z.number().describe('12 digits'),
  sd: z.number().nullable().describe('standard deviation of a sample (n - 1), 12 digits; null: one row'),
  quantiles: z
    .object({ p01: z.number(), p05: z.number(), p25: z.number(), p50: z.number(), p75: z.number(), p95: z.number(), p99: z.number() })
    .describe("linear between the two nearest rows, as numpy's default"),
  histogram: z.array(bin).describe('bins of equal width; of whole numbers with few values, one bin a value'),
});

const columnProfile = fields({
  name: z.string(),
  type: z.enum(columnTypes),
  types: z.record(z.string(), countSchema).describe('type -> rows with a value of it; of a CSV, what its cells would read as'),
  missing: fields({
    rows: countSchema.describe('rows without a value: the three below together'),
    absent: countSchema.describe('null, or no such key'),
    empty: countSchema.describe('an empty text'),
    nan: countSchema.describe('NaN of a Parquet file'),
  }),
  distinct: countSchema.describe('different values'),
  once: countSchema.describe('values that stand in one row only'),
  top: z
    .array(fields({ value: z.union([z.string(), z.number(), z.boolean()]), rows: countSchema, cut: z.literal(true).optional() }))
    .describe('the most frequent values, 20 of them unless more were asked for; lists and objects as JSON; long texts are cut'),
  numbers: numberSummary.nullable().describe('of the numbers; null: there are none'),
  lengths: numberSummary.nullable().describe('of the texts, in code points, and of the lists, in items; null: there are none'),
  shapes: z
    .array(fields({ shape: z.string(), rows: countSchema }))
    .describe('of texts up to 64 characters: digits as 9, Latin letters as A and a; the most frequent ones, at most 5'),
  shape_count: countSchema.describe('different shapes'),
  format: z.enum(['date', 'date-time', 'uuid']).nullable().describe('what all texts of the column are'),
  range: z.tuple([z.string(), z.string()]).nullable().describe('of a column of dates or times: the first and the last'),
});

export const profileSchema = fields({
  plumbline: z.literal('profile/1'),
  data: z.string().describe('data set, or file'),
  content: digestSchema.describe('of the file'),
  format: z.enum(['jsonl', 'csv', 'parquet']),
  key: z.string().nullable().describe('key column of the data set'),
  label: z.string().nullable().describe('label column of the data set'),
  rows: countSchema,
  columns: z.array(columnProfile).describe('as the file has them; of JSONL by name'),
}).describe('profile/1: what the columns of a data set hold');

export type Profile = z.infer<typeof profileSchema>;
export type ColumnProfile = z.infer<typeof columnProfile>;
export type NumberSummary = z.infer<typeof numberSummary>;
export type Quantiles = NumberSummary['quantiles'];
