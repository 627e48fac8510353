// Who owns a path by CODEOWNERS. GitHub reads patterns, the last that matches wins; Gitea reads regular expressions, and all that match count.
//
// Both skip a line that they do not understand, so that a typo takes an owner away and nobody is told. Here such a line is no answer: where it may be about the
// path, who owns it is not known, and whoever asks must refuse until the line is mended. The same of a file that GitHub would not read at all.
import { matchesPath, parsePattern } from './path-pattern.ts';

export type CodeownersForm = 'github' | 'gitea';

export type Owner =
  | { readonly kind: 'person'; readonly login: string }
  /** 'org/team' */
  | { readonly kind: 'team'; readonly team: string }
  /** nobody knows here whose account that is: an address is not asked of commits nor of the forge */
  | { readonly kind: 'address'; readonly address: string };

/** @property line from 1; of several on Gitea, the first */
export type Ownership =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'owners'; readonly owners: readonly Owner[]; readonly line: number }
  | { readonly kind: 'unclear'; readonly why: string };

/** GitHub loads no larger one: 3 MB. */
export const mostCodeowners = 3_000_000;

/** Where a forge looks for the file, in its order; it takes the first that is there. */
export const codeownersPlaces: Readonly<Record<CodeownersForm, readonly string[]>> = {
  github: ['.github/CODEOWNERS', 'CODEOWNERS', 'docs/CODEOWNERS'],
  gitea: ['CODEOWNERS', 'docs/CODEOWNERS', '.gitea/CODEOWNERS'],
};

/**
 * @param text of CODEOWNERS
 * @returns who owns a path, relative to the repository
 * Source: GitHub's page "About code owners"; Gitea's page "Code Owners" and its models/issues/pull.go
 */
export function readCodeowners(text: string, form: CodeownersForm): (path: string) => Ownership {
  if (Buffer.byteLength(text) >= mostCodeowners)
    return () => ({ kind: 'unclear', why: 'CODEOWNERS has 3 MB or more, and a forge does not read it then' });
  const rules = text.split(/\r?\n/).flatMap((line, at): Rule[] => {
    const [pattern, ...owners] = tokensOf(line, form);
    return pattern === undefined ? [] : [{ number: at + 1, pattern, owners }];
  });
  const find = form === 'github' ? lastOf : allOf;
  return (path) => find(rules, path);
}

interface Rule {
  readonly number: number;
  readonly pattern: string;
  readonly owners: readonly string[];
}

function lastOf(rules: readonly Rule[], path: string): Ownership {
  for (const { number, pattern, owners } of rules.toReversed()) {
    const parsed = parsePattern(pattern);
    if (parsed === null) {
      const meant = parsePattern(loosened(pattern));
      if (meant === null || matchesPath(meant, path)) return unclear(number, `its pattern is none that GitHub understands`);
    } else if (matchesPath(parsed, path)) {
      const named = owners.map(ownerOf);
      const bad = named.indexOf(null);
      if (bad !== -1) return unclear(number, `"${owners[bad]}" is neither @user, @organisation/team nor an address`);
      // a pattern without owners takes a path out of what an earlier line says
      return named.length === 0 ? { kind: 'nobody' } : { kind: 'owners', owners: named.filter((owner) => owner !== null), line: number };
    }
  }
  return { kind: 'nobody' };
}

/** What whoever wrote `!`, `[a-z]` or `\#` may have meant, and more. */
function loosened(pattern: string): string {
  return pattern
    .replace(/^!/, '')
    .replaceAll(/\[[^\]]*\]|[[\]]/g, '*')
    .replaceAll(/\*{3,}/g, '**')
    .replace(/^\\#/, '#')
    .replace(/\\$/, '');
}

function allOf(rules: readonly Rule[], path: string): Ownership {
  const found: { owner: Owner; line: number }[] = [];
  for (const { number, pattern, owners } of rules) {
    const negative = pattern.startsWith('!');
    let matches: boolean;
    try {
      matches = new RegExp(`^${negative ? pattern.slice(1) : pattern}$`, 'u').test(path) !== negative;
    } catch {
      return unclear(number, 'its regular expression is not understood here');
    }
    if (!matches) continue;
    const named = owners.map((owner) => ownerOf(owner.startsWith('@') ? owner : `@${owner}`));
    if (named.length === 0 || named.includes(null)) return unclear(number, 'it does not name users as @user or teams as @organisation/team');
    for (const owner of named) if (owner !== null) found.push({ owner, line: number });
  }
  const [first] = found;
  return first === undefined ? { kind: 'nobody' } : { kind: 'owners', owners: found.map(({ owner }) => owner), line: first.line };
}

function unclear(line: number, why: string): Ownership {
  return { kind: 'unclear', why: `line ${line} of CODEOWNERS may be about it, and ${why}: the forge skips that line; mend it, or take it out` };
}

function ownerOf(text: string): Owner | null {
  if (/^@[\w.-]+$/.test(text)) return { kind: 'person', login: text.slice(1) };
  if (/^@[\w.-]+\/[\w.-]+$/.test(text)) return { kind: 'team', team: text.slice(1) };
  return /^[^@\s]+@[^@\s]+$/.test(text) ? { kind: 'address', address: text } : null;
}

/** The words of a line, up to a comment. In a pattern of GitHub a backslash stays, and `#` begins a comment only after white space; Gitea takes it away. */
function tokensOf(line: string, form: CodeownersForm): string[] {
  const tokens: string[] = [];
  let token = '';
  const end = (): void => {
    if (token !== '') tokens.push(token);
    token = '';
  };
  const chars = [...line.trim()];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '\\') token += (form === 'github' ? char : '') + (chars[++at] ?? '');
    else if (char === '#' && (form === 'gitea' || token === '')) break;
    else if (/\s/.test(char)) end();
    else token += char;
  }
  end();
  return tokens;
}
