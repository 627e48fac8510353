// What a server has believed, for the time after it starts again: else a log that was rolled back meanwhile would look like a good one.
import { join } from 'node:path';
import { byCodeUnit, canonicalJsonFile } from '../base/canonical.ts';
import { parseJson, readTextFile } from '../base/config.ts';
import { writeFileAtomic } from '../base/atomic.ts';
import type { Digest } from '../base/digest.ts';
import { countSchema, digestSchema, fields, z } from '../base/schema.ts';

const believedSchema = fields({
  branch: z.string().describe('of the log'),
  first: digestSchema.describe('record 0'),
  seq: countSchema.describe('number of the last record'),
  head: digestSchema.describe('the last record'),
  tip: z.string().describe("commit of the log's branch"),
  main: z.string().describe('commit of the main branch that it was compared with'),
});
/** How far the log was believed. */
export type Believed = z.infer<typeof believedSchema>;

const factsSchema = fields({
  plumbline: z.literal('serving/1'),
  log: believedSchema.nullable(),
  revoked: z.array(digestSchema).describe('all that was ever seen to be taken out for good, sorted'),
});

export interface Memory {
  /** null: no log was ever believed here */
  readonly log: Believed | null;
  readonly revoked: ReadonlySet<Digest>;
  believe(log: Believed): void;
  addRevoked(digests: Iterable<Digest>): void;
  /** Resolves when all of it is on the disk. @throws PlumbError DISK_FULL, FILE_UNREADABLE, of the last write */
  flush(): Promise<void>;
}

/**
 * @param folder where servers of this clone keep what they know; null: nothing outlives the process
 * @throws PlumbError JSON_SYNTAX, CONFIG_INVALID: a memory that is damaged is not taken for none
 */
export async function openMemory(folder: string | null): Promise<Memory> {
  const file = folder === null ? null : join(folder, 'believed.json');
  const text = file === null ? undefined : await readTextFile(file, file);
  const facts = text === undefined || file === null ? null : await parseJson(text, file, factsSchema);
  let log: Believed | null = facts?.log ?? null;
  const revoked = new Set<Digest>(facts?.revoked);
  let writing: Promise<void> = Promise.resolve();
  const write = (): void => {
    if (file === null) return;
    const bytes = canonicalJsonFile({ plumbline: 'serving/1', log, revoked: [...revoked].toSorted(byCodeUnit) });
    // one after the other: the last one stays
    writing = writing.catch(() => undefined).then(() => writeFileAtomic(file, bytes));
    writing.catch(() => undefined);
  };
  return {
    get log() {
      return log;
    },
    revoked,
    believe(next) {
      if (log !== null && Object.entries(next).every(([key, value]) => log?.[key as keyof Believed] === value)) return;
      log = next;
      write();
    },
    addRevoked(digests) {
      const before = revoked.size;
      for (const digest of digests) revoked.add(digest);
      if (revoked.size > before) write();
    },
    flush: () => writing,
  };
}
