// One writer at a time in a repository. The lock is the kernel's, on an SQLite file: a killed process lets go of it by
// dying, so there is no stale lock to find, break or explain.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlumbError, systemError } from './errors.ts';

/**
 * Runs `work` while no other process runs with the same lock file. Keep the work short: readers do not wait, writers do.
 * @throws PlumbError REPOSITORY_BUSY when it was not to be had within waitMs
 */
export async function withMutex<T>(file: string, work: () => Promise<T>, options: { waitMs?: number } = {}): Promise<T> {
  const { DatabaseSync } = await import('node:sqlite');
  const until = Date.now() + (options.waitMs ?? 30_000);
  mkdirSync(dirname(file), { recursive: true });
  let database: InstanceType<typeof DatabaseSync>;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
  } catch (error) {
    throw failed(error, file);
  }
  try {
    while (!taken(database, file)) {
      if (Date.now() > until) {
        throw new PlumbError('REPOSITORY_BUSY', {
          what: 'another plumb is writing in this repository and did not finish in time',
          where: { file },
          mend: 'wait for it to end, or stop it, then run the command again',
        });
      }
      await sleep(20 + Math.random() * 30);
    }
    return await work();
  } finally {
    database.close();
  }
}

function taken(database: { exec(sql: string): void }, file: string): boolean {
  try {
    // nothing is ever written, so no journal shall be: the lock is to be had on a full disk too
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (sqliteCode(error) === 'SQLITE_BUSY') return false;
    throw failed(error, file);
  }
}

const sqliteCodes: Readonly<Record<number, string>> = { 5: 'SQLITE_BUSY', 8: 'EROFS', 10: 'EIO', 13: 'ENOSPC', 14: 'EACCES' };

/** What SQLite says, by the errno that it stands for. */
function sqliteCode(error: unknown): string | undefined {
  return error instanceof Error && 'errcode' in error ? sqliteCodes[Number(error.errcode) & 0xff] : undefined;
}

function failed(error: unknown, file: string): unknown {
  const code = sqliteCode(error);
  return systemError(code === undefined ? error : Object.assign(new Error(String(error), { cause: error }), { code }), 'lock', file);
}
