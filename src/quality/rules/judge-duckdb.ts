// A large file against checks, by DuckDB: one scan for all checks of rows, whose outcome is some bits for each row; small queries for the values of columns
// and for those that stand twice. The answer is that of judge-rows.ts, and so is the state.
import { tellEach, type Progress, type Unit } from '../../base/progress.ts';
import type { RowSource } from '../../datasets/row-source.ts';
import type { Row } from '../../datasets/rows.ts';
import type { ReadNode } from '../../store/tree/tree.ts';
import { numberCounts } from '../drift/statistics/counts.ts';
import type { ColumnBag } from '../columns/column-bag.ts';
import { duplicatesOf, ValueIndex } from '../columns/value-index.ts';
import type { Checks, Looked } from './checks.ts';
import { columnsOfSource } from './columns-of-source.ts';
import { append, type Sql } from './duckdb.ts';
import { Bits, brokenRows, countBits, countOf, lookAt, scanFile, selectRows, wholeScan, type Scan, type Scanning } from './duckdb-scan.ts';
import { openTable, plainValue, type FileTable } from './duckdb-table.ts';
import { factsOf, indexedName, type JudgedState } from './judge-rows.ts';
import { columnsOf } from './expression.ts';
import { valuesOfBag } from './members.ts';
import type { Members } from './row-test.ts';
import { sqlCheck, sqlLooked } from './sql.ts';
import { quoteName, SqlColumns } from './sql-columns.ts';
import { requireColumns, type IndexFacts } from './state.ts';

export interface DuckDbJudging {
  readonly source: RowSource;
  readonly checks: Checks;
  /** name of the rules file, for errors */
  readonly file: string;
  /** reads nodes of the tree of the source */
  readonly readNode: ReadNode;
  /** by place in the references: those that can be listed */
  readonly members: ReadonlyMap<number, Members & { readonly listed: ColumnBag | null; readonly untyped: boolean }>;
  /** indexes are wanted with every row, for whoever keeps them; else what they say */
  readonly keeps: boolean;
  readonly progress: Progress;
  /** size of the file */
  readonly bytes: number;
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
  const columns = new SqlColumns(table.kinds, table.columns);
  const members = await listMembers(judging, sql);
  const rowChecks = checks.rows.map((check) => sqlCheck(check, columns, members));
  const looks = [...checks.indexes, ...checks.bags].map((wish) => sqlLooked(wish, columns));
  if (rowChecks.includes(null) || looks.includes(null)) return null;
  const bits = new Bits();
  const places = rowChecks.map((check) => ({ looked: bits.of(check?.looked ?? ''), broken: bits.of(check?.broken ?? '') }));
  const sizes = checks.indexes.map((_, at) => bits.of(looks[at] as string));
  await listValues(columns, sql);
  const later = looks as string[];
  const tolerated = toleratedChecks(checks);
  const scanning: Scanning = {
    named,
    kept: namedColumns({ ...checks, rows: [] }),
    rest: namedColumns({ ...checks, bags: [], rows: checks.rows.filter((_, at) => tolerated.has(at)) }),
    bits,
    // of a Parquet file the values of a few rows are read again at little cost, and many may break what is tolerated
    broken: places.flatMap(({ broken }, at) => (source.format === 'parquet' && tolerated.has(at) ? [] : [broken])),
    columns,
    later,
    joins: members.size + columns.lists.length > 0,
  };
  const scan = await toldScan(judging, sql, () => scanFile(table, scanning, sql));
  if (source.tree !== undefined && source.tree.rows !== (await countOf(sql))) return null;
  const { counts, rows, lists, indexes, values, bags } = await askTable({ judging, bits, places, sizes, looks: later, scan, columns }, sql);
  const looked = places.map((place) => counts[place.looked] as number);
  const all = source.format === 'jsonl' ? await columnsOfSource(source, judging.readNode) : { columns: table.columns, leading: table.columns.length };
  const state: JudgedState = { rows, ...all, looked, broken: lists, entries: new Map(), indexes, values, bags };
  const whole = table.columns.every((name) => table.kinds.has(name)) && source.format !== 'jsonl';
  const told = (numbers: readonly number[], from: Scan): AsyncGenerator<Row> =>
    tellEach(lookAt(numbers, from, sql), judging.progress.start(`rows of ${source.name}`, numbers.length, 'rows'));
  return {
    state,
    look: (numbers) => told(numbers, scan),
    lookWhole: whole ? (numbers) => told(numbers, wholeScan(table, scan)) : null,
  };
}

async function toldScan<T>({ source, bytes, progress }: DuckDbJudging, sql: Sql, scan: () => Promise<T>): Promise<T> {
  // what a manifest has counted says more to people
  const [total, unit]: [number, Unit] = source.tree === undefined ? [bytes, 'bytes'] : [source.tree.rows, 'rows'];
  const bar = progress.start(source.name, total, unit);
  return sql.tell(bar, total, scan).finally(() => bar.end());
}

