// Parquet with texts of some rows replaced: DuckDB reads the file and writes it anew, types and order of rows kept, memory bounded.
import { rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PlumbError } from '../../base/errors.ts';
import { readRowBatches, type Row } from '../../datasets/rows.ts';
import { withDuckSession } from '../duck-session.ts';
import { pathText } from './cells.ts';
import type { Edit, RewriteRequest } from './rewrite-rows.ts';
import type { RowFinds } from './row-finds.ts';

/** @throws PlumbError DATASET_FORMAT: a column to rewrite holds no plain text */
export async function rewriteParquet(
  { source, data, signal }: RewriteRequest,
  wanted: ReadonlyMap<number, RowFinds>,
  editsOf: (row: Row) => Edit[],
  note: (row: Row, edits: readonly Edit[]) => void,
): Promise<void> {
  const lines: string[] = [];
  const columns = new Set<string>();
  for await (const batch of readRowBatches(source.path, 'parquet', { signal, name: source.name })) {
    for (const row of batch) {
      if (!wanted.has(row.row)) continue;
      const edits = editsOf(row);
      for (const { path } of edits) {
        if (path.length > 1 || typeof row.value[path[0]] !== 'string') throw noText(source.name, pathText(path));
        columns.add(path[0]);
      }
      // row numbers of DuckDB count from 0
      for (const { path, text } of edits) lines.push(`${JSON.stringify({ row: row.row - 1, name: path[0], text })}\n`);
      note(row, edits);
    }
  }
  const edits = `${data}.edits.jsonl`;
  await writeFile(edits, lines.join(''));
  try {
    await write(source.path, edits, data, [...columns], signal);
  } catch (error) {
    signal.throwIfAborted();
    throw new PlumbError('DATASET_FORMAT', {
      what: `${source.name} cannot be written anew as Parquet: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
      where: { file: source.name },
      mend: 'keep the rows as JSONL, or rewrite columns of plain text only',
      cause: error,
    });
  } finally {
    await rm(edits, { force: true });
  }
}

/** What DuckDB may hold before it writes to the disk. */
const memoryMiB = 512;

async function write(from: string, edits: string, to: string, columns: readonly string[], signal: AbortSignal): Promise<void> {
  const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
  const joins = columns.map((name, at) => `LEFT JOIN edits e${at} ON e${at}.row = d.file_row_number AND e${at}.name = ${text(name)}`);
  const replaced = columns.map((name, at) => `coalesce(e${at}.text, d.${quoted(name)}) AS ${quoted(name)}`);
  const star = columns.length === 0 ? 'd.* EXCLUDE (file_row_number)' : `d.* EXCLUDE (file_row_number) REPLACE (${replaced.join(', ')})`;
  await withDuckSession({ memoryMiB, threads: 2 }, signal, async ({ connection, folder }) => {
    // stars and brackets in a name would be patterns to DuckDB
    const [rows, changed] = [join(folder, 'rows'), join(folder, 'edits')];
    await symlink(resolve(from), rows);
    await symlink(resolve(edits), changed);
    await connection.run(
      `CREATE TABLE edits AS SELECT * FROM read_json(${text(changed)}, format = 'newline_delimited', columns = {row: 'BIGINT', name: 'VARCHAR', text: 'VARCHAR'})`,
    );
    await connection.run(
      `COPY (SELECT ${star} FROM read_parquet(${text(rows)}, file_row_number = true) d ${joins.join(' ')} ORDER BY d.file_row_number) TO ${text(to)} (FORMAT parquet, COMPRESSION zstd)`,
    );
  });
}

function noText(name: string, path: string): PlumbError {
  return new PlumbError('DATASET_FORMAT', {
    what: `${path} of ${name} holds no plain text, and cannot be rewritten in Parquet`,
    where: { file: name },
    mend: 'take this column out of `columns`, flag what is in it, or keep the rows as JSONL',
  });
}
