// Whether a number may be one of some, by a bit for its hash: most of those that are asked for are none, and a set takes longer to say so.

/** Bits for each number, while they stay in a processor's cache. */
const bitsOf = 64;
const mostBits = 23;

export class NumberFilter {
  readonly #shift: number;
  readonly #bits: Uint32Array;

  /** @param size how many will be added */
  constructor(size: number) {
    const least = Math.ceil(Math.log2(size * 8 + 1));
    const bits = Math.min(31, Math.max(5, least, Math.min(mostBits, Math.ceil(Math.log2(size * bitsOf + 1)))));
    this.#shift = 32 - bits;
    this.#bits = new Uint32Array(2 ** (bits - 5));
  }

  /** @param value of 32 bits */
  add(value: number): void {
    const hash = Math.imul(value, 0x9e3779b1) >>> this.#shift;
    this.#bits[hash >>> 5] = (this.#bits[hash >>> 5] as number) | (1 << (hash & 31));
  }

  /** false: it was not added; true: it was, or another one of the same hash */
  mayHave(value: number): boolean {
    const hash = Math.imul(value, 0x9e3779b1) >>> this.#shift;
    return ((this.#bits[hash >>> 5] as number) & (1 << (hash & 31))) !== 0;
  }
}
