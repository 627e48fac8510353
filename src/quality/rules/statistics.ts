// What is said of all values of a column together: from their bag alone.
import { chiSquare } from '../drift/statistics/chi-square.ts';
import { align, numberCounts, totalOf, type CategoryCounts, type NumberCounts } from '../drift/statistics/counts.ts';
import { stabilityIndex } from '../drift/statistics/distance.ts';
import { binned, decileEdges, describeNumbers, kolmogorovSmirnov, quantiles } from '../drift/statistics/number-distance.ts';
import { emptyBag, rowsOfBag, type ColumnBag } from '../columns/column-bag.ts';
import { isWithin, type Bounds } from './bounds.ts';
import type { ColumnAsk, Scalar } from './checks.ts';
import { dayOfText } from './evaluate.ts';
import { numberOfText, typedCell, valueName } from './values.ts';
import { listText } from './words.ts';

export interface Observed {
  readonly holds: boolean;
  readonly observed: number | string;
}

export interface Ask {
  readonly ask: ColumnAsk;
  /** cells of CSV */
  readonly untyped: boolean;
  readonly now: Date | null;
}

/** Nothing there to judge: a missing value breaks only not_missing, and no value breaks nothing. */
const nothing: Observed = { holds: true, observed: 'no values' };

/** The bag of a column of other data. */
export interface ReferenceBag {
  readonly bag: ColumnBag;
  /** cells of CSV */
  readonly untyped: boolean;
}

/** @param reference of drift: the other bag */
export function judgeBag(bag: ColumnBag, asking: Ask, reference: ReferenceBag | null): Observed {
  const { ask, untyped } = asking;
  if (rowsOfBag(bag) === 0 && ask.name !== 'distinct_contain' && ask.name !== 'distinct_equal') return nothing;
  switch (ask.name) {
    case 'least':
    case 'greatest':
    case 'mean':
    case 'median':
    case 'sum':
    case 'stdev':
      return withNumbers(bag, untyped, (numbers) => within(numberOf(numbers, ask.name), ask.of));
    case 'quantiles':
      return withNumbers(bag, untyped, (numbers) => {
        const found = ask.of.map(({ at }) => quantiles(numbers, [at])[0] as number);
        return { holds: ask.of.every(({ within: bounds }, at) => isWithin(found[at] as number, bounds)), observed: found.join(', ') };
      });
    case 'distinct_within':
    case 'distinct_equal':
    case 'distinct_contain':
      return judgeValues(bag, ask.name, ask.of, untyped);
    case 'most_common':
      return judgeMostCommon(bag, ask.of, untyped);
    case 'newest':
      return judgeNewest(bag, ask.of, asking.now);
    case 'kl':
      return judgeDivergence(bag, ask.of, untyped, reference);
    case 'psi':
    case 'ks':
    case 'cramers_v': {
      const found = drift(ask.name, reference, { bag, untyped });
      const most = typeof ask.of === 'number' ? ask.of : ask.of.max;
      if (typeof found === 'string') return { holds: false, observed: found };
      return found === null ? nothing : { holds: found <= most, observed: rounded(found) };
    }
    default:
      throw new Error(`a question about no bag: ${ask.name}`);
  }
}

function within(value: number, bounds: Bounds): Observed {
  return { holds: isWithin(value, bounds), observed: value };
}

/** Statistics go into reports that are compared byte by byte: the last bits depend on the library of the machine. */
function rounded(value: number): number {
  return Number(value.toPrecision(12));
}

/** A value that is no number is told, not left out. */
function withNumbers(bag: ColumnBag, untyped: boolean, judge: (numbers: NumberCounts) => Observed): Observed {
  const { numbers, odd } = numbersOf(bag, untyped);
  return odd === null ? judge(numbers) : { holds: false, observed: `${odd} is no number` };
}

/** The numbers of a bag, and a value that is none. */
export function numbersOf({ numbers, texts, others }: ColumnBag, untyped: boolean): { numbers: NumberCounts; odd: string | null } {
  const [other] = [...others.keys()].toSorted();
  if (other !== undefined) return { numbers, odd: other };
  if (texts.size === 0) return { numbers, odd: null };
  const read = new Map<number, number>();
  const odds: string[] = [];
  for (const [text, count] of texts) {
    const number = untyped ? numberOfText(text) : null;
    if (number === null) odds.push(text);
    else read.set(number === 0 ? 0 : number, (read.get(number) ?? 0) + count);
  }
  const odd = odds.reduce<string | undefined>((least, text) => (least === undefined || text < least ? text : least), undefined);
  return odd === undefined ? { numbers: numberCounts(read), odd: null } : { numbers, odd: JSON.stringify(odd.slice(0, 100)) };
}

