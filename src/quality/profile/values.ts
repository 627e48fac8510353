// SQL of what a value is: its kind, its number or its text. It is asked once for each different value, not once for each row.
import type { RowFormat } from '../../datasets/schema.ts';
import type { TableColumn } from './table.ts';

/** kind of a value -> SQL; beside types of values: 'absent' (NULL), 'empty' (a text without characters) and 'nan'. */
export interface ValueSql {
  /** what values are grouped by; a cell of the table */
  readonly raw: string;
  /** of the column raw */
  readonly kind: string;
  readonly number: string;
  readonly text: string;
}

const largest = Number.MAX_SAFE_INTEGER;

/** As datasets/row.ts has it: whole numbers that a JavaScript number cannot hold are the text of their digits. */
const wholeOrNumber = (number: string): string => `CASE WHEN ${number} = trunc(${number}) THEN 'integer' ELSE 'number' END`;

const json: ValueSql = {
  raw: '',
  kind: `CASE
    WHEN raw IS NULL THEN 'absent'
    WHEN raw[1] = '"' THEN CASE WHEN raw = '""' THEN 'empty' ELSE 'string' END
    WHEN raw[1] = '{' THEN 'object'
    WHEN raw[1] = '[' THEN 'list'
    WHEN raw IN ('true', 'false') THEN 'boolean'
    WHEN raw = 'null' THEN 'absent'
    WHEN regexp_full_match(raw, '-?[0-9]+') AND abs(TRY_CAST(raw AS DOUBLE)) > ${largest} THEN 'string'
    WHEN TRY_CAST(raw AS DOUBLE) IS NULL THEN 'string'
    ELSE ${wholeOrNumber('TRY_CAST(raw AS DOUBLE)')} END`,
  number: 'TRY_CAST(raw AS DOUBLE)',
  text: `CASE WHEN raw[1] = '"' THEN json_extract_string(raw, '$') ELSE raw END`,
};

/** A cell of a CSV: what it would read as. Digits behind a leading zero are no number: they are a code, and would lose the zero. */
const cell: ValueSql = {
  raw: '',
  kind: `CASE
    WHEN raw IS NULL THEN 'empty'
    WHEN raw = '' THEN 'empty'
    WHEN raw IN ('true', 'false') THEN 'boolean'
    WHEN regexp_full_match(raw, '[+-]?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?') AND isfinite(TRY_CAST(raw AS DOUBLE))
      THEN CASE WHEN abs(TRY_CAST(raw AS DOUBLE)) > ${largest} AND regexp_full_match(raw, '[+-]?[0-9]+') THEN 'string' ELSE ${wholeOrNumber('TRY_CAST(raw AS DOUBLE)')} END
    ELSE 'string' END`,
  number: 'TRY_CAST(raw AS DOUBLE)',
  text: 'raw',
};

const text: ValueSql = {
  raw: '',
  kind: `CASE WHEN raw IS NULL THEN 'absent' WHEN raw = '' THEN 'empty' ELSE 'string' END`,
  number: 'NULL::DOUBLE',
  text: 'raw',
};

const float: ValueSql = {
  raw: '',
  kind: `CASE WHEN raw IS NULL THEN 'absent' WHEN isnan(raw) THEN 'nan' WHEN isinf(raw) THEN 'string' ELSE ${wholeOrNumber('raw')} END`,
  number: 'raw',
  text: `CASE WHEN isinf(raw) THEN CASE WHEN raw > 0 THEN 'Infinity' ELSE '-Infinity' END END`,
};

const whole: ValueSql = {
  raw: '',
  kind: `CASE WHEN raw IS NULL THEN 'absent' WHEN raw BETWEEN -${largest} AND ${largest} THEN 'integer' ELSE 'string' END`,
  number: 'raw::DOUBLE',
  text: 'raw::VARCHAR',
};

const instant = (sql: string): ValueSql => ({ ...text, raw: sql });

/** @returns SQL for a column; raw is filled in with what is to be grouped by */
export function valueSql(column: TableColumn, format: RowFormat): ValueSql {
  const { sql } = column;
  if (format === 'csv') return { ...cell, raw: sql };
  if (format === 'jsonl') return { ...json, raw: `${sql}::VARCHAR` };
  return parquetSql(column.type.toUpperCase(), sql);
}

function parquetSql(type: string, sql: string): ValueSql {
  if (/\[\d*\]$|^(STRUCT|MAP|UNION)/.test(type)) return { ...json, raw: `to_json(${sql})::VARCHAR` };
  if (/^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER)$/.test(type)) return { ...whole, raw: sql };
  if (/^(FLOAT|DOUBLE|DECIMAL)/.test(type)) return { ...float, raw: `${sql}::DOUBLE` };
  if (type === 'BOOLEAN') return { ...json, raw: `${sql}::VARCHAR` };
  if (type === 'JSON') return { ...json, raw: `${sql}::VARCHAR` };
  if (type === 'DATE') return instant(`strftime(${sql}, '%Y-%m-%d')`);
  if (type.startsWith('TIMESTAMP')) return instant(`strftime((${sql})::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%gZ')`);
  // old writers mark text as bytes
  if (type === 'BLOB') return instant(`coalesce(TRY(decode(${sql})), to_base64(${sql}))`);
  return instant(`${sql}::VARCHAR`);
}
