// What a search for duplicates is asked.
import { fields, z } from '../../base/schema.ts';
import { codeLanguages } from '../code/grammar.ts';
import { severities } from '../findings.ts';
import { shingleSizes, viewKinds } from '../text/view.ts';
import { waiversArgument } from '../waivers.ts';

const severity = z.enum(severities);

export const duplicateKinds = ['exact-duplicate', 'normalised-duplicate', 'near-duplicate', 'label-conflict', 'near-label-conflict'] as const;
export type DuplicateKind = (typeof duplicateKinds)[number];

/** How the search works: of a step in `with`, of a command in its options. */
export const duplicateSettings = fields({
  columns: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('columns that are compared; default: those with text that are neither key nor label'),
  as: z
    .enum(viewKinds)
    .default('text')
    .describe('text: runs of words; code: runs of tokens, names that the code binds alike; rows: each cell of the columns is one thing'),
  language: z.enum(codeLanguages).optional().describe('of `as: code`; default: python'),
  label: z.string().min(1).optional().describe('column of the label; default: that of the data set. Equal texts with different labels are told'),
  threshold: z.number().min(0.3).max(1).default(0.8).describe('Jaccard index from which two rows are near duplicates'),
  shingle: z
    .int()
    .min(1)
    .max(50)
    .optional()
    .describe(`how many words (text), tokens (code) or cells (rows) a shingle has; default: ${Object.values(shingleSizes).join(', ')}`),
  severities: fields({
    exact: severity.default('warning').describe('the same text but for white space at its ends'),
    normalised: severity.default('warning').describe('the same but for case, spacing, punctuation'),
    near: severity.default('warning').describe('alike from the threshold on'),
    conflict: severity.default('error').describe('exact or normalised duplicates with different labels'),
    near_conflict: severity.default('warning').describe('near duplicates with different labels'),
  })
    .prefault({})
    .describe('of each kind; an error ends what depends on the check'),
}).refine(({ as, language }) => language === undefined || as === 'code', 'a language is for `as: code`');

export type DuplicateSettings = z.output<typeof duplicateSettings>;

export const duplicateArguments = fields({
  data: z.string().min(1).describe('data set of the lock, or output of a stage'),
  action: z
    .enum(['flag', 'drop'])
    .default('flag')
    .describe('drop: the output `data` holds the rows that are kept, byte for byte, `lineage` what they stand for'),
  waivers: waiversArgument,
  ...duplicateSettings.shape,
}).refine(({ as, language }) => language === undefined || as === 'code', 'a language is for `as: code`');

export type DuplicateArguments = z.output<typeof duplicateArguments>;
