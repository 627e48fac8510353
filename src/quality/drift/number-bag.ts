// A bag of numbers that is being filled: 12 bytes for each distinct one, however many there are.
import { numberCounts, type NumberCounts } from './statistics/counts.ts';

/** numbers that wait to be sorted in */
const mostPending = 1 << 17;

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
    const [values, counts] = [Float64Array.from(this.#pending.keys()).toSorted(), this.#merged.counts];
    const size = this.#merged.values.length + values.length;
    const merged = { values: new Float64Array(size), counts: new Float64Array(size) };
    // by hand: a generator takes four times as long here, and whole columns go through
    let [old, fresh, at] = [0, 0, 0];
    while (old < this.#merged.values.length || fresh < values.length) {
      const [known, next] = [this.#merged.values[old] ?? Infinity, values[fresh] ?? Infinity];
      const value = Math.min(known, next);
      let count = known === value ? (counts[old++] as number) : 0;
      if (next === value) {
        count += this.#pending.get(value) as number;
        fresh += 1;
      }
      if (count === 0) continue;
      merged.values[at] = value;
      merged.counts[at++] = count;
    }
    this.#pending = new Map();
    this.#merged = { values: merged.values.slice(0, at), counts: merged.counts.slice(0, at) };
  }
}
