// What is unusual about an object of JSON, asked of every row that is read. One thing is not in the object at all: a key that stands twice. JSON.parse keeps
// the last of its values; the others would stay in the bytes, go wherever these go, and be seen by no check. So that the usual row costs a walk over its
// members and none over its characters, the walk goes from key to key by the lengths of what was parsed. Without escapes each quote is one of JSON's own; a
// comma, a quote and a key behind them begin a member. What stands in the places of keys and texts is then as long as all keys and texts that were parsed,
// and these are somewhere in it: a member more has no room. Whatever does not go so is counted.

/** Whoever walks through a value, here or in another program, does so a level at a time. */
export const deepest = 200;

export type Trait = 'long-number' | 'too-deep' | 'key-twice' | null;

/**
 * @param text JSON of an object, without white space around it
 * @param value what it parses to
 * @returns long-number: it has a whole number beyond 2^53, whose last digits JSON.parse has lost; null: nothing is unusual
 */
export function traitOf(text: string, value: Readonly<Record<string, unknown>>): Trait {
  let trait: Trait = null;
  let at = text.includes('\\') ? lost : 1;
  for (const name in value) {
    const inner = value[name];
    at = behindKey(text, at, name);
    if (typeof inner === 'string') at = behindText(text, at, inner.length);
    else if (typeof inner === 'object' && inner !== null) {
      at = lost;
      const found = traitInside(inner, deepest - 1);
      if (found === 'too-deep') return found;
      trait ??= found;
    } else {
      at = behindWord(text, at);
      if (isLongNumber(inner)) trait = 'long-number';
    }
  }
  const isAll = at > 1 && at === text.length - 1 && text.charCodeAt(at) === close;
  return !isAll && stringsOf(text) !== countStrings(value) ? 'key-twice' : trait;
}

function traitInside(value: object, levels: number): 'long-number' | 'too-deep' | null {
  let trait: 'long-number' | null = null;
  for (const name in value) {
    const inner = (value as Record<string, unknown>)[name];
    if (typeof inner === 'object' && inner !== null) {
      const found = levels === 1 ? 'too-deep' : traitInside(inner, levels - 1);
      if (found === 'too-deep') return found;
      trait ??= found;
    } else if (isLongNumber(inner)) trait = 'long-number';
  }
  return trait;
}

function isLongNumber(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
}

const [quote, comma, colon, space, backslash, open, close] = [0x22, 0x2c, 0x3a, 0x20, 0x5c, 0x7b, 0x7d];
/** The walk has come to something that it does not know. */
const lost = -1;

/** @param start 1: of the first member; else behind a value */
function behindKey(text: string, start: number, name: string): number {
  if (start === lost) return lost;
  let at = start;
  if (at > 1) {
    if (text.charCodeAt(at) !== comma) return lost;
    at += text.charCodeAt(at + 1) === space ? 2 : 1;
  }
  // a key that begins like what stands behind a value would not tell an opening quote from a closing one
  if (text.charCodeAt(at) !== quote || !isOfWord(text.charCodeAt(at + 1))) return lost;
  for (let nth = 0; nth < name.length; nth += 1) if (text.charCodeAt(at + 1 + nth) !== name.charCodeAt(nth)) return lost;
  at += name.length + 1;
  if (text.charCodeAt(at) !== quote || text.charCodeAt(at + 1) !== colon) return lost;
  return text.charCodeAt(at + 2) === space ? at + 3 : at + 2;
}

function behindText(text: string, start: number, length: number): number {
  const end = start + length + 1;
  return start !== lost && text.charCodeAt(start) === quote && text.charCodeAt(end) === quote ? end + 1 : lost;
}

/** A number, true, false, null. */
function behindWord(text: string, start: number): number {
  if (start === lost) return lost;
  let at = start;
  while (isOfWord(text.charCodeAt(at)) || isSign(text.charCodeAt(at))) at += 1;
  return at > start ? at : lost;
}

function isOfWord(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || code === 0x5f || code >= 0x80;
}

/** - + . */
function isSign(code: number): boolean {
  return code === 0x2d || code === 0x2b || code === 0x2e;
}

/** Keys and texts of a text of JSON, those that the object has not, too: half of the quotes that are not escaped. */
function stringsOf(text: string): number {
  let quotes = 0;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) {
    if (text.charCodeAt(at - 1) !== backslash || !isEscaped(text, at)) quotes += 1;
  }
  return quotes / 2;
}

function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === backslash) first -= 1;
  return (at - first) % 2 === 1;
}

function countStrings(value: object): number {
  const inside: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  let count = Array.isArray(value) ? 0 : inside.length;
  for (const one of inside) {
    if (typeof one === 'string') count += 1;
    else if (typeof one === 'object' && one !== null) count += countStrings(one);
  }
  return count;
}

/** The first key that stands twice in an object of a text of JSON; null: none does. */
export function keyThatStandsTwice(text: string): string | null {
  const objects: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charCodeAt(at);
    if (sign === open) objects.push(new Set());
    else if (sign === 0x5b) objects.push(null);
    else if (sign === close || sign === 0x5d) objects.pop();
    if (sign !== quote) continue;
    const start = at;
    do at = text.indexOf('"', at + 1);
    while (isEscaped(text, at));
    let next = at + 1;
    while (text.charCodeAt(next) <= space) next += 1;
    const keys = objects.at(-1);
    // behind a text of a list or a value stands a comma or an end
    if (text.charCodeAt(next) !== colon || keys === null || keys === undefined) continue;
    const key = JSON.parse(text.slice(start, at + 1)) as string;
    if (keys.has(key)) return key;
    keys.add(key);
  }
  return null;
}
