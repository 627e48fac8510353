// The normal form of a text: what is left of it when case, spacing, punctuation and invisible characters go. Duplicates and leaks are looked for in it.
//
//   1. Unicode NFKC, then characters that show nothing (soft hyphen, joiners, selectors) go, then lower case without a locale
//   2. words: runs of letters, digits, marks and `_`; of scripts that put no space between words (Han, Kana, Thai, Lao, Khmer, Burmese) each letter is one
//   3. signs that change what is said: currency, mathematics, pictures, `%`; £1 and €1 are not the same text. They count for equality, not as words
//   4. all else is a gap between words

const unspaced = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}';
const tokenForm = new RegExp(`[${unspaced}]\\p{M}*|[[\\p{L}\\p{N}\\p{M}_]--[${unspaced}]]+|[\\p{Sc}\\p{Sm}\\p{So}%]`, 'gv');
const wordStart = /^[\p{L}\p{N}\p{M}_]/u;
const invisible = /\p{Default_Ignorable_Code_Point}/gu;

/** What step 1 makes of a text. */
export function foldText(text: string): string {
  return text.normalize('NFKC').replace(invisible, '').toLowerCase();
}

/** Words and signs of a folded text, in order. */
export function tokensOf(folded: string): string[] {
  return folded.match(tokenForm) ?? [];
}

/** Words and signs of a folded text with the places (code units) at which they begin. */
export function placedTokens(folded: string): { readonly token: string; readonly at: number }[] {
  return Array.from(folded.matchAll(tokenForm), (match) => ({ token: match[0], at: match.index }));
}

export function isWord(token: string): boolean {
  return wordStart.test(token);
}

/** The words of a text. */
export function wordsOf(text: string): string[] {
  return tokensOf(foldText(text)).filter(isWord);
}

/** ASCII by the same rules: 0 a gap, 1 of a word, 2 a sign. */
export const asciiKinds: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => {
  const token = tokensOf(String.fromCharCode(code))[0];
  return token === undefined ? 0 : isWord(token) ? 1 : 2;
});

/** The Unicode version that decides all this: what is remembered under another one is of no use. */
export const textRules = `unicode ${process.versions['unicode'] ?? ''}`;
