// A fast hash that decides where to cut. It decides nothing else: what is equal is said by SHA-256.

/**
 * MurmurHash3_x86_32 with seed 0, of bytes [start, end) of a view.
 * @returns 0 to 2^32 - 1
 * Source: A. Appleby, smhasher, MurmurHash3.cpp
 */
export function murmur3(bytes: DataView, start: number, end: number): number {
  let hash = 0;
  const tail = end - ((end - start) & 3);
  for (let at = start; at < tail; at += 4) {
    hash ^= scramble(bytes.getInt32(at, true));
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let word = 0;
  for (let at = end - 1; at >= tail; at -= 1) word = (word << 8) | bytes.getUint8(at);
  if (tail < end) hash ^= scramble(word);
  return mix(hash ^ (end - start));
}

function scramble(word: number): number {
  const product = Math.imul(word, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}

/** The last step of MurmurHash3 (fmix32): every bit of a 32-bit word decides about every bit of the result, 0 to 2^32 - 1. */
export function mix(word: number): number {
  let hash = word;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
