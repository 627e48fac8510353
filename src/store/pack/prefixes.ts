import type { Digest } from '../../base/digest.ts';

/** The first 48 bits of a digest: a whole number that a double holds. */
export function prefixOf(digest: Digest): number {
  return Number.parseInt(digest.slice(7, 19), 16);
}

const bits = 48;
/** Prefixes that share a place of the table of beginnings, on average. */
const together = 16;

/** Prefixes of many digests, 8 bytes each. What is not among them is not there; what is has to be looked at. */
export class Prefixes {
  readonly #sorted: Float64Array;
  /** what a prefix is divided by: the upper bits of it that are left number a place in `#first` */
  readonly #width: number;
  /** first of the sorted ones that begins with these bits or larger ones */
  readonly #first: Uint32Array;

  /** @param values in any order */
  constructor(values: Float64Array) {
    this.#sorted = values.toSorted();
    const places = 2 ** Math.max(0, Math.floor(Math.log2(values.length / together)));
    this.#width = 2 ** bits / places;
    this.#first = new Uint32Array(places + 1).fill(values.length);
    for (let at = values.length - 1; at >= 0; at -= 1) this.#first[this.#placeOf(this.#sorted[at] as number)] = at;
    for (let place = places - 1; place >= 0; place -= 1)
      this.#first[place] = Math.min(this.#first[place] as number, this.#first[place + 1] as number);
  }

  has(prefix: number): boolean {
    const sorted = this.#sorted;
    const place = this.#placeOf(prefix);
    let low = this.#first[place] as number;
    let high = this.#first[place + 1] as number;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sorted[middle] as number) < prefix) low = middle + 1;
      else high = middle;
    }
    return sorted[low] === prefix;
  }

  #placeOf(prefix: number): number {
    return Math.floor(prefix / this.#width);
  }
}
