// Lines by a 64-bit hash, about 16 bytes a line: the hashes by number of the line, and a table of slots that leads from a hash to the first line
// that has it. Two different lines may have one hash (once in 3e7 pairs of files of a million lines): who uses the table verifies what comes of it.

const pageLines = 1 << 16;

export class LineTable {
  /** lines so far */
  count = 0;
  /** of the line that `hash` saw last */
  #low = 0;
  #high = 0;
  /** both halves of a hash side by side, 65,536 lines a page */
  readonly #pages: Int32Array[] = [];
  /** line + 1; 0: free */
  #slots = new Uint32Array(1024);
  #used = 0;

  /**
   * Hashes a line: what `find`, `isAt` and `append` are about from then on. Every step maps the 64 bits of state one to one, so lines that differ in
   * one place only never have the same hash.
   */
  hash(view: DataView, start: number, end: number): void {
    let low = (end - start) | 0;
    let high = 0x9e3779b9 | 0;
    let at = start;
    for (; at + 8 <= end; at += 8) {
      const a = Math.imul(low ^ view.getInt32(at, true), 0xcc9e2d51);
      const b = Math.imul(high ^ view.getInt32(at + 4, true), 0x85ebca6b);
      high = ((b << 17) | (b >>> 15)) ^ a;
      low = (((a << 13) | (a >>> 19)) + high) | 0;
    }
    for (; at < end; at += 1) {
      const a = Math.imul(low ^ view.getUint8(at), 0xcc9e2d51);
      high = Math.imul(((high << 17) | (high >>> 15)) ^ a, 0x85ebca6b);
      low = (((a << 13) | (a >>> 19)) + high) | 0;
    }
    low = Math.imul(low ^ (low >>> 16), 0x85ebca6b);
    high = Math.imul(high ^ (high >>> 13) ^ low, 0xc2b2ae35);
    this.#high = high ^ (high >>> 16);
    this.#low = ((low ^ (low >>> 13)) + this.#high) | 0;
  }

  /** The first line with the hash seen last, or -1. */
  find(): number {
    return (this.#slots[this.#slotOf(this.#low, this.#high)] as number) - 1;
  }

  /** Does this line have the hash seen last? */
  isAt(line: number): boolean {
    const page = this.#pages[line >>> 16] as Int32Array;
    const at = (line & (pageLines - 1)) * 2;
    return page[at] === this.#low && page[at + 1] === this.#high;
  }

  areEqual(line: number, other: number): boolean {
    const page = this.#pages[other >>> 16] as Int32Array;
    const at = (other & (pageLines - 1)) * 2;
    return this.#hasHash(line, page[at] as number, page[at + 1] as number);
  }

  /** Takes the hash seen last in, as that of the next line. */
  append(): void {
    const line = this.count;
    if ((line & (pageLines - 1)) === 0) this.#pages.push(new Int32Array(pageLines * 2));
    const page = this.#pages.at(-1) as Int32Array;
    const at = (line & (pageLines - 1)) * 2;
    page[at] = this.#low;
    page[at + 1] = this.#high;
    this.count += 1;
    if (this.#used * 4 >= this.#slots.length * 3) this.#rebuild();
    else this.#enter(line, this.#low, this.#high);
  }

  #enter(line: number, low: number, high: number): void {
    const slot = this.#slotOf(low, high);
    if (this.#slots[slot] !== 0) return;
    this.#slots[slot] = line + 1;
    this.#used += 1;
  }

  /** The slot of that hash, or the free one where it would go. */
  #slotOf(low: number, high: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const line = (this.#slots[slot] as number) - 1;
      if (line === -1 || this.#hasHash(line, low, high)) return slot;
    }
  }

  #hasHash(line: number, low: number, high: number): boolean {
    const page = this.#pages[line >>> 16] as Int32Array;
    const at = (line & (pageLines - 1)) * 2;
    return page[at] === low && page[at + 1] === high;
  }

  /** More slots; the hashes are all there still. */
  #rebuild(): void {
    const length = this.#slots.length * 2;
    this.#slots = new Uint32Array(0);
    this.#slots = new Uint32Array(length);
    this.#used = 0;
    for (let line = 0; line < this.count; line += 1) {
      const page = this.#pages[line >>> 16] as Int32Array;
      const at = (line & (pageLines - 1)) * 2;
      this.#enter(line, page[at] as number, page[at + 1] as number);
    }
  }
}
