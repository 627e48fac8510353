// Keys of rows as numbers and as ranges: what a check of millions of keys, and a tree of rows, keep of them.

/**
 * 64 bits of a key's text, as two words. Equal keys have equal fingerprints; of a million different keys two have the same once in 40 million files,
 * and then the keys themselves are looked at. Nothing rests on nobody being able to make two of them equal.
 * Source: cyrb53 by bryc (public domain), with both words whole
 */
export function writeFingerprint(key: string, words: Uint32Array, at: number): void {
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  for (let index = 0; index < key.length; index += 1) {
    const unit = key.charCodeAt(index);
    low = Math.imul(low ^ unit, 0x9e3779b1);
    high = Math.imul(high ^ unit, 0x5f356495);
  }
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  words[at] = low;
  words[at + 1] = high;
}

/** A set of fingerprints: 11 to 32 bytes of memory each. */
export class FingerprintSet {
  /** pairs of words; two zeros where free */
  #slots = new Uint32Array(1 << 12);
  #size = 0;
  #hasZero = false;

  /** @returns false: it was there */
  add(low: number, high: number): boolean {
    if (low === 0 && high === 0) {
      const isNew = !this.#hasZero;
      this.#hasZero = true;
      return isNew;
    }
    if (this.#size * 8 >= this.#slots.length * 3) this.#grow();
    if (!put(this.#slots, low, high)) return false;
    this.#size += 1;
    return true;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 2) {
      const [low, high] = [old[at] as number, old[at + 1] as number];
      if (low !== 0 || high !== 0) put(this.#slots, low, high);
    }
  }
}

function put(slots: Uint32Array, low: number, high: number): boolean {
  const mask = slots.length - 2;
  for (let at = (low << 1) & mask; ; at = (at + 2) & mask) {
    const [there, beside] = [slots[at] as number, slots[at + 1] as number];
    if (there === low && beside === high) return false;
    if (there === 0 && beside === 0) {
      slots[at] = low;
      slots[at + 1] = high;
      return true;
    }
  }
}

/** Bytes of a key that a range of keys keeps. */
const keptBytes = 32;

/** A key as ranges of keys have it: whole characters, at most 32 bytes of UTF-8. */
export function cutKey(key: string): string {
  if (key.length * 3 <= keptBytes) return key;
  let bytes = 0;
  for (let at = 0; at < key.length;) {
    const point = key.codePointAt(at) as number;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (bytes > keptBytes) return key.slice(0, at);
    at += point < 0x10000 ? 1 : 2;
  }
  return key;
}

/** Order of the bytes of UTF-8, which is that of code points; `<` on texts is not, for surrogates. */
export function byUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x === y) continue;
    // a surrogate stands for a code point above all that one unit can say
    const [xHigh, yHigh] = [(x & 0xf800) === 0xd800, (y & 0xf800) === 0xd800];
    return xHigh === yHigh ? x - y : xHigh ? 1 : -1;
  }
  return a.length - b.length;
}

/** Smallest and largest of the keys that it was told, cut. */
export class KeyRange {
  #first: string | null = null;
  #last = '';

  add(key: string): void {
    const cut = cutKey(key);
    if (this.#first === null) this.#first = this.#last = cut;
    else if (byUtf8(cut, this.#first) < 0) this.#first = cut;
    else if (byUtf8(cut, this.#last) > 0) this.#last = cut;
  }

  /** null: it was told none */
  get keys(): { first: string; last: string } | null {
    return this.#first === null ? null : { first: this.#first, last: this.#last };
  }
}
