// From what was found to a point that people read.
import type { Point, PointName } from './judgement.ts';

/** Something that does not hold, or of which nobody knows whether it does; a sentence without its full stop. */
export interface Fault {
  readonly what: string;
  readonly unknown?: boolean;
}

/** So many are told; one is enough to refuse. */
const mostTold = 5;

/** @param holds the sentence where nothing was found. What is refused weighs more than what is not known. */
export function pointOf(point: PointName, faults: readonly Fault[], holds: string): Point {
  if (faults.length === 0) return { point, holds: true, why: holds };
  const refused = faults.filter(({ unknown }) => unknown !== true);
  const told = [...new Set((refused.length > 0 ? refused : faults).map(({ what }) => what))];
  const more = told.length > mostTold ? `; and ${told.length - mostTold} more` : '';
  return { point, holds: refused.length > 0 ? false : 'unknown', why: told.slice(0, mostTold).join('; ') + more };
}

/** 'intents in production' */
export function nameOf({ model, stage }: { readonly model: string; readonly stage: string }): string {
  return `${model} in ${stage}`;
}
