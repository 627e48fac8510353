// One scan of a file: for each row the outcome of all checks as bits, and what later queries need of it. Text files are parsed once.
import type { Row } from '../../datasets/rows.ts';
import { append, type Sql } from './duckdb.ts';
import { plainValue, selectedColumns, type FileTable } from './duckdb-table.ts';
import { quoteName, type SqlColumns } from './sql.ts';
import { NumberList } from './state.ts';

/** Conditions of rows, each once, as bits of 32-bit words. */
export class Bits {
  readonly #conditions: string[] = [];

  of(condition: string): number {
    const found = this.#conditions.indexOf(condition);
    return found === -1 ? this.#conditions.push(condition) - 1 : found;
  }

  get words(): number {
    return Math.max(1, Math.ceil(this.#conditions.length / bitsOfWord));
  }

  get size(): number {
    return this.#conditions.length;
  }

  /** Is one of these bits set? */
  some(wanted: readonly number[]): string {
    const parts = this.names().flatMap((name, word) => {
      const mask = [...new Set(wanted)].filter((bit) => Math.floor(bit / bitsOfWord) === word).reduce((sum, bit) => sum + 2 ** (bit % bitsOfWord), 0);
      return mask === 0 ? [] : [`(${name} & ${mask}) <> 0`];
    });
    return parts.length === 0 ? 'false' : `(${parts.join(' OR ')})`;
  }

  names(): string[] {
    return Array.from({ length: this.words }, (_, word) => `w${word}`);
  }

  /** each word as an INTEGER: w0, w1, ... */
  select(): string {
    return Array.from({ length: this.words }, (_, word) => {
      const some = this.#conditions.slice(word * bitsOfWord, (word + 1) * bitsOfWord);
      const terms = some.map((condition, bit) => `CASE WHEN ${condition} THEN ${2 ** bit} ELSE 0 END`);
      return `(${terms.join(' + ') || '0'})::INTEGER AS w${word}`;
    }).join(', ');
  }
}

const bitsOfWord = 30;
const isSet = (words: readonly number[], bit: number): boolean => (((words[Math.floor(bit / bitsOfWord)] as number) >> (bit % bitsOfWord)) & 1) === 1;

/** Where rows are read from after the scan: the table that it made, or a Parquet file, of which only some columns are read. */
export interface Scan {
  readonly relation: string;
  /** number of a row, from 1 */
  readonly number: string;
  readonly kinds: FileTable['kinds'];
  /** columns that stand in `relation` */
  readonly kept: readonly string[];
  /** columns that stand in the list `shown`, of rows that break something */
  readonly shown: readonly string[];
}

export interface Scanning {
  /** all columns that checks name */
  readonly named: readonly string[];
  /** those that are asked for after the scan: of keys, indexes and bags */
  readonly kept: readonly string[];
  readonly bits: Bits;
  /** places of the bits of broken checks */
  readonly broken: readonly number[];
  readonly columns: SqlColumns;
  /** conditions of what is asked after the scan */
  readonly later: readonly string[];
  /** Conditions ask tables: rows do not come out of a join in the order in which they went in. */
  readonly joins: boolean;
}

/** Makes `marks`: n, the number of the row (from 1), and the words of its bits. */
export async function scanFile(table: FileTable, scanning: Scanning, sql: Sql): Promise<Scan> {
  const { named, kept, bits, broken, columns, later, joins } = scanning;
  const { kinds } = table;
  const relation = table.relation(named);
  if (table.number !== null) {
    await sql.run(`CREATE TEMP TABLE marks AS SELECT ${table.number}::INTEGER AS n, ${bits.select()} FROM ${relation}`);
    return { relation, number: table.number, kinds, kept: named, shown: [] };
  }
  const read = `(SELECT ${[...named.map(quoteName), ...columns.prepared.map(({ name, sql: of }) => `${of} AS ${name}`), '1 AS w'].join(', ')} FROM ${relation})`;
  const scan = { relation: 'scan', number: '(rowid + 1)', kinds };
  if (joins) {
    await sql.run(`CREATE TEMP TABLE scan AS SELECT * FROM ${read}`);
    await sql.run(`CREATE TEMP TABLE marks AS SELECT (rowid + 1)::INTEGER AS n, ${bits.select()} FROM scan`);
    return { ...scan, kept: named, shown: [] };
  }
  const shown = named.filter((name) => !kept.includes(name));
  const numbers = columns.prepared.map(({ name }) => name).filter((name) => later.some((condition) => condition.includes(name)));
  const list =
    shown.length === 0 ? [] : [`CASE WHEN ${bits.some(broken)} THEN [${shown.map((name) => jsonOf(name, kinds)).join(', ')}] END AS shown`];
  const marked = `(SELECT *, ${bits.select()} FROM ${read})`;
  await sql.run(`CREATE TEMP TABLE scan AS SELECT ${[...bits.names(), ...kept.map(quoteName), ...numbers, ...list].join(', ')} FROM ${marked}`);
  await sql.run(`CREATE TEMP VIEW marks AS SELECT (rowid + 1)::INTEGER AS n, ${bits.names().join(', ')} FROM scan`);
  return { ...scan, kept, shown };
}

/** A value as text, in a list with others: a cell as it is, all else as JSON. */
function jsonOf(name: string, kinds: FileTable['kinds']): string {
  return kinds.get(name) === 'cell' ? quoteName(name) : `to_json(${quoteName(name)})::VARCHAR`;
}

/** All columns of a text file, numbered as they come. */
export function wholeScan(table: FileTable, scan: Scan): Scan {
  if (table.number !== null) return { ...scan, kept: table.columns };
  const relation = `(SELECT row_number() OVER () AS plumb_row_number, * FROM ${table.relation([])})`;
  return { ...scan, relation, number: 'plumb_row_number', kept: table.columns, shown: [] };
}

export async function countOf(sql: Sql): Promise<number> {
  for await (const [count = []] of sql.read('SELECT count(*)::DOUBLE FROM marks')) return count[0] as number;
  return 0;
}

/** How many rows have each bit. */
export async function countBits(bits: Bits, sql: Sql): Promise<{ counts: number[]; rows: number }> {
  const counts = Array.from({ length: bits.size }, () => 0);
  let rows = 0;
  const words = bits.names();
  for await (const columns of sql.read(`SELECT ${words.join(', ')}, count(*)::DOUBLE FROM marks GROUP BY ${words.join(', ')}`)) {
    const numbers = columns.at(-1) as readonly number[];
    numbers.forEach((count, at) => {
      rows += count;
      const row = words.map((_, word) => columns[word]?.[at] as number);
      for (let bit = 0; bit < bits.size; bit += 1) if (isSet(row, bit)) counts[bit] = (counts[bit] as number) + count;
    });
  }
  return { counts, rows };
}

/** Numbers of the rows that have each of some bits, rising. */
export async function brokenRows(wanted: readonly number[], bits: Bits, sql: Sql): Promise<Uint32Array[]> {
  const lists = wanted.map(() => new NumberList());
  if (wanted.length === 0) return [];
  const query = `SELECT n, ${bits.names().join(', ')} FROM marks WHERE ${bits.some(wanted)} ORDER BY n`;
  for await (const [numbers = [], ...columns] of sql.read(query)) {
    numbers.forEach((number, at) => {
      const row = columns.map((column) => column[at] as number);
      wanted.forEach((bit, list) => {
        if (isSet(row, bit)) lists[list]?.push(number as number);
      });
    });
  }
  return lists.map((list) => list.all());
}

/** SELECT n and columns of the rows; @param more columns of SQL behind them */
export function selectRows(
  names: readonly string[],
  scan: Scan,
  { more = [], where = '' }: { readonly more?: readonly string[]; readonly where?: string },
): string {
  return `SELECT ${[`${scan.number}::DOUBLE`, ...selectedColumns(names, scan.kinds), ...more].join(', ')} FROM ${scan.relation} ${where}`;
}

/** Some rows by number, as our readers give them, with the columns that the scan kept. @param numbers rising */
export async function* lookAt(numbers: readonly number[], scan: Scan, sql: Sql): AsyncGenerator<Row> {
  if (numbers.length === 0) return;
  const { DOUBLE } = await import('@duckdb/node-api');
  await sql.run('CREATE OR REPLACE TEMP TABLE wanted (n DOUBLE)');
  await append(sql, 'wanted', numbers, (appender, number) => appender.appendValue(number, DOUBLE));
  const { kept, shown } = scan;
  const where = `WHERE ${scan.number} IN (SELECT n FROM wanted) ORDER BY 1`;
  for await (const [found = [], ...columns] of sql.read(selectRows(kept, scan, { more: shown.length === 0 ? [] : ['shown'], where }))) {
    for (const [at, number] of found.entries()) {
      const list = shown.length === 0 ? null : (columns[kept.length]?.[at] as { readonly items: readonly (string | null)[] } | null);
      const value = [
        ...kept.map((name, place) => [name, plainValue(columns[place]?.[at])] as const),
        ...shown.map((name, place) => [name, shownValue(list?.items[place] ?? null, scan.kinds.get(name) === 'cell')] as const),
      ];
      yield { row: number as number, value: Object.fromEntries(value) };
    }
  }
}

function shownValue(text: string | null, isCell: boolean): unknown {
  if (isCell) return text ?? '';
  return text === null ? null : plainValue(JSON.parse(text));
}
