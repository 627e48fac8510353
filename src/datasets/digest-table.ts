// A map from digests to small numbers for millions of rows: typed arrays, about 30 bytes a row where a Map of strings takes 150.

/** Words of 32 bits that name a digest: its first 128 bits, so that a chance collision of a billion rows is below 1 in 10^20. */
const nameWords = 4;

/** Digests in the order in which they came, each with `words` numbers (0 to 2^32 - 1) beside it. */
export class DigestTable {
  readonly #words: number;
  #names: Uint32Array;
  #values: Uint32Array;
  /** slot -> entry + 1, 0 where free */
  #slots: Int32Array;
  #size = 0;

  constructor(words: number) {
    this.#words = words;
    this.#names = new Uint32Array(1024 * nameWords);
    this.#values = new Uint32Array(1024 * words);
    this.#slots = new Int32Array(2048);
  }

  get size(): number {
    return this.#size;
  }

  /** @param digest at least 16 bytes @returns the entry, or -1 */
  find(digest: Buffer): number {
    return (this.#slots[this.#slotOf(digest)] as number) - 1;
  }

  /** The entry that has the digest which another table has as its `entry`, or -1. */
  findSame(other: DigestTable, entry: number): number {
    const mask = this.#slots.length - 1;
    const at = entry * nameWords;
    for (let slot = (other.#names[at] as number) & mask; ; slot = (slot + 1) & mask) {
      const found = (this.#slots[slot] as number) - 1;
      if (found === -1) return -1;
      let word = 0;
      while (word < nameWords && this.#names[found * nameWords + word] === other.#names[at + word]) word += 1;
      if (word === nameWords) return found;
    }
  }

  /** @returns the entry: a new one, or that which has the digest already */
  add(digest: Buffer): { readonly entry: number; readonly isNew: boolean } {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    const slot = this.#slotOf(digest);
    const known = this.#slots[slot] as number;
    if (known > 0) return { entry: known - 1, isNew: false };
    const entry = this.#size;
    for (let word = 0; word < nameWords; word += 1) this.#names[entry * nameWords + word] = digest.readUInt32LE(word * 4);
    this.#slots[slot] = entry + 1;
    this.#size += 1;
    return { entry, isNew: true };
  }

  get(entry: number, word: number): number {
    return this.#values[entry * this.#words + word] as number;
  }

  set(entry: number, word: number, value: number): void {
    this.#values[entry * this.#words + word] = value;
  }

  #slotOf(digest: Buffer): number {
    const mask = this.#slots.length - 1;
    const first = digest.readUInt32LE(0);
    for (let slot = first & mask; ; slot = (slot + 1) & mask) {
      const entry = (this.#slots[slot] as number) - 1;
      if (entry === -1 || this.#isNamed(entry, digest)) return slot;
    }
  }

  #isNamed(entry: number, digest: Buffer): boolean {
    const at = entry * nameWords;
    for (let word = 0; word < nameWords; word += 1) if (this.#names[at + word] !== digest.readUInt32LE(word * 4)) return false;
    return true;
  }

  #grow(): void {
    const capacity = this.#slots.length;
    this.#names = grown(this.#names, capacity * nameWords);
    this.#values = grown(this.#values, capacity * this.#words);
    this.#slots = new Int32Array(capacity * 2);
    const mask = this.#slots.length - 1;
    for (let entry = 0; entry < this.#size; entry += 1) {
      let slot = (this.#names[entry * nameWords] as number) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = entry + 1;
    }
  }
}

function grown(array: Uint32Array, length: number): Uint32Array {
  const larger = new Uint32Array(length);
  larger.set(array);
  return larger;
}
