// Patterns of CODEOWNERS as GitHub has them: those of .gitignore without `!`, `[ ]` and `\#`, and with one difference that a library for .gitignore gets wrong:
// `docs/*` is what lies in docs, not what lies below its folders.
// Source: GitHub's page "About code owners"; git's gitignore(5). Segment by segment, in time linear in pattern and path: no regular expression is built.

type Piece = { readonly any: 'one' | 'many' } | { readonly char: string };
type Segment = readonly Piece[] | '**';

export interface PathPattern {
  readonly segments: readonly Segment[];
  /** self: the path; below: what is in a folder of that path; either */
  readonly ends: 'self' | 'below' | 'either';
}

/** @returns null for a pattern that is not valid on GitHub */
export function parsePattern(text: string): PathPattern | null {
  if (text === '' || text.startsWith('!') || text.startsWith('\\#') || /[[\]\p{Cc}]|\*\*\*/u.test(text) || /(?<!\\)(?:\\\\)*\\$/.test(text))
    return null;
  const names = text.split('/');
  const inFolder = names.at(-1) === '';
  const inner = names.slice(names[0] === '' ? 1 : 0, inFolder ? -1 : undefined);
  if (inner.length === 0) return { segments: [], ends: 'self' };
  // a pattern of one name is about any folder
  const anchored = text.slice(0, -1).includes('/');
  const segments = (anchored ? inner : ['**', ...inner]).map((name): Segment => (name === '**' ? '**' : piecesOf(name)));
  const last = inner.at(-1);
  return { segments, ends: inFolder ? 'below' : last === '*' || last === '**' ? 'self' : 'either' };
}

function piecesOf(name: string): Piece[] {
  const pieces: Piece[] = [];
  const chars = [...name];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '*') pieces.push({ any: 'many' });
    else if (char === '?') pieces.push({ any: 'one' });
    else pieces.push({ char: char === '\\' ? (chars[++at] ?? '') : char });
  }
  return pieces;
}

/** @param path of a file, relative to the repository */
export function matchesPath({ segments, ends }: PathPattern, path: string): boolean {
  if (segments.length === 0) return false;
  const names = path.split('/');
  // how many names of the path the segments so far may stand for
  let reached = new Set([0]);
  for (const [at, segment] of segments.entries()) {
    const next = new Set<number>();
    if (segment === '**') {
      // at the end it stands for what is inside: at least one name
      const least = Math.min(...reached) + (at === segments.length - 1 ? 1 : 0);
      for (let count = least; count <= names.length; count++) next.add(count);
    } else {
      for (const count of reached) if (count < names.length && matchesName(segment, names[count] ?? '')) next.add(count + 1);
    }
    if (next.size === 0) return false;
    reached = next;
  }
  return [...reached].some((count) => (ends === 'self' ? count === names.length : ends === 'below' ? count < names.length : true));
}

/** Wildcards by going back to the last `*` only: it can always stand for one more character, whatever those before it stand for. */
function matchesName(pieces: readonly Piece[], name: string): boolean {
  const chars = [...name];
  let piece = 0;
  let char = 0;
  let star = -1;
  let from = 0;
  while (char < chars.length) {
    const wanted = pieces[piece];
    if (wanted !== undefined && 'any' in wanted && wanted.any === 'many') {
      star = piece++;
      from = char;
    } else if (wanted !== undefined && ('any' in wanted || wanted.char === chars[char])) {
      piece++;
      char++;
    } else if (star >= 0) {
      piece = star + 1;
      char = ++from;
    } else return false;
  }
  return pieces.slice(piece).every((rest) => 'any' in rest && rest.any === 'many');
}
