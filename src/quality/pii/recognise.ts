// All recognisers over one text: a pass that finds words and signs, then the patterns that can begin there, then the words before each find.
import type { CountryCode } from 'libphonenumber-js/max';
import { contextBefore, contextTerms, isSupported, withContext, type ContextTerms } from './context.ts';
import { withoutDuplicates, type Found } from './found.ts';
import type { PatternRecogniser, Verdict } from './pattern.ts';
import { asianRecognisers } from './recognisers/asia-pacific.ts';
import { britishRecognisers } from './recognisers/britain.ts';
import { europeanRecognisers } from './recognisers/europe.ts';
import { genericRecognisers, ibanLength } from './recognisers/generic.ts';
import { germanRecognisers } from './recognisers/germany.ts';
import { findEmail, findIpv4, findIpv6, findUrl } from './recognisers/hosts.ts';
import { findPhone, phoneContext, phoneRegions } from './recognisers/phone.ts';
import { usRecognisers } from './recognisers/us.ts';
import { isWordUnit, longestWord, visitWords, wordKinds, type WordKind, type WordVisitor } from './words.ts';

export const patternRecognisers: readonly PatternRecogniser[] = [
  ...genericRecognisers,
  ...usRecognisers,
  ...britishRecognisers,
  ...germanRecognisers,
  ...europeanRecognisers,
  ...asianRecognisers,
];

/** Found by their signs: entity -> words that speak for it. */
const signContext: Readonly<Record<string, readonly string[]>> = {
  EMAIL_ADDRESS: ['email', 'e-mail', 'mail'],
  IBAN_CODE: ['iban', 'bank', 'transaction'],
  IP_ADDRESS: ['ip', 'ipv4', 'ipv6'],
  PHONE_NUMBER: phoneContext,
  URL: ['url', 'website', 'link'],
};

/** Every entity that patterns find, sorted. */
export const patternEntities: readonly string[] = [
  ...new Set([...Object.keys(signContext), ...patternRecognisers.map(({ entity }) => entity)]),
].toSorted();

/** Of no country, and those of the United States and Britain that Presidio looks for unless told otherwise. */
export const usualEntities: readonly string[] = [
  ...Object.keys(signContext),
  ...genericRecognisers.map(({ entity }) => entity),
  ...usRecognisers
    .filter(({ country, entity }) => country === 'us' && !['US_NPI', 'US_MBI', 'ABA_ROUTING_NUMBER'].includes(entity))
    .map(({ entity }) => entity),
  'UK_NHS',
].toSorted();

/** The entities of a country. @param country ISO 3166 alpha-2, small; Britain is uk */
export function entitiesOfCountry(country: string): string[] {
  return patternRecognisers.filter((one) => one.country === country).map(({ entity }) => entity);
}

/** Words that speak for an entity. */
export function contextOf(entity: string): readonly string[] {
  return signContext[entity] ?? patternRecognisers.find((one) => one.entity === entity)?.context ?? [];
}

interface Compiled {
  readonly entity: string;
  readonly form: RegExp;
  readonly score: number;
  readonly verdict: Verdict | undefined;
}

/** What a text holds. @param column name of the column that the text is of: its words speak for a find as those before it do */
export type Recognise = (text: string, column?: string | null) => Found[];

/**
 * Made once, used for many texts. Cost: a few times the length of the text; no text makes it quadratic.
 * @param entities those to look for, of patternEntities
 * @returns finds of each entity without those within a surer one of the same entity; finds of several entities may overlap
 */
export function createRecogniser(entities: Iterable<string>, regions: readonly CountryCode[] = phoneRegions): Recognise {
  const wanted = new Set(entities);
  const table = compile(wanted);
  const terms = new Map<string, ContextTerms>([
    ...Object.entries(signContext).map(([entity, words]) => [entity, contextTerms(words)] as const),
    ...patternRecognisers.map(({ entity, context }) => [entity, contextTerms(context)] as const),
  ]);
  const looksFor = {
    email: wanted.has('EMAIL_ADDRESS'),
    url: wanted.has('URL'),
    ip: wanted.has('IP_ADDRESS'),
    iban: wanted.has('IBAN_CODE'),
    phone: wanted.has('PHONE_NUMBER'),
  };
  return (text, column = null) => {
    const found: Found[] = [];
    const before = memo((start) => contextBefore(text, start, column));
    visitWords(
      text,
      new Visitor(text, found, { table, looksFor, regions, isSpokenOf: (start) => isSupported(terms.get('PHONE_NUMBER') ?? [], before(start)) }),
    );
    if (found.length === 0) return found;
    return withoutDuplicates(
      withoutPartsOfPhones(text, found).map((one) => {
        if (one.score >= 1) return one;
        return isSupported(terms.get(one.entity) ?? [], before(one.start)) ? { ...one, score: withContext(one.score) } : one;
      }),
    );
  };
}

