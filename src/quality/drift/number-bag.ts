// A bag of numbers that is being filled: 12 bytes for each distinct one, however many there are.
import { alignNumbers, numberCounts, type NumberCounts } from './statistics/counts.ts';

const mostPending = 1 << 16;

export class NumberBag {
  #pending = new Map<number, number>();
  #merged: { readonly values: Float64Array; readonly counts: Float64Array } = { values: new Float64Array(0), counts: new Float64Array(0) };

  /** @param times below 0: taken out; what is taken out may come before it is put in */
  add(value: number, times: number): void {
    // of 0 and -0 there is one
    const key = value === 0 ? 0 : value;
    this.#pending.set(key, (this.#pending.get(key) ?? 0) + times);
    if (this.#pending.size >= mostPending) this.#merge();
  }

  addAll({ values, counts }: NumberCounts): void {
    values.forEach((value, at) => this.add(value, counts[at] as number));
  }

  /** What is in it; null: more was taken out than there was. */
  counts(): NumberCounts | null {
    if (this.#merged.values.length === 0 && [...this.#pending.values()].every((count) => count > 0)) return numberCounts(this.#pending);
    this.#merge();
    const { values, counts } = this.#merged;
    if (counts.some((count) => count < 0)) return null;
    return { values: values.filter((_, at) => counts[at] !== 0), counts: Uint32Array.from(counts.filter((count) => count !== 0)) };
  }

  #merge(): void {
    const values = Float64Array.from(this.#pending.keys()).toSorted();
    const fresh = { values, counts: Float64Array.from(values, (value) => this.#pending.get(value) ?? 0) };
    this.#pending = new Map();
    const size = this.#merged.values.length + values.length;
    const merged = { values: new Float64Array(size), counts: new Float64Array(size) };
    let at = 0;
    for (const { value, before, after } of alignNumbers(this.#merged, fresh)) {
      if (before + after === 0) continue;
      merged.values[at] = value;
      merged.counts[at++] = before + after;
    }
    this.#merged = { values: merged.values.slice(0, at), counts: merged.counts.slice(0, at) };
  }
}
