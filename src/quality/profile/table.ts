// Rows as a table of DuckDB in which nothing is guessed: the cells of a CSV are texts, those of JSONL the JSON that stands there, those of Parquet what the
// file declares. What DuckDB refuses our own reader reads: it says what is wrong and where, or, where it understands the file, writes it again as JSONL.
import type { DuckDBConnection } from '@duckdb/node-api';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { byCodeUnit } from '../../base/canonical.ts';
import { readRowBatches } from '../../datasets/rows.ts';
import type { RowSource } from '../../datasets/row-source.ts';
import { SchemaInference } from '../../datasets/schema-inference.ts';
import type { RowFormat } from '../../datasets/schema.ts';
import { withDuckSession } from '../duck-session.ts';

/** What DuckDB may hold before it writes to the disk. */
const memoryMiB = 366;

export interface TableColumn {
  readonly name: string;
  /** SQL that names the column of the table */
  readonly sql: string;
  /** DuckDB's type of it: VARCHAR for CSV, JSON for JSONL */
  readonly type: string;
}

export interface Table {
  readonly connection: DuckDBConnection;
  /** SQL of the table */
  readonly sql: string;
  readonly format: RowFormat;
  readonly rows: number;
  readonly columns: readonly TableColumn[];
}

/**
 * Opens rows for as long as `use` takes.
 * @throws PlumbError ROW_SYNTAX, ROW_ENCODING, ROW_RAGGED, FILE_MISSING, FILE_UNREADABLE
 */
export async function withTable<T>(source: RowSource, signal: AbortSignal, use: (table: Table) => Promise<T>): Promise<T> {
  return withDuckSession({ memoryMiB }, signal, async ({ connection, folder }) => {
    await connection.run(`SET preserve_insertion_order = false; ATTACH ':memory:' AS kept (COMPRESS); USE kept`);
    return use(await openTable(connection, source, { folder, signal }));
  });
}

interface Place {
  readonly folder: string;
  readonly signal: AbortSignal;
}

async function openTable(connection: DuckDBConnection, source: RowSource, place: Place): Promise<Table> {
  const names = source.format === 'parquet' ? null : await columnNames(source, place.signal);
  try {
    await load(connection, source, names);
    return await described(connection, source.format);
  } catch (error) {
    place.signal.throwIfAborted();
    const { path, columns, longest } = await rewrite(source, place, error);
    // twice a row, for each of the threads
    if (longest > usualRow) await connection.run(`SET memory_limit = '${384 + ((8 * longest) >> 20)}MB'`);
    await connection.run(
      `CREATE TABLE read AS SELECT * FROM ${jsonLines(path, columns, source.format === 'csv' ? 'VARCHAR' : 'JSON', Math.max(usualRow, longest))}`,
    );
    return described(connection, source.format === 'csv' ? 'csv' : 'jsonl');
  }
}

/** Names of the columns: those of a CSV stand in its header, those of JSONL in its rows. */
async function columnNames(source: RowSource, signal: AbortSignal): Promise<readonly string[]> {
  if (source.format === 'jsonl' && source.tree !== undefined) return Object.keys(source.tree.schema);
  const head: { names: readonly string[] | null } = { names: null };
  const schema = new SchemaInference();
  const options = { signal, name: source.name, onHead: (_end: number, names: readonly string[] | null) => void (head.names = names) };
  for await (const rows of readRowBatches(source.path, source.format, options)) {
    if (head.names !== null) break;
    for (const { value } of rows) schema.add(value);
  }
  return head.names ?? schema.names().toSorted(byCodeUnit);
}

async function load(connection: DuckDBConnection, { path, format }: RowSource, names: readonly string[] | null): Promise<void> {
  if (names === null) {
    // read where it stands: nothing of it is copied
    await connection.run(`CREATE VIEW read AS SELECT * FROM read_parquet(${quotedText(path)})`);
    return;
  }
  const rows = format === 'csv' ? csv(path, names) : jsonLines(path, names, 'JSON', usualRow);
  await connection.run(`CREATE TABLE read AS SELECT * FROM ${rows}`);
}

/** A row that is longer takes the slow way, for DuckDB sets aside several times as much before it reads. */
const usualRow = 16 << 20;

function csv(path: string, names: readonly string[]): string {
  if (names.length === 0) return nothing;
  return `read_csv(${quotedText(path)}, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', strict_mode = true,
    columns = ${columnTypes(names, 'VARCHAR')}, nullstr = '', max_line_size = ${usualRow}, buffer_size = ${2 * usualRow})`;
}

function jsonLines(path: string, names: readonly string[], type: 'JSON' | 'VARCHAR', longest: number): string {
  const file = quotedText(path);
  if (names.length === 0) return `(SELECT NULL AS nothing FROM read_ndjson_objects(${file}))`;
  return `read_ndjson(${file}, columns = ${columnTypes(names, type)}, maximum_object_size = ${longest})`;
}

const nothing = '(SELECT NULL AS nothing LIMIT 0)';

function columnTypes(names: readonly string[], type: string): string {
  return `{${names.map((name) => `${quotedText(name)}: '${type}'`).join(', ')}}`;
}

async function described(connection: DuckDBConnection, format: RowFormat): Promise<Table> {
  const found = (await connection.runAndReadAll('DESCRIBE read')).getRowObjectsJS() as { column_name: string; column_type: string }[];
  const count = (await connection.runAndReadAll('SELECT count(*) AS rows FROM read')).getRowObjectsJS() as { rows: bigint }[];
  const columns = found
    .filter(({ column_name, column_type }) => column_name !== 'nothing' || column_type === 'VARCHAR' || column_type === 'JSON')
    .map(({ column_name, column_type }) => ({ name: column_name, sql: quotedName(column_name), type: column_type }));
  return { connection, sql: 'read', format, rows: Number(count[0]?.rows ?? 0), columns };
}

/** What our own reader understands of a file that DuckDB refused, as JSONL. @throws what our reader says of it; where there is nothing in it, what DuckDB said */
async function rewrite(
  source: RowSource,
  { folder, signal }: Place,
  refusal: unknown,
): Promise<{ path: string; columns: string[]; longest: number }> {
  const path = join(folder, 'rows.jsonl');
  const schema = new SchemaInference();
  let longest = 0;
  await pipeline(async function* () {
    for await (const rows of readRowBatches(source.path, source.format, { signal, name: source.name }))
      for (const { value } of rows) {
        schema.add(value);
        const line = Buffer.from(`${JSON.stringify(value)}\n`);
        longest = Math.max(longest, line.length);
        yield line;
      }
  }, createWriteStream(path));
  if (schema.names().length > 0) return { path, columns: schema.names(), longest };
  throw refusal;
}

/** A text as SQL. */
export function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name as SQL. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
