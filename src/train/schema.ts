// What people write for plumb/train-text, in pipeline.yaml and in params.yaml.
import { fields, z } from '../base/schema.ts';

export const trainTextArguments = fields({
  data: z.string().min(1).describe('training rows: a data set of the lock, or an output of a stage (split.train)'),
  input: z.string().min(1).default('text').describe('column with the text'),
  label: z.string().min(1).default('label').describe('column with the label'),
  encoder: z
    .string()
    .min(1)
    .optional()
    .describe(
      'text encoder whose frozen embeddings stand beside the n-grams: a data set of files, an output or a folder, with model.onnx and tokenizer.json. ' +
        'The model names it by digest, and whoever serves the model needs it, too (PLUMB_ENCODER names its folder)',
    ),
}).describe('what to learn from');
export type TrainTextArguments = z.infer<typeof trainTextArguments>;

const sizes = z
  .tuple([z.int().min(1).max(10), z.int().min(1).max(10)])
  .refine(([min, max]) => min <= max, 'expected [least, most], least first')
  .nullable();

/** Hyperparameters. The defaults were chosen by ten-fold cross-validation on the training rows of Banking77 (docs/benchmarks.md). */
export const trainTextParams = fields({
  model: z
    .enum(['softmax', 'svm'])
    .default('softmax')
    .describe('softmax: multinomial logistic regression by SGD; svm: a linear support vector machine a label'),
  epochs: z.int().min(1).max(1000).default(15).describe('times that every row is learned'),
  learning_rate: z.number().positive().max(100).default(1.5).describe('softmax: step size of the first row; it falls in a straight line to 0'),
  l2: z.number().min(0).max(0.1).default(0).describe('softmax: weight decay; a step takes learning_rate * l2 of each weight away'),
  cost: z.number().positive().max(1000).default(1).describe('svm: C, how much a row on the wrong side costs against large weights'),
  word_ngrams: sizes.default([1, 2]).describe('least and most words of an n-gram; null: no word n-grams'),
  char_ngrams: sizes.default([3, 5]).describe('least and most characters of an n-gram, taken within the edges of a word; null: none'),
  min_df: z.int().min(1).default(2).describe('an n-gram counts when so many training texts hold it'),
  max_length: z.int().min(1).max(1_000_000).default(10_000).describe('a text is read up to this many characters (UTF-16 code units)'),
  quantize: z
    .enum(['none', 'int8'])
    .default('none')
    .describe('none: 32-bit weights; int8: a quarter of the size, at most some hundredths of a point lost'),
  validation: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.1)
    .describe(
      'share of the rows that a first training leaves out, by hash of the text, for the curve and validation_accuracy; the model then learns from all rows',
    ),
}).refine((params) => params.word_ngrams !== null || params.char_ngrams !== null, 'expected word_ngrams or char_ngrams, not null for both');
export type TrainTextParams = z.infer<typeof trainTextParams>;

/** What the curve output of plumb/train-text holds. */
export const curveSchema = fields({
  plumbline: z.literal('curve/1'),
  points: z.array(
    fields({
      epoch: z.int().min(1),
      loss: z.number().describe('mean -ln probability of the right label (softmax), mean hinge loss (svm), on the rows that were learned'),
      accuracy: z.number().describe('share of those rows predicted right'),
      validation_loss: z.number().optional().describe('softmax: on the rows that were left out'),
      validation_accuracy: z.number().optional().describe('on the rows that were left out'),
    }),
  ),
}).describe('curve/1: how a training went, epoch by epoch');