function numberOf(numbers: NumberCounts, name: 'least' | 'greatest' | 'mean' | 'median' | 'sum' | 'stdev'): number {
  const { values, counts } = numbers;
  switch (name) {
    case 'least':
      return values[0] as number;
    case 'greatest':
      return values.at(-1) as number;
    case 'median':
      return quantiles(numbers, [0.5])[0] as number;
    case 'sum':
      return values.reduce((sum, value, at) => sum + value * (counts[at] as number), 0);
    case 'mean':
      return describeNumbers(numbers)?.mean as number;
    case 'stdev': {
      const total = totalOf(counts);
      const spread = describeNumbers(numbers)?.deviation as number;
      return total < 2 ? 0 : spread * Math.sqrt(total / (total - 1));
    }
  }
}

/** Mean and sample standard deviation; null for fewer than two numbers. */
export function meanAndDeviation(bag: ColumnBag, untyped: boolean): { mean: number; deviation: number } | null {
  const { numbers } = numbersOf(bag, untyped);
  return totalOf(numbers.counts) < 2 ? null : { mean: numberOf(numbers, 'mean'), deviation: numberOf(numbers, 'stdev') };
}

/** Every value once with its count; of CSV by what a cell says as text. */
function entriesOf({ numbers, texts, others }: ColumnBag): { value: Scalar | null; name: string; count: number }[] {
  return [
    ...Array.from(numbers.values, (value, at) => ({ value, name: valueName(value), count: numbers.counts[at] as number })),
    ...Array.from(texts, ([value, count]) => ({ value, name: JSON.stringify(value), count })),
    ...Array.from(others, ([name, count]) => ({ value: name === 'true' ? true : name === 'false' ? false : null, name, count })),
  ];
}

function isAmong(value: Scalar | null, values: ReadonlySet<unknown>, untyped: boolean): boolean {
  return values.has(value) || (untyped && values.has(typedCell(value)));
}

function judgeValues(
  bag: ColumnBag,
  name: 'distinct_within' | 'distinct_equal' | 'distinct_contain',
  wanted: readonly Scalar[],
  untyped: boolean,
): Observed {
  const values = new Set<unknown>(wanted);
  const entries = entriesOf(bag);
  const there = new Set(entries.flatMap(({ value }) => (untyped ? [value, typedCell(value)] : [value])));
  const extra = name === 'distinct_contain' ? [] : entries.filter(({ value }) => !isAmong(value, values, untyped)).map((entry) => entry.name);
  const lacking = name === 'distinct_within' ? [] : wanted.filter((value) => !there.has(value));
  if (extra.length + lacking.length === 0) return { holds: true, observed: `${entries.length} values` };
  const more = extra.toSorted().slice(0, 5).join(', ') + (extra.length > 5 ? ` and ${extra.length - 5} more` : '');
  return {
    holds: false,
    observed: [extra.length === 0 ? '' : `also ${more}`, lacking.length === 0 ? '' : `not ${listText(lacking)}`]
      .filter((part) => part !== '')
      .join('; '),
  };
}

function judgeMostCommon(bag: ColumnBag, wanted: readonly Scalar[], untyped: boolean): Observed {
  const entries = entriesOf(bag);
  const most = entries.reduce((count, entry) => Math.max(count, entry.count), 0);
  const first = entries.filter(({ count }) => count === most).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const values = new Set<unknown>(wanted);
  return {
    holds: first.some(({ value }) => isAmong(value, values, untyped)),
    observed: first
      .slice(0, 5)
      .map(({ name }) => name)
      .join(', '),
  };
}

function judgeNewest({ texts }: ColumnBag, of: { within_days: number; of?: string | undefined }, now: Date | null): Observed {
  const end = of.of === undefined ? now : new Date(of.of);
  if (end === null || Number.isNaN(end.getTime())) return { holds: false, observed: `${of.of} is no date` };
  let newest: string | null = null;
  for (const text of texts.keys()) if (dayOfText(text) !== null && (newest === null || instantOf(text) > instantOf(newest))) newest = text;
  if (newest === null) return { holds: false, observed: 'no ISO dates' };
  return { holds: end.getTime() - instantOf(newest) <= of.within_days * 86_400_000, observed: newest };
}

/** A time without a zone is one of UTC. */
function instantOf(text: string): number {
  const zoned = /[Tt ]\d\d:\d\d/.test(text) && !/(?:[Zz]|[+-]\d\d:?\d\d)$/.test(text) ? `${text}Z` : text;
  const time = Date.parse(zoned);
  return Number.isNaN(time) ? Date.parse(text.slice(0, 10)) : time;
}

