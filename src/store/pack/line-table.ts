// Lines by a 64-bit hash, about 16 bytes a line: the hashes by number of the line, and a table of slots that leads from a hash to the first line
// that has it. Two different lines may have one hash (once in 3e7 pairs of files of a million lines): who uses the table verifies what comes of it.

const pageLines = 1 << 16;

function lineIn(slot: number): number {
  return (slot & 0xffffff) - 1;
}

export class LineTable {
  /** lines so far; fewer than 2^24 */
  count = 0;
  /** of the line that `hash` saw last */
  #low = 0;
  #high = 0;
  /** both halves of a hash side by side, 65,536 lines a page */
  readonly #pages: Int32Array<ArrayBuffer>[] = [];
  /** line + 1 in the lower 24 bits, above them 8 bits of its hash, which save most looks at the page; 0: free */
  #slots = new Uint32Array(1024);
  /** lines that were entered into the slots: all, as soon as somebody looks for one, so that the slots of the old version are made once */
  #entered = 0;

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
    if (this.#entered < this.count) this.#enterAll();
    return lineIn(this.#slots[this.#slotOf(this.#low, this.#high)] as number);
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
  }

  /** Gives its memory back at once: a collection might come only after as much was taken for what is done next. */
  release(): void {
    for (const page of this.#pages.splice(0)) page.buffer.transfer(0);
    this.#slots.buffer.transfer(0);
  }

  #enterAll(): void {
    if (this.count * 4 > this.#slots.length * 3) {
      let length = this.#slots.length;
      while (this.count * 4 > length * 3) length *= 2;
      // not both at once: at the limit of lines they have 64 MiB each
      this.#slots = new Uint32Array(0);
      this.#slots = new Uint32Array(length);
      this.#entered = 0;
    }
    for (; this.#entered < this.count; this.#entered += 1) {
      const page = this.#pages[this.#entered >>> 16] as Int32Array;
      const at = (this.#entered & (pageLines - 1)) * 2;
      const high = page[at + 1] as number;
      const slot = this.#slotOf(page[at] as number, high);
      if (this.#slots[slot] === 0) this.#slots[slot] = (high << 24) | (this.#entered + 1);
    }
  }

  /** The slot of that hash, or the free one where it would go. */
  #slotOf(low: number, high: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot] as number;
      if (found === 0 || (found >>> 24 === (high & 0xff) && this.#hasHash(lineIn(found), low, high))) return slot;
    }
  }

  #hasHash(line: number, low: number, high: number): boolean {
    const page = this.#pages[line >>> 16] as Int32Array;
    const at = (line & (pageLines - 1)) * 2;
    return page[at] === low && page[at + 1] === high;
  }
}
