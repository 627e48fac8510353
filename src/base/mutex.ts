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
    throw systemError(error, 'open', file);
  }
  try {
    while (!taken(database)) {
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

function taken(database: { exec(sql: string): void }): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    // 5 = SQLITE_BUSY
    if (error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5) return false;
    throw error;
  }
}
