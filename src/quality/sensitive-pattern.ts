/** One kind of sensitive text. */
export interface SensitivePattern {
  /** Global, and linear: it starts at the edge of a word and nothing in it repeats a repetition. */
  readonly pattern: RegExp;
  /** What stands there instead of the match; null: it only looks alike, and the search goes on behind its first character. */
  replace(match: RegExpExecArray): string | null;
}
