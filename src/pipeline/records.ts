// Run records: kept in the store, found by fingerprint (run cache) or through this machine's log of runs.
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { byCodeUnit, canonicalJson } from '../base/canonical.ts';
import { isDigest, shortDigest, type Digest } from '../base/digest.ts';
import { errnoOf, isPlumbError, PlumbError, systemError, type ErrorCode } from '../base/errors.ts';
import { objectsOf } from '../datasets/manifest.ts';
import type { TrustDomain } from '../project/trust-domain.ts';
import type { NameSpace, Store } from '../store/store.ts';
import { runRecordSchema, type RunRecord } from './run-record.ts';

export interface KeptRecord {
  readonly digest: Digest;
  readonly record: RunRecord;
}

/** Where a run is kept: each trust domain has names of its own. */
export interface RunShelf {
  readonly domain: TrustDomain;
  nameOf(fingerprint: Digest): NameSpace;
  /** Says that this process made a run. */
  noteOwn(run: Digest): Promise<void>;
}

/**
 * A run record by its digest.
 * @throws PlumbError BYTES_MISSING, DIGEST_MISMATCH, RUN_RECORD_INVALID
 */
export async function readRecord(store: Store, digest: Digest): Promise<RunRecord> {
  const bytes = await store.readBytes(digest);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw invalidRecord(digest, 'it is not JSON', error);
  }
  const result = runRecordSchema.safeParse(value);
  // what the run wrote is found by its receipt
  store.remember([digest]);
  if (!result.success) throw invalidRecord(digest, result.error.issues[0]?.message ?? 'it has another shape', result.error);
  return result.data;
}

function invalidRecord(digest: Digest, why: string, cause: unknown): PlumbError {
  return new PlumbError('RUN_RECORD_INVALID', {
    what: `${shortDigest(digest)} is no run record: ${why}`,
    mend: 'run the stage again with `plumb run --force <stage>`; if the record came from a remote, tell who keeps it',
    cause,
  });
}

type Claims = Pick<RunRecord, 'command' | 'inputs' | 'params' | 'seed'> & { readonly outputs: Readonly<Record<string, unknown>> };

/**
 * What a fingerprint stands for, as a record spells it out: a record under the right fingerprint that claims other inputs would put a lie into the
 * evidence. Names of outputs, not their paths: a stage may have been renamed.
 */
export function claimsOf(run: Claims): string {
  const digests = Object.entries(run.inputs).map(([name, input]) => [name, input.digest]);
  return canonicalJson({
    command: run.command,
    inputs: Object.fromEntries(digests),
    params: run.params,
    seed: run.seed,
    outputs: Object.keys(run.outputs).toSorted(byCodeUnit),
  });
}

/** A run record, or undefined where its bytes are gone, damaged or no record. */
export async function readableRecord(store: Store, digest: Digest): Promise<KeptRecord | undefined> {
  try {
    return { digest, record: await readRecord(store, digest) };
  } catch (error) {
    if (isLoss(error)) return undefined;
    throw error;
  }
}

/** Does an error say that bytes of an earlier run are gone, damaged or not what they should be? Then that run is as good as none. */
export function isLoss(error: unknown): boolean {
  return isPlumbError(error) && losses.has(error.code);
}

// a remote that does not answer is as good as none: all that it could save is a run
const losses: ReadonlySet<ErrorCode> = new Set(['BYTES_MISSING', 'DIGEST_MISMATCH', 'REMOTE_FAILED', 'RUN_RECORD_INVALID', 'MANIFEST_INVALID']);

/**
 * Keeps a record and gives it its fingerprint's name, unless an earlier run has it whose outputs can still be had. A name that leads to lost
 * bytes would make the stage run for ever: on this machine it moves to the new run. So it does when a run was forced: who forces a
 * run wants that one to count, be it for its outputs or for the records that it names. In CI it always does: what stood there was not believed.
 * @returns its digest, and the earlier run when there is one
 */
export async function keepRecord(
  { store, runs }: { readonly store: Store; readonly runs: RunShelf },
  record: RunRecord,
  options: { forced: boolean },
): Promise<{ digest: Digest; earlier: KeptRecord | undefined }> {
  const digest = await store.putBytes(canonicalJson(record));
  await runs.noteOwn(digest);
  const name = runs.nameOf(record.fingerprint);
  const first = await store.writeName(name, digest);
  if (first === digest) return { digest, earlier: undefined };
  const earlier = await readableRecord(store, first);
  const isSame = earlier?.record.fingerprint === record.fingerprint && claimsOf(earlier.record) === claimsOf(record);
  const usable = isSame && (await canBeHad(store, earlier, { deep: true }));
  if (!usable || options.forced || runs.domain.kind !== 'laptop') await store.moveName(name, digest);
  return { digest, earlier: isSame ? earlier : undefined };
}

/**
 * Can the bytes of a run's outputs be had, here or in the remote? They are not read.
 * @param how deep: look at each file of folders, too; else only for the manifest, and who brings the folder back finds out
 */
export async function canBeHad(store: Store, { digest, record }: KeptRecord, how: { deep: boolean }): Promise<boolean> {
  for (const output of Object.values(record.outputs)) {
    if (await isHere(store, output, how.deep)) continue;
    // a run's receipt stands for all that it wrote
    return (await store.lookInRemote([digest])).has(digest);
  }
  return true;
}

async function isHere(store: Store, { digest, kind }: RunRecord['outputs'][string], deep: boolean): Promise<boolean> {
  if (!(await store.has(digest))) return false;
  if (kind === 'file' || !deep) return true;
  try {
    for await (const object of objectsOf(store, digest)) if (!(await store.has(object.digest))) return false;
    return true;
  } catch (error) {
    if (isLoss(error)) return false;
    throw error;
  }
}

/** Names of the outputs in which two runs of one fingerprint differ. */
export function differingOutputs(a: RunRecord, b: RunRecord): string[] {
  return Object.keys(a.outputs).filter((name) => a.outputs[name]?.digest !== b.outputs[name]?.digest);
}

/** One line of this machine's log: which record, of which stage, when it was used, and whether it ran or came from the cache. */
export interface LogEntry {
  readonly at: string;
  readonly stage: string;
  readonly run: Digest;
  readonly state: 'ran' | 'cached';
  /** the earlier run whose outputs were others, though its fingerprint was the same */
  readonly differsFrom?: Digest;
}

/** The log of runs: a line of JSON each. Lines are short, so that an append is whole or torn at the end, where a reader ignores it. */
export class RunLog {
  readonly #file: string;

  constructor(localDir: string) {
    this.#file = join(localDir, 'runs.log');
  }

  async append(entries: readonly LogEntry[]): Promise<void> {
    if (entries.length === 0) return;
    try {
      await mkdir(dirname(this.#file), { recursive: true });
      // the newline first: a torn line of a killed writer cannot swallow ours
      await appendFile(this.#file, entries.map((entry) => `\n${JSON.stringify(entry)}`).join(''));
    } catch (error) {
      throw systemError(error, 'write', this.#file);
    }
  }

  /** Oldest first. */
  async read(): Promise<LogEntry[]> {
    let text: string;
    try {
      text = await readFile(this.#file, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw systemError(error, 'read', this.#file);
    }
    return text.split('\n').flatMap((line) => {
      try {
        const entry = JSON.parse(line) as LogEntry;
        return isDigest(entry.run) ? [entry] : [];
      } catch {
        // an empty line, or the torn end of a killed writer
        return [];
      }
    });
  }
}
