// One scan of a file: for each row the outcome of all checks as bits, and what later queries need of it. Text files are parsed once.
import type { Row } from '../../datasets/rows.ts';
import { append, type Sql } from './duckdb.ts';
import { plainValue, selectedColumns, type FileTable } from './duckdb-table.ts';
import { quoteName, type ColumnKind, type SqlColumns } from './sql-columns.ts';
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
  /** columns that stand in the list `shown` of the marks, of rows that break something */
  readonly shown: readonly string[];
}

export interface Scanning {
  /** all columns that checks name */
  readonly named: readonly string[];
  /** those that are asked for after the scan: of keys, indexes and bags */
  readonly kept: readonly string[];
  /** those that are shown of rows which the scan does not note */
  readonly rest: readonly string[];
  readonly bits: Bits;
  /** bits of broken checks whose rows are noted as they pass */
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
    const noted = broken.length > 0;
    const inner = `(SELECT *, ${bits.select()} FROM ${relation})`;
    const list = noted ? [`CASE WHEN ${bits.some(broken)} THEN ${listOf(named, kinds)} END AS shown`] : [];
    // without checks of rows they are counted, which needs none of them
    const kind = bits.size === 0 ? 'VIEW' : 'TABLE';
    await sql.run(`CREATE TEMP ${kind} marks AS SELECT ${[`${table.number}::INTEGER AS n`, ...bits.names(), ...list].join(', ')} FROM ${inner}`);
    return { relation, number: table.number, kinds, kept: scanning.rest, shown: noted ? named : [] };
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
  const list = shown.length === 0 ? [] : [`CASE WHEN ${bits.some(broken)} THEN ${listOf(shown, kinds)} END AS shown`];
  const marked = `(SELECT *, ${bits.select()} FROM ${read})`;
  await sql.run(`CREATE TEMP TABLE scan AS SELECT ${[...bits.names(), ...kept.map(quoteName), ...numbers, ...list].join(', ')} FROM ${marked}`);
  await sql.run(
    `CREATE TEMP VIEW marks AS SELECT (rowid + 1)::INTEGER AS n, ${[...bits.names(), ...(shown.length === 0 ? [] : ['shown'])].join(', ')} FROM scan`,
  );
  return { ...scan, kept, shown };
}

/** Values as texts: a cell or a text as it is, all else as JSON. */
function listOf(names: readonly string[], kinds: FileTable['kinds']): string {
  const values = selectedColumns(names, kinds).map((column, at) => (isText(kinds.get(names[at] as string)) ? column : `to_json(${column})::VARCHAR`));
  return `[${values.join(', ')}]`;
}

function isText(kind: ColumnKind | undefined): boolean {
  return kind === 'cell' || kind === 'text' || kind === 'instant';
}

/** All columns of a text file, numbered as they come. */
export function wholeScan(table: FileTable, scan: Scan): Scan {
  if (table.number !== null) return { ...scan, kept: table.columns, shown: [] };
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
    // bit by bit, not row by row: nothing is made for a row
    for (const [list, bit] of wanted.entries()) {
      const [words = [], mask] = [columns[Math.floor(bit / bitsOfWord)], 2 ** (bit % bitsOfWord)];
      for (let at = 0; at < words.length; at += 1) if (((words[at] as number) & mask) !== 0) lists[list]?.push(numbers[at] as number);
    }
  }
  return lists.map((list) => list.all());
}

/** SELECT n and columns of the rows. */
export function selectRows(names: readonly string[], scan: Scan, where: string): string {
  return `SELECT ${[`${scan.number}::DOUBLE`, ...selectedColumns(names, scan.kinds)].join(', ')} FROM ${scan.relation} ${where}`;
}

/** Some rows by number, as our readers give them: with the columns that checks name, or with all that `relation` has. @param numbers rising */
export async function* lookAt(numbers: readonly number[], scan: Scan, sql: Sql): AsyncGenerator<Row> {
  if (numbers.length === 0) return;
  const { DOUBLE } = await import('@duckdb/node-api');
  await sql.run('CREATE OR REPLACE TEMP TABLE wanted (n DOUBLE)');
  await append(sql, 'wanted', numbers, (appender, number) => appender.appendValue(number, DOUBLE));
  const noted = notedRows(scan, sql)[Symbol.asyncIterator]();
  let next = await noted.next();
  const unnoted = scan.shown.length === 0 ? '' : ' AND shown IS NULL';
  const where = `WHERE ${scan.number} IN (SELECT wanted.n FROM wanted${scan.shown.length === 0 ? '' : ` JOIN marks ON marks.n = wanted.n${unnoted}`}) ORDER BY 1`;
  for await (const [found = [], ...columns] of sql.read(selectRows(scan.kept, scan, where))) {
    for (const [at, number] of found.entries()) {
      for (; next.done !== true && next.value.row < (number as number); next = await noted.next()) yield next.value;
      yield { row: number as number, value: Object.fromEntries(scan.kept.map((name, place) => [name, plainValue(columns[place]?.[at])])) };
    }
  }
  for (; next.done !== true; next = await noted.next()) yield next.value;
}

/** Of the wanted rows those whose values the scan noted. In a text file `kept` stands beside them. */
async function* notedRows({ shown, kinds, relation, kept, number }: Scan, sql: Sql): AsyncGenerator<Row> {
  if (shown.length === 0) return;
  const beside = relation === 'scan' ? kept : [];
  const from = relation === 'scan' ? relation : 'marks';
  const place = relation === 'scan' ? number : 'n';
  const columns = [`${place}::DOUBLE`, 'shown', ...selectedColumns(beside, kinds)].join(', ');
  // small: it is at hand when the next query begins
  const rows: Row[] = [];
  for await (const [numbers = [], lists = [], ...others] of sql.read(
    `SELECT ${columns} FROM ${from} WHERE shown IS NOT NULL AND ${place} IN (SELECT n FROM wanted) ORDER BY 1`,
  )) {
    numbers.forEach((row, at) => {
      const list = lists[at] as { readonly items: readonly (string | null)[] };
      const value = [
        ...beside.map((name, column) => [name, plainValue(others[column]?.[at])] as const),
        ...shown.map((name, column) => [name, shownValue(list.items[column] ?? null, kinds.get(name))] as const),
      ];
      rows.push({ row: row as number, value: Object.fromEntries(value) });
    });
  }
  yield* rows;
}

function shownValue(text: string | null, kind: ColumnKind | undefined): unknown {
  if (text === null || isText(kind)) return text;
  return plainValue(
    JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '') ? context?.source : value,
    ),
  );
}
