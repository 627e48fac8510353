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
      let column = this.#columns.get(name);
      if (column === undefined) {
        if (this.#columns.size >= maxColumns) throw tooManyColumns(this.#rows);
        column = { type: undefined, filled: 0 };
        this.#columns.set(name, column);
      }
      const found = typeOf(value[name]);
      if (found === undefined) continue;
      column.filled += 1;
      if (column.type !== found) column.type = column.type === undefined ? found : joined(column.type, found);
    }
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
