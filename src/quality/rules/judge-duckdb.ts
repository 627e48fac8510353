// A large file against checks, by DuckDB: one scan for all checks of rows, whose outcome is some bits for each row; small queries for the values of columns
// and for those that stand twice. The answer is that of judge-rows.ts, and so is the state.
import type { DuckDBAppender } from '@duckdb/node-api';
import type { RowSource } from '../../datasets/row-source.ts';
import type { Row } from '../../datasets/rows.ts';
import { numberCounts } from '../drift/statistics/counts.ts';
import type { ColumnBag } from '../columns/column-bag.ts';
import { duplicatesOf, ValueIndex } from '../columns/value-index.ts';
import type { Checks, Looked } from './checks.ts';
import { columnsOfSource } from './columns-of-source.ts';
import type { Sql } from './duckdb.ts';
import { openTable, plainValue, selectedColumns, type FileTable } from './duckdb-table.ts';
import { factsOf, indexedName, type JudgedState } from './judge-rows.ts';
import { columnsOf } from './expression.ts';
import { valuesOfBag } from './members.ts';
import type { Members } from './row-test.ts';
import { quoteName, sqlCheck, SqlColumns, sqlLooked } from './sql.ts';
import { NumberList, requireColumns, type IndexFacts } from './state.ts';

export interface DuckDbJudging {
  readonly source: RowSource;
  readonly checks: Checks;
  /** name of the rules file, for errors */
  readonly file: string;
  /** by place in the references: those that can be listed */
  readonly members: ReadonlyMap<number, Members & { readonly listed: ColumnBag | null; readonly untyped: boolean }>;
  /** indexes are wanted with every row, for whoever keeps them; else what they say */
  readonly keeps: boolean;
}

export interface DuckDbState {
  readonly state: JudgedState;
  /** Some rows by number, with the columns that checks name. */
  look(numbers: readonly number[]): AsyncGenerator<Row>;
  /** The same with all columns; null: not all of them are seen as our readers see them. */
  readonly lookWhole: ((numbers: readonly number[]) => AsyncGenerator<Row>) | null;
}

/** @returns null: something in it is not for SQL @throws what DuckDB throws; PlumbError ROW_SYNTAX */
export async function judgeByDuckDb(judging: DuckDbJudging, sql: Sql): Promise<DuckDbState | null> {
  const { source, checks } = judging;
  const table = await openTable(source, sql);
  if (table === null) return null;
  requireColumns(checks, table.columns, judging.file);
  const named = namedColumns(checks);
  if (named.some((name) => !table.kinds.has(name))) return null;
  const columns = new SqlColumns(table.kinds);
  const members = await listMembers(judging, sql);
  const rowChecks = checks.rows.map((check) => sqlCheck(check, columns, members));
  const looks = [...checks.indexes, ...checks.bags].map((wish) => sqlLooked(wish, columns));
  if (rowChecks.includes(null) || looks.includes(null)) return null;
  const bits = new Bits();
  const places = rowChecks.map((check) => ({ looked: bits.of(check?.looked ?? ''), broken: bits.of(check?.broken ?? '') }));
  const sizes = checks.indexes.map((_, at) => bits.of(looks[at] as string));
  await listValues(columns, sql);
  const scan = await scanFile(table, { named, bits, joins: members.size + columns.lists.length > 0 }, sql);
  if (source.tree !== undefined && source.tree.rows !== (await countOf(sql))) return null;
  const { counts, rows } = await countBits(bits, sql);
  const lists = await brokenRows(
    places.map(({ broken }) => broken),
    bits,
    sql,
  );
  const indexes: IndexFacts[] = [];
  const values: ValueIndex[] = [];
  for (const [at, wish] of checks.indexes.entries()) {
    const asked = { wish, looks: looks[at] as string, size: counts[sizes[at] as number] as number };
    if (judging.keeps) {
      const index = await readIndex(asked, scan, source.format === 'csv', sql);
      values.push(index);
      indexes.push(factsOf(index));
    } else indexes.push(await readDuplicates(asked, scan, sql));
  }
  const bags: ColumnBag[] = [];
  for (const [at, wish] of checks.bags.entries()) bags.push(await readBag(wish, looks[checks.indexes.length + at] as string, scan, columns, sql));
  const looked = places.map((place) => counts[place.looked] as number);
  const all = source.format === 'jsonl' ? await columnsOfSource(source) : { columns: table.columns, leading: table.columns.length };
  const state: JudgedState = { rows, ...all, looked, broken: lists, entries: new Map(), indexes, values, bags };
  const whole = table.columns.every((name) => table.kinds.has(name)) && source.format !== 'jsonl';
  return {
    state,
    look: (numbers) => lookAt(numbers, named, scan, sql),
    lookWhole: whole ? (numbers) => lookAt(numbers, table.columns, wholeScan(table, scan), sql) : null,
  };
}

function namedColumns(checks: Checks): string[] {
  const looked = [...checks.rows, ...checks.indexes, ...checks.bags];
  return [...new Set([...checks.key, ...looked.flatMap(({ columns, when }) => [...columns, ...(when === null ? [] : columnsOf(when))])])];
}

