// Content-addressed bytes: a cache on this machine and, where one is configured, a remote for everybody.
import type { Digest } from '../base/digest.ts';
import type { PlumbError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import type { Cache, CacheWriter } from './cache/cache.ts';
import type { Remote } from './remote.ts';

/**
 * Small texts that are found by a derived name instead of their own digest. The key is the hex of a fingerprint, the kind says for whom it was run:
 * 'runs' on laptops, the others in CI (pipeline/run-names.ts).
 */
export interface NameSpace {
  readonly kind: 'runs' | 'trusted' | `pull${number}` | `fork${number}`;
  readonly key: string;
}

/** What a name says. */
export interface Named {
  readonly digest: Digest;
  /** one line of JSON that vouches for it; null: nobody does */
  readonly note: string | null;
}

export interface TransferOptions {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** bytes a second; default: as fast as it goes */
  readonly limit?: number;
}

export interface FetchOptions extends TransferOptions {
  /** roots in whose receipts the objects are looked for first */
  readonly within?: readonly Digest[];
  /** bytes of all data objects, where they may be very many: for progress alone */
  readonly total?: number;
}

export interface TransferResult {
  /** objects sent or fetched; those that were there already are not counted */
  readonly objects: number;
  /** that travelled */
  readonly bytes: number;
}

export interface PushResult extends TransferResult {
  /** optional roots of which bytes are nowhere */
  readonly leftOut: readonly Digest[];
}

/** An object that a version is made of, and what is known of it before it is read. */
export interface ObjectRef {
  readonly digest: Digest;
  readonly bytes: number;
  /** meta: manifests, nodes of trees, records */
  readonly role: 'meta' | 'data';
  /** text of lines (JSONL, CSV): a new version of it is sent as runs of lines of the old one where that is less */
  readonly lines?: boolean;
  /** what stood in its place in the base */
  readonly like?: Digest;
}

/** Something that is found by its digest: a version of a data set, a run record, a model. It is in the remote when its receipt is. */
export interface PushRoot {
  readonly digest: Digest;
  /** Earlier versions that the remote may have, the best first: what they have is not sent again. Asked only when the remote lacks this one. */
  bases(): Promise<readonly Digest[]>;
  /** true: where its bytes are neither in the remote nor all in the cache, it is left out and told in `leftOut` */
  readonly optional?: boolean;
  /** Every object of the version, itself too. With a base (all of whose objects the remote has), those may be left out that the base has as well. Asked again where they are many. */
  objects(base: Digest | null): AsyncIterable<ObjectRef>;
}

export interface Store {
  /** absolute */
  readonly cacheDir: string;
  readonly cache: Cache;
  /** of the remote, for messages, without credentials; null where none is configured */
  readonly remoteUrl: string | null;
  /** The remote itself, for upkeep (gc, fsck, du) alone: all else goes by `push` and `fetch`. */
  readonly remote: Remote | null;
  has(digest: Digest): Promise<boolean>;
  /** Which of these versions (roots) the remote has. @throws PlumbError REMOTE_FAILED; none where there is no remote */
  remoteHas(roots: readonly Digest[]): Promise<ReadonlySet<Digest>>;
  /** The same, but a remote that does not answer has nothing: see `unreachable`. */
  lookInRemote(roots: readonly Digest[]): Promise<ReadonlySet<Digest>>;
  /** The last failure of the remote that was no failure of the command, because the answer could be done without. */
  readonly unreachable: PlumbError | null;
  /** Bytes of an object, verified; from the cache, else from the remote. @throws PlumbError BYTES_MISSING, DIGEST_MISMATCH */
  readBytes(digest: Digest): Promise<Buffer>;
  /** Path of an object in the cache (read-only; do not write to it), verified when it came in; fetched when it is only in the remote. */
  pathOf(digest: Digest): Promise<string>;
  putBytes(bytes: string | Uint8Array): Promise<Digest>;
  /** Copies a file into the cache (reflink where the disk can). The file itself stays as it is. */
  putFile(path: string, options?: { signal?: AbortSignal; onBytes?: (bytes: number) => void }): Promise<{ digest: Digest; bytes: number }>;
  /** Many objects at once, with one flush of the disk. */
  openWriter(): Promise<CacheWriter>;
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
  /** What a name says on this machine alone, or in the remote alone; null where nobody knows. */
  nameHere(name: NameSpace): Promise<Named | null>;
  nameInRemote(name: NameSpace): Promise<Named | null>;
  /** What a name says from now on, on this machine. */
  setNameHere(name: NameSpace, named: Named): Promise<void>;
  /** The same in the remote, whatever it said: for those who checked that and do not believe it. @throws PlumbError REMOTE_MISSING, REMOTE_FAILED */
  setNameInRemote(name: NameSpace, named: Named, options: TransferOptions): Promise<void>;
  /**
   * Sends what the remote lacks: packs, then receipts, then names. Nothing to send costs one request.
   * @throws PlumbError REMOTE_MISSING, REMOTE_FAILED, BYTES_MISSING (with what is missing; what was sent stays, the next push goes on from there)
   */
  push(roots: readonly PushRoot[], names: readonly NameSpace[], options: TransferOptions): Promise<PushResult>;
  /** Says where objects that turn out to be missing may be found: in the receipts of these roots. Nothing is asked before one is missing. */
  remember(roots: readonly Digest[]): void;
  /**
   * Learns where the objects of these versions are, and brings their meta objects (manifests, nodes) into the cache: one request a receipt and one a pack.
   * @returns those that the remote has; a root whose meta objects are all in the cache is not asked about
   */
  openRoots(roots: readonly Digest[], options: TransferOptions): Promise<ReadonlySet<Digest>>;
  /**
   * Brings objects that the cache lacks. They are looked for in the receipts of `within` and of every root opened before, else each as a root of its own.
   * @throws PlumbError BYTES_MISSING with all that is missing when the rest is there, REMOTE_FAILED, DIGEST_MISMATCH
   */
  fetch(objects: Iterable<Digest | ObjectRef> | AsyncIterable<Digest | ObjectRef>, options: FetchOptions): Promise<TransferResult>;
}
