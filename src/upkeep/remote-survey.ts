// What stands in a remote, read once: which packs, which receipts and what they say, which names.
import { isDigest, type Digest } from '../base/digest.ts';
import { PlumbError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { parseReceipt, type Receipt } from '../store/pack/receipt.ts';
import { eachInParallel } from '../store/parallel.ts';
import type { Remote, RemoteEntry } from '../store/remote.ts';
import { remoteMissing } from '../store/faults.ts';

export interface ReceiptThere {
  readonly receipt: Receipt;
  /** of its text */
  readonly bytes: number;
  readonly modified: Date | null;
}

export interface NameThere {
  /** null: it holds no digest */
  readonly digest: Digest | null;
  readonly bytes: number;
  readonly modified: Date | null;
}

/** By hex of the pack, of the root; names of runs by their whole key. */
export interface Survey {
  readonly packs: ReadonlyMap<string, RemoteEntry>;
  readonly condemned: ReadonlyMap<string, RemoteEntry>;
  readonly receipts: ReadonlyMap<string, ReceiptThere>;
  /** receipts that an earlier gc took back */
  readonly takenBack: ReadonlyMap<string, ReceiptThere>;
  /** names of runs */
  readonly runs: ReadonlyMap<string, NameThere>;
  /** receipts that are none; what they named is not known */
  readonly spoiled: readonly { readonly key: string; readonly error: PlumbError }[];
}

export interface SurveyOptions {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const width = 16;
const takenBackPrefix = 'condemned/';

/** The remote, as upkeep needs it. @throws PlumbError REMOTE_MISSING, REMOTE_CANNOT */
export function listableRemote(remote: Remote | null): Remote {
  if (remote === null) throw remoteMissing();
  if (remote.canList) return remote;
  throw new PlumbError('REMOTE_CANNOT', {
    what: `the remote ${remote.url} cannot say what is there`,
    mend: 'run this where the remote is written to: over its folder, S3 or registry',
  });
}

/**
 * Reads all but the packs. They are listed before receipts: a pack of the list that a receipt of the list does not name was named by none by then.
 * @throws PlumbError REMOTE_FAILED, REMOTE_DENIED
 */
export async function surveyRemote(remote: Remote, options: SurveyOptions): Promise<Survey> {
  const packs = await entriesOf(remote, 'packs', options);
  const condemned = await entriesOf(remote, 'condemned', options);
  return { packs, condemned, ...(await readTexts(remote, options, null)) };
}

/**
 * Receipts and names as they are now; those that have not changed since are not read again.
 * @param since when the earlier survey began
 */
export async function surveyAgain(remote: Remote, before: Survey, since: Date, options: SurveyOptions): Promise<Survey> {
  return { ...before, ...(await readTexts(remote, options, { before, since })) };
}

async function entriesOf(remote: Remote, kind: 'packs' | 'condemned', { signal }: SurveyOptions): Promise<Map<string, RemoteEntry>> {
  const found = new Map<string, RemoteEntry>();
  for await (const entry of remote.list(kind, { signal })) found.set(entry.key, entry);
  return found;
}

/** Clocks of remotes tick in seconds, and differ from ours: what is about as old as the last look is read again. */
const restMs = 120_000;

async function readTexts(
  remote: Remote,
  { progress, signal }: SurveyOptions,
  known: { readonly before: Survey; readonly since: Date } | null,
): Promise<Pick<Survey, 'receipts' | 'takenBack' | 'runs' | 'spoiled'>> {
  const receipts = new Map<string, ReceiptThere>();
  const takenBack = new Map<string, ReceiptThere>();
  const runs = new Map<string, NameThere>();
  const spoiled: { key: string; error: PlumbError }[] = [];
  const wanted: { kind: 'receipts' | 'names'; entry: RemoteEntry }[] = [];
  for (const kind of ['receipts', 'names'] as const) for await (const entry of remote.list(kind, { signal })) wanted.push({ kind, entry });
  const bar = progress.start('receipts', wanted.length, 'steps');
  try {
    await eachInParallel(wanted, { width, signal }, async ({ kind, entry }) => {
      const { key, modified } = entry;
      const [into, hex] =
        kind === 'receipts' ? [receipts, key] : key.startsWith(takenBackPrefix) ? [takenBack, key.slice(takenBackPrefix.length)] : [null, key];
      const old = into === null || known === null ? undefined : (into === receipts ? known.before.receipts : known.before.takenBack).get(hex);
      if (into !== null && old !== undefined && known !== null && isUnchanged(old, entry, known.since)) {
        into.set(hex, old);
        return bar.advance(1);
      }
      const bytes = await remote.read(kind, key, { signal });
      bar.advance(1);
      // it went meanwhile
      if (bytes === null) return;
      if (into === null) {
        // a signature may follow in a second line
        const [digest = ''] = bytes.toString('utf8').trim().split('\n');
        runs.set(key, { digest: isDigest(digest) ? digest : null, bytes: bytes.length, modified });
        return;
      }
      try {
        into.set(hex, { receipt: parseReceipt(bytes, `sha256:${hex}`, remote.url), bytes: bytes.length, modified });
      } catch (error) {
        if (!(error instanceof PlumbError)) throw error;
        spoiled.push({ key, error });
      }
    });
  } finally {
    bar.end();
  }
  return { receipts, takenBack, runs, spoiled };
}

function isUnchanged(old: ReceiptThere, entry: RemoteEntry, since: Date): boolean {
  if (old.modified === null || entry.modified === null) return false;
  return old.modified.getTime() === entry.modified.getTime() && old.bytes === entry.bytes && since.getTime() - old.modified.getTime() > restMs;
}

/** Key of a receipt that was taken back, among the names of a remote. */
export function takenBackKey(hex: string): string {
  return takenBackPrefix + hex;
}

/** The reverse; null for another key. */
export function hexOfTakenBack(key: string): string | null {
  return key.startsWith(takenBackPrefix) ? key.slice(takenBackPrefix.length) : null;
}
