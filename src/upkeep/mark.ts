// From what is named to what is needed: every object behind the live digests. A run stands for its record and what it wrote, a manifest for the nodes
// and files of its version, anything else for itself.
import { type Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { parseManifest } from '../datasets/manifest-check.ts';
import { objectsOf } from '../datasets/manifest.ts';
import { isLoss } from '../pipeline/records.ts';
import { runRecordSchema } from '../pipeline/run-record.ts';
import type { Store } from '../store/store.ts';
import { DigestTable } from '../store/transfer/digest-table.ts';
import type { Live } from './live.ts';

/** No manifest and no record is larger: what is, is not read to find out. */
const mostText = 4 << 20;

/** @returns whose objects they are: told once a root, in the order of `live` */
export type OnRoot = (root: Digest, kind: 'dataset' | 'run' | 'object', bytes: number) => void;

/**
 * What this machine has of a version is marked whole; a version whose manifest is not here has nothing to mark.
 * @throws PlumbError BYTES_MISSING, REMOTE_FAILED when a node is neither here nor to be had: then nobody can tell what lives, and nothing may go
 */
export async function markLive(store: Store, live: Live, options: { readonly signal: AbortSignal; readonly onRoot?: OnRoot }): Promise<DigestTable> {
  const marking = new Marking(store, options);
  for (const digest of live.keys()) {
    options.signal.throwIfAborted();
    await marking.root(digest);
  }
  return marking.marks;
}

class Marking {
  readonly marks = new DigestTable();
  readonly #store: Store;
  readonly #onRoot: OnRoot;
  /** manifests that were marked last: what a version shares with one of them is not walked again */
  readonly #bases: Partial<Record<'files' | 'rows', Digest>> = {};
  readonly #whole = new Set<Digest>();

  constructor(store: Store, { onRoot = () => undefined }: { readonly onRoot?: OnRoot }) {
    this.#store = store;
    this.#onRoot = onRoot;
  }

  async root(digest: Digest): Promise<void> {
    if (this.#whole.has(digest)) return;
    this.#whole.add(digest);
    this.marks.add(digest);
    const bytes = await this.#store.cache.sizeOf(digest);
    if (bytes === null) return;
    const text = bytes > mostText ? null : await this.#store.cache.read(digest);
    // nothing that begins otherwise is one of ours
    if (text === null || text[0] !== 0x7b) return this.#onRoot(digest, 'object', bytes);
    const found = parseManifest(text.toString('utf8'));
    if ('manifest' in found) {
      this.#onRoot(digest, 'dataset', found.manifest.bytes);
      return this.#version(digest, found.manifest.kind);
    }
    await this.#run(digest, text);
  }

  async #version(digest: Digest, kind: 'files' | 'rows'): Promise<void> {
    try {
      for await (const object of objectsOf(this.#store, digest, this.#bases[kind] ?? null)) this.marks.add(object.digest);
      this.#bases[kind] = digest;
    } catch (error) {
      // a tree that is damaged here and nowhere else: what it held cannot be told from what is left
      if (isLoss(error) && !isPlumbError(error, 'REMOTE_FAILED') && this.#store.remoteUrl === null) return;
      throw error;
    }
  }

  async #run(digest: Digest, text: Buffer): Promise<void> {
    const record = runRecordSchema.safeParse(parsed(text));
    this.#onRoot(digest, record.success ? 'run' : 'object', text.length);
    if (!record.success) return;
    for (const output of Object.values(record.data.outputs)) {
      if (output.kind === 'folder') await this.root(output.digest);
      else this.marks.add(output.digest);
    }
  }
}

function parsed(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    return undefined;
  }
}
