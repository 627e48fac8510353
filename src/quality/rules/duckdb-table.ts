// A file of rows as DuckDB sees it, if it sees the same rows and values as our own readers: types are declared, never guessed.
import { open } from 'node:fs/promises';
import { PlumbError } from '../../base/errors.ts';
import type { RowSource } from '../../datasets/row-source.ts';
import { readRowBatches } from '../../datasets/rows.ts';
import type { Sql } from './duckdb.ts';
import { quoteName, quoteText, type ColumnKind } from './sql-columns.ts';

export interface FileTable {
  /** every column of the file, in its order; of JSONL those that are known */
  readonly columns: readonly string[];
  /** those that SQL sees as we do */
  readonly kinds: ReadonlyMap<string, ColumnKind>;
  /** a relation; without names all columns */
  relation(names: readonly string[]): string;
  /** number of the row, from 1, in that relation; null: rows come in the order of the file, and nothing numbers them */
  readonly number: string | null;
}

/** @returns null: this file is for our own readers */
export function openTable(source: RowSource, sql: Sql): Promise<FileTable | null> {
  if (source.format === 'parquet') return parquetTable(source, sql);
  return source.format === 'csv' ? csvTable(source, sql) : Promise.resolve(jsonTable(source, sql));
}

const jsonKinds: Readonly<Record<string, ColumnKind>> = { string: 'text', integer: 'number', number: 'number', boolean: 'boolean' };
const jsonTypes: Readonly<Partial<Record<ColumnKind, string>>> = { text: 'VARCHAR', number: 'DOUBLE', boolean: 'BOOLEAN' };

/** Which type each value has, only a manifest says: of other files every value would have to be asked. */
function jsonTable({ tree }: RowSource, sql: Sql): FileTable | null {
  if (tree === undefined) return null;
  const columns = Object.keys(tree.schema);
  const kinds = new Map(
    Object.entries(tree.schema).flatMap(([name, type]) => {
      const kind = jsonKinds[type.replace('?', '')];
      return kind === undefined ? [] : [[name, kind] as const];
    }),
  );
  const relation = (names: readonly string[]): string => {
    const typed = names.map((name) => `${quoteText(name)}: '${jsonTypes[kinds.get(name) as ColumnKind]}'`);
    // rows are counted even where no column is asked for
    const asked = typed.length === 0 ? [`'plumb': 'VARCHAR'`] : typed;
    return `read_json(${sql.file}, format = 'newline_delimited', columns = {${asked.join(', ')}})`;
  };
  return sameLetters(columns) ? null : { columns, kinds, relation, number: null };
}

async function csvTable(source: RowSource, sql: Sql): Promise<FileTable | null> {
  const columns = await headerOf(source);
  // a line that is blank is a row of one column to some
  if (columns === null || columns.length < 2 || sameLetters(columns)) return null;
  const kinds = new Map(columns.map((name) => [name, 'cell' as const]));
  const names = columns.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(', ');
  const options = `auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', strict_mode = true, columns = {${names}}`;
  return { columns, kinds, relation: () => `read_csv(${sql.file}, ${options})`, number: null };
}

async function headerOf(source: RowSource): Promise<readonly string[] | null> {
  let columns: readonly string[] | null = null;
  for await (const _ of readRowBatches(source.path, 'csv', { name: source.name, onHead: (_end, names) => void (columns = names) })) break;
  return columns;
}

/** DuckDB does not tell "id" from "ID". */
function sameLetters(columns: readonly string[]): boolean {
  return new Set(columns.map((name) => name.toLowerCase())).size < columns.length;
}

const parquetKinds: Readonly<Record<string, ColumnKind>> = {
  VARCHAR: 'text',
  TINYINT: 'number',
  SMALLINT: 'number',
  INTEGER: 'number',
  UTINYINT: 'number',
  USMALLINT: 'number',
  UINTEGER: 'number',
  BIGINT: 'long',
  UBIGINT: 'long',
  FLOAT: 'float',
  DOUBLE: 'float',
  BOOLEAN: 'boolean',
  DATE: 'instant',
  TIMESTAMP: 'instant',
};

async function parquetTable(source: RowSource, sql: Sql): Promise<FileTable | null> {
  await checkFooter(source);
  const columns: string[] = [];
  const kinds = new Map<string, ColumnKind>();
  for await (const [names = [], types = []] of sql.read(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(${sql.file}))`)) {
    names.forEach((name, at) => {
      columns.push(name as string);
      const kind = parquetKinds[types[at] as string];
      if (kind !== undefined) kinds.set(name as string, kind);
    });
  }
  if (sameLetters([...columns, 'file_row_number'])) return null;
  for await (const [names = [], within = []] of sql.read(withinDoubles(sql.file)))
    names.forEach((name, at) => {
      if (within[at] === true && kinds.get(name as string) === 'long') kinds.set(name as string, 'number');
    });
  return { columns, kinds, relation: () => `read_parquet(${sql.file}, file_row_number = true)`, number: '(file_row_number + 1)' };
}

/** Columns of which the file says that no value is beyond what a double holds. */
function withinDoubles(file: string): string {
  const [least, most] = ['min', 'max'].map((end) => `try_cast(stats_${end}_value AS HUGEINT)`);
  const within = `${least} >= ${Number.MIN_SAFE_INTEGER} AND ${most} <= ${Number.MAX_SAFE_INTEGER}`;
  return `SELECT path_in_schema, bool_and(coalesce(${within}, false)) FROM parquet_metadata(${file}) GROUP BY path_in_schema`;
}

/** What stands at the end of a Parquet file is a length: one that is larger than the file is no reason to allocate. @throws PlumbError ROW_SYNTAX */
async function checkFooter(source: RowSource): Promise<void> {
  const handle = await open(source.path, 'r');
  try {
    const { size } = await handle.stat();
    const end = Buffer.alloc(8);
    if (size >= 12) await handle.read(end, 0, 8, size - 8);
    if (size >= 12 && end.toString('latin1', 4) === 'PAR1' && end.readUInt32LE(0) <= size - 12) return;
  } finally {
    await handle.close();
  }
  throw new PlumbError('ROW_SYNTAX', {
    what: `${source.name} does not read as Parquet: its end is none of a Parquet file`,
    where: { file: source.name, row: 1 },
    mend: 'write the file again; the extension .parquet promises Parquet',
  });
}

/** Reads every value of a Parquet file. @throws what DuckDB says of it */
export async function checkParquet(sql: Sql): Promise<void> {
  await sql.run(`SELECT count(COLUMNS(*)) FROM read_parquet(${sql.file})`);
}

/** Columns as our readers give their values: text, number or boolean, whichever is there. */
export function selectedColumns(names: readonly string[], kinds: ReadonlyMap<string, ColumnKind>): string[] {
  return names.map((name) => {
    const column = quoteName(name);
    switch (kinds.get(name)) {
      case 'cell':
        return `coalesce(${column}, '')`;
      case 'number':
        return `${column}::DOUBLE`;
      case 'instant':
        return `strftime(${column}::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%gZ')`;
      default:
        return column;
    }
  });
}

/** A value of such a column, as our readers give it. */
export function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint')
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return Number.isNaN(value) ? null : value > 0 ? 'Infinity' : '-Infinity';
  return value ?? null;
}
