// What gitleaks' program does with its rules: keywords first, then patterns where a keyword is, entropy, allow lists, rules that need others beside them.
// What it finds it gives as places; the secret itself goes no further than to whoever makes its keyed hash.
// Source: https://github.com/gitleaks/gitleaks, detect/detect.go of 8.30.1
import { byCodeUnit } from '../../base/canonical.ts';
import { decodeLines, type Encoding } from './decode.ts';
import type { GoMatch, GoRegex } from './go-regex.ts';
import { KeywordIndex } from './keywords.ts';
import type { Allowlist, SecretRule, SecretRules } from './rules.ts';

export interface FoundSecret {
  /** id of the rule */
  readonly rule: string;
  readonly description: string;
  /** where the secret stands, in code units of the text */
  readonly start: number;
  readonly end: number;
  /** lines on which the match begins and ends, from 1 */
  readonly line: number;
  readonly endLine: number;
  /** never shown, never stored */
  readonly secret: string;
  /** it stands there in another form; the place is that of all that was decoded */
  readonly encoding?: Encoding;
}

interface Match extends FoundSecret {
  readonly column: number;
}

/** Codes within codes that are looked into. */
const mostLayers = 2;

const allowed = 'gitleaks:allow';
/** Of one rule in one text; a text with more is none that anybody reads one by one. What is allowed does not count: it would hide what follows. */
const mostFound = 1_000;
/** What an allow list may see of a line on either side, in code units. */
const widestLine = 4_096;

export class SecretScanner {
  readonly #rules: readonly SecretRule[];
  readonly #byId: ReadonlyMap<string, SecretRule>;
  readonly #allowlists: readonly Allowlist[];
  readonly #index: KeywordIndex;
  /** keyword -> rules that it wakes */
  readonly #woken: readonly (readonly number[])[];
  readonly #always: readonly number[];
  readonly #stopwords = new Map<Allowlist, KeywordIndex>();
  readonly #lines = new LineNumbers();

  constructor({ rules, allowlists }: SecretRules) {
    this.#rules = rules;
    this.#byId = new Map(rules.map((rule) => [rule.id, rule]));
    this.#allowlists = allowlists;
    const keywords = [...new Set(rules.flatMap((rule) => (rule.regex === null ? [] : rule.keywords)))].toSorted(byCodeUnit);
    this.#index = new KeywordIndex(keywords);
    this.#woken = keywords.map((keyword) => rules.flatMap((rule, at) => (rule.regex !== null && rule.keywords.includes(keyword) ? [at] : [])));
    this.#always = rules.flatMap((rule, at) => (rule.regex !== null && rule.keywords.length === 0 ? [at] : []));
  }

  /** Is a file left out by its name? @param path '/' between names; null: a text that is no file */
  passesOver(path: string): boolean {
    return this.#allowlists.some((list) => allowsPath(list, path));
  }

  /** Rules that say all by the name of a file. */
  findInPath(path: string): { readonly rule: string; readonly description: string }[] {
    const named = this.#rules.filter((rule) => rule.regex === null && rule.path !== null && !rule.skipReport && rule.path.test(path));
    return named.filter((rule) => !rule.allowlists.some((list) => allowsPath(list, path))).map(({ id, description }) => ({ rule: id, description }));
  }

