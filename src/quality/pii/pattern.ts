// What a recogniser of patterns is. The patterns, their scores and context words are those of Microsoft Presidio (MIT), at commit
// 0aa9f8e44275cb52c00fbbebe19168e934e1f076; where ours differ, the reason stands beside them.

/** true: sure, score 1; false: it only looks alike; null: as sure as the pattern. */
export type Verdict = (text: string) => boolean | null;

export interface Pattern {
  /**
   * Which words it can begin with, so that no other is tried: kind and length. D: digits only; M: letters and digits; L: letters only; I: digits behind a
   * letter in the same word. 'D9', 'D6-14 M8'.
   */
  readonly first: string;
  /** Matched where a word begins, whatever the case of letters. Bounded: no repetition without a limit, so that a text costs its length. */
  readonly form: RegExp;
  readonly score: number;
}

export interface PatternRecogniser {
  readonly entity: string;
  /** ISO 3166 alpha-2, small; null: of no country */
  readonly country: string | null;
  readonly context: readonly string[];
  readonly patterns: readonly Pattern[];
  readonly verdict?: Verdict;
}

/** A recogniser in the order in which it reads: what, the words around it, what it looks like, what makes it sure. */
export function recogniser(
  entity: string,
  country: string | null,
  context: string,
  patterns: readonly (readonly [first: string, form: RegExp, score: number])[],
  verdict?: Verdict,
): PatternRecogniser {
  return {
    entity,
    country,
    context: context.split(', ').filter((word) => word !== ''),
    patterns: patterns.map(([first, form, score]) => ({ first, form, score })),
    ...(verdict === undefined ? {} : { verdict }),
  };
}
