// MinHash signatures in bands: two sets with Jaccard index J agree in one minimum with probability J, in a band of r with J^r, in one of b bands with
// 1 - (1 - J^r)^b. Sources: Broder 1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, 3.4. What agrees is a candidate, and no more.

export interface Banding {
  readonly bands: number;
  /** minima a band */
  readonly rows: number;
}

/** At the threshold itself this share is found; above it more. */
const recallAtThreshold = 0.99;
/** Minima of a signature: what one costs, and what a row of an index takes. */
const mostMinima = 72;

/** Bands as long as can be had (long ones let few strangers meet) with that recall. @param threshold 0 < t <= 1 */
export function bandingFor(threshold: number): Banding {
  for (let rows = 16; rows > 1; rows -= 1) {
    const bands = Math.ceil(Math.log(1 - recallAtThreshold) / Math.log(1 - Math.min(threshold, 0.999) ** rows));
    if (bands * rows <= mostMinima) return { bands, rows };
  }
  return { bands: mostMinima, rows: 1 };
}

export class MinHash {
  readonly banding: Banding;
  readonly #factors: Int32Array;
  readonly #terms: Int32Array;
  readonly #minima: Int32Array;

  constructor(banding: Banding) {
    this.banding = banding;
    const count = banding.bands * banding.rows;
    const next = generator(0x9e3779b9);
    this.#factors = Int32Array.from({ length: count }, () => next() | 1);
    this.#terms = Int32Array.from({ length: count }, () => next());
    this.#minima = new Int32Array(count);
  }

  /** Writes a key of 32 bits for each band. @param grams hashes of 32 bits, at least one */
  sign(grams: Uint32Array, keys: Uint32Array, at: number): void {
    const [factors, terms, minima] = [this.#factors, this.#terms, this.#minima];
    const count = minima.length;
    minima.fill(0x7fffffff);
    for (let index = 0; index < grams.length; index += 1) {
      const gram = grams[index] as number;
      for (let one = 0; one < count; one += 1) {
        const value = (Math.imul(gram, factors[one] as number) + (terms[one] as number)) | 0;
        if (value < (minima[one] as number)) minima[one] = value;
      }
    }
    const { bands, rows } = this.banding;
    for (let band = 0; band < bands; band += 1) {
      let key = 0x811c9dc5 | 0;
      for (let one = band * rows; one < (band + 1) * rows; one += 1) {
        key = Math.imul(key ^ (minima[one] as number), 0x5bd1e995);
        key ^= key >>> 15;
      }
      keys[at + band] = key;
    }
  }
}

/** xorshift, Marsaglia 2003: the same numbers on every machine. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state | 0;
  };
}
