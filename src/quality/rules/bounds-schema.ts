// Pieces that many checks of a rules file share, as zod has them: ends of a range, and which data a rule holds its data against.
import { countSchema, fields, z } from '../../base/schema.ts';
import { notCrossed, type Bounds, type DataReference } from './bounds.ts';

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

function hasEnd({ min, max, above, below }: Bounds): boolean {
  return [min, max, above, below].some((end) => end !== undefined);
}

export const dataReferenceSchema: z.ZodType<DataReference> = z.union([
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
