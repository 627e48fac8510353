// Long, for one grammar is read and written here: regular expressions of RE2 for Java, whose words are nearly the same and whose engine is not. It goes
// back and tries again, and can do so for ever. So each
// pattern is read, written out with nothing that the two read differently, and refused where it can be matched in two ways inside of a repetition.
import { digits, posix, type Ranges, space, word } from '../re2-classes.ts';
import { refuseOnSpark } from './refusal.ts';

type Node =
  | { readonly kind: 'set'; readonly text: string; readonly points: readonly (readonly [number, number])[] }
  | { readonly kind: 'place'; readonly text: string }
  | { readonly kind: 'all' | 'any'; readonly of: readonly Node[] }
  | { readonly kind: 'group'; readonly of: Node }
  | { readonly kind: 'repeat'; readonly of: Node; readonly least: number; readonly most: number };

const last = 0x10ffff;
/**
 * @param source a pattern that RE2 takes
 * @returns the same question for java.util.regex, with the same numbers of groups
 * @throws NotOnSpark
 */
export function javaRegex(source: string): string {
  const parser = new Parser(source);
  const tree = parser.parse();
  requireOneWay(tree, source);
  return written(tree);
}

class Parser {
  readonly #source: string;
  readonly #points: readonly string[];
  #at = 0;
  #dotAll = false;

  constructor(source: string) {
    this.#source = source;
    this.#points = [...source];
  }

  parse(): Node {
    const tree = this.#any();
    if (this.#at < this.#points.length) this.#refuse('its brackets');
    return tree;
  }

  #any(): Node {
    const branches = [this.#all()];
    while (this.#take('|')) branches.push(this.#all());
    return branches.length === 1 ? (branches[0] as Node) : { kind: 'any', of: branches };
  }

  #all(): Node {
    const parts: Node[] = [];
    while (this.#at < this.#points.length && this.#peek() !== '|' && this.#peek() !== ')') parts.push(this.#repeated(this.#atom()));
    return { kind: 'all', of: parts };
  }

  #repeated(of: Node): Node {
    const [least, most] = this.#counts() ?? [];
    if (least === undefined || most === undefined) return of;
    // as many or as few: whether it matches is the same
    this.#take('?');
    return { kind: 'repeat', of, least, most };
  }

  #counts(): [number, number] | null {
    if (this.#take('*')) return [0, Infinity];
    if (this.#take('+')) return [1, Infinity];
    if (this.#take('?')) return [0, 1];
    const [text, low = '', comma, high] = /^\{(\d+)(,(\d*))?\}/.exec(this.#points.slice(this.#at, this.#at + 16).join('')) ?? [];
    if (text === undefined) return null;
    this.#at += text.length;
    return [Number(low), comma === undefined ? Number(low) : high === '' ? Infinity : Number(high)];
  }

  #atom(): Node {
    const point = this.#next();
    switch (point) {
      case '(':
        return this.#group();
      case '[':
        return this.#set();
      case '.':
        return setOf(this.#dotAll ? [[0, last]] : without([[10, 10]]));
      case '^':
        return { kind: 'place', text: '\\A' };
      case '$':
        return { kind: 'place', text: '\\z' };
      case '\\':
        return this.#escape();
      default:
        return setOf([only(point)]);
    }
  }

  #group(): Node {
    const dotAll = this.#dotAll;
    let captures = true;
    if (this.#take('?')) {
      const [text, flags] =
        /^(?:([a-zA-Z-]*):|P?<[A-Za-z0-9_]+>)/.exec(this.#points.slice(this.#at).join('')) ?? this.#refuse('flags for the rest of it');
      captures = flags === undefined;
      if (flags !== undefined && flags !== '' && flags !== 's') this.#refuse(`the flags ${JSON.stringify(flags)}`);
      if (flags === 's') this.#dotAll = true;
      this.#at += [...text].length;
    }
    const of = this.#any();
    if (!this.#take(')')) this.#refuse('its brackets');
    this.#dotAll = dotAll;
    return captures ? { kind: 'group', of } : of;
  }

  #escape(): Node {
    const point = this.#next();
    switch (point) {
      case 'A':
        return { kind: 'place', text: '\\A' };
      case 'z':
        return { kind: 'place', text: '\\z' };
      case 'b':
        return { kind: 'place', text: `(?:(?<=${wordText})(?!${wordText})|(?<!${wordText})(?=${wordText}))` };
      case 'B':
        return { kind: 'place', text: `(?:(?<=${wordText})(?=${wordText})|(?<!${wordText})(?!${wordText}))` };
      case 'Q':
      case 'C':
      case 'p':
      case 'P':
        // each engine has a Unicode of its own
        return this.#refuse(`\\${point}`);
      default:
        return setOf(this.#class(point) ?? [this.#code(point)]);
    }
  }

  #class(point: string): Ranges | null {
    const ranges = { d: digits, w: word, s: space }[point.toLowerCase()];
    if (ranges === undefined) return null;
    return point === point.toLowerCase() ? ranges : without(ranges);
  }

  #code(point: string): [number, number] {
    const control = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 }[point];
    if (control !== undefined) return [control, control];
    if (point === 'x') {
      const [text, long, short] =
        /^(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{2}))/.exec(this.#points.slice(this.#at, this.#at + 12).join('')) ?? this.#refuse('\\x');
      this.#at += text.length;
      const code = Number.parseInt(long ?? short ?? '', 16);
      return [code, code];
    }
    if (/[0-9A-Za-z]/.test(point)) this.#refuse(`\\${point}`);
    return only(point);
  }

  #set(): Node {
    const negated = this.#take('^');
    const ranges: Ranges = [];
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      const [text, sign, name = ''] = /^\[:(\^?)([a-z]+):\]/.exec(this.#points.slice(this.#at, this.#at + 12).join('')) ?? [];
      if (text !== undefined) {
        this.#at += text.length;
        const named = posix[name] ?? this.#refuse(text);
        ranges.push(...(sign === '^' ? without(named) : named));
        continue;
      }
      const low = this.#member();
      if (low.length !== 1 || low[0]?.[0] !== low[0]?.[1] || this.#peek() !== '-' || this.#points[this.#at + 1] === ']') {
        ranges.push(...low);
        continue;
      }
      this.#at += 1;
      const high = this.#member();
      ranges.push([low[0]?.[0] as number, high[0]?.[1] as number]);
    }
    this.#at += 1;
    return setOf(negated ? without(ranges) : ranges);
  }

  #member(): Ranges {
    const point = this.#next();
    if (point !== '\\') return [only(point)];
    const escaped = this.#next();
    if (escaped === 'p' || escaped === 'P') return this.#refuse(`\\${escaped}`);
    return this.#class(escaped) ?? [escaped === 'b' ? [8, 8] : this.#code(escaped)];
  }

