// Pairs of entries that share a band, the only ones that are compared. Boilerplate may bring any number of entries into one bucket: a small bucket gives
// all its pairs; a large one, for each entry, the earliest of the bucket and those whose other bands are most alike, so that the cost stays linear.
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

/** Pairs, ascending, each once: by the later entry, then by the earlier. */
export function candidatePairs(index: RowIndex, entries: Entries, bands: number): Float64Array {
  const found = new PairList(entries);
  const buckets = new Buckets(index, entries);
  for (let band = 0; band < bands; band += 1) {
    const large = buckets.fill(band, found);
    for (const members of large) pairsOfLarge(members, band, { index, entries, bands, found });
  }
  return found.sorted();
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

/** Entries by the key of a band; the same memory for each band. */
class Buckets {
  readonly #index: RowIndex;
  readonly #entries: Entries;
  /** slot -> the last entry of its bucket + 1 */
  readonly #slots: Int32Array;
  readonly #sizes: Uint32Array;
  /** entry -> the one before it in its bucket + 1 */
  readonly #before: Int32Array;

  constructor(index: RowIndex, entries: Entries) {
    this.#index = index;
    this.#entries = entries;
    const capacity = 2 ** Math.ceil(Math.log2(entries.count * 2 + 2));
    this.#slots = new Int32Array(capacity);
    this.#sizes = new Uint32Array(capacity);
    this.#before = new Int32Array(entries.count);
  }

  /** @returns members of each large bucket, ascending, the buckets by their first one */
  fill(band: number, found: PairList): Uint32Array[] {
    const { records, width } = this.#index;
    const { first, count } = this.#entries;
    const [slots, sizes, before, at] = [this.#slots, this.#sizes, this.#before, record.own + band];
    const mask = slots.length - 1;
    slots.fill(0);
    sizes.fill(0);
    for (let entry = 0; entry < count; entry += 1) {
      const key = records[(first[entry] as number) * width + at] as number;
      let slot = Math.imul(key, 0x9e3779b1) & mask;
      while (slots[slot] !== 0 && records[(first[(slots[slot] as number) - 1] as number) * width + at] !== key) slot = (slot + 1) & mask;
      const last = slots[slot] as number;
      before[entry] = last;
      for (let other = last, left = smallBucket; other !== 0 && left > 0; other = before[other - 1] as number, left -= 1) found.add(entry, other - 1);
      slots[slot] = entry + 1;
      sizes[slot] = (sizes[slot] as number) + 1;
    }
    const large: Uint32Array[] = [];
    for (let slot = 0; slot <= mask; slot += 1) {
      const size = sizes[slot] as number;
      if (size <= smallBucket) continue;
      const members = new Uint32Array(size);
      for (let other = slots[slot] as number, place = size; other !== 0; other = before[other - 1] as number) members[--place] = other - 1;
      large.push(members);
    }
    return large;
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
