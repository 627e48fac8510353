// Pieces that many checks of a rules file share: ends of a range, and which data a rule holds its data against.
import { countSchema, fields, z } from '../../base/schema.ts';

const ends = { min: 'least, itself allowed', max: 'greatest, itself allowed', above: 'greater than this', below: 'less than this' };

/** Ends of a range of numbers; at least one is given. */
export const boundsSchema = fields({
  min: z.number().optional().describe(ends.min),
  max: z.number().optional().describe(ends.max),
  above: z.number().optional().describe(ends.above),
  below: z.number().optional().describe(ends.below),
})
  .refine(hasEnd, 'expected at least one of min, max, above, below')
  .refine(notCrossed, 'the ends are crossed: no number lies between them');

/** Ends of a count. */
export const countBoundsSchema = fields({
  min: countSchema.optional().describe(ends.min),
  max: countSchema.optional().describe(ends.max),
})
  .refine(({ min, max }) => min !== undefined || max !== undefined, 'expected min, max or both')
  .refine(({ min, max }) => min === undefined || max === undefined || min <= max, 'min is greater than max');

export type Bounds = z.infer<typeof boundsSchema>;

interface Ends {
  readonly min?: number | string | undefined;
  readonly max?: number | string | undefined;
  readonly above?: number | string | undefined;
  readonly below?: number | string | undefined;
}

function hasEnd({ min, max, above, below }: Ends): boolean {
  return [min, max, above, below].some((end) => end !== undefined);
}

export function notCrossed({ min, max, above, below }: Ends): boolean {
  const lower = [min, above].filter((end) => end !== undefined);
  const upper = [max, below].filter((end) => end !== undefined);
  const all = [...lower, ...upper];
  if (new Set(all.map((end) => typeof end)).size > 1) return false;
  return (
    lower.every((low) => upper.every((high) => low <= high)) &&
    (above === undefined || upper.every((high) => above < high)) &&
    (below === undefined || lower.every((low) => low < below))
  );
}

/** Is a number within its ends? @param slack what rounding may have made of it */
export function isWithin(value: number, { min, max, above, below }: Bounds): boolean {
  return (
    (min === undefined || value >= min) &&
    (max === undefined || value <= max) &&
    (above === undefined || value > above) &&
    (below === undefined || value < below)
  );
}

/** 'at least 1 and less than 3' */
export function boundsText({ min, max, above, below }: Ends): string {
  return [
    min === undefined ? '' : `at least ${min}`,
    above === undefined ? '' : `greater than ${above}`,
    max === undefined ? '' : `at most ${max}`,
    below === undefined ? '' : `less than ${below}`,
  ]
    .filter((part) => part !== '')
    .join(' and ');
}

/** Data that a rule holds its own against: a data set of the lock or stage.output; with `rev`, that data set as a revision of git has it. */
export const dataReferenceSchema = z.union([
  z.string().min(1),
  fields({
    data: z.string().min(1).describe('data set of the lock, or output of a stage'),
    rev: z.string().min(1).optional().describe('revision of git; for the command alone, a stage names its inputs by the lock'),
  }),
]);

/** One column, or several together, of other data: where a value must stand as well. */
export const columnReferenceSchema = fields({
  data: z.string().min(1).describe('data set of the lock, or output of a stage'),
  rev: z.string().min(1).optional().describe('revision of git; for the command alone'),
  column: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).describe('its column; a list for a composite key'),
});

export type DataReference = z.infer<typeof dataReferenceSchema>;
