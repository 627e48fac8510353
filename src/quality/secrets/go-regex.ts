// A pattern of Go, run in two ways: by JavaScript's engine where that gives what RE2 gives and cannot run away, else by RE2 itself (re2js, linear time,
// some hundred times slower). Exact but for two signs that fold into ASCII letters (U+017F, U+212A), which JavaScript takes for letters in \b.
import { RE2JS } from 're2js';
import { PlumbError } from '../../base/errors.ts';
import { parseGoRegex, type Node } from './go-regex-syntax.ts';
import { alwaysHolds, boundedLength, boundedStart, endless, isTame } from './go-regex-shape.ts';

export interface GoMatch {
  /** UTF-16 code units */
  readonly start: number;
  readonly end: number;
  /** from 0: the match; undefined: a group that took no part */
  readonly groups: readonly (string | undefined)[];
}

export interface GoRegex {
  readonly source: string;
  readonly groupCount: number;
  test(text: string): boolean;
  /** Matches in their order, none over another. @param keywords where keywords end in the text; null: they are not what finds it */
  findAll(text: string, keywords: readonly number[] | null): GoMatch[];
}

/** More than that in one text goes to the engine whose time grows with the text alone. */
const mostBacktracked = 1 << 18;

/**
 * @param keywords in lower case; where each match must hold one, only their surroundings are looked at
 * @throws PlumbError SECRET_RULES when it is no regular expression of RE2
 */
export function compileGoRegex(source: string, keywords: readonly string[], where: { file: string; path: string }): GoRegex {
  const node = parseGoRegex(source);
  const re2 = lazily(() => compileRe2(source, where));
  if (node === null) re2();
  const shape = node === null ? null : shapeOf(node, keywords);
  const simple = shape?.whole ?? null;
  return {
    source,
    groupCount: node === null ? re2().groupCount() : countGroups(node),
    test: (text) => (simple !== null && shape?.ends === true && text.length <= mostBacktracked ? testWith(simple, text) : re2().matcher(text).find()),
    findAll: (text, hits) => (shape === null ? findByRe2(re2(), text) : findByShape(shape, re2, text, hits)),
  };
}

interface Shape {
  /** all of it, in JavaScript; null: only RE2 may run it */
  readonly whole: RegExp | null;
  /** no repeat is without an end */
  readonly ends: boolean;
  /** what may be taken without end, where there is one such place; it is behind the keyword */
  readonly run: RegExp | null;
  /** what each match begins with */
  readonly start: RegExp | null;
  /** code units that a match has on either side of a keyword, its endless part left out; null: no keyword must be in it */
  readonly reach: number | null;
  /** the same of `start` */
  readonly startReach: number | null;
}

function shapeOf(node: Node, keywords: readonly string[]): Shape {
  const runs = endless(node);
  const [run] = runs;
  const tame = isTame(node);
  const start = boundedStart(node).node;
  const inStart = keywordsIn(start, keywords);
  const single = runs.length === 1 && run !== undefined && run.body.kind === 'class' && inStart && !isRepeated(node, run);
  return {
    whole: tame && (runs.length === 0 || single) ? toJs(node) : null,
    ends: runs.length === 0,
    run: single && run?.body.kind === 'class' ? new RegExp(`(?:${jsOf(run.body)})*`, 'uy') : null,
    start: isTame(start) ? toJs(start) : null,
    reach: keywordsIn(node, keywords) ? boundedLength(node) : null,
    startReach: inStart ? boundedLength(start) : null,
  };
}

/** Does each match hold a keyword? */
function keywordsIn(node: Node, keywords: readonly string[]): boolean {
  return alwaysHolds(node, (text) => keywords.some((keyword) => text.includes(keyword)));
}

function isRepeated(node: Node, inner: Node): boolean {
  if (node.kind === 'repeat') return node !== inner && node.max > 1 ? endless(node.body).some((one) => one === inner) : isRepeated(node.body, inner);
  if (node.kind === 'capture') return isRepeated(node.body, inner);
  return (node.kind === 'concat' || node.kind === 'alternate') && node.parts.some((part) => isRepeated(part, inner));
}

function findByShape(shape: Shape, re2: () => RE2JS, text: string, hits: readonly number[] | null): GoMatch[] {
  if (shape.whole !== null) {
    const windows = windowsOf(text, shape.reach, hits, shape.run);
    if (windows !== null) return windows.flatMap((window) => findByJs(shape.whole as RegExp, text, window));
    if (shape.ends && text.length <= mostBacktracked) return findByJs(shape.whole, text, [0, text.length]);
  }
  if (shape.start !== null) {
    const windows = windowsOf(text, shape.startReach, hits, null) ?? (text.length <= mostBacktracked ? [[0, text.length] as const] : null);
    if (windows !== null && !windows.some(([from, to]) => testWith(shape.start as RegExp, text.slice(from, to)))) return [];
  }
  return findByRe2(re2(), text);
}

