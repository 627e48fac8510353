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

/** Minima that are looked for at once. */
const together = 4;

/** Of two numbers of 32 bits, by their bits. */
function lesser(a: number, b: number): number {
  return a ^ ((a ^ b) & -Number(b < a));
}

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
    const padded = Math.ceil(count / together) * together;
    this.#factors = new Int32Array(padded);
    this.#terms = new Int32Array(padded);
    this.#minima = new Int32Array(padded);
    for (let at = 0; at < count; at += 1) this.#factors[at] = next() | 1;
    for (let at = 0; at < count; at += 1) this.#terms[at] = next();
  }

  /** Writes a key of 32 bits for each band. @param grams hashes of 32 bits, at least one */
  sign(grams: Uint32Array, keys: Uint32Array, at: number): void {
    const minima = this.#minima;
    findMinima(grams, this.#factors, this.#terms, minima);
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

/**
 * Four at once, without a branch, which a processor would guess wrong some times a minimum: a third of the time. Numbers have names here, for the compiler
 * makes arrays of what is taken from arrays.
 */
function findMinima(grams: Uint32Array, factors: Int32Array, terms: Int32Array, minima: Int32Array): void {
  for (let one = 0; one < minima.length; one += together) {
    const f0 = factors[one] as number;
    const f1 = factors[one + 1] as number;
    const f2 = factors[one + 2] as number;
    const f3 = factors[one + 3] as number;
    const t0 = terms[one] as number;
    const t1 = terms[one + 1] as number;
    const t2 = terms[one + 2] as number;
    const t3 = terms[one + 3] as number;
    let m0 = 0x7fffffff;
    let m1 = m0;
    let m2 = m0;
    let m3 = m0;
    for (let index = 0; index < grams.length; index += 1) {
      const gram = grams[index] as number;
      m0 = lesser(m0, (Math.imul(gram, f0) + t0) | 0);
      m1 = lesser(m1, (Math.imul(gram, f1) + t1) | 0);
      m2 = lesser(m2, (Math.imul(gram, f2) + t2) | 0);
      m3 = lesser(m3, (Math.imul(gram, f3) + t3) | 0);
    }
    minima[one] = m0;
    minima[one + 1] = m1;
    minima[one + 2] = m2;
    minima[one + 3] = m3;
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