/** A telephone number that says its country is that and no more, though one in eleven holds ten digits with the check digit of the NHS. */
function withoutPartsOfPhones(text: string, found: readonly Found[]): readonly Found[] {
  const phones = found.filter(({ entity, start }) => entity === 'PHONE_NUMBER' && text.charCodeAt(start) === plusSign);
  if (phones.length === 0) return found;
  const isPart = (one: Found): boolean => phones.some(({ start, end }) => one.start > start && one.end <= end);
  return found.filter((one) => one.entity === 'PHONE_NUMBER' || !isPart(one));
}

const plusSign = 0x2b;

function memo(make: (start: number) => string): (start: number) => string {
  let last = -1;
  let made = '';
  return (start) => {
    if (start !== last) [last, made] = [start, make(start)];
    return made;
  };
}

/** [kind][length of the word] -> patterns that may begin with it. */
type PatternTable = readonly (readonly (readonly Compiled[])[])[];

function compile(wanted: ReadonlySet<string>): PatternTable {
  const table = Array.from(wordKinds, () => Array.from({ length: longestWord + 1 }, (): Compiled[] => []));
  for (const { entity, patterns, verdict } of patternRecognisers) {
    if (!wanted.has(entity)) continue;
    for (const { first, form, score } of patterns) {
      const compiled = { entity, form: new RegExp(form.source, 'iy'), score, verdict };
      for (const word of first.split(' ')) {
        const [least = 0, most = least] = word.slice(1).split('-').map(Number);
        for (let length = least; length <= most; length += 1) table[wordKinds.indexOf(word.charAt(0))]?.[length]?.push(compiled);
      }
    }
  }
  return table;
}

interface Search {
  readonly table: PatternTable;
  readonly looksFor: { readonly email: boolean; readonly url: boolean; readonly ip: boolean; readonly iban: boolean; readonly phone: boolean };
  readonly regions: readonly CountryCode[];
  readonly isSpokenOf: (start: number) => boolean;
}

class Visitor implements WordVisitor {
  readonly #text: string;
  readonly #found: Found[];
  readonly #search: Search;
  /** places up to which a URL, a telephone number was looked for */
  #urls = 0;
  #phones = 0;

  constructor(text: string, found: Found[], search: Search) {
    this.#text = text;
    this.#found = found;
    this.#search = search;
  }

  at(place: number): void {
    if (this.#search.looksFor.email) this.#take(findEmail(this.#text, place));
  }

  dot(place: number): void {
    if (!this.#search.looksFor.url || place < this.#urls) return;
    const { found, end } = findUrl(this.#text, place);
    this.#urls = end;
    this.#take(found);
  }

  colon(place: number): void {
    if (this.#search.looksFor.ip && this.#text.charCodeAt(place + 1) === 0x3a) this.#take(findIpv6(this.#text, place));
  }

  word(kind: WordKind, start: number, end: number): void {
    const text = this.#text;
    const { table, looksFor, regions, isSpokenOf } = this.#search;
    const next = text.charCodeAt(end);
    if (looksFor.ip && next === 0x3a && end - start <= 4) this.#take(findIpv6(text, start));
    if (kind === 2 && !leadsToDigit(text, end, next)) return;
    const patterns = table[kind]?.[end - start];
    if (patterns !== undefined) for (const pattern of patterns) this.#try(pattern, start);
    if (kind === 0) {
      if (looksFor.ip && next === 0x2e && end - start <= 3 && text.charCodeAt(start - 1) !== 0x2e) this.#take(findIpv4(text, start));
      if (looksFor.phone && start >= this.#phones) this.#phone(findPhone(text, start, regions, () => isSpokenOf(start)));
    } else if (kind === 1 && looksFor.iban) this.#iban(start);
  }

  #phone(found: Found | null): void {
    if (found !== null) this.#phones = found.end;
    this.#take(found);
  }

  #iban(start: number): void {
    const text = this.#text;
    const third = text.charCodeAt(start + 2);
    if (third < 48 || third > 57) return;
    const length = ibanLength(text, start);
    if (length === 0 || isWordUnit(text.charCodeAt(start + length))) return;
    const small = /[a-z]/.test(text.slice(start, start + length));
    this.#take({ entity: 'IBAN_CODE', start, end: start + length, score: small ? 0.5 : 1 });
  }

  #try({ entity, form, score, verdict }: Compiled, start: number): void {
    form.lastIndex = start;
    const match = form.exec(this.#text);
    if (match === null || isWordUnit(this.#text.charCodeAt(form.lastIndex))) return;
    const sure = verdict?.(match[0]) ?? null;
    if (sure !== false) this.#take({ entity, start, end: form.lastIndex, score: sure === true ? 1 : score });
  }

  #take(found: Found | null): void {
    if (found !== null) this.#found.push(found);
  }
}

/** Behind a word of letters: '-AB 123', ' 12 34', ':BB:'. */
function leadsToDigit(text: string, end: number, next: number): boolean {
  if (next === 0x3a) return true;
  if (next !== 0x20 && next !== 0x2d && next !== 0x2e && next !== 0x09) return false;
  for (let at = end + 1; at < end + 7; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit >= 48 && unit <= 57) return true;
  }
  return next === 0x2d || next === 0x2e;
}
