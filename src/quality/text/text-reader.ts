// Texts as numbers: the name of a text's normal form and a hash of each of its words, without a string for any of them where the text is ASCII.
import { hash } from 'node:crypto';
import { asciiKinds, foldText, isWord, tokensOf } from './words.ts';

/** What a row says, as its reader takes it: texts (one a column), or tokens that somebody else made of it. */
export interface Document {
  readonly parts: readonly string[];
  /** null: words of the parts; else these, whatever they hold */
  readonly tokens: readonly string[] | null;
}

/** Dashes, quotation marks, dots and the space that does not break: with ASCII they are most of what is written in English. */
function isGap(code: number): boolean {
  return (code >= 0x2010 && code <= 0x2027) || code === 0xa0;
}

const fnvOffset = 0x811c9dc5 | 0;
const fnvPrime = 0x01000193;
const space = 0x20;
/** Ends a part, and a token that is not of a text: no normal form of a text holds it. */
const partEnd = 0x0a;
const tokenEnd = 0x00;

/** Reads one document after the other into the same memory. */
export class TextReader {
  #bytes = Buffer.allocUnsafeSlow(1 << 14);
  #length = 0;
  /** FNV-1a of the UTF-8 of each word: collisions happen, and whoever finds something by them looks at the words */
  words = new Int32Array(1 << 10);
  count = 0;
  /** count of words up to the end of each part */
  ends: number[] = [];

  read({ parts, tokens }: Document): void {
    this.#length = 0;
    this.count = 0;
    this.ends = [];
    if (tokens === null) for (const part of parts) this.#readPart(part);
    else {
      for (const token of tokens) this.#write(token, tokenEnd, true);
      this.ends.push(this.count);
    }
  }

  /** false: nothing is said */
  get hasText(): boolean {
    return this.#length > this.ends.length || this.count > 0;
  }

  /** 128 bits of the SHA-256 of the normal form. */
  name(into: Uint32Array, at: number): void {
    // as a text of bytes: a buffer for each row would keep the collector busy
    const digest = hash('sha256', this.#bytes.subarray(0, this.#length), 'binary');
    for (let word = 0; word < 4; word += 1) {
      let value = 0;
      for (let byte = 3; byte >= 0; byte -= 1) value = (value << 8) | digest.charCodeAt(word * 4 + byte);
      into[at + word] = value;
    }
  }

  #readPart(part: string): void {
    const [length, count] = [this.#length, this.count];
    if (!this.#readAscii(part)) {
      this.#length = length;
      this.count = count;
      for (const token of tokensOf(foldText(part))) this.#write(token, space, isWord(token));
    }
    // a text of punctuation alone is what it is
    if (this.#length === length) for (const rest of part.trim() === '' ? [] : [part.trim()]) this.#write(rest, tokenEnd, false);
    this.#reserve(1);
    this.#bytes[this.#length++] = partEnd;
    this.ends.push(this.count);
  }

  /** @returns false: there is more in it than ASCII and typographic punctuation, and what was read of it is of no use */
  #readAscii(part: string): boolean {
    this.#reserve(part.length * 2 + 1);
    this.#reserveWords((part.length >>> 1) + 1);
    const [bytes, words, length] = [this.#bytes, this.words, part.length];
    let at = this.#length;
    let count = this.count;
    let value = fnvOffset;
    let inWord = false;
    for (let index = 0; index < length; index += 1) {
      const code = part.charCodeAt(index);
      if (code > 127 && !isGap(code)) return false;
      const kind = code > 127 ? 0 : asciiKinds[code];
      if (kind === 1) {
        const small = code > 64 && code < 91 ? code + 32 : code;
        value = Math.imul(value ^ small, fnvPrime);
        bytes[at++] = small;
        inWord = true;
        continue;
      }
      if (inWord) {
        words[count++] = value;
        bytes[at++] = space;
        value = fnvOffset;
        inWord = false;
      }
      if (kind === 2) {
        bytes[at++] = code;
        bytes[at++] = space;
      }
    }
    if (inWord) {
      words[count++] = value;
      bytes[at++] = space;
    }
    this.count = count;
    this.#length = at;
    return true;
  }

  #write(token: string, end: number, counts: boolean): void {
    this.#reserve(token.length * 3 + 1);
    const from = this.#length;
    this.#length += this.#bytes.write(token, from);
    if (counts) {
      let value = fnvOffset;
      for (let at = from; at < this.#length; at += 1) value = Math.imul(value ^ (this.#bytes[at] as number), fnvPrime);
      this.#addWord(value);
    }
    this.#bytes[this.#length++] = end;
  }

  #addWord(value: number): void {
    this.#reserveWords(1);
    this.words[this.count++] = value;
  }

  #reserveWords(more: number): void {
    if (this.count + more <= this.words.length) return;
    const larger = new Int32Array(Math.max(this.count + more, this.words.length * 2));
    larger.set(this.words);
    this.words = larger;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#length + more, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
