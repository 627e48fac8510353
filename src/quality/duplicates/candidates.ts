// Pairs of entries that share a band, the only ones that are compared. Boilerplate may bring any number of entries into one bucket: a small bucket gives
// all its pairs; a large one, for each entry, the earliest of the bucket and those whose other bands are most alike, so that the cost stays linear.
import { EqualNumbers } from '../text/equal-numbers.ts';
import type { RowIndex } from '../text/row-index.ts';
import { record, type Entries } from '../text/entries.ts';

/** Up to so many entries in a bucket are compared each with each. */
const smallBucket = 16;
/** Of a larger one, each is compared with so many that follow it, bands in order. */
const neighbours = 2;

/** A pair as one number: the later entry times `entries.count`, and the earlier one. */
export type PairCode = number;

export function pairCode(later: number, earlier: number, { count }: Pick<Entries, 'count'>): PairCode {
  return later * count + earlier;
}

export interface Candidates {
  /** ascending, each once: by the later entry, then by the earlier */
  readonly pairs: Float64Array;
  /** entry -> 1: it shares a band with another */
  readonly shared: Uint8Array;
}

/** @param among entries that may share a band with another, ascending; null: all may */
export function candidatePairs(index: RowIndex, entries: Entries, bands: number, among: Uint32Array | null): Candidates {
  const found = new PairList(entries);
  const buckets = new Buckets(index, entries, among ?? allOf(entries));
  const shared = new Uint8Array(entries.count);
  for (let band = 0; band < bands; band += 1)
    for (const members of buckets.of(band)) {
      for (const member of members) shared[member] = 1;
      if (members.length > smallBucket) pairsOfLarge(members, band, { index, entries, bands, found });
      else
        for (let later = 1; later < members.length; later += 1)
          for (let at = 0; at < later; at += 1) found.add(members[later] as number, members[at] as number);
    }
  return { pairs: found.sorted(), shared };
}

function allOf({ count }: Entries): Uint32Array {
  const all = new Uint32Array(count);
  for (let entry = 0; entry < count; entry += 1) all[entry] = entry;
  return all;
}

class PairList {
  readonly #entries: Entries;
  #codes = new Float64Array(1024);
  #length = 0;

  constructor(entries: Entries) {
    this.#entries = entries;
  }

  add(a: number, b: number): void {
    if (this.#length === this.#codes.length) {
      const kept = this.sorted();
      this.#codes = new Float64Array(Math.max(this.#codes.length, kept.length * 2));
      this.#codes.set(kept);
      this.#length = kept.length;
    }
    this.#codes[this.#length++] = a > b ? pairCode(a, b, this.#entries) : pairCode(b, a, this.#entries);
  }

  sorted(): Float64Array {
    const codes = this.#codes.subarray(0, this.#length).toSorted();
    let kept = 0;
    for (const code of codes) if (kept === 0 || codes[kept - 1] !== code) codes[kept++] = code;
    return codes.slice(0, kept);
  }
}

/** Entries by their keys of a band. The same memory for each band. */
class Buckets {
  readonly #index: RowIndex;
  readonly #entries: Entries;
  readonly #among: Uint32Array;
  readonly #keys: EqualNumbers;

  constructor(index: RowIndex, entries: Entries, among: Uint32Array) {
    this.#index = index;
    this.#entries = entries;
    this.#among = among;
    this.#keys = new EqualNumbers(among.length);
  }

  /** Entries that share a key, ascending; each bucket until the next is asked for. */
  *of(band: number): Generator<Uint32Array> {
    const { records, width } = this.#index;
    const { first } = this.#entries;
    const among = this.#among;
    const keys = this.#keys.numbers;
    const own = record.own + band;
    for (let at = 0; at < among.length; at += 1) keys[at] = records[(first[among[at] as number] as number) * width + own] as number;
    for (const places of this.#keys.search()) {
      for (let at = 0; at < places.length; at += 1) places[at] = among[places[at] as number] as number;
      yield places;
    }
  }
}

interface Wanted {
  readonly index: RowIndex;
  readonly entries: Entries;
  readonly bands: number;
  readonly found: PairList;
}

function pairsOfLarge(members: Uint32Array, band: number, { index: { records, width }, entries: { first }, bands, found }: Wanted): void {
  const leader = members[0] as number;
  const keyOf = (entry: number, step: number): number => records[(first[entry] as number) * width + record.own + ((band + step) % bands)] as number;
  const byBands = (a: number, b: number): number => {
    for (let step = 1; step < bands; step += 1) {
      const difference = keyOf(a, step) - keyOf(b, step);
      if (difference !== 0) return difference;
    }
    return a - b;
  };
  for (const member of members.subarray(1)) found.add(member, leader);
  const alike = members.toSorted(byBands);
  for (let at = 0; at < alike.length; at += 1)
    for (let step = 1; step <= neighbours && at + step < alike.length; step += 1) found.add(alike[at + step] as number, alike[at] as number);
}
