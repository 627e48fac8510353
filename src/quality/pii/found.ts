// What was found in a text, and which of several finds in one place stays.

export interface Found {
  /** 'EMAIL_ADDRESS', 'US_SSN': Presidio's names */
  readonly entity: string;
  /** UTF-16 units, end exclusive; code points where they leave the process: toCodePoints */
  readonly start: number;
  readonly end: number;
  /** 0 to 1 */
  readonly score: number;
}

/**
 * Of finds of one entity, those within another that is as sure go, as in Presidio's EntityRecognizer.remove_duplicates.
 * @returns by entity, then by place
 */
export function withoutDuplicates(found: readonly Found[]): Found[] {
  if (found.length < 2) return [...found];
  const kept: Found[] = [];
  // those that may reach over the next one: few, for finds are short
  let open: Found[] = [];
  for (const one of found.toSorted((a, b) => byName(a, b) || a.start - b.start || b.end - a.end || b.score - a.score)) {
    open = open.filter((other) => other.entity === one.entity && other.end > one.start);
    if (open.some((other) => one.end <= other.end && one.score <= other.score)) continue;
    kept.push(one);
    open.push(one);
  }
  return kept;
}

/**
 * No two of the answer overlap: the surer one stays, of equal ones the longer, of equal ones the first. What only is counted never takes the place of
 * what is rewritten: `isKept` comes last.
 * @returns in the order of the text
 */
export function withoutOverlaps(found: readonly Found[], isKept: (entity: string) => boolean = () => false): Found[] {
  if (found.length < 2) return [...found];
  const taken = new Uint8Array(found.reduce((end, one) => Math.max(end, one.end), 0));
  const kept: Found[] = [];
  for (const one of found.toSorted((a, b) => Number(isKept(a.entity)) - Number(isKept(b.entity)) || surestFirst(a, b))) {
    if (taken.subarray(one.start, one.end).includes(1)) continue;
    taken.fill(1, one.start, one.end);
    kept.push(one);
  }
  return kept.toSorted((a, b) => a.start - b.start);
}

function surestFirst(a: Found, b: Found): number {
  return b.score - a.score || b.end - b.start - (a.end - a.start) || a.start - b.start || byName(a, b);
}

function byName(a: Found, b: Found): number {
  return a.entity < b.entity ? -1 : a.entity > b.entity ? 1 : 0;
}

/** Places as code points of a text. @param spans UTF-16 units, in the order of the text and apart from each other */
export function toCodePoints(text: string, spans: readonly { readonly start: number; readonly end: number }[]): [number, number][] {
  const count = codePointCounter(text);
  return spans.map(({ start, end }) => [count(start), count(end)]);
}

function codePointCounter(text: string): (place: number) => number {
  let at = 0;
  let points = 0;
  return (place) => {
    for (; at < place; at += 1) {
      const unit = text.charCodeAt(at);
      const next = text.charCodeAt(at + 1);
      if (!(unit >= 0xd800 && unit < 0xdc00 && next >= 0xdc00 && next < 0xe000)) points += 1;
    }
    return points;
  };
}

/** The other way: UTF-16 units of code points that another program counted; null where the text has no such place. */
export function fromCodePoints(text: string, span: readonly [number, number]): [number, number] | null {
  const [start, end] = span;
  let points = 0;
  let from = -1;
  for (let at = 0; at <= text.length; points += 1) {
    if (points === start) from = at;
    if (points === end) return from === -1 || start >= end ? null : [from, at];
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  }
  return null;
}