interface Asking {
  readonly judging: DuckDbJudging;
  readonly bits: Bits;
  /** bits of each check of rows */
  readonly places: readonly { readonly broken: number }[];
  /** bits of what each index looks at */
  readonly sizes: readonly number[];
  /** conditions of the indexes, then of the bags */
  readonly looks: readonly string[];
  readonly scan: Scan;
  readonly columns: SqlColumns;
}

type Asked = Pick<JudgedState, 'rows' | 'bags' | 'indexes' | 'values'> & { readonly counts: readonly number[]; readonly lists: Uint32Array[] };

/** What the table says that the scan made. */
async function askTable({ judging, bits, places, sizes, looks, scan, columns }: Asking, sql: Sql): Promise<Asked> {
  const { source, checks, progress, keeps } = judging;
  const bar = progress.start(`values of ${source.name}`, 2 + looks.length, 'steps');
  const step = <T>(query: () => Promise<T>): Promise<T> => sql.tell(bar, 1, query);
  try {
    const { counts, rows } = await step(() => countBits(bits, sql));
    const broken = places.map((place) => place.broken);
    const lists = await step(() => brokenRows(broken, bits, sql));
    const indexes: IndexFacts[] = [];
    const values: ValueIndex[] = [];
    for (const [at, wish] of checks.indexes.entries()) {
      const asked = { wish, looks: looks[at] as string, size: counts[sizes[at] as number] as number };
      if (keeps) {
        const index = await step(() => readIndex(asked, scan, source.format === 'csv', sql));
        values.push(index);
        indexes.push(factsOf(index));
      } else indexes.push(await step(() => readDuplicates(asked, scan, sql)));
    }
    const bags: ColumnBag[] = [];
    for (const [at, wish] of checks.bags.entries())
      bags.push(await step(() => readBag(wish, looks[checks.indexes.length + at] as string, scan, columns, sql)));
    return { counts, rows, lists, indexes, values, bags };
  } finally {
    bar.end();
  }
}

/** Places of checks of rows that some rows may break. */
function toleratedChecks({ checks }: Checks): Set<number> {
  return new Set(
    checks.flatMap((check) => ((check.kind === 'row' && check.about.mostly !== undefined) || check.kind === 'share' ? [check.row] : [])),
  );
}

function namedColumns(checks: Pick<Checks, 'key' | 'rows' | 'indexes' | 'bags'>): string[] {
  const looked = [...checks.rows, ...checks.indexes, ...checks.bags];
  return [...new Set([...checks.key, ...looked.flatMap(({ columns, when }) => [...columns, ...(when === null ? [] : columnsOf(when))])])];
}

interface AskedIndex {
  readonly wish: Looked;
  readonly looks: string;
  readonly size: number;
}

/** What stands in several rows: groups first, then the rows of those groups. */
async function readDuplicates({ wish, looks, size }: AskedIndex, scan: Scan, sql: Sql): Promise<IndexFacts> {
  // where missing values are not looked at, a column is grouped as it is, which is cheaper
  const keys = wish.columns.map((name) => (wish.skip === 'any' ? quoteName(name) : groupedAs(name, scan.kinds)));
  const names = keys.map((_, at) => `k${at}`);
  const inner = `SELECT ${keys.map((key, at) => `${key} AS k${at}`).join(', ')}, ${scan.number}::DOUBLE AS n FROM ${scan.relation} WHERE ${looks}`;
  await sql.run(
    `CREATE OR REPLACE TEMP TABLE twice AS SELECT ${names.join(', ')}, count(*) AS c FROM (${inner}) GROUP BY ${names.join(', ')} HAVING count(*) > 1`,
  );
  const groups = new Map<number, number[]>();
  const same = names.map((name) => `twice.${name} IS NOT DISTINCT FROM f.${name}`).join(' AND ');
  let surplus = 0;
  for await (const [counts = []] of sql.read('SELECT c::DOUBLE FROM twice')) for (const count of counts) surplus += (count as number) - 1;
  if (surplus > 0) {
    for await (const [places = [], numbers = []] of sql.read(`SELECT twice.rowid::DOUBLE, n FROM (${inner}) f JOIN twice ON ${same}`)) {
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
    // grouped as it is stored, which is cheaper than as a double
    const [stored, read] = scan.kinds.get(name) === 'number' && value === columns.double(name) ? [columns.number(name), 'v::DOUBLE'] : [value, 'v'];
    const groups = `SELECT ${stored} AS v, count(*) AS c FROM ${scan.relation} WHERE ${looks} AND ${stored} IS NOT NULL GROUP BY v`;
    for await (const [values = [], counts = []] of sql.read(`SELECT ${read}, c::DOUBLE FROM (${groups})`)) {
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

/** Long lists of values: s0 (v), ... */
async function listValues({ lists }: SqlColumns, sql: Sql): Promise<void> {
  const { DOUBLE, VARCHAR } = await import('@duckdb/node-api');
  for (const [at, values] of lists.entries()) {
    const type = typeof values[0] === 'number' ? DOUBLE : VARCHAR;
    await sql.run(`CREATE TEMP TABLE s${at} (v ${type.toString()})`);
    await append(sql, `s${at}`, values, (appender, value) => appender.appendValue(value, type));
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
