// How much two texts have in common: their Jaccard index, and the longest run of words that stands in both, with its places.
import { jaccardOf, ShingleSets } from '../text/jaccard.ts';
import { wordsOf } from '../text/words.ts';

/** A run of words that stands in two texts. */
export interface SharedRun {
  readonly words: number;
  /** where it begins: number of the word in all words of the text, from 0 */
  readonly inAsked: number;
  readonly inTrain: number;
}

/** Words a shingle has. */
const shingle = 5;

/** Compares texts with each other; the words of all of them are numbered alike. */
export class OverlapReader {
  readonly #sets = new ShingleSets(shingle);
  readonly #run: number;

  /** @param run a shared run has at least so many words; 0: none is looked for */
  constructor(run: number) {
    this.#run = run;
  }

  read(parts: readonly string[]): OverlapText {
    const words = parts.map(wordsOf);
    // no run goes over the end of a column
    const numbers = Int32Array.from(words.flatMap((some) => [...this.#sets.numbersOf(some), partEnd]));
    return { numbers, shingles: this.#sets.setOf({ parts, tokens: null }), places: null };
  }

  jaccard(asked: OverlapText, train: OverlapText): number {
    return jaccardOf(asked.shingles, train.shingles);
  }

  /** The longest one, of several the first in the training text; null: there is none. Cost: linear in both texts. */
  longestRun(asked: OverlapText, train: OverlapText): SharedRun | null {
    const run = this.#run;
    if (run === 0) return null;
    asked.places ??= placesOf(asked.numbers, run);
    let best: SharedRun | null = null;
    for (let at = 0; at + run <= train.numbers.length;) {
      const place = asked.places.get(runKey(train.numbers, at, run)) ?? -1;
      const words = place === -1 ? 0 : commonLength(asked.numbers, place, train.numbers, at);
      if (words >= run && words > (best?.words ?? 0)) best = { words, inAsked: place, inTrain: at };
      at += Math.max(1, words - run + 1);
    }
    return best === null
      ? null
      : { words: best.words, inAsked: wordNumber(asked.numbers, best.inAsked), inTrain: wordNumber(train.numbers, best.inTrain) };
  }
}

export interface OverlapText {
  /** of its words; ends of parts between them */
  readonly numbers: Int32Array;
  readonly shingles: Float64Array;
  /** run -> where it begins first; made when asked for */
  places: Map<number, number> | null;
}

const partEnd = -1;

function placesOf(numbers: Int32Array, run: number): Map<number, number> {
  const places = new Map<number, number>();
  for (let at = 0; at + run <= numbers.length; at += 1) {
    const key = runKey(numbers, at, run);
    if (!places.has(key)) places.set(key, at);
  }
  return places;
}

/** 53 bits of a run; whoever finds one by them compares the words. */
function runKey(numbers: Int32Array, from: number, run: number): number {
  let [high, low] = [0x811c9dc5 | 0, 0x1234567];
  for (let at = from; at < from + run; at += 1) {
    high = Math.imul(high ^ (numbers[at] as number), 0x01000193);
    low = Math.imul(low + (numbers[at] as number), 0x85ebca6b) ^ (low >>> 13);
  }
  return (high >>> 0) * 0x200000 + (low & 0x1fffff);
}

function commonLength(a: Int32Array, fromA: number, b: Int32Array, fromB: number): number {
  let length = 0;
  while (fromA + length < a.length && fromB + length < b.length && a[fromA + length] === b[fromB + length] && a[fromA + length] !== partEnd)
    length += 1;
  return length;
}

/** Place among words and ends of parts -> number of the word. */
function wordNumber(numbers: Int32Array, place: number): number {
  return place - numbers.subarray(0, place).filter((number) => number === partEnd).length;
}