  /**
   * Secrets of a text in the order of their places.
   * @param path of the file, null for a text of a row
   */
  find(text: string, path: string | null): FoundSecret[] {
    const hits = this.#index.find(text);
    if (hits === null && this.#always.length === 0) return [];
    const woken = new Map<number, number[][]>(this.#always.map((rule) => [rule, []]));
    for (const [keyword, ends] of hits ?? []) {
      for (const rule of this.#woken[keyword] as readonly number[]) {
        const all = woken.get(rule);
        if (all === undefined) woken.set(rule, [ends]);
        else all.push(ends);
      }
    }
    const found = [...woken].flatMap(([at, ends]) => this.#findByRule(this.#rules[at] as SecretRule, text, path, ends));
    return withoutVaguer(found).toSorted((a, b) => a.start - b.start || a.end - b.end || byCodeUnit(a.rule, b.rule));
  }

  /** As `find`, and what is found only once it is decoded: base64 of a key, or base64 of that. */
  findDecoded(text: string, path: string | null): FoundSecret[] {
    const written = this.find(text, path);
    const more = this.#findWithin(text, path, mostLayers).filter((one) => !written.some((other) => other.start < one.end && one.start < other.end));
    if (more.length === 0) return written;
    return [...written, ...more].toSorted((a, b) => a.start - b.start || a.end - b.end || byCodeUnit(a.rule, b.rule));
  }

  #findWithin(text: string, path: string | null, layers: number): FoundSecret[] {
    const decoded = decodeLines(text);
    if (decoded === null) return [];
    const found = [...this.find(decoded.text, path), ...(layers > 1 ? this.#findWithin(decoded.text, path, layers - 1) : [])];
    return found.flatMap((one) => {
      const place = decoded.place(one.start, one.end);
      if (place === null) return [];
      const { start, end, encoding } = place;
      return [{ ...one, start, end, encoding, line: this.#lines.of(text, start), endLine: this.#lines.of(text, end - 1) }];
    });
  }

  #findByRule(rule: SecretRule, text: string, path: string | null, ends: readonly (readonly number[])[] | null): Match[] {
    if (rule.skipReport) return [];
    const found = this.#matches(rule, text, path, ends);
    if (found.length === 0 || rule.required.length === 0) return found;
    const others = rule.required.map((need) => ({ need, matches: this.#matches(this.#byId.get(need.id) as SecretRule, text, path, null) }));
    return found.filter((one) =>
      others.every(({ need, matches }) =>
        matches.some(
          (other) =>
            (need.withinLines === null || Math.abs(one.line - other.line) <= need.withinLines) &&
            (need.withinColumns === null || Math.abs(one.column - other.column) <= need.withinColumns),
        ),
      ),
    );
  }

  #matches(rule: SecretRule, text: string, path: string | null, ends: readonly (readonly number[])[] | null): Match[] {
    if (rule.regex === null || (rule.path !== null && (path === null || !rule.path.test(path)))) return [];
    if (path !== null && rule.allowlists.some((list) => allowsPath(list, path))) return [];
    const keywordEnds =
      ends === null || rule.keywords.length === 0 ? null : ends.length === 1 ? (ends[0] as number[]) : ends.flat().toSorted((a, b) => a - b);
    const found: Match[] = [];
    for (const match of rule.regex.findAll(text, keywordEnds)) {
      found.push(...this.#judge(rule, text, path, match));
      if (found.length >= mostFound) break;
    }
    return found;
  }

  #judge(rule: SecretRule, text: string, path: string | null, match: GoMatch): Match[] {
    const whole = text.slice(match.start, match.end).replace(/^\n+|\n+$/g, '');
    const secret =
      (rule.secretGroup > 0 ? match.groups[rule.secretGroup] : match.groups.slice(1).find((group) => group !== undefined && group !== '')) ?? whole;
    if (rule.entropy !== 0 && shannonEntropy(secret) <= rule.entropy) return [];
    const matchEnd = match.start + whole.length;
    const before = text.slice(Math.max(0, match.start - widestLine), match.start);
    const after = text.slice(matchEnd, matchEnd + widestLine);
    const [lineStart, lineEnd] = [before.lastIndexOf('\n') + 1, after.indexOf('\n')];
    const line = `${before.slice(lineStart)}${text.slice(match.start, matchEnd)}${lineEnd === -1 ? after : after.slice(0, lineEnd)}`;
    // a row of data is nobody's source file: what it says of itself is no word of a reviewer
    if (path !== null && line.includes(allowed)) return [];
    const looked = { secret, match: whole, line, path };
    if ([...this.#allowlists, ...rule.allowlists].some((list) => this.#allows(list, looked))) return [];
    const start = match.start + Math.max(0, text.slice(match.start, match.end).indexOf(secret));
    const first = this.#lines.of(text, match.start);
    return [
      {
        rule: rule.id,
        description: rule.description,
        start,
        end: start + secret.length,
        line: first,
        endLine: this.#lines.of(text, Math.max(match.start, matchEnd - 1)),
        column: before.length - lineStart,
        secret,
      },
    ];
  }

  #allows(list: Allowlist, { path, ...looked }: { secret: string; match: string; line: string; path: string | null }): boolean {
    const byRegex = (): boolean => list.regexes.some((regex) => regex.test(looked[list.target]));
    const byWord = (): boolean => this.#hasStopword(list, looked.secret);
    if (!list.all) return byRegex() || byWord();
    // what says nothing of data (commits) never holds
    if (list.commits || (list.paths.length > 0 && !(path !== null && anyMatches(list.paths, path)))) return false;
    return (list.regexes.length === 0 || byRegex()) && (list.stopwords.length === 0 || byWord());
  }

  #hasStopword(list: Allowlist, secret: string): boolean {
    if (list.stopwords.length === 0) return false;
    const index = this.#stopwords.get(list) ?? new KeywordIndex(list.stopwords);
    this.#stopwords.set(list, index);
    return index.find(secret) !== null;
  }
}

/** By its path alone: a list that wants more than a path is asked when there is more. */
function allowsPath(list: Allowlist, path: string): boolean {
  if (list.paths.length === 0) return false;
  if (list.all && (list.commits || list.regexes.length > 0 || list.stopwords.length > 0)) return false;
  return anyMatches(list.paths, path);
}

function anyMatches(patterns: readonly GoRegex[], text: string): boolean {
  return patterns.some((pattern) => pattern.test(text));
}

/** What a generic rule found gives way to a rule that knows what it is. */
function withoutVaguer(found: readonly Match[]): Match[] {
  const generic = ({ rule }: Match): boolean => rule.toLowerCase().includes('generic');
  return found.filter(
    (one) => !generic(one) || !found.some((other) => !generic(other) && other.line === one.line && other.secret.includes(one.secret)),
  );
}

/** Numbers of lines in one text after another. */
class LineNumbers {
  #text = '';
  #ends: number[] = [];

  /** from 1; the end of a line is of the next one, as gitleaks counts */
  of(text: string, offset: number): number {
    if (text !== this.#text) {
      [this.#text, this.#ends] = [text, []];
      for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.#ends.push(at);
    }
    let [low, high] = [0, this.#ends.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  }
}

/** Bits a sign, as gitleaks counts: signs are code points, their number that of the bytes. */
export function shannonEntropy(text: string): number {
  const counts = new Map<string, number>();
  for (const sign of text) counts.set(sign, (counts.get(sign) ?? 0) + 1);
  const bytes = Buffer.byteLength(text);
  let entropy = 0;
  for (const count of counts.values()) entropy -= (count / bytes) * Math.log2(count / bytes);
  return entropy;
}
