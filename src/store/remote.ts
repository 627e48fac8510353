// Where the bytes of everybody are, in the words of the remote's layout. A backend (a folder, S3, an OCI registry, HTTP) implements this and
// nothing else; all that is clever (packs, receipts, what to send) is above it, in transfer/.
import type { Digest } from '../base/digest.ts';

/**
 * What stands in a remote:
 *   packs      many objects in one file of tens of MiB; the key is the hex of the file's SHA-256. Immutable
 *   receipts   where the objects of one version are; the key is the hex of the version's digest. Any truthful receipt is as good as another: the last write wins
 *   names      small texts found by a derived name ('runs/<hex>', 'trusted/<hex>'): the first writer wins, unless one signs it; and receipts that a gc took back ('condemned/<hex>'), whole
 *   condemned  packs that a gc took out of sight: `readPack` still finds them, writers do not
 */
export type RemoteKind = 'packs' | 'receipts' | 'names' | 'condemned';

export interface RemoteEntry {
  readonly key: string;
  readonly bytes: number;
  /** when it was written, or moved to where it stands, by the remote's clock; null where the remote does not say */
  readonly modified: Date | null;
}

export interface ByteRange {
  /** first byte */
  readonly start: number;
  /** behind the last byte */
  readonly end: number;
}

export interface RequestOptions {
  readonly signal: AbortSignal;
  /** told as bytes move, for progress and for the bandwidth limit: a backend awaits it before it goes on */
  readonly onBytes?: (bytes: number) => void | Promise<void>;
  /** of `readPack`: a piece is done with before the next is asked for, so that its place may be used again */
  readonly isBrief?: boolean;
}

/**
 * A remote. It never shows part of a thing, whenever its writer was killed. Methods retry what may pass (time-outs, cut connections, 429, 5xx)
 * with jitter by themselves; what does not pass is thrown.
 * @throws PlumbError REMOTE_FAILED when it cannot be asked, REMOTE_DENIED when it refuses who asks, REMOTE_READ_ONLY when it cannot be written
 */
export interface Remote {
  /** for messages and for the place of what is kept about it; never with credentials */
  readonly url: string;
  readonly canWrite: boolean;
  /** can it say what is there, and let go? gc, fsck and du of the remote need that */
  readonly canList: boolean;
  /**
   * true (a registry): packs that no receipt names go by themselves, when and if it likes. Only those that receipts name are listed, and a pack can be
   * neither moved nor removed (REMOTE_CANNOT): a gc removes receipts and names, and is done.
   */
  readonly dropsPacks?: boolean;
  /** A receipt or a name, whole. null: it is not there. */
  read(kind: 'receipts' | 'names', key: string, options: RequestOptions): Promise<Buffer | null>;
  /** Is it there? One request. */
  has(kind: RemoteKind, key: string, options: RequestOptions): Promise<boolean>;
  /**
   * Writes a receipt or a name, all or nothing.
   * @param what ifAbsent: false is returned, and nothing changed, where one is there already; packs: those that a receipt names (a registry must know them)
   */
  write(
    kind: 'receipts' | 'names',
    key: string,
    bytes: Uint8Array,
    what: { readonly ifAbsent: boolean; readonly packs: readonly PackRef[] },
    options: RequestOptions,
  ): Promise<boolean>;
  /**
   * Sends a pack from a file whose SHA-256 is its digest. Sending what is there costs one question.
   * @param file disposable: it is the caller's temporary one, and nobody writes to it any more: a folder may then link it instead of copying it
   * @returns bytes that travelled
   */
  writePack(
    digest: Digest,
    file: { readonly path: string; readonly bytes: number; readonly disposable?: boolean },
    options: RequestOptions,
  ): Promise<number>;
  /** Bytes of a pack, unverified, as they come: whole, or a range of it; from `condemned` where it stands there. @throws BYTES_MISSING */
  readPack(digest: Digest, range: ByteRange | null, options: RequestOptions): AsyncIterable<Uint8Array>;
  /** What is there, in any order. Only where canList. */
  list(kind: RemoteKind, options: RequestOptions): AsyncIterable<RemoteEntry>;
  /** Takes a thing away; one that is not there is no error. Only where canList. */
  remove(kind: RemoteKind, key: string, options: RequestOptions): Promise<void>;
  /** Moves a pack out of the sight of writers (packs -> condemned), or back. Only where canList. */
  movePack(digest: Digest, to: 'packs' | 'condemned', options: RequestOptions): Promise<void>;
}

/** A pack as a receipt names it. */
export interface PackRef {
  readonly digest: Digest;
  readonly bytes: number;
  /** where the tail begins: objects of role meta, then the index, to the end of the file: one read gives all that is needed to plan */
  readonly tail: number;
}
