// A column of a file in DuckDB's SQL: quoted, and as the number, text or boolean that our own readers see in it.
import type { Scalar } from './checks.ts';
import { numberPattern } from './values.ts';

/**
 * What a column of a file holds, in DuckDB's hands: `cell` text of a CSV, `number` doubles and integers of at most 53 bits, `long` larger integers, `float`
 * with NaN and infinities, `instant` dates and times. Of each, values are those of our own readers.
 */
export type ColumnKind = 'text' | 'cell' | 'number' | 'long' | 'float' | 'boolean' | 'instant';
export type ColumnKinds = ReadonlyMap<string, ColumnKind>;

/** Thrown inside, caught here: this part of a check is nothing for SQL. */
export class NotInSql extends Error {}

export function quoteName(name: string): string {
  if (name.includes('\0')) throw new NotInSql('a NUL in a name');
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as a literal. */
export function quoteText(text: string): string {
  if (text.includes('\0') || !text.isWellFormed()) throw new NotInSql('a text that no literal can hold');
  return `'${text.replaceAll("'", "''")}'`;
}

export function quoteNumber(number: number): string {
  return Number.isSafeInteger(number) && !Object.is(number, -0) ? String(number) : `'${number}'::DOUBLE`;
}

const safe = '9007199254740991';

/** The number that a text looks like. */
export function numberOf(text: string): string {
  const value = `try_cast(${text} AS DOUBLE)`;
  return `(CASE WHEN regexp_full_match(${text}, ${quoteText(numberPattern)}) AND isfinite(${value}) THEN ${value} END)`;
}

/** A column as SQL: its value as number, text or boolean, NULL where it is none. */
export class SqlColumns {
  readonly #kinds: ColumnKinds;
  /** long lists that conditions refer to: s0, s1, ..., each with one column v */
  readonly lists: (readonly Scalar[])[] = [];

  /** what a relation must have beside its own columns: numbers that cells look like, each found once */
  readonly prepared: { readonly name: string; readonly column: string; readonly sql: string }[] = [];
  readonly #prefix: string;

  /** @param columns all names of the relation: none of ours is one of them */
  constructor(kinds: ColumnKinds, columns: Iterable<string>) {
    this.#kinds = kinds;
    let prefix = 'plumb_number_';
    while ([...columns].some((name) => name.toLowerCase().startsWith(prefix))) prefix = `_${prefix}`;
    this.#prefix = prefix;
  }

  #cellNumber(column: string): string {
    const found = this.prepared.find((one) => one.column === column);
    if (found !== undefined) return found.name;
    // of equal length, so that none is a part of another
    const name = `${this.#prefix}${String(this.prepared.length).padStart(5, '0')}`;
    this.prepared.push({ name, column, sql: numberOf(quoteName(column)) });
    return name;
  }

  kind(name: string): ColumnKind {
    const kind = this.#kinds.get(name);
    if (kind === undefined) throw new NotInSql(`a column of another kind: ${name}`);
    return kind;
  }

  missing(name: string): string {
    const column = quoteName(name);
    const kind = this.kind(name);
    if (kind === 'text' || kind === 'cell') return `(${column} IS NULL OR ${column} = '')`;
    return kind === 'float' ? `(${column} IS NULL OR isnan(${column}))` : `(${column} IS NULL)`;
  }

  /** The value is there: true, else false or NULL. */
  there(name: string): string {
    const column = quoteName(name);
    const kind = this.kind(name);
    if (kind === 'text' || kind === 'cell') return `${column} <> ''`;
    return kind === 'float' ? `NOT isnan(${column})` : `${column} IS NOT NULL`;
  }

  /** as a double, for arithmetic: integers would overflow otherwise than ours do */
  double(name: string): string {
    return this.kind(name) === 'number' ? `${quoteName(name)}::DOUBLE` : this.number(name);
  }

  number(name: string): string {
    const column = quoteName(name);
    switch (this.kind(name)) {
      case 'cell':
        return this.#cellNumber(name);
      case 'number':
        return column;
      case 'long':
        return `(CASE WHEN ${column} BETWEEN -${safe} AND ${safe} THEN ${column}::DOUBLE END)`;
      case 'float':
        return `(CASE WHEN isfinite(${column}) THEN ${column}::DOUBLE END)`;
      default:
        return 'NULL::DOUBLE';
    }
  }

  text(name: string): string {
    const column = quoteName(name);
    switch (this.kind(name)) {
      case 'text':
      case 'cell':
        return column;
      case 'long':
        return `(CASE WHEN ${column} NOT BETWEEN -${safe} AND ${safe} THEN ${column}::VARCHAR END)`;
      case 'float':
        return `(CASE WHEN isinf(${column}) THEN CASE WHEN ${column} > 0 THEN 'Infinity' ELSE '-Infinity' END END)`;
      case 'instant':
        return `strftime(${column}::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%gZ')`;
      default:
        return 'NULL::VARCHAR';
    }
  }

  boolean(name: string): string {
    const column = quoteName(name);
    const kind = this.kind(name);
    if (kind === 'boolean') return column;
    return kind === 'cell' ? `(CASE ${column} WHEN 'true' THEN true WHEN 'false' THEN false END)` : 'NULL::BOOLEAN';
  }

  /** A value of the column is of one type, which these values have, and it is not NULL where it is looked at. */
  holdsOnly(name: string, values: readonly Scalar[]): boolean {
    const kind = this.kind(name);
    const types = new Set(values.map((value) => typeof value));
    return types.size === 1 && types.has(kind === 'number' ? 'number' : 'string') && (kind === 'number' || kind === 'text' || kind === 'cell');
  }

  inTable(values: readonly Scalar[], column: string): string {
    const place = this.lists.push(values) - 1;
    return `${column} IN (SELECT v FROM s${place})`;
  }

  /** Are two values there that are equal? Cells as numbers where both look like numbers, else as texts. */
  compare(sign: string, a: string, b: string): string {
    const kinds = [this.kind(a), this.kind(b)];
    const [numbers, texts] = [
      [this.number(a), this.number(b)],
      [this.text(a), this.text(b)],
    ].map((pair) => `(${pair.join(` ${sign} `)})`);
    const booleans = `(${this.boolean(a)} ${sign} ${this.boolean(b)})`;
    const unknown = `(${this.missing(a)} OR ${this.missing(b)})`;
    if (kinds.every((kind) => kind === 'cell')) return `(CASE WHEN ${unknown} THEN NULL ELSE coalesce(${numbers}, ${texts}) END)`;
    if (kinds.includes('cell')) throw new NotInSql('a cell and a value of a type: they are of one file');
    const ordered =
      sign === '=' || sign === '!=' ? `coalesce(${numbers}, ${texts}, ${booleans}, ${sign === '!='})` : `coalesce(${numbers}, ${texts}, false)`;
    return `(CASE WHEN ${unknown} THEN NULL ELSE ${ordered} END)`;
  }
}
