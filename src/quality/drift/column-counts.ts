// What drift looks at of a version: the bag of values of each of its columns. Adding rows and taking them out again leaves what was there before, so
// that the next version costs the rows that changed.
import { NumberBag } from './number-bag.ts';
import type { NumberCounts } from './statistics/counts.ts';
import { TextBag, type TextCounts } from './text-bag.ts';

export const valueKinds = ['number', 'text', 'boolean', 'list', 'object'] as const;
export type ValueKind = (typeof valueKinds)[number];

export interface ColumnCounts {
  /** rows with a value, by kind. A null, an absent value and an empty text are none. */
  readonly kinds: Readonly<Record<ValueKind, number>>;
  readonly trues: number;
  readonly numbers: NumberCounts;
  readonly texts: TextCounts;
}

export interface RowsCounts {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, ColumnCounts>;
}

interface ColumnBag {
  readonly kinds: Record<ValueKind, number>;
  trues: number;
  numbers: NumberBag | null;
  texts: TextBag | null;
}

/** Counts the columns of rows. */
export class ColumnCounter {
  readonly #wanted: ReadonlySet<string> | null;
  readonly #untyped: boolean;
  readonly #columns = new Map<string, ColumnBag>();
  #rows = 0;

  /** @param options columns: only these; untyped: cells are texts, as those of a CSV, and say by their look what they are */
  constructor(options: { readonly columns: readonly string[] | null; readonly untyped: boolean }) {
    this.#wanted = options.columns === null ? null : new Set(options.columns);
    this.#untyped = options.untyped;
  }

  /** @param times 1 or -1 */
  add(row: Readonly<Record<string, unknown>>, times: number): void {
    this.#rows += times;
    for (const name of this.#wanted ?? Object.keys(row)) {
      const cell = Object.hasOwn(row, name) ? row[name] : null;
      if (cell === null || cell === undefined || cell === '') continue;
      this.#count(this.#bagOf(name), this.#untyped && typeof cell === 'string' ? typedCell(cell) : cell, times);
    }
  }

  /** Rows whose cells come column by column. */
  addRows(rows: number): void {
    this.#rows += rows;
  }

  /** Cells of one column, as many as there are rows, not yet as JSON has them. */
  addCells(name: string, cells: ArrayLike<unknown>, jsonOf: (cell: unknown) => unknown): void {
    if (this.#wanted !== null && !this.#wanted.has(name)) return;
    const bag = this.#bagOf(name);
    for (let at = 0; at < cells.length; at += 1) {
      const raw = cells[at];
      const cell = typeof raw === 'string' ? raw : jsonOf(raw);
      if (cell !== null && cell !== undefined && cell !== '') this.#count(bag, cell, 1);
    }
  }

  addAll({ rows, columns }: RowsCounts): void {
    this.#rows += rows;
    for (const [name, { kinds, trues, numbers, texts }] of columns) {
      const bag = this.#bagOf(name);
      for (const kind of valueKinds) bag.kinds[kind] += kinds[kind];
      bag.trues += trues;
      if (numbers.values.length > 0) (bag.numbers ??= new NumberBag()).addAll(numbers);
      if (texts.rows > 0) (bag.texts ??= new TextBag()).addAll(texts);
    }
  }

  /** Columns with a value, sorted. null: what was taken out was not there, or too little is left to be told from what is known. */
  counts(): RowsCounts | null {
    const columns = new Map<string, ColumnCounts>();
    for (const [name, bag] of [...this.#columns].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const counts = countsOf(bag);
      if (counts === null) return null;
      if (valueKinds.some((kind) => counts.kinds[kind] > 0)) columns.set(name, counts);
    }
    return this.#rows < 0 ? null : { rows: this.#rows, columns };
  }

  #bagOf(name: string): ColumnBag {
    const known = this.#columns.get(name);
    if (known !== undefined) return known;
    const bag = { kinds: { number: 0, text: 0, boolean: 0, list: 0, object: 0 }, trues: 0, numbers: null, texts: null };
    this.#columns.set(name, bag);
    return bag;
  }

  #count(bag: ColumnBag, cell: unknown, times: number): void {
    switch (typeof cell) {
      case 'number':
        bag.kinds.number += times;
        (bag.numbers ??= new NumberBag()).add(cell, times);
        break;
      case 'string':
        bag.kinds.text += times;
        (bag.texts ??= new TextBag()).add(cell, times);
        break;
      case 'boolean':
        bag.kinds.boolean += times;
        if (cell) bag.trues += times;
        break;
      default:
        bag.kinds[Array.isArray(cell) ? 'list' : 'object'] += times;
    }
  }
}

export const noNumbers: NumberCounts = { values: new Float64Array(0), counts: new Uint32Array(0) };
export const noTexts: TextCounts = { rows: 0, digests: noNumbers, values: new Map(), lengths: noNumbers, words: new Map() };

function countsOf({ kinds, trues, numbers, texts }: ColumnBag): ColumnCounts | null {
  if (trues < 0 || valueKinds.some((kind) => kinds[kind] < 0)) return null;
  const counted = { numbers: numbers === null ? noNumbers : numbers.counts(), texts: texts === null ? noTexts : texts.counts() };
  if (counted.numbers === null || counted.texts === null) return null;
  return { kinds: { ...kinds }, trues, numbers: counted.numbers, texts: counted.texts };
}

/** A number as people write it: 007 and what is too long for a number is a text. */
const number = /^-?(?:0|[1-9]\d{0,14})(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$/;

function typedCell(cell: string): unknown {
  if (cell === 'true' || cell === 'false') return cell === 'true';
  if (!number.test(cell)) return cell;
  const value = Number(cell);
  return Number.isFinite(value) ? value : cell;
}
