import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom, shuffle } from './random.ts';

const mask = 0xffffffffn;

/** The same generator written a second time, after the authors' C, in big integers. */
function reference(seed: number, count: number): number[] {
  let mix = BigInt(seed) & mask;
  const state = Array.from({ length: 4 }, () => {
    mix = (mix + 0x9e3779b9n) & mask;
    let word = mix;
    word = ((word ^ (word >> 16n)) * 0x85ebca6bn) & mask;
    word = ((word ^ (word >> 13n)) * 0xc2b2ae35n) & mask;
    return word ^ (word >> 16n);
  }) as [bigint, bigint, bigint, bigint];
  const rotate = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (32n - by))) & mask;
  return Array.from({ length: count }, () => {
    const result = (rotate((state[1] * 5n) & mask, 7n) * 9n) & mask;
    const shifted = (state[1] << 9n) & mask;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 11n);
    return Number(result);
  });
}

test('xoshiro128** as its authors wrote it', () => {
  for (const seed of [0, 1, 12_345, 2 ** 32 - 1]) {
    const random = seededRandom(seed);
    expect(Array.from({ length: 200 }, () => random.next())).toEqual(reference(seed, 200));
  }
});

test('seeds above 32 bits count with all their bits', () => {
  expect(seededRandom(2 ** 40 + 1).next()).not.toBe(seededRandom(1).next());
});

test('a shuffle keeps every item and is the same for a seed', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.nat(200), (seed, length) => {
      const items = Int32Array.from({ length }, (_, at) => at);
      const [first, second] = [items.slice(), items.slice()];
      shuffle(first, seededRandom(seed));
      shuffle(second, seededRandom(seed));
      expect(first).toEqual(second);
      expect(first.toSorted()).toEqual(items);
    }),
  );
});

test('every place is as likely as any other', () => {
  const random = seededRandom(3);
  const first = new Uint32Array(5);
  for (let run = 0; run < 10_000; run += 1) {
    const items = Int32Array.of(0, 1, 2, 3, 4);
    shuffle(items, random);
    first[items[0] as number] = (first[items[0] as number] as number) + 1;
  }
  // 2,000 each; four standard deviations are 160
  for (const count of first) expect(Math.abs(count - 2000)).toBeLessThan(160);
});
