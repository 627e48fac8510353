// Where the words of a text stand in it, in code points: what a finding says to other programs.
import { foldText, isWord, placedTokens } from './words.ts';

/** First code point of a word, and the one behind its last. */
export type WordPlace = readonly [number, number];

/** A character with the marks on it, which fold together. */
const piece = /\P{M}\p{M}*|\p{M}+/gu;

/** Of each word of `wordsOf(text)`, in order. Where folding moves letters about, as it seldom does, each word is said to be anywhere in the text. */
export function wordPlaces(text: string): WordPlace[] {
  const starts: number[] = [];
  const ends: number[] = [];
  let points = 0;
  for (const [cluster] of text.matchAll(piece)) {
    const from = points;
    for (const _ of cluster) points += 1;
    for (let left = foldText(cluster).length; left > 0; left -= 1) {
      starts.push(from);
      ends.push(points);
    }
  }
  const folded = foldText(text);
  const isAligned = folded.length === starts.length;
  return placedTokens(folded).flatMap(({ token, at }) => {
    if (!isWord(token)) return [];
    return [isAligned ? ([starts[at] as number, ends[at + token.length - 1] as number] as const) : ([0, points] as const)];
  });
}
