// Which of many numbers may stand there twice, told by two bits for each hash of them: most are alone, and what looks for equal ones need not sort them.

/** Hashes for each number: more of them tell more, and stay in no cache of a processor. One in ten that is alone is not told as such. */
const usualHashes = 8;
/** Powers of two: as many hashes as stay in a cache where more are asked for than the usual. */
const mostBits = 23;

/** Numbers that were counted: none, one, several. Whoever is told that one may stand there twice looks itself. */
export class RepeatFilter {
  readonly #shift: number;
  readonly #counts: Uint32Array;

  /** @param size how many will be counted @param hashesOf hashes for each, if that is not too many */
  constructor(size: number, hashesOf: number = usualHashes) {
    const usual = Math.min(31, Math.max(5, Math.ceil(Math.log2(size * usualHashes + 1))));
    const bits = Math.max(usual, Math.min(mostBits, Math.ceil(Math.log2(size * hashesOf + 1))));
    this.#shift = 32 - bits;
    this.#counts = new Uint32Array(2 ** (bits - 4));
  }

  clear(): void {
    this.#counts.fill(0);
  }

  /** @param value of 32 bits */
  count(value: number): void {
    const hash = Math.imul(value, 0x9e3779b1) >>> this.#shift;
    const [at, bit] = [hash >>> 4, (hash & 15) << 1];
    const counts = this.#counts[at] as number;
    // the second bit is set by whoever finds the first one set
    this.#counts[at] = counts | ((1 | (((counts >>> bit) & 1) << 1)) << bit);
  }

  /** false: it was counted once, or not at all */
  mayRepeat(value: number): boolean {
    const hash = Math.imul(value, 0x9e3779b1) >>> this.#shift;
    return (((this.#counts[hash >>> 4] as number) >>> ((hash & 15) << 1)) & 2) !== 0;
  }

  /** false: it was not counted */
  mayHave(value: number): boolean {
    const hash = Math.imul(value, 0x9e3779b1) >>> this.#shift;
    return (((this.#counts[hash >>> 4] as number) >>> ((hash & 15) << 1)) & 1) !== 0;
  }
}