/** @returns null: a side has no values; a text: what is in the way */
function drift(name: 'psi' | 'ks' | 'cramers_v', before: ReferenceBag | null, after: ReferenceBag): number | string | null {
  if (before === null) throw new Error('drift without a reference');
  const [old, now] = [numbersOf(before.bag, before.untyped), numbersOf(after.bag, after.untyped)];
  if (name === 'cramers_v') return chiSquare(align(...categoriesOf(before, after)))?.cramersV ?? null;
  if (name === 'ks') {
    const odd = old.odd ?? now.odd;
    return odd === null ? kolmogorovSmirnov(old.numbers, now.numbers) : `${odd} is no number`;
  }
  if (old.odd === null && now.odd === null) return stabilityIndex(binned(old.numbers, now.numbers, decileEdges(old.numbers)));
  return stabilityIndex(align(...categoriesOf(before, after)));
}

/** Values of a CSV beside those of a format with types count as what they look like. */
function categoriesOf(before: ReferenceBag, after: ReferenceBag): [CategoryCounts, CategoryCounts] {
  const mixed = before.untyped !== after.untyped;
  const counted = ({ bag, untyped }: ReferenceBag): CategoryCounts => {
    const counts = new Map<string, number>();
    for (const { name, value, count } of entriesOf(bag)) {
      const category = mixed && untyped ? valueName(typedCell(value)) : name;
      counts.set(category, (counts.get(category) ?? 0) + count);
    }
    return counts;
  };
  return [counted(before), counted(after)];
}

/**
 * Kullback-Leibler divergence of the shares that are there (p) from those expected (q), in nats. Where q has nothing and p has something it is infinite,
 * unless shares were held back: `empty` for what the partition gives nothing, `outside` for what it does not know (of edges half below, half above).
 * Source: Kullback and Leibler 1951; held back as Great Expectations does
 */
function judgeDivergence(bag: ColumnBag, of: Divergence, untyped: boolean, reference: ReferenceBag | null): Observed {
  const shares = expectedShares(of, reference, untyped);
  const found = countsIn(bag, of, untyped, shares);
  const total = totalOf(found.inside) + totalOf(found.outside);
  const expected = shares.map(({ share }) => share);
  const sum = totalOf(expected);
  const empties = expected.filter((share) => share === 0).length;
  const rest = 1 - of.outside - (empties > 0 ? of.empty : 0);
  const q = expected.map((share) => (share === 0 ? of.empty / empties : (share / sum) * rest));
  const terms = [
    ...found.inside.map((count, at) => [count / total, q[at] as number] as const),
    ...found.outside.map((count) => [count / total, of.outside / found.outside.length] as const),
  ];
  const divergence = terms.reduce((all, [p, share]) => (p === 0 ? all : all + p * Math.log(p / share)), 0);
  if (!Number.isFinite(divergence)) return { holds: false, observed: 'infinite: there are values that are not expected' };
  return { holds: divergence <= of.max, observed: rounded(divergence) };
}

type Divergence = Extract<ColumnAsk, { name: 'kl' }>['of'];

function expectedShares(
  of: Extract<ColumnAsk, { name: 'kl' }>['of'],
  reference: ReferenceBag | null,
  untyped: boolean,
): { name: string; share: number }[] {
  if (of.of === undefined) {
    const [counts] = categoriesOf(reference as ReferenceBag, { bag: emptyBag, untyped });
    return [...counts].map(([name, share]) => ({ name, share })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }
  const { shares } = of.of;
  return 'values' in of.of
    ? of.of.values.map((value, at) => ({ name: valueName(value), share: shares[at] as number }))
    : shares.map((share) => ({ name: '', share }));
}

function countsIn(
  bag: ColumnBag,
  { of }: Extract<ColumnAsk, { name: 'kl' }>['of'],
  untyped: boolean,
  shares: readonly { readonly name: string }[],
): { inside: number[]; outside: number[] } {
  const inside = shares.map(() => 0);
  const add = (counts: number[], at: number, count: number): void => void (counts[at] = (counts[at] as number) + count);
  if (of !== undefined && 'edges' in of) {
    const { edges } = of;
    const outside = [0, 0];
    const { numbers } = numbersOf(bag, untyped);
    // as numpy's histogram: a bin holds its lower edge, the last one both
    numbers.values.forEach((value, at) => {
      const count = numbers.counts[at] as number;
      if (value < (edges[0] as number)) add(outside, 0, count);
      else if (value > (edges.at(-1) as number)) add(outside, 1, count);
      else add(inside, value === edges.at(-1) ? edges.length - 2 : edges.findIndex((edge) => edge > value) - 1, count);
    });
    return { inside, outside };
  }
  const outside = [0];
  const places = new Map(shares.map(({ name }, at) => [name, at]));
  for (const { value, name, count } of entriesOf(bag)) {
    const place = places.get(name) ?? (untyped ? places.get(valueName(typedCell(value))) : undefined);
    if (place === undefined) add(outside, 0, count);
    else add(inside, place, count);
  }
  return { inside, outside };
}
