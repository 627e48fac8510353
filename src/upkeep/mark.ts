// From what is named to what is needed: every object behind the live digests. A run stands for its record and what it wrote, a manifest for the nodes
// and files of its version, anything else for itself.
import type { Digest } from '../base/digest.ts';
import { isPlumbError } from '../base/errors.ts';
import { parseManifest } from '../datasets/manifest-check.ts';
import type { Manifest } from '../datasets/schema.ts';
import { runRecordSchema, type RunRecord } from '../pipeline/run-record.ts';
import type { Store } from '../store/store.ts';
import { DigestTable } from '../store/transfer/digest-table.ts';
import { digestsOfNode } from '../store/tree/node-digests.ts';
import type { Live } from './live.ts';

/** No manifest and no record is larger: what is, is not read to find out. */
const mostText = 4 << 20;

/** What a digest names: data (an artifact, a report, a file) is neither a version nor a run; absent: it is not on this machine. */
export type Named =
  | { readonly kind: 'dataset'; readonly manifest: Manifest }
  | { readonly kind: 'run'; readonly record: RunRecord }
  | { readonly kind: 'data' }
  | { readonly kind: 'absent' };

/** What stands under a digest in the cache. @throws PlumbError FILE_UNREADABLE */
export async function whatIs({ cache }: Store, digest: Digest): Promise<Named> {
  const bytes = await cache.sizeOf(digest);
  if (bytes === null) return { kind: 'absent' };
  const text = bytes > mostText ? null : await cache.read(digest);
  // nothing that begins otherwise is one of ours
  if (text === null || text[0] !== 0x7b) return { kind: 'data' };
  const found = parseManifest(text.toString('utf8'));
  if ('manifest' in found) return { kind: 'dataset', manifest: found.manifest };
  const record = runRecordSchema.safeParse(parsed(text));
  return record.success ? { kind: 'run', record: record.data } : { kind: 'data' };
}

function parsed(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Goes through versions and runs, and marks what they are made of. What two versions have in common is walked once. */
export class Marks {
  readonly objects = new DigestTable();
  readonly #store: Store;
  readonly #signal: AbortSignal;
  readonly #roots = new Set<Digest>();
  /** a file of a data set may have the bytes of a node: that it is marked does not say that what is below it is */
  readonly #walked = new DigestTable();

  constructor(store: Store, signal: AbortSignal) {
    this.#store = store;
    this.#signal = signal;
  }

  /**
   * What this machine has of it is marked; a version whose manifest is not here has nothing to mark.
   * @throws PlumbError BYTES_MISSING, REMOTE_FAILED when a node is neither here nor to be had: then nobody can tell what lives
   */
  async add(digest: Digest): Promise<Named['kind'] | 'known'> {
    this.#signal.throwIfAborted();
    if (this.#roots.has(digest)) return 'known';
    this.#roots.add(digest);
    this.objects.add(digest);
    const named = await whatIs(this.#store, digest);
    if (named.kind === 'dataset') await this.#version(digest, named.manifest);
    if (named.kind === 'run') await this.#outputs(named.record);
    return named.kind;
  }

  async #version(digest: Digest, manifest: Manifest): Promise<void> {
    this.#store.remember([digest]);
    if (manifest.kind === 'rows') this.objects.add(manifest.content);
    if (manifest.tree !== undefined) await this.#tree(manifest.tree);
  }

  async #tree(root: Digest): Promise<void> {
    const waiting = [root];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const known = this.#walked.size;
      if (this.#walked.add(next) < known) continue;
      this.#signal.throwIfAborted();
      this.objects.add(next);
      const node = await this.#store.readBytes(next);
      const { kind, level, count, start } = digestsOfNode(node);
      for (let at = 0; at < count; at += 1) {
        const place = start + at * 32;
        if (level > 0) waiting.push(`sha256:${node.toString('hex', place, place + 32)}`);
        // chunks of rows are parts of the file, and no objects of their own
        else if (kind === 'files') this.objects.addBytes(node, place);
      }
    }
  }

  async #outputs({ outputs }: RunRecord): Promise<void> {
    for (const { kind, digest } of Object.values(outputs)) {
      if (kind === 'folder') await this.add(digest);
      else this.objects.add(digest);
    }
  }
}

/**
 * All that the live digests need of this machine.
 * @param how damaged: what a version is made of of which a node is gone: `refuse` to go on, for it may be found; or `pass` over what it held
 * @throws PlumbError as Marks.add
 */
export async function markLive(
  store: Store,
  live: Live,
  how: { readonly damaged: 'refuse' | 'pass'; readonly signal: AbortSignal },
): Promise<DigestTable> {
  const marks = new Marks(store, how.signal);
  for (const digest of live.keys()) {
    try {
      await marks.add(digest);
    } catch (error) {
      if (how.damaged === 'refuse' || !isPlumbError(error, 'BYTES_MISSING')) throw error;
    }
  }
  return marks.objects;
}
