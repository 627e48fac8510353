// A bag of texts that is being filled. While there are few different ones it knows them; of many it knows how many there are, how long they are, and
// their words.
import { hash } from 'node:crypto';
import { NumberBag } from './number-bag.ts';
import { numberCounts, type CategoryCounts, type NumberCounts } from './statistics/counts.ts';

/** More different texts than that are no categories. */
export const mostValues = 10_000;
/** More different words than that are no vocabulary. */
export const mostWords = 500_000;
/** Texts above that many UTF-16 code units are known by their digest alone. */
const longText = 256;
/** Only so much of a text is looked through for words, in UTF-16 code units. */
const readForWords = 100_000;
/** In front of the digest of a long text. */
const longMark = '\0';

export interface TextCounts {
  readonly rows: number;
  /** By 52 bits of their digests, so that among ten million one or two may be taken for another. Empty where `values` is there. */
  readonly digests: NumberCounts;
  /** null: more than 10,000 different ones. A long text stands there by its digest. */
  readonly values: CategoryCounts | null;
  /** in code points */
  readonly lengths: NumberCounts;
  /** word -> rows that have it; null: more than 500,000 different ones */
  readonly words: CategoryCounts | null;
}

export class TextBag {
  #rows = 0;
  #values: Map<string, number> | null = new Map();
  readonly #digests = new NumberBag();
  /** of the texts that are not in `values` as they are */
  readonly #lengths = new Map<number, number>();
  #words: Map<string, number> | null = new Map();
  #removed = false;

  /** @param times below 0: taken out, before others are put in */
  add(text: string, times: number): void {
    this.#rows += times;
    this.#removed ||= times < 0;
    if (this.#values === null) {
      this.#digests.add(digestNumber(text), times);
      this.#measure(text, times);
      return;
    }
    const isLong = text.length > longText || text.startsWith(longMark);
    const name = isLong ? longMark + String(digestNumber(text)) : text;
    if (isLong) this.#measure(text, times);
    const count = (this.#values.get(name) ?? 0) + times;
    if (count === 0) this.#values.delete(name);
    else this.#values.set(name, count);
    if (this.#values.size > mostValues) this.#forgetValues();
  }

  /** What another bag had. */
  addAll({ rows, values, digests, lengths, words }: TextCounts): void {
    if (values === null) this.#forgetValues();
    this.#rows += rows;
    this.#digests.addAll(digests);
    // texts that stay known as they are bring their lengths and words themselves
    const own = measured(this.#values === null ? null : values);
    lengths.values.forEach((length, at) => bump(this.#lengths, length, (lengths.counts[at] as number) - (own.lengths.get(length) ?? 0)));
    if (words === null) this.#words = null;
    else for (const [one, times] of words) this.#bumpWord(one, times - (own.words.get(one) ?? 0));
    for (const [name, times] of values ?? []) {
      if (this.#values === null) this.#digests.add(numberOfName(name), times);
      else bump(this.#values, name, times);
    }
    if (this.#values !== null && this.#values.size > mostValues) this.#forgetValues();
  }

  /** null: what was taken out was not in it, or it cannot be said without looking at all of them again */
  counts(): TextCounts | null {
    const digests = this.#digests.counts();
    const own = measured(this.#values);
    const lengths = new Map(this.#lengths);
    for (const [length, times] of own.lengths) bump(lengths, length, times);
    let words = this.#words === null ? null : new Map(this.#words);
    for (const [one, times] of own.words) if (words !== null) bump(words, one, times);
    if (words !== null && words.size > mostWords) words = null;
    const whole = [...lengths.values(), ...(this.#values?.values() ?? []), ...(words?.values() ?? [])];
    if (digests === null || this.#rows < 0 || whole.some((count) => count < 0)) return null;
    // which texts they are, or which words they have, is known no more
    if (this.#values === null && digests.values.length <= mostValues) return null;
    if (words === null && this.#removed) return null;
    return { rows: this.#rows, digests, values: this.#values, lengths: numberCounts(lengths), words };
  }

  #forgetValues(): void {
    if (this.#values === null) return;
    const values = this.#values;
    this.#values = null;
    this.#add(measured(values));
    for (const [name, times] of values) this.#digests.add(numberOfName(name), times);
  }

  #add({ lengths, words }: { readonly lengths: ReadonlyMap<number, number>; readonly words: ReadonlyMap<string, number> }): void {
    for (const [length, times] of lengths) bump(this.#lengths, length, times);
    for (const [one, times] of words) this.#bumpWord(one, times);
  }

  #measure(text: string, times: number): void {
    bump(this.#lengths, codePoints(text), times);
    if (this.#words !== null) for (const one of wordsOf(text)) this.#bumpWord(one, times);
  }

  #bumpWord(one: string, times: number): void {
    if (this.#words === null) return;
    bump(this.#words, one, times);
    if (this.#words.size > mostWords) this.#words = null;
  }
}

function bump<Key>(counts: Map<Key, number>, key: Key, times: number): void {
  const count = (counts.get(key) ?? 0) + times;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

/** Lengths and words of the texts that are known as they are. */
function measured(values: CategoryCounts | null): { lengths: Map<number, number>; words: Map<string, number> } {
  const lengths = new Map<number, number>();
  const words = new Map<string, number>();
  for (const [text, times] of values ?? []) {
    if (text.startsWith(longMark)) continue;
    bump(lengths, codePoints(text), times);
    for (const one of wordsOf(text)) bump(words, one, times);
  }
  return { lengths, words };
}

function digestNumber(text: string): number {
  const digest = hash('sha256', text, 'buffer');
  return digest.readUIntBE(0, 6) * 16 + (digest.readUInt8(6) >> 4);
}

function numberOfName(name: string): number {
  return name.startsWith(longMark) ? Number(name.slice(1)) : digestNumber(name);
}

function codePoints(text: string): number {
  if (!/[\ud800-\udbff]/.test(text)) return text.length;
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

const word = /[\p{L}\p{N}]+(?:['’][\p{L}\p{N}]+)*/gu;

/** The different words of a text, in small letters; what is longer than any word is none. */
export function wordsOf(text: string): Set<string> {
  const found = text.slice(0, readForWords).toLowerCase().match(word) ?? [];
  return new Set(found.filter((one) => one.length <= 40));
}
