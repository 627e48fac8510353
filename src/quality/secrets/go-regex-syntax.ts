// Regular expressions as Go writes them (RE2's syntax), as a tree: what gitleaks' rules are made of. What this parser does not know it says so, and the
// pattern goes to RE2 as it is.
// Source: https://github.com/google/re2/wiki/Syntax

import { digits, posix, type Ranges, space, word } from '../re2-classes.ts';

export type Node =
  | { readonly kind: 'class'; readonly ranges: Ranges; readonly negated: boolean; readonly fold: boolean }
  | { readonly kind: 'assert'; readonly js: string }
  | { readonly kind: 'concat'; readonly parts: readonly Node[] }
  | { readonly kind: 'alternate'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly body: Node; readonly min: number; readonly max: number; readonly lazy: boolean }
  | { readonly kind: 'capture'; readonly body: Node };

interface Flags {
  readonly i: boolean;
  readonly s: boolean;
  readonly m: boolean;
}

const anything = '(?![^])';
const perl: Readonly<Record<string, Ranges>> = { d: digits, w: word, s: space };
const controls: Readonly<Record<string, number>> = { a: 7, t: 9, n: 10, v: 11, f: 12, r: 13 };

/** @returns null: it holds what is not known here (Unicode classes, ungreedy flags), or is no regular expression */
export function parseGoRegex(pattern: string): Node | null {
  try {
    return new GoParser(pattern).parse();
  } catch (error) {
    if (error instanceof NotKnown) return null;
    throw error;
  }
}

class NotKnown extends Error {}

