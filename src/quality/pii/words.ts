// One pass over a text: where its words with digits are, and which signs stand in it. Nothing else is looked at again by any recogniser, and most texts
// end here: without a digit, an @ or a host there is no pattern to try.

export type WordKind = 0 | 1 | 2 | 3;
/** only digits, letters and digits, only letters, digits behind letters within a word */
export const wordKinds = 'DMLI';

/** Longer ones are no word of a pattern. */
export const longestWord = 64;

const digit = 1;
const letter = 2;
const other = 0;

const ascii = new Uint8Array(128);
for (let unit = 0; unit < 128; unit += 1) {
  if (unit >= 48 && unit <= 57) ascii[unit] = digit;
  else if ((unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122) || unit === 95) ascii[unit] = letter;
}

const letterForm = /[\p{L}\p{M}\p{N}]/u;
/** of units above ASCII, found once each: 0 unknown, 1 other, 2 letter */
const known = new Uint8Array(65_536);

function kindOf(unit: number): number {
  if (unit < 128) return ascii[unit] as number;
  if (known[unit] === 0) known[unit] = letterForm.test(String.fromCharCode(unit)) ? 2 : 1;
  return known[unit] === 2 ? letter : other;
}

/** Whether a unit (UTF-16) is part of a word: a letter, a digit, a mark, an underscore; NaN, behind the end, is none. */
export function isWordUnit(unit: number): boolean {
  return unit >= 0 && kindOf(unit) !== other;
}

/** Told of words, in order; `start` and `end` in UTF-16 units. */
export interface WordVisitor {
  /** a word that a pattern may begin with; of letters only, where a digit may follow soon */
  word(kind: WordKind, start: number, end: number): void;
  at(place: number): void;
  /** between two characters of words */
  dot(place: number): void;
  /** two of them, or one behind a word */
  colon(place: number): void;
}

/** @returns false: there was nothing to visit */
export function visitWords(text: string, visitor: WordVisitor): void {
  const { length } = text;
  for (let at = 0; at < length;) {
    const unit = text.charCodeAt(at);
    const kind = kindOf(unit);
    if (kind === other) {
      if (unit === 0x40) visitor.at(at);
      else if (unit === 0x3a) visitor.colon(at);
      at += 1;
      continue;
    }
    const start = at;
    let kinds = kind;
    let inner = kind === digit ? -1 : 0;
    for (at += 1; at < length; at += 1) {
      const next = kindOf(text.charCodeAt(at));
      if (next === other) break;
      if (next === digit && inner === 0) inner = at;
      kinds |= next;
    }
    if (kinds === digit) visitor.word(0, start, at);
    else if (kinds === (digit | letter)) {
      visitor.word(1, start, at);
      // digits that end a word of letters, such as those of 'id199003052397'
      if (inner > 0) visitInner(text, inner, at, visitor);
    } else if (at - start <= 9) visitor.word(2, start, at);
    if (text.charCodeAt(at) === 0x2e && kindOf(text.charCodeAt(at + 1)) !== other) visitor.dot(at);
  }
}

function visitInner(text: string, start: number, end: number, visitor: WordVisitor): void {
  let at = start;
  while (at < end && kindOf(text.charCodeAt(at)) === digit) at += 1;
  visitor.word(3, start, at);
}