  #peek(): string | undefined {
    return this.#points[this.#at];
  }

  #next(): string {
    return this.#points[this.#at++] ?? this.#refuse('its end');
  }

  #take(point: string): boolean {
    if (this.#points[this.#at] !== point) return false;
    this.#at += 1;
    return true;
  }

  #refuse(what: string): never {
    return refuseOnSpark(`the regular expression ${JSON.stringify(this.#source)}: Java reads ${what} in another way`);
  }
}

function only(point: string): [number, number] {
  const code = point.codePointAt(0) as number;
  return [code, code];
}

function merged(ranges: Ranges): Ranges {
  const whole: Ranges = [];
  for (const [low, high] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const before = whole.at(-1);
    if (before !== undefined && low <= before[1] + 1) before[1] = Math.max(before[1], high);
    else whole.push([low, high]);
  }
  return whole;
}

function without(ranges: Ranges): Ranges {
  const rest: Ranges = [];
  let from = 0;
  for (const [low, high] of merged(ranges)) {
    if (low > from) rest.push([from, low - 1]);
    from = high + 1;
  }
  if (from <= last) rest.push([from, last]);
  return rest;
}

const pointText = (code: number): string =>
  /[0-9A-Za-z]/.test(String.fromCodePoint(code)) ? String.fromCodePoint(code) : `\\x{${code.toString(16)}}`;

function rangesText(ranges: Ranges): string {
  return `[${ranges.map(([low, high]) => (low === high ? pointText(low) : `${pointText(low)}-${pointText(high)}`)).join('')}]`;
}

const wordText = rangesText(word);

function setOf(ranges: Ranges): Node {
  const points = merged(ranges);
  const [single] = points;
  // a set without members: RE2 has it, as [^\x00-\x{10ffff}]
  if (single === undefined) return { kind: 'set', text: '(?!)', points };
  return { kind: 'set', text: points.length === 1 && single[0] === single[1] ? pointText(single[0]) : rangesText(points), points };
}

function written(node: Node): string {
  switch (node.kind) {
    case 'set':
    case 'place':
      return node.text;
    case 'all':
      return node.of.map((part) => (part.kind === 'any' ? `(?:${written(part)})` : written(part))).join('');
    case 'any':
      return node.of.map(written).join('|');
    case 'group':
      return `(${written(node.of)})`;
    case 'repeat': {
      const of = node.of.kind === 'set' || node.of.kind === 'group' ? written(node.of) : `(?:${written(node.of)})`;
      if (node.most === Infinity) return `${of}${node.least === 0 ? '*' : node.least === 1 ? '+' : `{${node.least},}`}`;
      return node.least === 0 && node.most === 1 ? `${of}?` : `${of}{${node.least},${node.most}}`;
    }
  }
}

