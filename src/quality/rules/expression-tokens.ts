// The words of an expression, with their places.

export interface Token {
  readonly kind: 'word' | 'column' | 'number' | 'text' | 'sign';
  /** of a text and of a column in backquotes: what they stand for */
  readonly value: string;
  /** place in the text, from 0 */
  readonly at: number;
}

/** What does not parse, and where. */
export class ExpressionError extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

const longest = 10_000;
const forms: readonly (readonly [Token['kind'], RegExp])[] = [
  ['number', /(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![\p{L}\p{N}_])/uy],
  ['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['text', /'(?:[^']|'')*'/uy],
  ['column', /`(?:[^`]|``)+`/uy],
  ['sign', /<>|!=|<=|>=|[=<>+\-*/%(),]/uy],
];

/** @throws ExpressionError */
export function tokenize(text: string): Token[] {
  if (text.length > longest) throw new ExpressionError(`longer than ${longest} characters`, longest);
  const tokens: Token[] = [];
  for (let at = 0; ;) {
    while (/\s/.test(text[at] ?? '')) at += 1;
    if (at >= text.length) return tokens;
    const found = matchAt(text, at);
    tokens.push({ kind: found.kind, value: unquoted(found.kind, found.text), at });
    at += found.text.length;
  }
}

function matchAt(text: string, at: number): { kind: Token['kind']; text: string } {
  for (const [kind, form] of forms) {
    form.lastIndex = at;
    const [found] = form.exec(text) ?? [];
    if (found !== undefined) return { kind, text: found };
  }
  if (text[at] === "'" || text[at] === '`') throw new ExpressionError('a quote is opened and never closed', at);
  if (text[at] === '"') throw new ExpressionError("a text stands in single quotes ('), a column in backquotes (`)", at);
  if (text.startsWith('==', at)) throw new ExpressionError('equality is written "="', at);
  throw new ExpressionError('this character has no meaning here', at);
}

function unquoted(kind: Token['kind'], text: string): string {
  if (kind === 'text') return text.slice(1, -1).replaceAll("''", "'");
  return kind === 'column' ? text.slice(1, -1).replaceAll('``', '`') : text;
}
