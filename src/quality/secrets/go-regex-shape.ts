// What can be said of a pattern before it runs: how long a match is, which texts must stand in it, with what it must begin.
import type { Node } from './go-regex-syntax.ts';

/** The longest match in UTF-16 code units; repeats without an end count with their least number. */
export function boundedLength(node: Node): number {
  switch (node.kind) {
    case 'assert':
      return 0;
    case 'class':
      return node.negated || node.ranges.some(([, to]) => to > 0xffff) ? 2 : 1;
    case 'capture':
      return boundedLength(node.body);
    case 'concat':
      return node.parts.reduce((sum, part) => sum + boundedLength(part), 0);
    case 'alternate':
      return Math.max(...node.parts.map(boundedLength));
    case 'repeat':
      return boundedLength(node.body) * (node.max === Infinity ? node.min : node.max);
  }
}

/** Repeats without an end, in the order of the pattern. */
export function endless(node: Node): Extract<Node, { kind: 'repeat' }>[] {
  switch (node.kind) {
    case 'assert':
    case 'class':
      return [];
    case 'capture':
      return endless(node.body);
    case 'concat':
    case 'alternate':
      return node.parts.flatMap(endless);
    case 'repeat':
      return node.max === Infinity ? [node, ...endless(node.body)] : endless(node.body);
  }
}

/** Ways to match at one place, at most: of all repeats, and of those that may take more than some dozen. gitleaks' generic rule has 22 million and 7,191. */
const mostWays = 3e7;
const mostWideWays = 1e4;
const wide = 32;

/**
 * May a backtracking engine run it? Where no repeat holds another choice inside, the ways to match at one place are at most the product of what each
 * repeat may take; what a group captured is never that of an earlier round.
 */
export function isTame(node: Node): boolean {
  const ranges = rangesOf(node);
  return !hasNestedChoice(node, false) && ways(ranges) <= mostWays && ways(ranges.filter((range) => range > wide)) <= mostWideWays;
}

/** Of each repeat with an end: how many lengths it may have. */
function rangesOf(node: Node): number[] {
  switch (node.kind) {
    case 'assert':
    case 'class':
      return [];
    case 'capture':
      return rangesOf(node.body);
    case 'concat':
      return node.parts.flatMap((part, at) => (endsByItself(part, node.parts[at + 1]) ? [] : rangesOf(part)));
    case 'alternate':
      return mostOf(node.parts.map(rangesOf));
    case 'repeat':
      return [...(node.max === Infinity || node.max === node.min ? [] : [node.max - node.min + 1]), ...rangesOf(node.body)];
  }
}

/** What follows a repeat cannot be part of it: there is one length at which it may end. */
function endsByItself(part: Node, next: Node | undefined): boolean {
  const body = part.kind === 'capture' ? part.body : part;
  return body.kind === 'repeat' && body.body.kind === 'class' && next?.kind === 'class' && !next.negated && areApart(body.body, next);
}

type Class = Extract<Node, { kind: 'class' }>;

function areApart(one: Class, other: Class): boolean {
  const points = other.ranges.flatMap(([from, to]) => (to - from > 100 ? [] : Array.from({ length: to - from + 1 }, (_, step) => from + step)));
  if (points.length === 0 || other.ranges.some(([from, to]) => to - from > 100)) return false;
  const cases = points.flatMap((point) => {
    const text = String.fromCodePoint(point);
    return one.fold || other.fold ? [point, ...[text.toLowerCase(), text.toUpperCase()].map((form) => form.codePointAt(0) as number)] : [point];
  });
  return cases.every((point) => one.ranges.some(([from, to]) => point >= from && point <= to) === one.negated);
}

/** One branch matches, not several. */
function mostOf(branches: readonly number[][]): number[] {
  return branches.reduce((most, one) => (ways(one) > ways(most) ? one : most), []);
}

function ways(ranges: readonly number[]): number {
  return ranges.reduce((all, range) => all * range, 1);
}

function hasNestedChoice(node: Node, repeated: boolean): boolean {
  switch (node.kind) {
    case 'assert':
    case 'class':
      return false;
    case 'capture':
      return hasNestedChoice(node.body, repeated);
    case 'concat':
      return node.parts.some((part) => hasNestedChoice(part, repeated));
    case 'alternate':
      return repeated || node.parts.some((part) => hasNestedChoice(part, repeated));
    case 'repeat':
      return (repeated && node.min !== node.max) || hasNestedChoice(node.body, repeated || node.max > 1);
  }
}

