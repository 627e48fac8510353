// Content-addressed bytes: a cache on this machine and, where one is configured, a remote for everybody.
import type { Digest } from '../base/digest.ts';
import type { PlumbError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';

/** Small immutable texts that are found by a derived name instead of their own digest: kind 'runs', key = hex of a fingerprint. */
export interface NameSpace {
  readonly kind: 'runs';
  readonly key: string;
}

export interface TransferOptions {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface TransferResult {
  /** objects sent or fetched; those that were there already are not counted */
  readonly objects: number;
  readonly bytes: number;
}

/**
 * Where bytes of everybody are. Objects are immutable and named by their digest; names are immutable, the first writer wins.
 * A remote never has part of an object, whenever its writer was killed.
 */
export interface Remote {
  /** for messages; never with credentials */
  readonly url: string;
  has(digests: readonly Digest[]): Promise<Set<Digest>>;
  /** @param source absolute path of verified bytes */
  put(digest: Digest, source: string): Promise<void>;
  /** Writes the object to a path that is not there yet, unverified: the cache verifies. @throws PlumbError BYTES_MISSING, REMOTE_FAILED */
  get(digest: Digest, target: string): Promise<void>;
  readName(name: NameSpace): Promise<Digest | null>;
  /** @returns the digest that the name has now: ours, or that of whoever was first */
  writeName(name: NameSpace, digest: Digest): Promise<Digest>;
}

export interface Store {
  /** absolute */
  readonly cacheDir: string;
  readonly remote: Remote | null;
  has(digest: Digest): Promise<boolean>;
  /** Which of these the remote has; none where there is no remote, or one that does not answer: see `unreachable`. */
  lookInRemote(digests: readonly Digest[]): Promise<ReadonlySet<Digest>>;
  /** The last failure of the remote that was no failure of the command, because the answer could be done without. */
  readonly unreachable: PlumbError | null;
  /** Bytes of an object, verified; from the cache, else from the remote. @throws PlumbError BYTES_MISSING, DIGEST_MISMATCH */
  readBytes(digest: Digest): Promise<Buffer>;
  /** Path of an object in the cache (read-only; do not write to it), verified when it came in; fetched when it is only in the remote. */
  pathOf(digest: Digest): Promise<string>;
  putBytes(bytes: string | Uint8Array): Promise<Digest>;
  /** Copies a file into the cache (reflink where the disk can). The file itself stays as it is. */
  putFile(path: string, options?: { signal?: AbortSignal; onBytes?: (bytes: number) => void }): Promise<{ digest: Digest; bytes: number }>;
  /** Puts an object at a path of the work tree, atomically: reflink, else copy. What stood there is replaced. */
  checkoutFile(digest: Digest, target: string, options?: { executable?: boolean }): Promise<void>;
  /** Re-reads and re-hashes an object of the cache. A bad one is set aside. */
  verify(digest: Digest): Promise<boolean>;
  /** null where nobody knows: a name that cannot be read, here or there, is as good as none. */
  readName(name: NameSpace): Promise<Digest | null>;
  /** Local first writer wins, too. @returns the digest that the name has now */
  writeName(name: NameSpace, digest: Digest): Promise<Digest>;
  /** Gives a name of this machine another digest, where what it led to is gone or damaged. The remote's name stays. */
  moveName(name: NameSpace, digest: Digest): Promise<void>;
  push(objects: readonly Digest[], names: readonly NameSpace[], options: TransferOptions): Promise<TransferResult>;
  fetch(objects: readonly Digest[], options: TransferOptions): Promise<TransferResult>;
}
