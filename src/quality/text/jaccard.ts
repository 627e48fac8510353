// The true Jaccard index of two texts: of the sets of their runs of n words, by the words themselves, not by hashes that collide.
import { wordsOf } from './words.ts';
import type { Document } from './text-reader.ts';

/** The words of a document, part by part. */
export function documentWords({ parts, tokens }: Document): (readonly string[])[] {
  return tokens === null ? parts.map(wordsOf) : [tokens];
}

/** Numbers words, so that runs of them are compared as numbers. */
export class ShingleSets {
  readonly #size: number;
  readonly #numbers = new Map<string, number>();

  /** @param size words a shingle */
  constructor(size: number) {
    this.#size = size;
  }

  /** The shingles of a document as sorted numbers of 53 bits, each once. A part with fewer words is one shingle. */
  setOf(document: Document): Float64Array {
    const shingles: number[] = [];
    for (const words of documentWords(document)) {
      const numbers = this.numbersOf(words);
      const last = Math.max(numbers.length === 0 ? -1 : 0, numbers.length - this.#size);
      for (let at = 0; at <= last; at += 1) shingles.push(packed(numbers, at, Math.min(numbers.length, at + this.#size)));
    }
    const sorted = Float64Array.from(shingles).toSorted();
    let kept = 0;
    for (const shingle of sorted) if (kept === 0 || sorted[kept - 1] !== shingle) sorted[kept++] = shingle;
    return sorted.slice(0, kept);
  }

  /** Equal words have equal numbers, from 1. */
  numbersOf(words: readonly string[]): number[] {
    return words.map((word) => this.#numberOf(word));
  }

  #numberOf(word: string): number {
    const known = this.#numbers.get(word);
    if (known !== undefined) return known;
    const number = this.#numbers.size + 1;
    this.#numbers.set(word, number);
    return number;
  }
}

/** 53 bits of the numbers of some words: with a million shingles, two share theirs once in some ten thousand runs. */
function packed(numbers: readonly number[], from: number, to: number): number {
  let [high, low] = [0x1b873593 ^ (to - from), 0x0c2b2ae3];
  for (let at = from; at < to; at += 1) {
    const number = numbers[at] as number;
    high = Math.imul(high ^ number, 0x85ebca6b);
    high ^= high >>> 13;
    low = Math.imul(low + number, 0x27d4eb2f);
    low ^= (low >>> 15) ^ high;
  }
  return (high >>> 0) * 0x200000 + (low & 0x1fffff);
}

/** @param a sorted, each once; so is b @returns 0 to 1; 0 where both are empty */
export function jaccardOf(a: Float64Array, b: Float64Array): number {
  let [left, right, both] = [0, 0, 0];
  while (left < a.length && right < b.length) {
    const [one, other] = [a[left] as number, b[right] as number];
    if (one === other) both += 1;
    if (one <= other) left += 1;
    if (other <= one) right += 1;
  }
  return both === 0 ? 0 : both / (a.length + b.length - both);
}
