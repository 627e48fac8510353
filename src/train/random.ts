// Random numbers of our own: the same sequence for a seed on every machine and every version of Node.

export interface Random {
  /** a whole number from 0 to 2^32 - 1 */
  next(): number;
  /** a whole number from 0 to bound - 1, each equally likely; bound from 1 to 2^32 */
  below(bound: number): number;
}

/**
 * xoshiro128**, its state filled by splitmix32.
 * @param seed a whole number, 0 to 2^53 - 1
 * Source: Blackman and Vigna 2021, "Scrambled linear pseudorandom number generators"; the authors' xoshiro128starstar.c. The splitmix step is
 * Steele, Lea and Flood 2014 with MurmurHash3's 32-bit finaliser.
 */
export function seededRandom(seed: number): Random {
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`a seed is a whole number from 0, not ${seed}`);
  let mix = (seed ^ Math.imul(Math.floor(seed / 2 ** 32), 0x9e3779b9)) >>> 0;
  const fill = (): number => {
    mix = (mix + 0x9e3779b9) >>> 0;
    let word = mix;
    word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
    return (word ^ (word >>> 16)) >>> 0;
  };
  let [a, b, c, d] = [fill(), fill(), fill(), fill()];
  const next = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return result;
  };
  const below = (bound: number): number => {
    // numbers in the incomplete last run of `bound` would make the first ones likelier: drawn again
    const limit = 2 ** 32 - (2 ** 32 % bound);
    for (;;) {
      const drawn = next();
      if (drawn < limit) return drawn % bound;
    }
  };
  return { next, below };
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

/** Puts the items in a random order, in place. Source: Fisher and Yates, as Knuth's algorithm P. */
export function shuffle(items: Int32Array, random: Random): void {
  for (let at = items.length - 1; at > 0; at -= 1) {
    const other = random.below(at + 1);
    const held = items[at] as number;
    items[at] = items[other] as number;
    items[other] = held;
  }
}
