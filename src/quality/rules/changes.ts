// A version by what changed in it: the state of the one before, without the rows that went and with those that came. All that a state says is of the bag of
// rows, so this one is equal to that of a full run.
import type { RowChanges } from '../../datasets/row-changes.ts';
import type { Row } from '../../datasets/rows.ts';
import { BagCounter, changedBag } from '../columns/column-bag.ts';
import { duplicatesOf, type Values } from '../columns/value-index.ts';
import type { Checks, Looked } from './checks.ts';
import { bagged, describer, indexedName, indexShown, type JudgeOptions } from './judge-rows.ts';
import { broken, passedBy, rowTest } from './row-test.ts';
import type { RecalledState } from './state-file.ts';
import type { BrokenRow, IndexFacts, State } from './state.ts';

/** So many rows that came are at hand until it is known which of them stand twice. */
const fewRows = 10_000;

/** @param columns of the version after @throws TornMemory: what is known cannot be read any more */
export async function stateAfter(
  checks: Checks,
  known: RecalledState,
  changes: RowChanges,
  options: JudgeOptions,
  columns: Pick<State, 'columns' | 'leading'>,
): Promise<State> {
  const tests = checks.rows.map((check) => rowTest(check, options));
  const describe = describer(checks, options.digests);
  const looked = [...known.looked];
  const lists = known.broken.map((numbers) => moved(numbers, changes));
  const entries = movedEntries(known.entries, changes);
  const bags = checks.bags.map((wish) => ({ count: bagged(wish, options), counter: new BagCounter() }));
  const indexes = checks.indexes.map((wish, at) => new IndexChanges(wish, known.values[at] as Values, options));
  for await (const batch of changes.removed()) {
    for (const row of batch) {
      tests.forEach((test, at) => {
        if (test(row.value) !== passedBy) looked[at] = (looked[at] as number) - 1;
      });
      for (const { count, counter } of bags) count(row.value, counter, -1);
      for (const index of indexes) index.remove(row);
    }
  }
  const fresh = new Map<number, Row>();
  for await (const batch of changes.added()) {
    for (const row of batch) {
      const found = tests.flatMap((test, at) => {
        const outcome = test(row.value);
        if (outcome !== passedBy) looked[at] = (looked[at] as number) + 1;
        return outcome === broken ? [String(at)] : [];
      });
      for (const at of found) lists[Number(at)]?.push(row.row);
      if (changes.addedCount <= fewRows) fresh.set(row.row, row);
      if (found.length > 0) entries.set(row.row, describe(row, found));
      for (const { count, counter } of bags) count(row.value, counter, 1);
      for (const index of indexes) index.add(row);
    }
  }
  const facts = indexes.map((index) => index.facts(changes));
  facts.forEach(({ duplicates }, at) => {
    for (const number of duplicates.rows) {
      const row = fresh.get(number);
      if (row === undefined) continue;
      const entry = entries.get(number);
      const more = describe(row, [indexShown(at)]);
      entries.set(number, { ...more, shown: { ...entry?.shown, ...more.shown } });
    }
  });
  return {
    rows: changes.rows,
    ...columns,
    looked,
    broken: lists.map((numbers) => Uint32Array.from(numbers).toSorted()),
    entries,
    indexes: facts,
    bags: known.bags.map((bag, at) => changedBag(bag, (bags[at] as { counter: BagCounter }).counter)),
  };
}

function moved(numbers: Uint32Array, changes: RowChanges): number[] {
  const now: number[] = [];
  for (const number of numbers) {
    const place = changes.numberAfter(number);
    if (place !== null) now.push(place);
  }
  return now;
}

function movedEntries(entries: ReadonlyMap<number, BrokenRow>, changes: RowChanges): Map<number, BrokenRow> {
  const now = new Map<number, BrokenRow>();
  for (const [number, entry] of entries) {
    const place = changes.numberAfter(number);
    if (place !== null) now.set(place, entry);
  }
  return now;
}

/** An index of the version before, and what came and went: only values that are touched are looked up. */
class IndexChanges {
  readonly #index: Values;
  readonly #nameOf: (value: Row['value']) => Buffer | null;
  readonly #touched = new Map<string, { readonly name: Buffer; readonly removed: Set<number>; readonly added: number[] }>();
  #grown = 0;

  constructor(wish: Looked, index: Values, options: JudgeOptions) {
    this.#index = index;
    this.#nameOf = indexedName(wish, options);
  }

  remove({ row, value }: Row): void {
    const touched = this.#touch(value);
    if (touched === null) return;
    touched.removed.add(row);
    this.#grown -= 1;
  }

  add({ row, value }: Row): void {
    const touched = this.#touch(value);
    if (touched === null) return;
    touched.added.push(row);
    this.#grown += 1;
  }

  #touch(value: Row['value']): { removed: Set<number>; added: number[] } | null {
    const name = this.#nameOf(value);
    if (name === null) return null;
    const text = name.toString('latin1', 0, 16);
    const known = this.#touched.get(text) ?? { name, removed: new Set<number>(), added: [] };
    this.#touched.set(text, known);
    return known;
  }

  facts(changes: RowChanges): IndexFacts {
    const found: { row: number; other: number }[] = [];
    const tell = (rows: readonly number[]): void => {
      const [first, second] = rows.toSorted((a, b) => a - b);
      if (second === undefined) return;
      for (const row of rows) found.push({ row, other: (row === first ? second : first) as number });
    };
    let distinct = this.#index.distinct;
    for (const { name, rows } of this.#index.groups()) {
      if (!this.#touched.has(name)) tell(rows.map((row) => changes.numberAfter(row) as number));
    }
    // as they lie in what is remembered
    const touched = [...this.#touched.values()].toSorted((a, b) => a.name.readUInt32LE(0) - b.name.readUInt32LE(0));
    for (const { name, removed, added } of touched) {
      const before = this.#index.rowsOf(name);
      const now = [...before.filter((row) => !removed.has(row)).map((row) => changes.numberAfter(row) as number), ...added];
      distinct += (now.length > 0 ? 1 : 0) - (before.length > 0 ? 1 : 0);
      tell(now);
    }
    return { size: this.#index.size + this.#grown, distinct, duplicates: duplicatesOf(found) };
  }
}
