// The configuration files of git, as far as we must know them without git.

export interface GitConfigEntry {
  /** 'section.key' or 'section.subsection.key'; section and key in lower case, the subsection as written */
  readonly name: string;
  /** a key without '=' is true */
  readonly value: string;
}

const header = /^\[\s*([A-Za-z0-9.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]/;
const assignment = /^([A-Za-z][A-Za-z0-9-]*)[^\S\n]*(=?)[^\S\n]*/;

/**
 * Entries in the order of the file; what does not parse is left out, as nothing that we ask for hangs on it.
 * Source: git-config(1), "Syntax"
 */
export function parseGitConfig(text: string): GitConfigEntry[] {
  const entries: GitConfigEntry[] = [];
  let section = '';
  let rest = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  while (rest !== '') {
    rest = rest.replace(/^\s+/, '');
    const head = header.exec(rest);
    if (head !== null) {
      const [all, name = '', sub] = head;
      section = name.toLowerCase() + (sub === undefined ? '' : `.${sub.replace(/\\(.)/g, '$1')}`);
      rest = rest.slice(all.length);
      continue;
    }
    const key = assignment.exec(rest);
    if (key === null) {
      rest = afterLine(rest);
      continue;
    }
    const name = `${section}.${(key[1] ?? '').toLowerCase()}`;
    if (key[2] === '') {
      entries.push({ name, value: 'true' });
      rest = afterLine(rest);
      continue;
    }
    const value = readValue(rest.slice(key[0].length));
    entries.push({ name, value: value.text });
    rest = value.rest;
  }
  return entries;
}

function afterLine(text: string): string {
  const end = text.indexOf('\n');
  return end === -1 ? '' : text.slice(end + 1);
}

/** Up to the end of the line: quotes keep blanks and comment signs, a backslash at the end goes on with the next line. */
function readValue(text: string): { text: string; rest: string } {
  const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', b: '\b', '\n': '' };
  let value = '';
  // blanks at the end do not count, unless they were quoted
  let keep = 0;
  let quoted = false;
  let at = 0;
  for (; at < text.length; at += 1) {
    const sign = text[at] ?? '';
    if (sign === '\n') break;
    if (sign === '"') {
      quoted = !quoted;
      keep = value.length;
    } else if (sign === '\\') {
      at += 1;
      const next = text[at] ?? '';
      value += escapes[next] ?? next;
      keep = value.length;
    } else if (!quoted && (sign === '#' || sign === ';')) {
      at = text.indexOf('\n', at);
      if (at === -1) at = text.length;
      break;
    } else {
      value += sign;
      if (quoted || !/\s/.test(sign)) keep = value.length;
    }
  }
  return { text: value.slice(0, keep), rest: text.slice(at + 1) };
}

/** git lets the last one win. */
export function lastValue(entries: readonly GitConfigEntry[], name: string): string | undefined {
  return entries.findLast((entry) => entry.name === name)?.value;
}

export function isTrue(value: string | undefined): boolean {
  return value !== undefined && /^(true|yes|on|[1-9]\d*)$/i.test(value);
}