class GoParser {
  readonly #text: string[];
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#text = [...pattern];
  }

  parse(): Node {
    const { node } = this.#alternation({ i: false, s: false, m: false });
    if (this.#at < this.#text.length) throw new NotKnown();
    return node;
  }

  #peek(ahead = 0): string | undefined {
    return this.#text[this.#at + ahead];
  }

  #take(): string {
    const next = this.#text[this.#at];
    if (next === undefined) throw new NotKnown();
    this.#at += 1;
    return next;
  }

  #skip(expected: string): boolean {
    if (![...expected].every((one, ahead) => this.#peek(ahead) === one)) return false;
    this.#at += expected.length;
    return true;
  }

  /** Flags that are set inside of a group hold to its end, across its `|`. */
  #alternation(outside: Flags): { node: Node } {
    this.#depth += 1;
    if (this.#depth > 100) throw new NotKnown();
    let flags = outside;
    const branches: Node[][] = [[]];
    for (;;) {
      const next = this.#peek();
      if (next === undefined || next === ')') break;
      if (this.#skip('|')) {
        branches.push([]);
        continue;
      }
      const set = this.#flagsAlone(flags);
      if (set !== null) {
        flags = set;
        continue;
      }
      (branches.at(-1) as Node[]).push(this.#repeated(this.#atom(flags)));
    }
    this.#depth -= 1;
    const parts = branches.map((branch): Node => (branch.length === 1 ? (branch[0] as Node) : { kind: 'concat', parts: branch }));
    return { node: parts.length === 1 ? (parts[0] as Node) : { kind: 'alternate', parts } };
  }

  /** `(?i)`: no group. */
  #flagsAlone(flags: Flags): Flags | null {
    const rest = this.#text.slice(this.#at, this.#at + 12).join('');
    const found = /^\(\?([a-zA-Z]*(?:-[a-zA-Z]+)?)\)/.exec(rest);
    if (found === null) return null;
    this.#at += found[0].length;
    return withFlags(flags, found[1] as string);
  }

  #atom(flags: Flags): Node {
    const next = this.#take();
    if (next === '(') return this.#group(flags);
    if (next === '[') return this.#set(flags);
    if (next === '.') return { kind: 'class', ranges: flags.s ? [] : [[10, 10]], negated: true, fold: false };
    if (next === '^') return { kind: 'assert', js: flags.m ? '(?<![^\\n])' : '(?<![^])' };
    if (next === '$') return { kind: 'assert', js: flags.m ? '(?![^\\n])' : anything };
    if (next === '\\') return this.#escape(flags);
    if (next === '*' || next === '+' || next === '?') throw new NotKnown();
    return letter(next, flags);
  }

  #group(flags: Flags): Node {
    let inside = flags;
    let captures = true;
    if (this.#skip('?')) {
      captures = this.#skip('P<') || this.#skip('<');
      if (captures) while (this.#take() !== '>');
      else {
        let set = '';
        for (let next = this.#take(); next !== ':'; next = this.#take()) set += next;
        inside = withFlags(flags, set);
      }
    }
    const { node } = this.#alternation(inside);
    if (!this.#skip(')')) throw new NotKnown();
    return captures ? { kind: 'capture', body: node } : node;
  }

  #escape(flags: Flags): Node {
    const next = this.#take();
    const set = perl[next.toLowerCase()];
    if (set !== undefined) return { kind: 'class', ranges: set, negated: next !== next.toLowerCase(), fold: false };
    if (next === 'b' || next === 'B') return { kind: 'assert', js: `\\${next}` };
    if (next === 'A') return { kind: 'assert', js: '(?<![^])' };
    if (next === 'z') return { kind: 'assert', js: anything };
    this.#at -= 1;
    return letter(String.fromCodePoint(this.#escapedCode()), flags);
  }

  /** Behind a backslash: one code point. */
  #escapedCode(): number {
    const next = this.#take();
    if (next === 'x') {
      let hex = '';
      if (this.#skip('{')) for (let one = this.#take(); one !== '}'; one = this.#take()) hex += one;
      else hex = this.#take() + this.#take();
      if (!/^[0-9a-fA-F]{1,6}$/.test(hex) || Number.parseInt(hex, 16) > 0x10ffff) throw new NotKnown();
      return Number.parseInt(hex, 16);
    }
    const control = controls[next];
    if (control !== undefined) return control;
    // \p, \Q, \C, \1, ...: RE2 knows what they are, or that they are nothing
    if (/[0-9A-Za-z]/.test(next)) throw new NotKnown();
    return next.codePointAt(0) as number;
  }

  #set(flags: Flags): Node {
    const negated = this.#skip('^');
    const ranges: [number, number][] = [];
    for (let first = true; first || this.#peek() !== ']'; first = false) this.#setItem(ranges, flags);
    this.#take();
    return { kind: 'class', ranges, negated, fold: flags.i };
  }

  #setItem(ranges: [number, number][], flags: Flags): void {
    if (this.#peek() === '[' && this.#peek(1) === ':') return this.#posixItem(ranges);
    const kind = this.#peek() === '\\' ? this.#peek(1) : undefined;
    const set = kind === undefined ? undefined : perl[kind.toLowerCase()];
    if (kind !== undefined && set !== undefined) {
      this.#at += 2;
      ranges.push(...(kind === kind.toLowerCase() ? set : others(set, flags.i)).map(([from, to]): [number, number] => [from, to]));
      return;
    }
    const from = this.#setCode();
    const isRange = this.#peek() === '-' && this.#peek(1) !== ']' && this.#peek(1) !== undefined;
    if (isRange) this.#at += 1;
    const to = isRange ? this.#setCode() : from;
    if (to < from) throw new NotKnown();
    ranges.push([from, to]);
  }

  #setCode(): number {
    return this.#skip('\\') ? this.#escapedCode() : (this.#take().codePointAt(0) as number);
  }

  #posixItem(ranges: [number, number][]): void {
    const found = /^\[:([a-z]+):\]/.exec(this.#text.slice(this.#at, this.#at + 12).join(''));
    const set = found === null ? undefined : posix[found[1] as string];
    if (found === null || set === undefined) throw new NotKnown();
    this.#at += found[0].length;
    for (const [from, to] of set) ranges.push([from, to]);
  }

  #repeated(body: Node): Node {
    const bounds = this.#bounds();
    if (bounds === null) return body;
    const lazy = this.#skip('?');
    // Go refuses a repeat of a repeat as well
    if (this.#peek() === '*' || this.#peek() === '+' || this.#peek() === '?') throw new NotKnown();
    return { kind: 'repeat', body, ...bounds, lazy };
  }

  #bounds(): { min: number; max: number } | null {
    if (this.#skip('*')) return { min: 0, max: Infinity };
    if (this.#skip('+')) return { min: 1, max: Infinity };
    if (this.#skip('?')) return { min: 0, max: 1 };
    // a brace that is none of this is a letter
    const found = /^\{(\d{1,4})(?:(,)(\d{1,4})?)?\}/.exec(this.#text.slice(this.#at, this.#at + 12).join(''));
    if (found === null) return null;
    this.#at += found[0].length;
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : found[3] === undefined ? Infinity : Number(found[3]);
    if (max < min || min > 1000 || (max !== Infinity && max > 1000)) throw new NotKnown();
    return { min, max };
  }
}

function letter(text: string, flags: Flags): Node {
  const code = text.codePointAt(0) as number;
  return { kind: 'class', ranges: [[code, code]], negated: false, fold: flags.i };
}

function withFlags(flags: Flags, text: string): Flags {
  const [on = '', off = '', ...more] = text.split('-');
  if (more.length > 0 || /[^ims]/.test(on + off)) throw new NotKnown();
  const of = (flag: keyof Flags): boolean => (on.includes(flag) ? true : off.includes(flag) ? false : flags[flag]);
  return { i: of('i'), s: of('s'), m: of('m') };
}

/** All but these. Where case does not count, without the two that fold into ASCII (the long s, the sign of the kelvin): Go folds no \W. */
function others(ranges: Ranges, fold: boolean): [number, number][] {
  const found: [number, number][] = [];
  let from = 0;
  const without: Ranges = fold ? [...ranges, [0x17f, 0x17f], [0x212a, 0x212a]] : ranges;
  for (const [low, high] of without) {
    if (low > from) found.push([from, low - 1]);
    from = high + 1;
  }
  found.push([from, 0x10ffff]);
  return found;
}
