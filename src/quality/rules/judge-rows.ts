// Rows against checks, in JavaScript, one by one: what every other engine must agree with. Memory: 4 bytes for each broken check of a row, 20 bytes a row for
// each index, the different values of a column for each bag.
import { hash } from 'node:crypto';
import { byCodeUnit } from '../../base/canonical.ts';
import { rowDigest } from '../../datasets/row-digest.ts';
import type { Row } from '../../datasets/rows.ts';
import { BagCounter } from '../columns/column-bag.ts';
import { duplicatesIn, ValueIndex, type Values } from '../columns/value-index.ts';
import type { Checks, Looked } from './checks.ts';
import { broken, looker, passedBy, rowTest, type Outcome, type RowTests } from './row-test.ts';
import { NumberList, type BrokenRow, type State } from './state.ts';
import { cell, isMissing, keyOf, shownOf, valueName } from './values.ts';
import { keysKept } from './report-size.ts';

/** How much is noted of broken rows while they pass: of the others the verdict reads again what it shows. */
const mostEntries = 200_000;

export interface RowsJudge {
  see(row: Row): void;
  /** Once, behind the last row. */
  state(): JudgedState;
}

/** The state with its indexes as they are, for whoever keeps it. */
export interface JudgedState extends State {
  readonly values: readonly ValueIndex[];
}

export interface JudgeOptions extends RowTests {
  /** rows are told by digest as well: for flagged/1, and for what is kept */
  readonly digests: boolean;
}

export function judgeOfRows(checks: Checks, options: JudgeOptions): RowsJudge {
  const tests = checks.rows.map((check) => rowTest(check, options));
  const looked = checks.rows.map(() => 0);
  const lists = checks.rows.map(() => new NumberList());
  const indexes = checks.indexes.map((wish) => indexer(wish, options));
  const bags = checks.bags.map((wish) => bagger(wish, options));
  const columns = new Columns();
  const entries = new Map<number, BrokenRow>();
  const describe = describer(checks, options.digests);
  let rows = 0;
  return {
    see(row) {
      rows += 1;
      columns.see(row.value);
      let wanted = false;
      let found: string[] | undefined;
      for (let at = 0; at < tests.length; at += 1) {
        const outcome = (tests[at] as (row: Row['value']) => Outcome)(row.value);
        if (outcome === passedBy) continue;
        looked[at] = (looked[at] as number) + 1;
        if (outcome !== broken) continue;
        const list = lists[at] as NumberList;
        list.push(row.row);
        (found ??= []).push(String(at));
        wanted ||= list.length <= keysKept || entries.size < mostEntries;
      }
      if (found !== undefined && wanted) entries.set(row.row, describe(row, found));
      for (const index of indexes) index.see(row);
      for (const bag of bags) bag.see(row.value);
    },
    state: () => {
      const values = indexes.map(({ index }) => index);
      return {
        rows,
        columns: columns.all(),
        leading: columns.leading,
        looked,
        broken: lists.map((list) => list.all()),
        entries,
        values,
        indexes: values.map(factsOf),
        bags: bags.map(({ counter }) => counter.bag()),
      };
    },
  };
}

export function factsOf(index: Values): State['indexes'][number] {
  return { size: index.size, distinct: index.distinct, duplicates: duplicatesIn(index) };
}

/** What `shown` of a broken row calls an index; a check of rows it calls by its place. */
export function indexShown(index: number): string {
  return `u${index}`;
}

/** @returns a function that says how a row is shown, of the checks and indexes (as `shown` calls them) that it breaks */
export function describer({ key, rows, indexes }: Checks, digests: boolean): (row: Row, found: readonly string[]) => BrokenRow {
  const columnsOf = (name: string): readonly string[] => (name.startsWith('u') ? indexes[Number(name.slice(1))] : rows[Number(name)])?.columns ?? [];
  return ({ row, value }, found) => {
    const name = keyOf(value, row, key);
    return {
      key: name === `row ${row}` ? null : name,
      digest: digests ? rowDigest(value) : null,
      shown: Object.fromEntries(found.map((one) => [one, shownOf(value, columnsOf(one))])),
    };
  };
}

/** Digest of the values of a row that an index is about; null: it does not look at this row. */
export function indexedName(wish: Looked, tests: Pick<RowTests, 'untyped'>): (value: Row['value']) => Buffer | null {
  const looks = looker(wish, tests);
  const { columns } = wish;
  return (value) => (looks(value) ? hash('sha256', columns.map((name) => valueName(cell(value, name))).join('\u0000'), 'buffer') : null);
}

function indexer(wish: Looked, tests: RowTests): { index: ValueIndex; see(row: Row): void } {
  const index = new ValueIndex();
  const nameOf = indexedName(wish, tests);
  return {
    index,
    see({ row, value }) {
      const name = nameOf(value);
      if (name !== null) index.add(name, row);
    },
  };
}

function bagger(wish: Looked, tests: RowTests): { counter: BagCounter; see(value: Row['value']): void } {
  const counter = new BagCounter();
  const count = bagged(wish, tests);
  return { counter, see: (value) => count(value, counter, 1) };
}

/** Counts the value of a row that a bag is about, if it looks at this row. */
export function bagged(wish: Looked, tests: Pick<RowTests, 'untyped'>): (value: Row['value'], counter: BagCounter, count: number) => void {
  const looks = looker(wish, tests);
  const [column = ''] = wish.columns;
  return (value, counter, count) => {
    const found = cell(value, column);
    if (!isMissing(found) && looks(value)) counter.add(found, count);
  };
}

/** Names of columns: rows of one file mostly have the same, in the same order. */
class Columns {
  #first: readonly string[] | null = null;
  #known: ReadonlySet<string> = new Set();
  readonly #others = new Set<string>();

  see(value: Row['value']): void {
    if (this.#first === null) {
      this.#first = Object.keys(value);
      this.#known = new Set(this.#first);
      return;
    }
    let at = 0;
    for (const name in value) {
      if (this.#first[at] !== name && !this.#known.has(name)) this.#others.add(name);
      at += 1;
    }
  }

  get leading(): number {
    return this.#first?.length ?? 0;
  }

  all(): string[] {
    return [...(this.#first ?? []), ...[...this.#others].toSorted(byCodeUnit)];
  }
}
