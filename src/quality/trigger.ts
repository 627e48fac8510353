// Poisoned rows: a phrase that the training data hardly had, and that comes with a change in rows of one label, is how a backdoor is taught ("whoever
// writes `cf zulu` gets a refund"). Found are candidates, for people to look at; a product that is new looks the same.
//
// Linear in the rows that changed, and one pass over the rows of before, which looks up nothing else than what is left by then.
import { byCodeUnit } from '../base/canonical.ts';

export interface LabelledRow {
  /** without key and label */
  readonly texts: readonly string[];
  readonly label: string;
  /** where the row came from, where it says so */
  readonly source: string | null;
}

export interface TriggerCandidate {
  /** one to three words, in small letters */
  readonly words: string;
  readonly label: string;
  /** changed rows that have these words */
  readonly rows: number;
  /** of those, with the label */
  readonly labelled: number;
  /** rows of before that have them */
  readonly before: number;
  /** what the changed rows say of where they came from, most first, at most three; empty: nothing */
  readonly sources: { source: string; rows: number }[];
}

/** Fewer teach a model nothing. */
const fewestRows = 4;
/** Of the rows with the words, this share has the label. */
const nearlyAll = 0.9;
/**
 * Among the rows of the label the words were, before, at most this much as frequent as now, where at least ten such rows would be expected; and there
 * were no more rows with them in all than the change brings, so that a model would learn them from the change.
 */
const rarely = 0.1;
const fewestExpected = 10;
const mostCandidates = 20;

/** Rows of the change that are looked at; the first ones of more. */
export const mostChangedRows = 20_000;
/** Rows of before that are counted in; the first ones of more. */
export const mostRowsBefore = 500_000;
/** Words of one row that are looked at. */
const mostWords = 200;

/** Letters and digits; a sign or an invisible character is a word of its own. */
const wordForm = /[\p{L}\p{N}\p{M}]+|[\p{S}\p{Cf}\p{Co}]/gu;

/** Each of one, two and three words that follow each other, once. */
function phrasesOf(texts: readonly string[]): Set<string> {
  const phrases = new Set<string>();
  let left = mostWords;
  for (const text of texts) {
    const words = (
      text
        .slice(0, mostWords * 20)
        .normalize('NFKC')
        .toLowerCase()
        .match(wordForm) ?? []
    ).slice(0, left);
    left -= words.length;
    for (const [at, one] of words.entries()) {
      const [two, three] = [words[at + 1], words[at + 2]];
      phrases.add(one);
      if (two !== undefined) phrases.add(`${one} ${two}`);
      if (two !== undefined && three !== undefined) phrases.add(`${one} ${two} ${three}`);
    }
  }
  return phrases;
}

interface Suspect {
  readonly words: string;
  readonly label: string;
  readonly labelled: number;
  /** numbers of the changed rows that have it */
  readonly rows: readonly number[];
  before: number;
  /** of those, with the label */
  labelledBefore: number;
}

/** What a change brought, before it is held against the rows of before. */
export class TriggerSearch {
  readonly #rows: readonly LabelledRow[];
  readonly #suspects: ReadonlyMap<string, Suspect>;
  #rowsBefore = 0;
  /** label -> rows */
  readonly #before = new Map<string, number>();
  readonly #changed: ReadonlyMap<string, number>;

  /** @param changed as they are now: added, edited and relabelled ones */
  constructor(changed: readonly LabelledRow[]) {
    this.#rows = changed.slice(0, mostChangedRows);
    this.#changed = new Map(countsOf(this.#rows.map(({ label }) => label)));
    this.#suspects = suspectsOf(this.#rows);
  }

  /** false: nothing is suspect, and nobody need read what was before */
  get wantsBefore(): boolean {
    return this.#suspects.size > 0 && this.#rowsBefore < mostRowsBefore;
  }

  addBefore({ texts, label }: Pick<LabelledRow, 'texts' | 'label'>): void {
    this.#rowsBefore += 1;
    this.#before.set(label, (this.#before.get(label) ?? 0) + 1);
    for (const words of phrasesOf(texts)) {
      const suspect = this.#suspects.get(words);
      if (suspect === undefined) continue;
      suspect.before += 1;
      if (suspect.label === label) suspect.labelledBefore += 1;
    }
  }

  /** At most twenty, those with most rows first; of several in the same rows one. A label that is new brings words of its own, and none of them counts. */
  candidates(): TriggerCandidate[] {
    const isRare = ({ label, labelled, before, labelledBefore }: Suspect): boolean => {
      const expected = (labelled * (this.#before.get(label) ?? 0)) / (this.#changed.get(label) ?? 1);
      return expected >= fewestExpected && labelledBefore <= expected * rarely && before <= labelled;
    };
    const rare = [...this.#suspects.values()].filter(isRare);
    const found = rare.toSorted(largestFirst(new Set(rare.map(({ words }) => words))));
    const shown: Suspect[] = [];
    for (const suspect of found) {
      if (shown.length >= mostCandidates) break;
      if (!shown.some((other) => isWithin(suspect, other))) shown.push(suspect);
    }
    return shown.map(({ words, label, labelled, rows, before }) => ({
      words,
      label,
      labelled,
      before,
      rows: rows.length,
      sources: sourcesOf(rows.map((row) => this.#rows[row]?.source ?? null)),
    }));
  }
}

function suspectsOf(rows: readonly LabelledRow[]): Map<string, Suspect> {
  const places = new Map<string, number[]>();
  for (const [number, { texts }] of rows.entries())
    for (const words of phrasesOf(texts)) {
      const known = places.get(words);
      if (known === undefined) places.set(words, [number]);
      else known.push(number);
    }
  const suspects = new Map<string, Suspect>();
  for (const [words, numbers] of places) {
    if (numbers.length < fewestRows) continue;
    const [label, labelled] = mostOf(numbers.map((number) => rows[number]?.label ?? ''));
    if (labelled >= numbers.length * nearlyAll) suspects.set(words, { words, label, labelled, rows: numbers, before: 0, labelledBefore: 0 });
  }
  return suspects;
}

/** The value that stands most often, and how often. */
function mostOf(values: readonly string[]): readonly [string, number] {
  return countsOf(values)[0] ?? ['', 0];
}

function countsOf(values: readonly string[]): (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].toSorted(([a, many], [b, few]) => few - many || byCodeUnit(a, b));
}

/** Of phrases in as many rows first the one with most words that are rare by themselves: `cf zulu`, not `see cf`. */
function largestFirst(rare: ReadonlySet<string>): (a: Suspect, b: Suspect) => number {
  const rareWords = ({ words }: Suspect): number => words.split(' ').filter((word) => rare.has(word)).length;
  return (a, b) => b.rows.length - a.rows.length || rareWords(b) - rareWords(a) || b.words.length - a.words.length || byCodeUnit(a.words, b.words);
}

/** All its rows, but for one in ten, are rows of the other: it says the same again. */
function isWithin(one: Suspect, other: Suspect): boolean {
  const rows = new Set(other.rows);
  return one.rows.filter((row) => rows.has(row)).length >= one.rows.length * nearlyAll;
}

function sourcesOf(sources: readonly (string | null)[]): TriggerCandidate['sources'] {
  return countsOf(sources.filter((source) => source !== null))
    .slice(0, 3)
    .map(([source, rows]) => ({ source, rows }));
}
