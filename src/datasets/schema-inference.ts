// The schema of rows, as found in them.
import { byCodeUnit } from '../base/canonical.ts';
import { PlumbError } from '../base/errors.ts';

type Base = 'string' | 'integer' | 'number' | 'boolean' | 'list' | 'object' | 'mixed';

interface Column {
  /** undefined: no row had a value yet */
  type: Base | undefined;
  /** rows that have the column with a value */
  filled: number;
}

/** [column, type, rows without a value], in the order in which columns were met. */
export type Summary = readonly (readonly [name: string, type: Base | null, missing: number])[];

/** More columns than this is a sign that keys of rows are data themselves. */
const maxColumns = 10_000;

/** Finds names and types of columns, a row at a time. */
export class SchemaInference {
  readonly #columns = new Map<string, Column>();
  #rows = 0;

  /** @throws PlumbError DATASET_FORMAT when there are more than 10,000 columns */
  add(value: Readonly<Record<string, unknown>>): void {
    this.#rows += 1;
    for (const name of Object.keys(value)) {
      const column = this.#columnOf(name);
      const found = typeOf(value[name]);
      if (found === undefined) continue;
      column.filled += 1;
      if (column.type !== found) column.type = column.type === undefined ? found : joined(column.type, found);
    }
  }

  #columnOf(name: string): Column {
    const known = this.#columns.get(name);
    if (known !== undefined) return known;
    if (this.#columns.size >= maxColumns) throw tooManyColumns(this.#rows);
    const column = { type: undefined, filled: 0 };
    this.#columns.set(name, column);
    return column;
  }

  get rows(): number {
    return this.#rows;
  }

  has(column: string): boolean {
    return this.#columns.has(column);
  }

  names(): string[] {
    return [...this.#columns.keys()];
  }

  /** column -> type, sorted; '?' behind a type: some rows have none, or null */
  schema(): Record<string, string> {
    const entries = [...this.#columns].toSorted(([a], [b]) => byCodeUnit(a, b));
    return Object.fromEntries(
      entries.map(([name, column]) => [name, column.type === undefined ? 'null' : column.filled < this.#rows ? `${column.type}?` : column.type]),
    );
  }

  /** All that was found but the number of rows, as a text that `join` understands. Chunks of one file mostly have the same. */
  summary(): string {
    const columns: Summary = [...this.#columns].map(([name, { type, filled }]) => [name, type ?? null, this.#rows - filled]);
    return JSON.stringify(columns);
  }

  /**
   * Takes in what another found in other rows. The order of columns, and what the schema is, do not depend on how rows are split.
   * @throws as add
   */
  join(summary: Summary, rows: number): void {
    this.#rows += rows;
    for (const [name, type, missing] of summary) {
      const column = this.#columnOf(name);
      if (type === null) continue;
      column.filled += rows - missing;
      if (column.type !== type) column.type = column.type === undefined ? type : joined(column.type, type);
    }
  }
}

function typeOf(value: unknown): Base | undefined {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'number':
      return Number.isInteger(value) ? 'integer' : 'number';
    case 'boolean':
      return 'boolean';
    default:
      return value === null || value === undefined ? undefined : Array.isArray(value) ? 'list' : 'object';
  }
}

function joined(a: Base, b: Base): Base {
  const numbers = (a === 'integer' || a === 'number') && (b === 'integer' || b === 'number');
  return numbers ? 'number' : 'mixed';
}

function tooManyColumns(row: number): PlumbError {
  return new PlumbError('DATASET_FORMAT', {
    what: `row ${row} brings the columns to more than ${maxColumns}`,
    where: { row },
    mend: 'give rows a fixed set of columns; put a map into one column, or into a list of {name, value}',
  });
}
