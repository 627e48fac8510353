// DuckDB in memory, within bounds: with a folder of its own to spill into, stopped by a signal, loading nothing from a network. It is loaded when it is
// needed: that costs 0.13 s.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { ProgressBar } from '../base/progress.ts';

export interface DuckSession {
  readonly connection: DuckDBConnection;
  /** for files of the session; it goes with it */
  readonly folder: string;
}

/**
 * @param bounds memoryMiB: beyond it DuckDB spills; threads: default one a processor
 * @throws what DuckDB throws; the reason of the signal
 */
export async function withDuckSession<T>(
  bounds: { readonly memoryMiB: number; readonly threads?: number },
  signal: AbortSignal,
  work: (session: DuckSession) => Promise<T>,
): Promise<T> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  signal.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), 'plumb-sql-'));
  try {
    const instance = await DuckDBInstance.create(':memory:', {
      ...(bounds.threads === undefined ? {} : { threads: String(bounds.threads) }),
      memory_limit: `${bounds.memoryMiB}MiB`,
      temp_directory: join(folder, 'spill'),
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await instance.connect();
    await connection.run('SET enable_progress_bar = true; SET enable_progress_bar_print = false');
    let stopping: NodeJS.Timeout | undefined;
    const stop = (): void => {
      connection.interrupt();
      // between two queries there is nothing to interrupt, and the next one begins as if nobody had asked
      stopping ??= setInterval(() => connection.interrupt(), 50);
    };
    signal.addEventListener('abort', stop);
    try {
      // who stopped while it was opened is not told again
      signal.throwIfAborted();
      const answer = await work({ connection, folder });
      signal.throwIfAborted();
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      clearInterval(stopping);
      connection.closeSync();
      instance.closeSync();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Tells a bar how far DuckDB is, while queries run on a connection of such a session.
 * @param amount what the bar has advanced by when they have ended
 */
export async function tellQueries<T>(
  connection: Pick<DuckDBConnection, 'progress'>,
  bar: ProgressBar,
  amount: number,
  queries: () => Promise<T>,
): Promise<T> {
  let told = 0;
  const tell = (share: number): void => {
    // a query of several parts begins again with each of them
    const now = Math.max(told, amount * share);
    bar.advance(now - told);
    told = now;
  };
  const asking = setInterval(() => tell(Math.min(1, connection.progress.percentage / 100)), 200);
  try {
    const answer = await queries();
    tell(1);
    return answer;
  } finally {
    clearInterval(asking);
  }
}
