// One column: its different values with their counts, and all that follows from them.
import type { DuckDBConnection } from '@duckdb/node-api';
import { summarizeNumbers, type SortedPart } from './number-summary.ts';
import type { ColumnProfile, ColumnType, NumberSummary } from './schema.ts';
import type { Table, TableColumn } from './table.ts';
import { valueSql } from './values.ts';

const shapeCount = 5;
const longestShaped = 64;
/** characters of a value that is shown */
const longestShown = 200;

/** kind -> how many */
interface Kind {
  readonly kind: string;
  readonly rows: number;
  readonly distinct: number;
  readonly once: number;
}

export async function profileColumn(table: Table, column: TableColumn, topCount: number): Promise<ColumnProfile> {
  const { connection, format } = table;
  const sql = valueSql(column, format);
  await connection.run(`CREATE OR REPLACE TABLE raws AS SELECT raw, n, ${sql.kind} AS kind
    FROM (SELECT raw, count(*)::DOUBLE AS n FROM (SELECT ${sql.raw} AS raw FROM ${table.sql}) GROUP BY raw)`);
  const read = await kindsOf(connection, 'raws');
  const type = typeOf(read, format === 'csv');
  // texts that read as numbers are texts where others are not
  const kind = format === 'csv' && type === 'string' ? `CASE WHEN kind = 'empty' THEN kind ELSE 'string' END` : 'kind';
  await connection.run(`CREATE OR REPLACE TABLE vals AS
    SELECT kind, num, txt, sum(n) AS n FROM (
      SELECT ${kind} AS kind, n, CASE WHEN kind IN ('integer', 'number') THEN num END AS num, CASE WHEN kind IN ('integer', 'number') THEN NULL ELSE txt END AS txt
      FROM (SELECT ${kind} AS kind, n, ${sql.number} AS num, ${sql.text} AS txt FROM raws)
    ) GROUP BY ALL`);
  const found = await kindsOf(connection, 'vals');
  const valued = found.filter((entry) => !noValue.has(entry.kind));
  const shapes = await shapesOf(connection);
  return {
    name: column.name,
    type,
    types: Object.fromEntries(read.filter((entry) => !noValue.has(entry.kind)).map(({ kind: name, rows }) => [name, rows])),
    missing: missingOf(read, table.rows),
    distinct: sum(valued, 'distinct'),
    once: sum(valued, 'once'),
    top: await topOf(connection, topCount),
    numbers: await summaryOf(connection, `SELECT num AS v, sum(n) AS n FROM vals WHERE kind IN ('integer', 'number') GROUP BY v`),
    lengths: await summaryOf(connection, lengths),
    ...shapes,
    ...(await formatOf(connection, shapes, type)),
  };
}

const noValue: ReadonlySet<string> = new Set(['absent', 'empty', 'nan']);

async function kindsOf(connection: DuckDBConnection, from: string): Promise<Kind[]> {
  const sql = `SELECT kind, sum(n) AS rows, count(*)::DOUBLE AS "distinct", (count(*) FILTER (n = 1))::DOUBLE AS once FROM ${from} GROUP BY kind ORDER BY kind`;
  return (await connection.runAndReadAll(sql)).getRowObjectsJS() as unknown as Kind[];
}

function sum(kinds: readonly Kind[], what: 'rows' | 'distinct' | 'once'): number {
  return kinds.reduce((total, kind) => total + kind[what], 0);
}

function typeOf(read: readonly Kind[], untyped: boolean): ColumnType {
  const names = read.map(({ kind }) => kind).filter((kind) => !noValue.has(kind)) as ColumnType[];
  const [first] = names;
  if (first === undefined) return 'null';
  if (names.length === 1) return first;
  if (names.every((name) => name === 'integer' || name === 'number')) return 'number';
  return untyped ? 'string' : 'mixed';
}

function missingOf(read: readonly Kind[], rows: number): ColumnProfile['missing'] {
  const of = (kind: string): number => read.find((entry) => entry.kind === kind)?.rows ?? 0;
  const [absent, empty, nan] = [of('absent'), of('empty'), of('nan')];
  return { rows: Math.min(rows, absent + empty + nan), absent, empty, nan };
}

