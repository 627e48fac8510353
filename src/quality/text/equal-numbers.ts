// Which of many numbers are equal: dealt out to parts by their first bits, and in each part found by a table, so that no place is far from the one before.
// A radix sort takes four times as long, a table of all more. Loops count, and numbers have names: other forms of them take twice the time.

/** Of about so many numbers the table stays in a processor's nearest memory. */
const partSize = 4096;

/** Looks through lists of one length, one after the other, in the same memory: 12 bytes a number. */
export class EqualNumbers {
  /** The list: to be filled in before each search, which leaves other numbers in it. They are hashes, or as even. */
  readonly numbers: Uint32Array;
  /** place in the parts -> the number, and its place in the list */
  readonly #partNumbers: Uint32Array;
  readonly #partPlaces: Uint32Array;
  /** where each part begins; at last where all end */
  readonly #parts: Uint32Array;
  readonly #shift: number;
  #found = new Uint32Array(64);

  constructor(length: number) {
    this.numbers = new Uint32Array(length);
    this.#partNumbers = new Uint32Array(length);
    this.#partPlaces = new Uint32Array(length);
    const bits = Math.max(1, Math.ceil(Math.log2(length / partSize + 1)));
    this.#parts = new Uint32Array(2 ** bits + 1);
    this.#shift = 32 - bits;
  }

  /** Places of numbers that are equal, ascending; of each number that stands there several times, in no order. Each until the next is asked for. */
  *search(): Generator<Uint32Array> {
    const parts = this.#parts;
    const slots = new Uint32Array(2 ** Math.ceil(Math.log2(this.#deal() * 2 + 1)));
    for (let part = 0; part < parts.length - 1; part += 1) {
      const [from, to] = [parts[part] as number, parts[part + 1] as number];
      for (const first of this.#searchPart(from, to, slots.subarray(0, 2 ** Math.ceil(Math.log2((to - from) * 2 + 1)))))
        yield this.#placesFrom(first);
    }
  }

  /** @returns how many the largest part has */
  #deal(): number {
    const numbers = this.numbers;
    const partNumbers = this.#partNumbers;
    const partPlaces = this.#partPlaces;
    const parts = this.#parts;
    const shift = this.#shift;
    parts.fill(0);
    for (let place = 0; place < numbers.length; place += 1) {
      const part = (numbers[place] as number) >>> shift;
      parts[part] = (parts[part] as number) + 1;
    }
    const largest = parts.reduce((most, count) => Math.max(most, count), 0);
    let end = 0;
    for (let part = 0; part < parts.length; part += 1) {
      end += parts[part] as number;
      parts[part] = end;
    }
    // from the last one on: where a part ended is then where it begins
    for (let place = numbers.length - 1; place >= 0; place -= 1) {
      const number = numbers[place] as number;
      const at = (parts[number >>> shift] as number) - 1;
      parts[number >>> shift] = at;
      partNumbers[at] = number;
      partPlaces[at] = place;
    }
    return largest;
  }

  /**
   * Makes a ring of the places of each number, in the memory of the list, which is dealt out.
   * @param slots for the last place of each number + 1; 0: free
   * @returns the first place of each that stands there several times
   */
  #searchPart(from: number, to: number, slots: Uint32Array): number[] {
    const several: number[] = [];
    const next = this.numbers;
    const partNumbers = this.#partNumbers;
    const mask = slots.length - 1;
    slots.fill(0);
    for (let at = from; at < to; at += 1) {
      const number = partNumbers[at] as number;
      let slot = Math.imul(number, 0x9e3779b1) & mask;
      while (slots[slot] !== 0 && partNumbers[(slots[slot] as number) - 1] !== number) slot = (slot + 1) & mask;
      const last = (slots[slot] as number) - 1;
      slots[slot] = at + 1;
      next[at] = last === -1 ? at : (next[last] as number);
      if (last === -1) continue;
      if (next[last] === last) several.push(last);
      next[last] = at;
    }
    return several;
  }

  #placesFrom(first: number): Uint32Array {
    let count = 0;
    let at = first;
    do {
      if (count === this.#found.length) {
        const larger = new Uint32Array(count * 2);
        larger.set(this.#found);
        this.#found = larger;
      }
      this.#found[count++] = this.#partPlaces[at] as number;
      at = this.numbers[at] as number;
    } while (at !== first);
    return this.#found.subarray(0, count);
  }
}
