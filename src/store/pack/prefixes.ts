import type { Digest } from '../../base/digest.ts';

/** The first 48 bits of a digest: a whole number that a double holds. */
export function prefixOf(digest: Digest): number {
  return Number.parseInt(digest.slice(7, 19), 16);
}

/** Prefixes of many digests, 8 bytes each. What is not among them is not there; what is has to be looked at. */
export class Prefixes {
  readonly #sorted: Float64Array;

  /** @param values in any order */
  constructor(values: Float64Array) {
    this.#sorted = values.toSorted();
  }

  has(prefix: number): boolean {
    const sorted = this.#sorted;
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sorted[middle] as number) < prefix) low = middle + 1;
      else high = middle;
    }
    return sorted[low] === prefix;
  }
}
