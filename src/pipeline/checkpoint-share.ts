// Checkpoints through the store: what a job left behind when it was stopped is found by the next one, on whatever machine. A name leads to the latest; it
// is one of the trust domain of the job, and a checkpoint counts there by the same rules as a run.
import { canonicalJson } from '../base/canonical.ts';
import { digestOf, type Digest } from '../base/digest.ts';
import { silentProgress } from '../base/progress.ts';
import { storeFolder } from '../datasets/folder.ts';
import { objectsOf } from '../datasets/manifest.ts';
import type { NameSpace, PushRoot, Store } from '../store/store.ts';
import { checkpointSchema, type CheckpointRecord } from './checkpoint-record.ts';
import { isLoss } from './records.ts';
import type { RunNames } from './run-names.ts';

export interface KeptCheckpoint {
  readonly digest: Digest;
  readonly record: CheckpointRecord;
}

export type FoundCheckpoint = { readonly state: 'found'; readonly kept: KeptCheckpoint } | { readonly state: 'refused'; readonly why: string };

interface ShareWorld {
  readonly store: Store;
  readonly runs: RunNames;
}

/** A command that was stopped cannot be stopped again: these transfers end with the process. */
const unhurried = { progress: silentProgress, signal: new AbortController().signal };

export class CheckpointShare {
  readonly #world: ShareWorld;
  /** between two saves of a stage that runs, in ms; null: only when it was stopped */
  readonly everyMs: number | null;

  constructor(world: ShareWorld, options: { readonly everyMs: number | null }) {
    this.#world = world;
    this.everyMs = options.everyMs;
  }

  /** The latest checkpoint of a fingerprint in this trust domain; null where there is none, or none that can be had. */
  async find(fingerprint: Digest): Promise<FoundCheckpoint | null> {
    const { store, runs } = this.#world;
    const named = await store.nameInRemote(checkpointName(runs, fingerprint));
    const kept = named === null ? null : await readCheckpoint(store, named.digest);
    if (named === null || kept?.record.fingerprint !== fingerprint) return null;
    const decision = await runs.decide({ record: kept, found: runs.domain, note: named.note });
    return decision.reuse ? { state: 'found', kept } : { state: 'refused', why: decision.why };
  }

  /** Would one that nobody signed count? Else nothing is sent from here: `plumb ci publish` signs it, and sends it. */
  async takesUnsigned(record: Pick<CheckpointRecord, 'builder' | 'command'>): Promise<boolean> {
    const { store, runs } = this.#world;
    if (store.remote?.canWrite !== true) return false;
    return (await runs.decide({ record: { digest: digestOf(''), record }, found: runs.domain, note: null })).reuse;
  }

  /**
   * Sends one, and makes it the latest.
   * @param before what the remote may have of it
   */
  async send(kept: KeptCheckpoint, before: Digest | null): Promise<void> {
    const { store, runs } = this.#world;
    await store.push([checkpointRoot(kept, store, before)], [], unhurried);
    await store.setNameInRemote(checkpointName(runs, kept.record.fingerprint), { digest: kept.digest, note: null }, unhurried);
  }

  /** The stage has ended well: the name leads to its run, which is no checkpoint. */
  async retire(fingerprint: Digest, run: Digest): Promise<void> {
    const { store, runs } = this.#world;
    await store.setNameInRemote(checkpointName(runs, fingerprint), { digest: run, note: null }, unhurried);
  }
}

/** The name that leads to the latest checkpoint of a fingerprint. */
export function checkpointName(runs: RunNames, fingerprint: Digest): NameSpace {
  return runs.nameOf(digestOf(canonicalJson({ checkpoint: fingerprint })));
}

/** Keeps a folder of the work tree in the store. @returns null where it holds no file. @throws as storeFolder */
export async function keepCheckpoint(
  store: Store,
  folder: string,
  facts: Omit<CheckpointRecord, 'plumbline' | 'folder' | 'bytes'>,
): Promise<KeptCheckpoint | null> {
  const stored = await storeFolder(store, folder);
  if (stored.files === 0) return null;
  const record: CheckpointRecord = { plumbline: 'checkpoint/1', ...facts, folder: stored.digest, bytes: stored.bytes };
  return { digest: await store.putBytes(canonicalJson(record)), record };
}

async function readCheckpoint(store: Store, digest: Digest): Promise<KeptCheckpoint | null> {
  try {
    const bytes = await store.readBytes(digest);
    store.remember([digest]);
    const { data } = checkpointSchema.safeParse(JSON.parse(bytes.toString('utf8')));
    return data === undefined ? null : { digest, record: data };
  } catch (error) {
    if (isLoss(error) || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** @param before an earlier checkpoint that the remote may have: what it holds is not sent again */
export function checkpointRoot({ digest, record }: KeptCheckpoint, store: Store, before: Digest | null): PushRoot {
  return {
    digest,
    bases: async () => (before === null ? [] : [before]),
    async *objects() {
      yield { digest, bytes: Buffer.byteLength(canonicalJson(record)), role: 'meta' };
      yield* objectsOf(store, record.folder);
    },
  };
}
