// DuckDB in memory, within bounds: with a folder of its own to spill into, stopped by a signal, loading nothing from a network. It is loaded when it is
// needed: that costs 0.13 s.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';

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
    const stop = (): void => connection.interrupt();
    signal.addEventListener('abort', stop);
    try {
      return await work({ connection, folder });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      connection.closeSync();
      instance.closeSync();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
