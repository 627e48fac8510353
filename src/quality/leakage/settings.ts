// What a search for leaks is asked.
import { fields, z } from '../../base/schema.ts';
import { severities } from '../findings.ts';
import { waiversArgument } from '../waivers.ts';

const severity = z.enum(severities);
const columns = z.array(z.string().min(1)).min(1).optional();
const column = z.string().min(1).optional();

/** How the search works: of a step in `with`, of a command in its options. */
export const leakageSettings = fields({
  columns: columns.describe('columns of the evaluation rows that are compared; default: those with text that are neither key nor label'),
  train_columns: columns.describe('columns of the training rows; default: the same, else those with text'),
  threshold: z.number().min(0.7).max(1).default(0.8).describe('Jaccard index of runs of five words from which two texts are nearly the same'),
  ngrams: z
    .array(z.int().min(5).max(50))
    .max(4)
    .default([13, 8])
    .describe(
      'an evaluation row that shares so many words in a row with a training row is told. GPT-3: 13, and 8 for short rows (Brown et al. 2020, appendix C)',
    ),
  near: z.boolean().default(true).describe('look for texts that are nearly the same'),
  group: column.describe('column of the user or the source document: no value may stand on both sides'),
  time: column.describe('column of a time (RFC 3339, a day, or a number): no evaluation row may be older than the newest training row'),
  severities: fields({
    exact: severity.default('error').describe('the same text but for white space at its ends'),
    normalised: severity.default('error').describe('the same but for case, spacing, punctuation'),
    near: severity.default('warning').describe('alike from the threshold on'),
    ngram: severity.default('warning').describe('a run of words, the longest of `ngrams`'),
    short_ngram: severity.default('info').describe('a run of words, the others of `ngrams`'),
    group: severity.default('error').describe('the same group on both sides'),
    time: severity.default('error').describe('older than the newest training row'),
  })
    .prefault({})
    .describe('of each kind; an error ends what depends on the check'),
});
export type LeakageSettings = z.output<typeof leakageSettings>;

const refs = z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(20)]);

export const leakageArguments = fields({
  train: refs.describe('training rows: data sets of the lock, or outputs of stages (split.train)'),
  eval: z.string().min(1).describe('evaluation rows: data set of the lock, or output of a stage (split.test)'),
  waivers: waiversArgument,
  ...leakageSettings.shape,
});
export type LeakageArguments = z.output<typeof leakageArguments>;

/** Nearly equal texts share a run of so many words: 8 for a threshold of 0.7 and more (docs/leakage.md). */
const runOfNear = 8;

/** The shortest run of words that is looked for; 0: none is. */
export function shortestRun({ ngrams, near }: Pick<LeakageSettings, 'ngrams' | 'near'>): number {
  return Math.min(...ngrams, ...(near ? [runOfNear] : []), ...(ngrams.length === 0 && !near ? [0] : []));
}