/** Places of characters (Glushkov's automaton): which can come first, last, and after which; an edge that comes about in two ways is noted. */
interface Automaton {
  readonly sets: (readonly (readonly [number, number])[])[];
  readonly follow: Map<number, number>[];
}

interface Part {
  readonly nullable: boolean;
  readonly first: readonly number[];
  readonly last: readonly number[];
}

const mostPlaces = 200;

/** @throws NotOnSpark where some text can be matched in exponentially many ways */
function requireOneWay(tree: Node, source: string): void {
  const refuse = (): never =>
    refuseOnSpark(
      `the regular expression ${JSON.stringify(source)}: inside a repetition it matches in more than one way, for which Java may take for ever`,
    );
  const automaton: Automaton = { sets: [], follow: [] };
  partOf(tree, automaton, refuse);
  const size = automaton.sets.length;
  if (size > mostPlaces) refuse();
  // pairs of places that one text can lead to; two different ways from a place back to itself are what grows
  const edges = new Map<number, number[]>();
  const pair = (a: number, b: number): number => a * size + b;
  const nextOf = (at: number): number[] => {
    const known = edges.get(at);
    if (known !== undefined) return known;
    const [a, b] = [Math.floor(at / size), at % size];
    const next: number[] = [];
    for (const to of automaton.follow[a]?.keys() ?? [])
      for (const other of automaton.follow[b]?.keys() ?? [])
        if (overlap(automaton.sets[to] ?? [], automaton.sets[other] ?? [])) next.push(pair(to, other));
    edges.set(at, next);
    return next;
  };
  const reach = (from: number): Set<number> => {
    const seen = new Set<number>();
    const open = [from];
    for (let at = open.pop(); at !== undefined; at = open.pop())
      for (const next of nextOf(at)) if (!seen.has(next)) open.push((seen.add(next), next));
    return seen;
  };
  for (let place = 0; place < size; place += 1) {
    const seen = reach(pair(place, place));
    if (!seen.has(pair(place, place))) continue;
    for (const at of seen) {
      const [a, b] = [Math.floor(at / size), at % size];
      if (a !== b && reach(at).has(pair(place, place))) refuse();
      if (a === b && [...(automaton.follow[a] ?? [])].some(([to, ways]) => ways > 1 && reach(pair(to, to)).has(pair(place, place)))) refuse();
    }
  }
}

function overlap(a: readonly (readonly [number, number])[], b: readonly (readonly [number, number])[]): boolean {
  return a.some(([low, high]) => b.some(([from, to]) => low <= to && from <= high));
}

function partOf(node: Node, automaton: Automaton, refuse: () => never): Part {
  const connect = (from: readonly number[], to: readonly number[]): void => {
    for (const a of from) for (const b of to) automaton.follow[a]?.set(b, (automaton.follow[a]?.get(b) ?? 0) + 1);
  };
  switch (node.kind) {
    case 'place':
      return { nullable: true, first: [], last: [] };
    case 'set': {
      const place = automaton.sets.push(node.points) - 1;
      automaton.follow.push(new Map());
      if (place > mostPlaces) refuse();
      return { nullable: false, first: [place], last: [place] };
    }
    case 'group':
      return partOf(node.of, automaton, refuse);
    case 'any': {
      const parts = node.of.map((part) => partOf(part, automaton, refuse));
      return { nullable: parts.some((part) => part.nullable), first: parts.flatMap((part) => part.first), last: parts.flatMap((part) => part.last) };
    }
    case 'all': {
      let whole: Part = { nullable: true, first: [], last: [] };
      for (const of of node.of) {
        const part = partOf(of, automaton, refuse);
        connect(whole.last, part.first);
        whole = {
          nullable: whole.nullable && part.nullable,
          first: whole.nullable ? [...whole.first, ...part.first] : whole.first,
          last: part.nullable ? [...whole.last, ...part.last] : part.last,
        };
      }
      return whole;
    }
    case 'repeat': {
      const part = partOf(node.of, automaton, refuse);
      if (node.most > 1) {
        // what may be empty can be repeated without end
        if (part.nullable) refuse();
        connect(part.last, part.first);
      }
      return { ...part, nullable: part.nullable || node.least === 0 };
    }
  }
}
