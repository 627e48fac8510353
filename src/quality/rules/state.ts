// What is known of a bag of rows once they were looked at: all that a verdict needs. A full run, a run over what changed and the parts of several runners
// end in the same state, and so in the same verdict.
import type { Digest } from '../../base/digest.ts';
import { PlumbError } from '../../base/errors.ts';
import { didYouMean, listed } from '../../base/names.ts';
import type { ColumnBag } from '../columns/column-bag.ts';
import type { Duplicates } from '../columns/value-index.ts';
import type { Checks } from './checks.ts';

/** A row that some check is broken by, as it is shown. */
export interface BrokenRow {
  /** null: the row has none, and its number names it */
  readonly key: string | null;
  /** of the row's content; null: nobody asked */
  readonly digest: Digest | null;
  /** place of a check of rows -> its value as it is shown, of those that the row breaks; of an index "u" and its place */
  readonly shown: Readonly<Record<string, string>>;
}

/** What an index of values says. */
export interface IndexFacts {
  /** rows that were looked at */
  readonly size: number;
  readonly distinct: number;
  readonly duplicates: Duplicates;
}

export interface State {
  readonly rows: number;
  /** in the order of the file; of JSONL those of the first row come first, then all others, sorted */
  readonly columns: readonly string[];
  /** how many of them are those of the first row */
  readonly leading: number;
  /** by check of rows: how many rows it looked at */
  readonly looked: readonly number[];
  /** by check of rows: numbers of the rows that break it, rising */
  readonly broken: readonly Uint32Array[];
  /** what is known of these rows without reading them again */
  readonly entries: ReadonlyMap<number, BrokenRow>;
  readonly indexes: readonly IndexFacts[];
  readonly bags: readonly ColumnBag[];
}

/** Numbers that come one by one. */
export class NumberList {
  #numbers = new Uint32Array(64);
  length = 0;

  push(number: number): void {
    if (this.length === this.#numbers.length) {
      const larger = new Uint32Array(this.length * 2);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[this.length++] = number;
  }

  all(): Uint32Array {
    return this.#numbers.slice(0, this.length);
  }
}

/** A rule about a column that no row has would hold for ever and say nothing. @throws PlumbError DATASET_COLUMN */
export function requireColumns({ named }: Checks, columns: readonly string[], file: string): void {
  const there = new Set(columns);
  const wrong = [...named].find(([column]) => !there.has(column));
  if (wrong === undefined) return;
  const [column, path] = wrong;
  throw new PlumbError('DATASET_COLUMN', {
    what: `no row has the column "${column}".${didYouMean(column, columns)}`,
    where: { file, path },
    mend: `name a column of the data: ${listed(columns)}`,
  });
}