/** Conditions of rows, each once, as bits of 32-bit words. */
class Bits {
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
interface Scan {
  readonly relation: string;
  readonly number: string;
  readonly kinds: FileTable['kinds'];
}

interface Scanning {
  readonly named: readonly string[];
  readonly bits: Bits;
  /** Conditions ask tables: rows do not come out of a join in the order in which they went in. */
  readonly joins: boolean;
}

/** Makes the table `marks`: n, the number of the row (from 1), and the words of its bits. */
async function scanFile(table: FileTable, { named, bits, joins }: Scanning, sql: Sql): Promise<Scan> {
  const relation = table.relation(named);
  if (table.number !== null) {
    await sql.run(`CREATE TEMP TABLE marks AS SELECT ${table.number}::INTEGER AS n, ${bits.select()} FROM ${relation}`);
    return { relation, number: table.number, kinds: table.kinds };
  }
  const kept = named.map(quoteName);
  const scan = { relation: 'scan', number: '(rowid + 1)', kinds: table.kinds };
  await sql.run(`CREATE TEMP TABLE scan AS SELECT ${[...(joins ? ['1 AS w'] : [bits.select()]), ...kept].join(', ')} FROM ${relation}`);
  if (joins) await sql.run(`CREATE TEMP TABLE marks AS SELECT (rowid + 1)::INTEGER AS n, ${bits.select()} FROM scan`);
  else await sql.run(`CREATE TEMP VIEW marks AS SELECT (rowid + 1)::INTEGER AS n, ${bits.names().join(', ')} FROM scan`);
  return scan;
}

/** Long lists of values: s0 (v), ... */
async function listValues({ lists }: SqlColumns, sql: Sql): Promise<void> {
  const { DOUBLE, VARCHAR } = await import('@duckdb/node-api');
  for (const [at, values] of lists.entries()) {
    const type = typeof values[0] === 'number' ? DOUBLE : VARCHAR;
    await sql.run(`CREATE TEMP TABLE s${at} (v ${type})`);
    await append(sql, `s${at}`, values, (appender, value) => appender.appendValue(value, type));
  }
}

async function append<T>(sql: Sql, table: string, items: Iterable<T>, put: (appender: DuckDBAppender, item: T) => void): Promise<void> {
  const appender = await sql.connection.createAppender(table);
  for (const item of items) {
    put(appender, item);
    appender.endRow();
  }
  appender.closeSync();
}

/** All columns of a text file, numbered as they come. */
function wholeScan(table: FileTable, scan: Scan): Scan {
  if (table.number !== null) return scan;
  return { ...scan, relation: `(SELECT row_number() OVER () AS plumb_row_number, * FROM ${table.relation([])})`, number: 'plumb_row_number' };
}

async function countOf(sql: Sql): Promise<number> {
  for await (const [count = []] of sql.read('SELECT count(*)::DOUBLE FROM marks')) return count[0] as number;
  return 0;
}

/** How many rows have each bit. */
async function countBits(bits: Bits, sql: Sql): Promise<{ counts: number[]; rows: number }> {
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
async function brokenRows(wanted: readonly number[], bits: Bits, sql: Sql): Promise<Uint32Array[]> {
  const lists = wanted.map(() => new NumberList());
  if (wanted.length === 0) return [];
  const masks = Array.from({ length: bits.words }, (_, word) =>
    [...new Set(wanted)].filter((bit) => Math.floor(bit / bitsOfWord) === word).reduce((mask, bit) => mask + 2 ** (bit % bitsOfWord), 0),
  );
  const some = masks.flatMap((mask, word) => (mask === 0 ? [] : [`(w${word} & ${mask}) <> 0`]));
  const query = `SELECT n, ${bits.names().join(', ')} FROM marks WHERE ${some.join(' OR ')} ORDER BY n`;
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

interface AskedIndex {
  readonly wish: Looked;
  readonly looks: string;
  readonly size: number;
}

/** What stands in several rows: groups first, then the rows of those groups. */
async function readDuplicates({ wish, looks, size }: AskedIndex, scan: Scan, sql: Sql): Promise<IndexFacts> {
  const keys = wish.columns.map((name) => groupedAs(name, scan.kinds));
  const names = keys.map((_, at) => `k${at}`);
  const inner = `SELECT ${keys.map((key, at) => `${key} AS k${at}`).join(', ')}, ${scan.number}::DOUBLE AS n FROM ${scan.relation} WHERE ${looks}`;
  await sql.run(
    `CREATE OR REPLACE TEMP TABLE twice AS SELECT row_number() OVER () AS place, * FROM (SELECT ${names.join(', ')}, count(*)::DOUBLE AS c FROM (${inner}) GROUP BY ${names.join(', ')} HAVING count(*) > 1)`,
  );
  const groups = new Map<number, number[]>();
  const same = names.map((name) => `twice.${name} IS NOT DISTINCT FROM f.${name}`).join(' AND ');
  let surplus = 0;
  for await (const [counts = []] of sql.read('SELECT c FROM twice')) for (const count of counts) surplus += (count as number) - 1;
  if (surplus > 0) {
    for await (const [places = [], numbers = []] of sql.read(`SELECT place::DOUBLE, n FROM (${inner}) f JOIN twice ON ${same}`)) {
      places.forEach((place, at) => {
        const rows = groups.get(place as number);
        if (rows === undefined) groups.set(place as number, [numbers[at] as number]);
        else rows.push(numbers[at] as number);
      });
    }
  }
  return { size, distinct: size - surplus, duplicates: duplicatesOf([...groups.values()].flatMap(membersOf)) };
}

function membersOf(rows: number[]): { row: number; other: number }[] {
  const [first, second] = rows.toSorted((a, b) => a - b);
  return rows.map((row) => ({ row, other: (row === first ? second : first) as number }));
}

/** Equal where `valueName` is: missing values are one, and NaN is missing. */
function groupedAs(name: string, kinds: FileTable['kinds']): string {
  const column = quoteName(name);
  switch (kinds.get(name)) {
    case 'text':
    case 'cell':
      return `nullif(${column}, '')`;
    case 'float':
      return `(CASE WHEN isnan(${column}) THEN NULL ELSE ${column} END)`;
    default:
      return column;
  }
}

async function readIndex({ wish }: AskedIndex, scan: Scan, untyped: boolean, sql: Sql): Promise<ValueIndex> {
  const index = new ValueIndex();
  const names = [...new Set([...wish.columns, ...(wish.when === null ? [] : columnsOf(wish.when))])];
  const nameOf = indexedName(wish, { untyped });
  for await (const [numbers = [], ...columns] of sql.read(selectRows(names, scan, ''))) {
    numbers.forEach((number, at) => {
      const name = nameOf(Object.fromEntries(names.map((column, place) => [column, plainValue(columns[place]?.[at])])));
      if (name !== null) index.add(name, number as number);
    });
  }
  return index;
}

async function readBag({ columns: [name = ''] }: Looked, looks: string, scan: Scan, columns: SqlColumns, sql: Sql): Promise<ColumnBag> {
  const numbers = new Map<number, number>();
  const texts = new Map<string, number>();
  const others = new Map<string, number>();
  // of a cell the text alone counts: what it reads as, each check decides
  const oneType = scan.kinds.get(name) === 'cell' ? [columns.text(name)] : [columns.double(name), columns.text(name), columns.boolean(name)];
  for (const value of oneType.filter((part) => !part.startsWith('NULL'))) {
    for await (const [values = [], counts = []] of sql.read(
      `SELECT ${value} AS v, count(*)::DOUBLE FROM ${scan.relation} WHERE ${looks} AND ${value} IS NOT NULL GROUP BY v`,
    )) {
      values.forEach((found, at) => {
        const count = counts[at] as number;
        if (typeof found === 'number') numbers.set(found === 0 ? 0 : found, (numbers.get(found) ?? 0) + count);
        else if (typeof found === 'string') texts.set(found, count);
        else others.set(String(found), count);
      });
    }
  }
  return { numbers: numberCounts(numbers), texts, others };
}

function selectRows(names: readonly string[], scan: Scan, where: string): string {
  return `SELECT ${[`${scan.number}::DOUBLE`, ...selectedColumns(names, scan.kinds)].join(', ')} FROM ${scan.relation} ${where}`;
}

async function* lookAt(numbers: readonly number[], names: readonly string[], scan: Scan, sql: Sql): AsyncGenerator<Row> {
  if (numbers.length === 0) return;
  const { DOUBLE } = await import('@duckdb/node-api');
  await sql.run('CREATE OR REPLACE TEMP TABLE wanted (n DOUBLE)');
  await append(sql, 'wanted', numbers, (appender, number) => appender.appendValue(number, DOUBLE));
  const query = `${selectRows(names, scan, `WHERE ${scan.number} IN (SELECT n FROM wanted)`)} ORDER BY 1`;
  for await (const [found = [], ...columns] of sql.read(query)) {
    for (const [at, number] of found.entries()) {
      yield { row: number as number, value: Object.fromEntries(names.map((name, place) => [name, plainValue(columns[place]?.[at])])) };
    }
  }
}

/** Tables of what stands in other data: r0 (t VARCHAR, n DOUBLE, b BOOLEAN), ... */
async function listMembers({ members }: DuckDbJudging, sql: Sql): Promise<Map<number, string>> {
  const tables = new Map<number, string>();
  const { DOUBLE, VARCHAR, BOOLEAN } = await import('@duckdb/node-api');
  for (const [place, { listed, untyped }] of members) {
    if (listed === null) continue;
    const table = `r${place}`;
    await sql.run(`CREATE TEMP TABLE ${table} (t VARCHAR, n DOUBLE, b BOOLEAN)`);
    await append(sql, table, valuesOfBag(listed, untyped), (appender, value) => {
      appender.appendValue(typeof value === 'string' ? value : null, VARCHAR);
      appender.appendValue(typeof value === 'number' ? value : null, DOUBLE);
      appender.appendValue(typeof value === 'boolean' ? value : null, BOOLEAN);
    });
    tables.set(place, table);
  }
  return tables;
}
