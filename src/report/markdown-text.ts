// Data inside GitHub Markdown. Two forms and no third: a code span, in which nothing means anything (no mention, reference, link, HTML,
// emphasis, emoji), and prose, where only plain words stay outside code spans. Both are one line.
//
// Escapes (`\@`, `&#64;`) would not do: forges look for mentions, references and addresses in the rendered text, where they are gone.
import { cut, visible } from './visible.ts';

/**
 * A code span. Two characters are shown as their likes, since they could end the span or the table cell around it: ` as ˋ, | as │.
 * @param limit UTF-16 code units of text
 */
export function code(text: string, limit = 200): string {
  const shown = cut(visible(text), limit).replaceAll('`', 'ˋ').replaceAll('|', '│');
  return shown.trim() === '' ? '*empty*' : `\`${shown.trim()}\``;
}

/** Letters and digits, with what joins words inside and ends them outside: nothing that Markdown or a forge reads. */
const plainWord = /^[("“]?[+\-−±]?[\p{L}\p{N}](?:[\p{L}\p{N}'’.,-]*[\p{L}\p{N}])?[)”",.;:?]{0,3}$/u;
const plainSign = new Set(['%', '–', '—', '−', '→', '≥', '≤', '±', '×', '·', '%,', '%.', '%;', '%:', '%)', '%).']);
/** Signs between two words; in front of a line they would mean something. */
const betweenWords = new Set(['=', '<']);
/** Words that a forge turns into links: addresses, commits (hex of seven and more), GH-12 and tickets like it. */
const linked = /www\.|https?|(?<![\p{L}\p{N}])[0-9a-f]{7,}|[a-z]-\d|\p{L}\.\p{L}/iu;

/**
 * A sentence of ours that may hold data: plain words stay as they are, all else goes into code spans. What it has between backticks is a span, too.
 * @param limit UTF-16 code units of text
 */
export function prose(text: string, limit = 500): string {
  const pieces = cut(visible(text), limit).split(/`([^`]+)`/);
  // the odd ones stood between backticks, with which whatever follows them without a space stays together
  return pieces.reduce((all, piece, index) => {
    if (index % 2 === 1) return all === '' ? code(piece, limit) : `${all} ${code(piece, limit)}`;
    const [, punctuation = '', rest = ''] = all === '' ? ['', '', piece] : (/^([,.;:)]{0,3})(?= |$)(.*)$/s.exec(piece) ?? ['', '', piece]);
    const words = rest.split(' ').filter((word) => word !== '');
    return [all + punctuation, ...runsOf(words, all === '').map((run) => runText(run, limit))].filter((part) => part !== '').join(' ');
  }, '');
}

interface Run {
  readonly plain: boolean;
  readonly words: string[];
}

/** @param first does the line begin with them? */
function runsOf(words: readonly string[], first: boolean): Run[] {
  const runs: Run[] = [];
  words.forEach((word, index) => {
    const begins = first && index === 0;
    // '1.' in front would be a list
    const plain = (isPlain(word) && !(begins && /^[+\-−±]?\d+[.)]/.test(word))) || (!begins && betweenWords.has(word) && index < words.length - 1);
    const last = runs.at(-1);
    if (last !== undefined && last.plain === plain) last.words.push(word);
    else runs.push({ plain, words: [word] });
  });
  return runs;
}

/** The comma behind a code span is the sentence's, and so are parentheses around it. */
function runText({ plain, words }: Run, limit: number): string {
  const text = words.join(' ');
  if (plain) return text;
  const [, before = '', span = text, punctuation = ''] = /^(\(?)(.*[^,.;:)])([,.;:)]{1,3})$/s.exec(text) ?? [];
  if (before !== '' && !punctuation.startsWith(')')) return `${code(before + span, limit)}${punctuation}`;
  return `${before}${code(span, limit)}${punctuation}`;
}

function isPlain(word: string): boolean {
  return plainSign.has(word) || (plainWord.test(word) && !linked.test(word));
}

/**
 * Where the whole report is, as a link target.
 * @throws Error when it is no http(s) address
 */
export function linkTarget(address: string): string {
  const url = new URL(address);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error(`a link to the report must be http or https, not ${url.protocol}`);
  return `<${url.href.replace(/[<>\\`|]/g, encodeURIComponent)}>`;
}
