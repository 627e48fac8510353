// A text as a reader takes it, whatever it is written with: digits of other scripts and widths, hyphens and blanks of other kinds, characters that nobody
// sees, and characters written as codes of HTML, JSON or URLs. What is found there has its place in the text as it is.

export interface Folded {
  readonly text: string;
  /** UTF-16 units of the text as it is, of a span of this one */
  place(start: number, end: number): [number, number];
}

const unusual = /[&\\%]|[\u0080-\uffff]/;
const codes = String.raw`&#(\d{1,7});|&#x([0-9a-f]{1,6});|&(commat|period|nbsp|hyphen|dash|shy|zwj|zwnj|plus|lpar|rpar|colon);|\\u([0-9a-f]{4})|%([237][0-9a-f]|40|5f)`;
/** Below the surrogates: what is written in two units, such as 𝟒, is one match by `u`. */
const odd = String.raw`(?!\p{ASCII})[\p{Cf}\p{Zs}\p{Pd}\p{Nd}\u2212\u034f\u115f\u1160\u3164\ufe00-\ufe0f\u{e0100}-\u{e01ef}\u2024\u3002\uff61\ufe50-\ufe6f\uff01-\uff5e\u{1d400}-\u{1d7ff}]`;
const folding = new RegExp(`${codes}|(${odd})`, 'giu');
const worthFolding = new RegExp(`${codes}|${odd}`, 'iu');

const named: Readonly<Record<string, string>> = {
  commat: '@',
  period: '.',
  nbsp: ' ',
  hyphen: '-',
  dash: '-',
  shy: '',
  zwj: '',
  zwnj: '',
  plus: '+',
  lpar: '(',
  rpar: ')',
  colon: ':',
};

/** Whether `fold` would change a text. */
export function isFoldable(text: string): boolean {
  return unusual.test(text) && worthFolding.test(text);
}

/** Linear. @returns null: the text stands as it is read */
export function fold(text: string): Folded | null {
  if (!isFoldable(text)) return null;
  let made = '';
  let done = 0;
  // where each replacement begins and ends, here and there
  const starts: number[] = [];
  const ends: number[] = [];
  const madeStarts: number[] = [];
  const madeEnds: number[] = [];
  for (const match of text.matchAll(folding)) {
    const by = replacementOf(match);
    if (by === match[0]) continue;
    made += text.slice(done, match.index);
    madeStarts.push(made.length);
    starts.push(match.index);
    made += by;
    done = match.index + match[0].length;
    madeEnds.push(made.length);
    ends.push(done);
  }
  made += text.slice(done);
  if (starts.length === 0) return null;
  const back = (at: number, isEnd: boolean): number => {
    // the last replacement that begins before the place (for an end), or ends at or before it
    const nth = lastWhere(madeStarts, (start) => (isEnd ? start < at : start <= at));
    if (nth === -1) return at;
    const [madeStart = 0, madeEnd = 0, start = 0, end = 0] = [madeStarts[nth], madeEnds[nth], starts[nth], ends[nth]];
    if (isEnd) return at <= madeEnd ? end : end + (at - madeEnd);
    return at < madeEnd ? (at === madeStart ? start : end) : end + (at - madeEnd);
  };
  return { text: made, place: (start, end) => [back(start, false), back(end, true)] };
}

/** The text as it is read. */
export function foldedText(text: string): string {
  return fold(text)?.text ?? text;
}

/** The last of rising numbers that holds; -1: none. */
function lastWhere(numbers: readonly number[], holds: (number: number) => boolean): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(numbers[middle] as number)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function replacementOf([whole, decimal, hex, name, escape, percent, sign]: RegExpExecArray): string {
  if (sign !== undefined) return plain(sign);
  if (name !== undefined) return named[name.toLowerCase()] ?? whole;
  const code = decimal === undefined ? Number.parseInt(hex ?? escape ?? percent ?? '', 16) : Number.parseInt(decimal, 10);
  // line ends and the like are no part of what is looked for, and half a character is none
  if (!(code >= 0x20 && code <= 0x10_ffff) || (code >= 0xd800 && code < 0xe000)) return whole;
  const character = String.fromCodePoint(code);
  return code < 0x80 ? character : plain(character);
}

// oxlint-disable-next-line no-misleading-character-class -- each of them by itself is what is meant
const unseen = /^[\p{Cf}\u034f\u115f\u1160\u3164\ufe00-\ufe0f\u{e0100}-\u{e01ef}]$/u;

function plain(character: string): string {
  if (unseen.test(character)) return '';
  if (/^\p{Zs}$/u.test(character)) return ' ';
  if (/^[\p{Pd}\u2212]$/u.test(character)) return '-';
  if (/^[\u2024\u3002\uff61\uff0e]$/.test(character)) return '.';
  const made = character.normalize('NFKC');
  if (/^\p{Nd}$/u.test(made)) return digit(made);
  return made;
}

/** Decimal digits of a script stand in a row, from 0 to 9, and the rows of two scripts may touch (Unicode, 4.6). */
function digit(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  let zero = code;
  while (zero > 0x80 && /^\p{Nd}$/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return code < 0x80 ? character : String((code - zero) % 10);
}