/** The pattern as far as it has an end: every match begins with a match of it. */
export function boundedStart(node: Node): { readonly node: Node; readonly whole: boolean } {
  switch (node.kind) {
    case 'assert':
    case 'class':
      return { node, whole: true };
    case 'capture':
      return boundedStart(node.body);
    case 'concat': {
      const parts: Node[] = [];
      for (const part of node.parts) {
        const start = boundedStart(part);
        parts.push(start.node);
        if (!start.whole) return { node: { kind: 'concat', parts }, whole: false };
      }
      return { node: { kind: 'concat', parts }, whole: true };
    }
    case 'alternate': {
      const starts = node.parts.map(boundedStart);
      return { node: { kind: 'alternate', parts: starts.map((start) => start.node) }, whole: starts.every(({ whole }) => whole) };
    }
    case 'repeat': {
      const start = boundedStart(node.body);
      if (node.max !== Infinity && start.whole) return { node: { ...node, body: start.node }, whole: true };
      if (!start.whole) return { node: node.min > 0 ? start.node : { kind: 'concat', parts: [] }, whole: false };
      return { node: { kind: 'repeat', body: start.node, min: node.min, max: node.min, lazy: false }, whole: false };
    }
  }
}

const mostTexts = 64;

/**
 * Does every match hold a text (in lower case) that is accepted?
 * @param accept of a longer text it is true if it is of a part
 */
export function alwaysHolds(node: Node, accept: (text: string) => boolean): boolean {
  switch (node.kind) {
    case 'assert':
    case 'class':
      return accepted(exactTexts(node), accept);
    case 'capture':
      return alwaysHolds(node.body, accept);
    case 'repeat':
      return node.min > 0 && alwaysHolds(node.body, accept);
    case 'alternate':
      return node.parts.every((part) => alwaysHolds(part, accept));
    case 'concat':
      return partsHold(node.parts, accept);
  }
}

function accepted(texts: readonly string[] | null, accept: (text: string) => boolean): boolean {
  return texts !== null && texts.length > 0 && texts.every(accept);
}

/** One part, or parts side by side that are exact and make one text. */
function partsHold(parts: readonly Node[], accept: (text: string) => boolean): boolean {
  let run: readonly string[] = [''];
  for (const part of parts) {
    if (alwaysHolds(part, accept)) return true;
    const exact = exactTexts(part);
    run = product(run, exact) ?? exact ?? [''];
    if (accepted(run, accept)) return true;
  }
  return false;
}

/** All texts that it matches, in lower case; null: too many. */
function exactTexts(node: Node): readonly string[] | null {
  switch (node.kind) {
    case 'assert':
      return [''];
    case 'class':
      return textsOfClass(node);
    case 'capture':
      return exactTexts(node.body);
    case 'concat':
      return node.parts.reduce<readonly string[] | null>((run, part) => product(run, run === null ? null : exactTexts(part)), ['']);
    case 'alternate': {
      const all = node.parts.map(exactTexts);
      const texts = all.every((one) => one !== null) ? [...new Set(all.flat())] : null;
      return texts === null || texts.length > mostTexts ? null : texts;
    }
    case 'repeat': {
      if (node.max > 8) return null;
      const body = exactTexts(node.body);
      let texts: readonly string[] | null = [''];
      const all: string[] = [];
      for (let times = 0; times <= node.max; times++) {
        if (texts === null) return null;
        if (times >= node.min) all.push(...texts);
        texts = product(texts, body);
      }
      return all.length > mostTexts ? null : all;
    }
  }
}

function product(heads: readonly string[] | null, tails: readonly string[] | null): readonly string[] | null {
  if (heads === null || tails === null || heads.length * tails.length > mostTexts) return null;
  return heads.flatMap((head) => tails.map((tail) => head + tail));
}

function textsOfClass({ ranges, negated }: Extract<Node, { kind: 'class' }>): readonly string[] | null {
  if (negated || ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0) > 4) return null;
  return [
    ...new Set(ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, step) => String.fromCodePoint(from + step).toLowerCase()))),
  ];
}