async function topOf(connection: DuckDBConnection, topCount: number): Promise<ColumnProfile['top']> {
  const sql = `SELECT kind, num, txt[1:${longestShown}] AS txt, length(txt) > ${longestShown} AS cut, n FROM (
      SELECT * FROM vals WHERE kind NOT IN ('absent', 'empty', 'nan') ORDER BY n DESC, kind, num, txt LIMIT ${topCount})
    ORDER BY n DESC, kind, num, txt`;
  const found = (await connection.runAndReadAll(sql)).getRowObjectsJS() as {
    kind: string;
    num: number | null;
    txt: string | null;
    cut: boolean | null;
    n: number;
  }[];
  return found.map(({ kind, num, txt, cut, n }) => ({
    value: kind === 'boolean' ? txt === 'true' : (num ?? (cut === true ? `${txt ?? ''}…` : (txt ?? ''))),
    rows: n,
    ...(cut === true ? { cut: true as const } : {}),
  }));
}

const lengths = `SELECT v, sum(n) AS n FROM (
    SELECT (CASE kind WHEN 'string' THEN length(txt) WHEN 'list' THEN json_array_length(txt) END)::DOUBLE AS v, n FROM vals WHERE kind IN ('string', 'list')
  ) GROUP BY v`;

/** @param counted SQL of values (v) and their counts (n), each value once */
async function summaryOf(connection: DuckDBConnection, counted: string): Promise<NumberSummary | null> {
  const extent = `SELECT sum(n) AS rows, min(v) AS min, max(v) AS max, bool_and(v = trunc(v)) AS whole FROM (${counted})`;
  const [found] = (await connection.runAndReadAll(extent)).getRowObjectsJS() as unknown as {
    rows: number | null;
    min: number;
    max: number;
    whole: boolean;
  }[];
  if (found === undefined || found.rows === null) return null;
  return summarizeNumbers({ ...found, rows: found.rows }, sortedParts(connection, `${counted} ORDER BY v`));
}

async function* sortedParts(connection: DuckDBConnection, sql: string): AsyncGenerator<SortedPart> {
  for await (const chunk of await connection.stream(sql))
    yield { values: chunk.getColumnValues(0) as number[], counts: chunk.getColumnValues(1) as number[] };
}

const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const from = `0123456789${upper}${upper.toLowerCase()}`;
const to = `${'9'.repeat(10)}${'A'.repeat(26)}${'a'.repeat(26)}`;

async function shapesOf(connection: DuckDBConnection): Promise<Pick<ColumnProfile, 'shapes' | 'shape_count'>> {
  const shaped = `SELECT translate(txt, '${from}', '${to}') AS shape, sum(n) AS rows FROM vals WHERE kind = 'string' AND length(txt) <= ${longestShaped} GROUP BY shape`;
  const sql = `SELECT shape, rows, (count(*) OVER ())::DOUBLE AS count FROM (${shaped}) ORDER BY rows DESC, shape LIMIT ${shapeCount}`;
  const found = (await connection.runAndReadAll(sql)).getRowObjectsJS() as { shape: string; rows: number; count: number }[];
  return { shapes: found.map(({ shape, rows }) => ({ shape, rows })), shape_count: found[0]?.count ?? 0 };
}

const uuid = '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';
const dateTime = '\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:?\\d\\d)?';

/** Asked where the shapes allow it. Dates that no calendar has are none. */
async function formatOf(
  connection: DuckDBConnection,
  { shapes }: Pick<ColumnProfile, 'shapes'>,
  type: ColumnType,
): Promise<Pick<ColumnProfile, 'format' | 'range'>> {
  const [first] = shapes;
  const length = first?.shape.length ?? 0;
  if (type !== 'string' || first === undefined || !/^[9aA]{4}/.test(first.shape) || length < 10) return { format: null, range: null };
  const sql = `SELECT bool_and(regexp_full_match(txt, '\\d{4}-\\d\\d-\\d\\d') AND TRY_CAST(txt AS DATE) IS NOT NULL) AS date,
      bool_and(regexp_full_match(txt, '${dateTime}') AND TRY_CAST(txt AS TIMESTAMPTZ) IS NOT NULL) AS time,
      bool_and(regexp_full_match(txt, '${uuid}')) AS uuid, min(txt)[1:64] AS first, max(txt)[1:64] AS last FROM vals WHERE kind = 'string'`;
  const [found] = (await connection.runAndReadAll(sql)).getRowObjectsJS() as {
    date: boolean;
    time: boolean;
    uuid: boolean;
    first: string;
    last: string;
  }[];
  if (found === undefined) return { format: null, range: null };
  const format = found.date ? 'date' : found.time ? 'date-time' : found.uuid ? 'uuid' : null;
  return { format, range: format === null || format === 'uuid' ? null : [found.first, found.last] };
}
