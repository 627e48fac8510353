// One pass over a text that finds all keywords of all rules, whatever their case: Aho and Corasick's automaton, "Efficient string matching", 1975,
// as one table of states by letters.

export class KeywordIndex {
  readonly #letters = new Uint8Array(65_536);
  readonly #width: number;
  readonly #next: Int32Array;
  /** state -> the longest keyword that ends there, + 1 */
  readonly #ends: Int32Array;
  /** state -> the next state on its way of suffixes where a keyword ends */
  readonly #also: Int32Array;
  /** states at which something ends come last: one comparison tells */
  readonly #firstEnding: number;

  /** @param keywords in lower case, none twice */
  constructor(keywords: readonly string[]) {
    this.#width = this.#classify(keywords);
    const trie = this.#trie(keywords);
    const { order, next, also } = linkSuffixes(trie, this.#width);
    // numbered anew: states with an end behind all others, so that the loop over a text asks one question a letter
    const ending = order.filter((state) => trie.ends[state] !== 0 || also[state] !== 0);
    const plain = order.filter((state) => trie.ends[state] === 0 && also[state] === 0);
    const number = new Int32Array(order.length);
    [...plain, ...ending].forEach((state, at) => (number[state] = at));
    this.#firstEnding = plain.length * this.#width;
    this.#next = new Int32Array(order.length * this.#width);
    this.#ends = new Int32Array(order.length);
    this.#also = new Int32Array(order.length);
    for (const state of order) {
      const to = number[state] as number;
      for (let letter = 0; letter < this.#width; letter++)
        this.#next[to * this.#width + letter] = (number[next[state * this.#width + letter] as number] as number) * this.#width;
      this.#ends[to] = trie.ends[state] as number;
      this.#also[to] = number[also[state] as number] as number;
    }
  }

  /** @returns letters told apart, 0 being all that no keyword has */
  #classify(keywords: readonly string[]): number {
    let count = 0;
    for (const letter of new Set(keywords.join(''))) {
      count += 1;
      if (count > 255) throw new Error('keywords of more than 255 different letters');
      this.#letters[letter.charCodeAt(0)] = count;
      const upper = letter.toUpperCase();
      if (upper.length === 1) this.#letters[upper.charCodeAt(0)] = count;
    }
    return count + 1;
  }

  #trie(keywords: readonly string[]): Trie {
    const next: number[] = Array.from({ length: this.#width }, () => 0);
    const ends: number[] = [0];
    keywords.forEach((keyword, index) => {
      let state = 0;
      for (let at = 0; at < keyword.length; at++) {
        const slot = state * this.#width + (this.#letters[keyword.charCodeAt(at)] as number);
        if (next[slot] === 0) {
          next[slot] = ends.length;
          ends.push(0);
          for (let letter = 0; letter < this.#width; letter++) next.push(0);
        }
        state = next[slot] as number;
      }
      ends[state] = index + 1;
    });
    return { next, ends };
  }

  /** @returns null: none is there, as in most texts */
  find(text: string): Map<number, number[]> | null {
    const [letters, next, first, width] = [this.#letters, this.#next, this.#firstEnding, this.#width];
    let state = 0;
    let found: Map<number, number[]> | null = null;
    for (let at = 0; at < text.length; at++) {
      state = next[state + (letters[text.charCodeAt(at)] as number)] as number;
      if (state >= first) found = this.#note(found ?? new Map(), state / width, at + 1);
    }
    return found;
  }

  #note(found: Map<number, number[]>, ending: number, end: number): Map<number, number[]> {
    for (let state = ending; state !== 0; state = this.#also[state] as number) {
      const keyword = (this.#ends[state] as number) - 1;
      if (keyword < 0) continue;
      const ends = found.get(keyword);
      if (ends === undefined) found.set(keyword, [end]);
      else ends.push(end);
    }
    return found;
  }
}

interface Trie {
  readonly next: readonly number[];
  readonly ends: readonly number[];
}

/** States in the order of their depth, all steps filled in, and where each goes for shorter keywords that end with it. */
function linkSuffixes(trie: Trie, width: number): { order: number[]; next: Int32Array; also: Int32Array } {
  const next = Int32Array.from(trie.next);
  const fail = new Int32Array(trie.ends.length);
  const also = new Int32Array(trie.ends.length);
  const order = [0];
  for (let at = 0; at < order.length; at++) {
    const state = order[at] as number;
    for (let letter = 0; letter < width; letter++) {
      const slot = state * width + letter;
      const child = next[slot] as number;
      const shorter = state === 0 ? 0 : (next[(fail[state] as number) * width + letter] as number);
      if (child === 0) {
        next[slot] = shorter;
        continue;
      }
      fail[child] = shorter;
      also[child] = trie.ends[shorter] === 0 ? (also[shorter] as number) : shorter;
      order.push(child);
    }
  }
  return { order, next, also };
}
