// Keys of rows as numbers and as ranges: what a check of millions of keys, and a tree of rows, keep of them.

import { compareUtf8, cutKey, keyBytes } from '../store/tree/keys.ts';
import type { WordList } from './word-list.ts';

/**
 * 64 bits of a key's text, as two words. Equal keys have equal fingerprints; of a million different keys two have the same once in 40 million files,
 * and then the keys themselves are looked at. Nothing rests on nobody being able to make two of them equal.
 * Source: cyrb53 by bryc (public domain), with both words whole
 */
export function writeFingerprint(key: string, words: Uint32Array, at: number): { readonly isAscii: boolean } {
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  let units = 0;
  for (let index = 0; index < key.length; index += 1) {
    const unit = key.charCodeAt(index);
    units |= unit;
    low = Math.imul(low ^ unit, 0x9e3779b1);
    high = Math.imul(high ^ unit, 0x5f356495);
  }
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  words[at] = low;
  words[at + 1] = high;
  return { isAscii: units < 0x80 };
}

/** Fingerprints that are looked at together: a table of them stays within a core's own memory. */
const sharedRows = 1 << 17;

/** Have two rows the same fingerprint? @param fingerprints two words a row */
export function hasTwice(fingerprints: WordList): boolean {
  // those that end alike are looked at together, a share after the other
  let shares = 1;
  while (fingerprints.length / 2 / shares > sharedRows) shares *= 2;
  const table = new Uint32Array(sharedRows * 8);
  for (let share = 0; share < shares; share += 1) {
    table.fill(0);
    if (!fillTable(table, fingerprints, { mask: shares - 1, share })) return true;
  }
  return false;
}

/** @returns false: one came twice, or more came than ever do where keys differ */
function fillTable(table: Uint32Array, fingerprints: WordList, { mask, share }: { mask: number; share: number }): boolean {
  let left = table.length / 4;
  let hasZero = false;
  for (const piece of fingerprints.pieces()) {
    for (let at = 0; at < piece.length; at += 2) {
      const high = piece[at + 1] as number;
      if ((high & mask) !== share) continue;
      const low = piece[at] as number;
      left -= 1;
      if (left === 0 || (low === 0 && high === 0 && hasZero)) return false;
      if (low === 0 && high === 0) hasZero = true;
      else if (!put(table, low, high)) return false;
    }
  }
  return true;
}

/** Open addressing; a pair of zeros is a free place. @returns false: it is there */
function put(table: Uint32Array, low: number, high: number): boolean {
  const mask = table.length - 2;
  for (let at = (low << 1) & mask; ; at = (at + 2) & mask) {
    const [there, beside] = [table[at] as number, table[at + 1] as number];
    if (there === low && beside === high) return false;
    if (there === 0 && beside === 0) {
      table[at] = low;
      table[at + 1] = high;
      return true;
    }
  }
}

/** Smallest and largest of the keys that it was told, cut. */
export class KeyRange {
  #first: string | null = null;
  #last = '';

  /** @param isAscii each of its characters is a byte: no need to look at them one by one */
  add(key: string, isAscii: boolean): void {
    const cut = isAscii ? key.slice(0, keyBytes) : cutKey(key);
    if (this.#first === null) this.#first = this.#last = cut;
    else if (compareUtf8(cut, this.#first) < 0) this.#first = cut;
    else if (compareUtf8(cut, this.#last) > 0) this.#last = cut;
  }

  /** null: it was told none */
  get keys(): { first: string; last: string } | null {
    return this.#first === null ? null : { first: this.#first, last: this.#last };
  }
}
