// Texts within a text: base64, hexadecimal digits and percent signs, as gitleaks decodes them, so that a key is none the less found. What stands for
// readable text is put in its place, line by line, and the lines are looked at again.
// Source: https://github.com/gitleaks/gitleaks, detect/codec of 8.30.1

export type Encoding = 'base64' | 'hexadecimal digits' | 'percent signs';

interface Segment {
  /** in the text, code units */
  readonly from: number;
  readonly to: number;
  /** in the decoded lines */
  readonly start: number;
  readonly end: number;
  readonly encoding: Encoding;
}

export interface Decoded {
  /** the lines that something was decoded in */
  readonly text: string;
  /** Where in the text something of the decoded lines stands; null: nothing of it was decoded. */
  place(start: number, end: number): { readonly start: number; readonly end: number; readonly encoding: Encoding } | null;
}

const fewestBase64 = 16;
const fewestHex = 32;
/** Of one run no more is decoded. */
const mostUnits = 1 << 20;
/** What is looked at of a line on either side, in code units. */
const widestLine = 1_000;

/** Value of a character of base64, of either alphabet; -1: none. */
const sextets = new Int8Array(128).fill(-1);
for (const [at, sign] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries()) sextets[sign.charCodeAt(0)] = at;
sextets[0x2d] = 62;
sextets[0x5f] = 63;

/** @returns null: nothing in the text stands for another */
export function decodeLines(text: string): Decoded | null {
  const found = [...runsOf(text), ...percentsOf(text)];
  if (found.length === 0) return null;
  return joined(
    text,
    found.toSorted((a, b) => a.from - b.from || b.to - a.to),
  );
}

interface Found {
  readonly from: number;
  readonly to: number;
  readonly by: string;
  readonly encoding: Encoding;
}

function runsOf(text: string): Found[] {
  const found: Found[] = [];
  for (let at = 0; at < text.length; at += 1) {
    // a run that is long enough has a sign of it here, or at its beginning: most of a text is passed over
    const probe = at + fewestBase64 - 1;
    if (probe >= text.length) break;
    if (!isSextet(text.charCodeAt(probe))) {
      at = probe;
      continue;
    }
    let from = probe;
    while (from > at && isSextet(text.charCodeAt(from - 1))) from -= 1;
    let to = probe + 1;
    while (to < text.length && isSextet(text.charCodeAt(to))) to += 1;
    at = to;
    if (to - from < fewestBase64) continue;
    const one = decodedRun(text, from, to);
    if (one !== null) found.push(one);
  }
  return found;
}

function isSextet(code: number): boolean {
  return code < 128 && (sextets[code] as number) >= 0;
}

function decodedRun(text: string, from: number, runEnd: number): Found | null {
  const cut = Math.min(runEnd, from + mostUnits);
  const run = text.slice(from, cut);
  if (run.length >= fewestHex && run.length % 2 === 0 && /^[0-9A-Fa-f]+$/.test(run)) {
    const by = readable(Buffer.from(run, 'hex'));
    if (by !== null) return { from, to: cut, by, encoding: 'hexadecimal digits' };
  }
  if (!mayBeReadable(run) || run.length % 4 === 1) return null;
  const by = readable(Buffer.from(run, 'base64'));
  let to = cut;
  while (to < cut + 2 && text.charCodeAt(to) === 0x3d) to += 1;
  return by === null ? null : { from, to, by, encoding: 'base64' };
}

/** The first three bytes, without decoding the rest: by chance one run in twenty passes. */
function mayBeReadable(run: string): boolean {
  let bits = 0;
  for (let at = 0; at < 4; at += 1) bits = (bits << 6) | (sextets[run.charCodeAt(at)] as number);
  return isReadable((bits >> 16) & 255) && isReadable((bits >> 8) & 255) && isReadable(bits & 255);
}

function isReadable(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function readable(bytes: Buffer): string | null {
  return bytes.length > 0 && bytes.every(isReadable) ? bytes.toString('latin1') : null;
}

const percent = /%([0-9A-Fa-f]{2})/g;

function percentsOf(text: string): Found[] {
  if (!text.includes('%')) return [];
  const found: Found[] = [];
  for (const match of text.matchAll(percent)) {
    const byte = Number.parseInt(match[1] ?? '', 16);
    if (isReadable(byte)) found.push({ from: match.index, to: match.index + 3, by: String.fromCharCode(byte), encoding: 'percent signs' });
  }
  return found;
}

/** Lines with their texts decoded, one behind the other; those that do not stand side by side with an empty line between them. */
function joined(text: string, found: readonly Found[]): Decoded {
  const segments: Segment[] = [];
  /** where pieces that stay as they are begin: in the decoded lines, in the text */
  const pieces: { readonly start: number; readonly from: number }[] = [];
  let made = '';
  let done = 0;
  const copy = (from: number, to: number): void => {
    if (from >= to) return;
    pieces.push({ start: made.length, from });
    made += text.slice(from, to);
  };
  let lineEnd = 0;
  for (const { from, to, by, encoding } of found) {
    // within what was decoded, say percent signs in a run
    if (from < done) continue;
    if (from >= lineEnd) {
      copy(done, lineEnd);
      const begin = Math.max(lineStartOf(text, from), lineEnd);
      if (made !== '' && begin > lineEnd) made += '\n\n';
      done = begin;
    }
    copy(done, from);
    segments.push({ from, to, start: made.length, end: made.length + by.length, encoding });
    made += by;
    done = to;
    lineEnd = Math.max(lineEnd, lineEndOf(text, to));
  }
  copy(done, lineEnd);
  const inText = (at: number): number => {
    const piece = pieces.findLast(({ start }) => start <= at);
    return piece === undefined ? 0 : piece.from + at - piece.start;
  };
  return {
    text: made,
    place: (start, end) => {
      const touched = segments.filter((one) => one.start < end && start < one.end);
      const [first, last] = [touched[0], touched.at(-1)];
      if (first === undefined || last === undefined) return null;
      const from = start < first.start ? inText(start) : first.from;
      return { start: from, end: Math.max(from + 1, end > last.end ? inText(end - 1) + 1 : last.to), encoding: first.encoding };
    },
  };
}

function lineStartOf(text: string, at: number): number {
  const lowest = Math.max(0, at - widestLine);
  return lowest + text.slice(lowest, at).lastIndexOf('\n') + 1;
}

function lineEndOf(text: string, at: number): number {
  const end = text.slice(at, at + widestLine).indexOf('\n');
  return end === -1 ? Math.min(text.length, at + widestLine) : at + end + 1;
}