/** Pieces of the text in which a match may be, none over another; null: all of it must be looked at. */
function windowsOf(
  text: string,
  reach: number | null,
  hits: readonly number[] | null,
  run: RegExp | null,
): readonly (readonly [number, number])[] | null {
  if (reach === null || hits === null) return null;
  const windows: [number, number][] = [];
  let total = 0;
  for (const hit of hits) {
    const last = windows.at(-1);
    // one more on either side, so that \b and $ see what stands there
    const from = Math.max(0, hit - reach - 2);
    const to = Math.min(text.length, hit + reach + 2);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else windows.push([from, to]);
  }
  if (run !== null) for (const window of windows) window[1] = Math.min(text.length, endOfRun(run, text, window[1]) + reach + 2);
  const apart: [number, number][] = [];
  for (const [from, to] of windows) {
    const last = apart.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else apart.push([from, to]);
  }
  for (const [from, to] of apart) total += to - from;
  return total > mostBacktracked ? null : apart;
}

function endOfRun(run: RegExp, text: string, from: number): number {
  run.lastIndex = from;
  return from + (run.exec(text)?.[0].length ?? 0);
}

function findByJs(regex: RegExp, text: string, [from, to]: readonly [number, number]): GoMatch[] {
  const slice = from === 0 && to === text.length ? text : text.slice(from, to);
  const found: GoMatch[] = [];
  for (const match of slice.matchAll(regex)) {
    found.push({ start: from + match.index, end: from + match.index + match[0].length, groups: [...match] });
  }
  return found;
}

function findByRe2(regex: RE2JS, text: string): GoMatch[] {
  const found: GoMatch[] = [];
  const matcher = regex.matcher(text);
  const count = regex.groupCount();
  while (matcher.find()) {
    const groups = Array.from({ length: count + 1 }, (_, group) => matcher.group(group) ?? undefined);
    found.push({ start: matcher.start(), end: matcher.end(), groups });
  }
  return found;
}

function testWith(regex: RegExp, text: string): boolean {
  regex.lastIndex = 0;
  return regex.test(text);
}

function compileRe2(source: string, { file, path }: { file: string; path: string }): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    throw new PlumbError('SECRET_RULES', {
      what: `a regular expression is not one of RE2: ${(error as Error).message.slice(0, 200)}`,
      where: { file, path },
      mend: 'correct it; https://github.com/google/re2/wiki/Syntax says what it may hold',
      cause: error,
    });
  }
}

function lazily<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

function countGroups(node: Node): number {
  switch (node.kind) {
    case 'assert':
    case 'class':
      return 0;
    case 'capture':
      return 1 + countGroups(node.body);
    case 'repeat':
      return countGroups(node.body);
    case 'concat':
    case 'alternate':
      return node.parts.reduce((sum, part) => sum + countGroups(part), 0);
  }
}

function toJs(node: Node): RegExp {
  return new RegExp(jsOf(node), 'gu');
}

function jsOf(node: Node): string {
  switch (node.kind) {
    case 'assert':
      return node.js;
    case 'class':
      return jsOfClass(node);
    case 'capture':
      return `(${jsOf(node.body)})`;
    case 'concat':
      return node.parts.map((part) => (part.kind === 'alternate' ? `(?:${jsOf(part)})` : jsOf(part))).join('');
    case 'alternate':
      return node.parts.map(jsOf).join('|');
    case 'repeat': {
      const { min, max } = node;
      const times = min === max ? `{${min}}` : `{${min},${max === Infinity ? '' : max}}`;
      return `(?:${jsOf(node.body)})${times}${node.lazy ? '?' : ''}`;
    }
  }
}

function jsOfClass({ ranges, negated, fold }: Extract<Node, { kind: 'class' }>): string {
  if (ranges.length === 0) return negated ? '[^]' : '[]';
  const code = (point: number): string => `\\u{${point.toString(16)}}`;
  const items = ranges.map(([from, to]) => (from === to ? code(from) : `${code(from)}-${code(to)}`)).join('');
  const set = `[${negated ? '^' : ''}${items}]`;
  return fold ? `(?i:${set})` : set;
}
