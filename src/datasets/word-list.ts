const pageWords = 1 << 17;

/** 32-bit numbers of millions of rows: a list that grows by pages, so that nothing is copied and nothing is twice in memory. */
export class WordList {
  readonly #pages: Uint32Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(words: Uint32Array): void {
    for (let at = 0; at < words.length;) {
      const used = this.#length % pageWords;
      if (used === 0) this.#pages.push(new Uint32Array(pageWords));
      const part = words.subarray(at, at + pageWords - used);
      this.#pages.at(-1)?.set(part, used);
      this.#length += part.length;
      at += part.length;
    }
  }

  /** All of it in order; each piece but the last has an even number of words. */
  *pieces(): Generator<Uint32Array> {
    for (const [at, page] of this.#pages.entries()) yield page.subarray(0, this.#length - at * pageWords);
  }
}
