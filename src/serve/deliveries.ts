// Which deliveries of a webhook were taken already: a file that grows by a line each, so that one which is sent again after a restart is known too. Bounded by
// number and by time; what is forgotten can be sent again, and all that comes of it is one look at the repository.
import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';
import { readTextFile } from '../base/config.ts';
import { systemError } from '../base/errors.ts';

export interface Deliveries {
  /** Was one of these names taken before? */
  has(names: readonly string[]): boolean;
  /**
   * Takes a delivery by all the names that it has (digests, hex).
   * @returns false: one of them was taken before
   * @throws PlumbError DISK_FULL, FILE_UNREADABLE: it is taken all the same, in this process
   */
  take(names: readonly string[]): Promise<boolean>;
}

export interface DeliveryOptions {
  /** null: nothing outlives the process */
  readonly folder: string | null;
  /** so many names at most */
  readonly most: number;
  readonly keepMs: number;
  /** milliseconds since 1970 */
  now(): number;
}

const line = /^(\d{1,15}) ([0-9a-f]{64})$/;

export async function openDeliveries({ folder, most, keepMs, now }: DeliveryOptions): Promise<Deliveries> {
  const file = folder === null ? null : join(folder, 'deliveries');
  /** name -> when, the oldest first */
  const known = new Map<string, number>();
  const text = file === null ? '' : ((await readTextFile(file, file)) ?? '');
  // a line that a killed process did not finish is none
  for (const one of text.split('\n')) {
    const [, at, name] = line.exec(one) ?? [];
    if (name !== undefined) known.set(name, Number(at));
  }
  let written = text.split('\n').length;
  const forget = (): void => {
    for (const [name, at] of known) {
      if (known.size <= most && at > now() - keepMs) break;
      known.delete(name);
    }
  };
  const rewrite = async (path: string): Promise<void> => {
    written = known.size;
    await writeFileAtomic(path, lines([...known]));
  };
  forget();
  if (file !== null && folder !== null && written > 2 * known.size + 1) await rewrite(file);
  let writing: Promise<void> = Promise.resolve();
  const has = (names: readonly string[]): boolean => {
    forget();
    return names.some((name) => known.has(name));
  };
  return {
    has,
    async take(names) {
      if (has(names)) return false;
      const added = [...new Set(names)].map((name) => [name, now()] as const);
      for (const [name, at] of added) known.set(name, at);
      forget();
      if (file === null || folder === null) return true;
      written += added.length;
      writing = writing
        .catch(() => undefined)
        .then(async () => {
          if (written > 2 * most) return rewrite(file);
          await mkdir(folder, { recursive: true });
          return appendFile(file, lines(added));
        })
        .catch((error: unknown) => Promise.reject(systemError(error, 'write', file)));
      await writing;
      return true;
    },
  };
}

function lines(entries: readonly (readonly [string, number])[]): string {
  return entries.map(([name, at]) => `${at} ${name}\n`).join('');
}
