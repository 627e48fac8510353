// Ends of a range and names of data as rules have them, without zod (bounds-schema.ts has them as it does): whoever judges rows need not load that.

/** Ends of a range of numbers; at least one is given. */
export interface Bounds {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly above?: number | undefined;
  readonly below?: number | undefined;
}

/** Data that a rule holds its own against: a data set of the lock or stage.output; with `rev`, that data set as a revision of git has it. */
export type DataReference = string | { readonly data: string; readonly rev?: string | undefined };

interface Ends {
  readonly min?: number | string | undefined;
  readonly max?: number | string | undefined;
  readonly above?: number | string | undefined;
  readonly below?: number | string | undefined;
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
