// What a clone remembers of its last run: where the two branches were when nothing was left to do. Where they still are there, one request to origin is all that a
// run costs. It stands inside git's own folder, where no commit can put a file, and is believed for an hour: what people change by hand on the forge (an issue, a
// deployment) is seen again then.
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic.ts';

export interface Stamp {
  /** SHA-256 of the address of origin */
  readonly origin: string;
  readonly branch: string;
  readonly logBranch: string;
  /** was the forge made to say the same? */
  readonly forge: boolean;
  /** what vouched for the first record; null: nothing */
  readonly pin: string | null;
  /** commits of the two */
  readonly main: string;
  readonly log: string;
  /** RFC 3339 */
  readonly at: string;
  /** lines for people */
  readonly served: readonly { readonly model: string; readonly stage: string; readonly artifact: string; readonly commit: string }[];
}

const believedMs = 3_600_000;

function pathIn(gitDir: string): string {
  return join(gitDir, 'plumb', 'reconciled.json');
}

/** @param origin SHA-256 of the address of origin. @returns null: there is none that is believed now */
export function readStamp(gitDir: string, { origin, now }: { readonly origin: string; readonly now: Date }): Stamp | null {
  let text: string;
  try {
    text = readFileSync(pathIn(gitDir), 'utf8');
  } catch {
    return null;
  }
  try {
    const stamp = JSON.parse(text) as Stamp;
    const age = now.getTime() - Date.parse(stamp.at);
    return stamp.origin === origin && age >= 0 && age < believedMs && Array.isArray(stamp.served) ? stamp : null;
  } catch {
    return null;
  }
}

/** @param stamp null: something is left to do */
export async function writeStamp(gitDir: string, stamp: Stamp | null): Promise<void> {
  if (stamp === null) await rm(pathIn(gitDir), { force: true });
  else await writeFileAtomic(pathIn(gitDir), `${JSON.stringify(stamp)}\n`);
}
