// drift/1: how the columns of one version of data differ from those of another.
import { countSchema, fields, z } from '../../base/schema.ts';
import { severities } from '../findings.ts';
import { corrections } from './statistics/multiplicity.ts';

export const numberMeasures = ['wasserstein_normed', 'ks', 'psi', 'jensen_shannon', 'total_variation'] as const;
export const categoryMeasures = ['jensen_shannon', 'psi', 'cramers_v', 'total_variation'] as const;

/** What may be another than before in a column. */
export const aspects = ['values', 'missing', 'types', 'length', 'words', 'uniqueness'] as const;

const effect = z.number().positive();

/** What a drift is; defaults are filled in. */
export const driftSettingsSchema = fields({
  alpha: z.number().positive().max(0.5).default(0.05).describe('a difference is more than chance below this p, corrected for the number of tests'),
  correction: z.enum(corrections).default('benjamini-hochberg').describe('for the number of tests'),
  numbers: fields({
    measure: z.enum(numberMeasures).default('wasserstein_normed'),
    threshold: effect.default(0.1),
  }).prefault({}),
  categories: fields({
    measure: z.enum(categoryMeasures).default('jensen_shannon'),
    threshold: effect.default(0.1),
  }).prefault({}),
  missing: effect.max(1).default(0.02).describe('difference of the shares of rows without a value'),
  types: effect.max(1).default(0.01).describe('share of values that would have to be of another type (total variation)'),
  length: effect.default(0.1).describe('Wasserstein distance of the lengths of texts, in standard deviations'),
  words: effect.max(1).default(0.1).describe('share of words that would have to be others (total variation; rare ones together)'),
  uniqueness: effect.max(1).default(0.01).describe('of a column whose values hardly repeat: share of values that now do'),
}).describe('how large a difference has to be, and how sure');

const countPair = fields({ before: countSchema, after: countSchema });

const aspect = fields({
  aspect: z.enum(aspects),
  effect: fields({ measure: z.string(), value: z.number(), threshold: z.number() }).describe('how large the difference is'),
  test: fields({
    name: z.enum(['kolmogorov-smirnov', 'chi-square', 'fisher', 'two proportions']),
    statistic: z.number().nullable(),
    p: z.number(),
    adjusted: z.number().describe('p, corrected for the number of tests'),
  }).describe('how likely such a difference is by chance'),
  drifted: z.boolean().describe('the effect reaches its threshold and the test is below alpha'),
});

const shape = fields({
  least: z.number(),
  most: z.number(),
  mean: z.number(),
  deviation: z.number(),
  quantiles: z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()]).describe('5, 25, 50, 75 and 95 %'),
});

const plot = z.discriminatedUnion('kind', [
  fields({
    kind: z.literal('histogram'),
    of: z.enum(['values', 'length']),
    edges: z.array(z.number()).describe('between bins: one fewer than there are; the first and the last bin are open'),
    before: z.array(countSchema),
    after: z.array(countSchema),
  }),
  fields({
    kind: z.literal('bars'),
    labels: z.array(z.string()).describe('masked and cut'),
    before: z.array(countSchema),
    after: z.array(countSchema),
    others: countPair.describe('rows of the categories that are not shown'),
  }),
]);

const seen = fields({ value: z.string().describe('masked and cut'), rows: countSchema });

export const driftColumnSchema = fields({
  column: z.string(),
  kind: z.enum(['number', 'category', 'text', 'other']).describe('how its values are compared'),
  label: z.boolean().describe('it is the column of labels'),
  state: z.enum(['drifted', 'same', 'new', 'gone']).describe('new, gone: it has values on one side only'),
  missing: countPair.describe('rows without a value'),
  distinct: countPair.describe('different values'),
  measures: z.record(z.string(), z.number()).describe('every distance of its values: psi, jensen_shannon, ks, ...'),
  aspects: z.array(aspect),
  shape: fields({ before: shape.nullable(), after: shape.nullable() }).optional().describe('of numbers'),
  length: fields({ before: shape.nullable(), after: shape.nullable() }).optional().describe('of texts, in code points'),
  come: z.array(seen).describe('categories, or words, that were not there before; the most frequent first'),
  gone: z.array(seen).describe('those that are there no more'),
  plot: plot.optional(),
});

/** drift.json */
export const driftSchema = fields({
  plumbline: z.literal('drift/1'),
  data: z.string().describe('data set, or stage.output'),
  against: z.array(z.string()).min(1).describe('what it is compared with; several versions count as one bag of rows'),
  severity: z.enum(severities),
  rows: countPair,
  holds: z.boolean().describe('nothing drifted, or the severity is not error'),
  drifted: countSchema.describe('columns that drifted, are new or are gone'),
  tests: countSchema.describe('how many there were: p is corrected for so many'),
  settings: driftSettingsSchema,
  columns: z.array(driftColumnSchema).describe('drifted ones first, by effect over threshold; at most 300'),
  notes: z.array(z.string()).describe('what was not looked at, and why'),
}).describe('drift/1: which columns differ from another version, by an effect size and a test');

export type DriftSettings = z.infer<typeof driftSettingsSchema>;
export type DriftReport = z.infer<typeof driftSchema>;
export type DriftColumn = z.infer<typeof driftColumnSchema>;
export type DriftAspect = z.infer<typeof aspect>;
export type DriftPlot = z.infer<typeof plot>;

export const defaultSettings: DriftSettings = driftSettingsSchema.parse({});
