// Words before a find that speak for it: five of them, stop words not counted, as Presidio's LemmaContextAwareEnhancer has it. It matches parts of words
// ("lic" in "public", "pi" in "capital"); here a word must begin so, and terms of several words count too.

const wordsBefore = 5;
const farthest = 120;
const stopWords = new Set(
  "a an and are as at be by can do for from had has have i if in is it its it's me my no not of on or our so that the their there these they this to was we were what when which will with you your yours".split(
    ' ',
  ),
);
const separators = /[^\p{L}\p{M}\p{N}#]+/gu;

/** Words of a term or a text, small, each behind a blank. */
function asWords(text: string): string {
  return ` ${text.toLowerCase().replaceAll("'", '').replaceAll(separators, ' ').trim()}`;
}

/** A list of terms, ready to be looked up. */
export type ContextTerms = readonly string[];

export function contextTerms(words: readonly string[]): ContextTerms {
  return words.map(asWords);
}

/**
 * What stands before a place, and the name of the column that the text is of.
 * @param start UTF-16 units
 */
export function contextBefore(text: string, start: number, column: string | null): string {
  const near = asWords(text.slice(Math.max(0, start - farthest), start))
    .split(' ')
    .slice(1);
  let counted = 0;
  let from = near.length;
  while (from > 0 && counted <= wordsBefore) {
    from -= 1;
    if (!stopWords.has(near[from] as string)) counted += 1;
  }
  const before = near.slice(from).join(' ');
  return column === null ? ` ${before}` : `${asWords(column.replaceAll(/([a-z])([A-Z])/g, '$1 $2'))} ${before}`;
}

export function isSupported(terms: ContextTerms, before: string): boolean {
  return terms.some((term) => before.includes(term));
}

/** Presidio's context_similarity_factor and min_score_with_context_similarity. */
export function withContext(score: number): number {
  return Math.min(1, Math.max(score + 0.35, 0.4));
}
