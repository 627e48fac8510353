// DuckDB for one file.
import { symlink } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api';
import type { ProgressBar } from '../../base/progress.ts';
import { tellQueries, withDuckSession } from '../duck-session.ts';

/** Columns of a part of an answer, each a list of values. */
export type SqlColumnValues = readonly (readonly unknown[])[];

export interface Sql {
  run(sql: string): Promise<void>;
  /** The answer, some thousand rows at a time. */
  read(sql: string): AsyncGenerator<SqlColumnValues>;
  /** Name of a file as a literal. No character of it has a meaning. */
  readonly file: string;
  /** Tells a bar how far some queries are; in the end it has advanced by `amount`. */
  tell<T>(bar: ProgressBar, amount: number, queries: () => Promise<T>): Promise<T>;
  readonly connection: DuckDBConnection;
}

const mostThreads = 8;
const memoryMiB = { each: 64, all: 96 };

/**
 * @param path absolute
 * @throws what DuckDB throws; the reason of the signal
 */
export async function withDuckDb<T>(path: string, signal: AbortSignal, work: (sql: Sql) => Promise<T>): Promise<T> {
  const threads = Math.min(availableParallelism(), mostThreads);
  return withDuckSession({ threads, memoryMiB: memoryMiB.all + memoryMiB.each * threads }, signal, async ({ connection, folder }) => {
    // stars and brackets in a name would be patterns to DuckDB
    const file = join(folder, 'rows');
    await symlink(path, file);
    // a list of values as a join costs more than comparing, and rows come out of it in another order
    await connection.run("SET disabled_optimizers = 'in_clause'");
    return work(sqlOf(connection, `'${file.replaceAll("'", "''")}'`));
  });
}

function sqlOf(connection: DuckDBConnection, file: string): Sql {
  return {
    file,
    connection,
    tell: (bar, amount, queries) => tellQueries(connection, bar, amount, queries),
    run: async (sql) => void (await connection.run(sql)),
    async *read(sql) {
      const result = await connection.stream(sql);
      for (;;) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) return;
        yield chunk.getColumns();
      }
    },
  };
}

/** Puts rows into a table. @param put appends the values of one */
export async function append<T>(sql: Sql, table: string, items: Iterable<T>, put: (appender: DuckDBAppender, item: T) => void): Promise<void> {
  const appender = await sql.connection.createAppender(table);
  for (const item of items) {
    put(appender, item);
    appender.endRow();
  }
  appender.closeSync();
}
