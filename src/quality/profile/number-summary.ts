// Statistics of numbers out of their sorted multiset, in one pass: sums go in the order of the values, so that neither the order of rows nor threads change a digit.
import type { NumberSummary, Quantiles } from './schema.ts';

/** Values in ascending order, each once, and how often each stands there. */
export interface SortedPart {
  readonly values: ArrayLike<number>;
  readonly counts: ArrayLike<number>;
}

/** What must be known before the pass. */
export interface Extent {
  readonly rows: number;
  readonly min: number;
  readonly max: number;
  /** all values are whole */
  readonly whole: boolean;
}

const shares: Readonly<Record<keyof Quantiles, number>> = { p01: 0.01, p05: 0.05, p25: 0.25, p50: 0.5, p75: 0.75, p95: 0.95, p99: 0.99 };
const binCount = 20;

/**
 * @param extent of all the parts; rows at least 1
 * @param parts the multiset, in pieces
 */
export async function summarizeNumbers(extent: Extent, parts: AsyncIterable<SortedPart>): Promise<NumberSummary> {
  const [moments, ranks, bins] = [new Moments(), new Ranks(extent.rows), new Bins(extent)];
  for await (const { values, counts } of parts)
    for (let at = 0; at < values.length; at += 1) {
      const [value, count] = [values[at] as number, counts[at] as number];
      moments.add(value, count);
      ranks.add(value, count);
      bins.add(value, count);
    }
  return { min: extent.min, max: extent.max, ...moments.result(extent.min, extent.max), quantiles: ranks.result(), histogram: bins.result() };
}

/** Mean and spread by the weighted form of Welford's recurrence (West 1979). */
class Moments {
  #rows = 0;
  #mean = 0;
  #squares = 0;

  add(value: number, count: number): void {
    this.#rows += count;
    const step = value - this.#mean;
    this.#mean += (step * count) / this.#rows;
    this.#squares += count * step * (value - this.#mean);
  }

  result(min: number, max: number): { mean: number; sd: number | null } {
    // rounding must not lead out of the values
    const mean = Math.min(max, Math.max(min, digits(this.#mean)));
    return { mean, sd: this.#rows < 2 ? null : digits(Math.sqrt(this.#squares / (this.#rows - 1))) };
  }
}

function digits(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(12)) : Number.MAX_VALUE;
}

/** The values at the ranks that the quantiles lie between. */
class Ranks {
  readonly #wanted: readonly { readonly name: keyof Quantiles; readonly below: number; readonly share: number }[];
  readonly #ranks: readonly number[];
  readonly #found = new Map<number, number>();
  #seen = 0;
  #next = 0;

  constructor(rows: number) {
    this.#wanted = (Object.keys(shares) as (keyof Quantiles)[]).map((name) => {
      const place = (rows - 1) * shares[name];
      return { name, below: Math.floor(place), share: place - Math.floor(place) };
    });
    this.#ranks = [...new Set(this.#wanted.flatMap(({ below }) => [below, Math.min(below + 1, rows - 1)]))].toSorted((a, b) => a - b);
  }

  add(value: number, count: number): void {
    this.#seen += count;
    for (let rank = this.#ranks[this.#next]; rank !== undefined && rank < this.#seen; rank = this.#ranks[this.#next]) {
      this.#found.set(rank, value);
      this.#next += 1;
    }
  }

  result(): Quantiles {
    const at = (rank: number): number => this.#found.get(rank) ?? this.#found.get(rank - 1) ?? 0;
    const entries = this.#wanted.map(({ name, below, share }) => {
      const [low, high] = [at(below), at(below + 1)];
      return [name, share === 0 || low === high ? low : Number((low * (1 - share) + high * share).toPrecision(15))];
    });
    return Object.fromEntries(entries);
  }
}

class Bins {
  readonly #edges: readonly number[];
  readonly #rows: number[];
  #at = 0;

  constructor(extent: Extent) {
    this.#edges = edgesOf(extent);
    this.#rows = this.#edges.slice(1).map(() => 0);
  }

  add(value: number, count: number): void {
    while (this.#at + 1 < this.#rows.length && value >= (this.#edges[this.#at + 1] as number)) this.#at += 1;
    this.#rows[this.#at] = (this.#rows[this.#at] ?? 0) + count;
  }

  result(): NumberSummary['histogram'] {
    return this.#rows.map((rows, at) => ({ from: this.#edges[at] as number, to: this.#edges[at + 1] as number, rows }));
  }
}

function edgesOf({ min, max, whole }: Extent): number[] {
  if (whole && max - min < binCount) return Array.from({ length: max - min + 2 }, (_, at) => min + at);
  // halves first: the distance of two numbers need not be one
  const at = (share: number): number => Number((min * (1 - share) + max * share).toPrecision(15));
  const edges = Array.from({ length: binCount + 1 }, (_, index) => (index === 0 ? min : index === binCount ? max : at(index / binCount)));
  return min === max ? [min, max] : edges;
}
