// Runs of n words as hashes of 32 bits, by a rolling polynomial: one multiplication a word, whatever n (Karp and Rabin 1987).
import type { NumberList } from './number-list.ts';
import type { TextReader } from './text-reader.ts';

const base = 0x2c1b3c6d | 0;

/** What makes neighbours far apart. Source: MurmurHash3, Austin Appleby, public domain */
function mixed(value: number): number {
  let mix = value ^ (value >>> 16);
  mix = Math.imul(mix, 0x85ebca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}

/**
 * Adds the grams of what was read, part by part; none goes over the end of a part.
 * @param short what becomes of a part with fewer words: one gram of all of them, or none
 */
export function addGrams(read: Pick<TextReader, 'words' | 'ends'>, size: number, short: 'one' | 'none', into: NumberList): void {
  const { words } = read;
  let power = 1;
  for (let at = 0; at < size; at += 1) power = Math.imul(power, base);
  let from = 0;
  for (const end of read.ends) {
    const count = end - from;
    let value = 0;
    for (let at = from; at < end; at += 1) {
      value = (Math.imul(value, base) + (words[at] as number)) | 0;
      if (at - from >= size) value = (value - Math.imul(words[at - size] as number, power)) | 0;
      if (at - from >= size - 1) into.push(mixed(value));
    }
    if (count > 0 && count < size && short === 'one') into.push(mixed(value ^ count));
    from = end;
  }
}
