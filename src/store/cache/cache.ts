// The bytes on this machine. Shared by all processes that are at work, and by several repositories and users where PLUMB_CACHE says so.
import type { Digest } from '../../base/digest.ts';
import type { PackIndex, Role } from '../pack/pack.ts';

/** How a working copy comes out of the cache: a reflink shares bytes until either side is written, a hard link is the cache's own file (read-only). */
export type LinkKind = 'reflink' | 'hardlink' | 'copy';

/** What the stat of a file says, as far as it tells whether the file was changed. Times in ms (fractions kept). */
export interface FileStamp {
  readonly bytes: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly ino: number;
  /** names of the inode; ctime means nothing where it is more than one */
  readonly links: number;
}

export interface StoredFile {
  readonly digest: Digest;
  readonly bytes: number;
  /** of the file of the work tree, taken after all was done to it */
  readonly stamp: FileStamp;
}

/** Where in the file of a larger object. */
export interface Piece {
  readonly path: string;
  readonly offset: number;
}

/** An object among bytes that came by a transfer. */
export interface Landing {
  readonly digest: Digest;
  readonly at: number;
  readonly length: number;
  /** it becomes a file of its own */
  readonly isWhole: boolean;
  readonly pieces: readonly Piece[];
}

export interface LandResult {
  /** where they lay: to be used again */
  readonly bytes: Uint8Array;
  /** places of objects that are not what their digest says: nothing of them was written */
  readonly wrong: readonly number[];
}

export interface BulkOptions {
  readonly signal: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

export interface Cache {
  /** absolute */
  readonly root: string;
  has(digest: Digest): Promise<boolean>;
  /** The same for one of very many, most of which cost no look at the disk: the answer may be some milliseconds old. */
  seen(digest: Digest): boolean;
  /**
   * Bytes, verified; null when the object is not there, or was bad and has been set aside.
   * @param room they may lie there: for many objects, each of which is done with before the next is read
   */
  read(digest: Digest, room?: Buffer): Promise<Buffer | null>;
  /** Path of a verified object (one that lies in a pack is unpacked to a file of its own), or null as above. */
  path(digest: Digest): Promise<string | null>;
  /** Size of an object; null when it is not there. */
  sizeOf(digest: Digest): Promise<number | null>;
  /** Puts an object at a path that is not there yet, as a file that may be written; false as above. */
  copyTo(digest: Digest, target: string, mode: number): Promise<boolean>;
  putBytes(bytes: string | Uint8Array): Promise<Digest>;
  putFile(path: string, options: { signal?: AbortSignal; onBytes?: (bytes: number) => void }): Promise<{ digest: Digest; bytes: number }>;
  /**
   * Takes in what `write` puts at a temporary path.
   * @param write returns what it has put there, if it has hashed all of it. @throws PlumbError DIGEST_MISMATCH, and nothing came in
   */
  admit(digest: Digest, from: string, write: (temporary: string) => Promise<{ digest: Digest; bytes: number } | void>): Promise<number>;
  /** Hashes an object again; a bad one is set aside. */
  verify(digest: Digest): Promise<boolean>;
  /** Takes an object that was found to be bad out of use, unless it is good after all. */
  setAside(digest: Digest): Promise<void>;
  /** Has this process set that object aside? Then its bytes are not merely missing. */
  wasBad(digest: Digest): boolean;
  /** Which way working copies come: found out by trying, once for each pair of file systems. @param target a folder that is there */
  linkKind(target: string): Promise<{ readonly kind: LinkKind; readonly why: string }>;
  /** Many objects at once, with one flush of the disk for all of them. */
  openWriter(): Promise<CacheWriter>;
  /** Does something with many files of the work tree, spread over threads where that pays. Order of results is that of the files. */
  hashFiles(files: readonly { readonly path: string }[], options: BulkOptions): Promise<(StoredFile | null)[]>;
  /**
   * Writes files of the work tree; their folders are there. What stands there is replaced, each file atomically.
   * @param how link: hard links may be used (the file is read-only then); false: files that may be edited. fresh: nothing stands at the targets, and
   *   their folder has a temporary name still, so that nobody sees a half file: they are written straight, without a rename each
   * @returns stamps, in order; the objects must all be in the cache: @throws BYTES_MISSING (details.missing), DISK_FULL; what was written until then is whole
   */
  placeFiles(
    files: readonly { readonly digest: Digest; readonly bytes: number; readonly target: string; readonly executable: boolean }[],
    how: { readonly link: boolean; readonly fresh?: boolean },
    options: BulkOptions,
  ): Promise<FileStamp[]>;
  /** All objects, in any order; for gc, fsck, du. */
  list(): AsyncIterable<{ readonly digest: Digest; readonly bytes: number; readonly pack: string | null }>;
}

/**
 * A session of writing. Objects become visible to others, and last, at `close`: they are on the disk by then (one flush of the file system).
 * A process that is killed before leaves nothing but temporary files.
 */
export interface CacheWriter {
  /**
   * Takes bytes in; small ones go into a pack, large ones into a file.
   * @param role meta objects lie together
   * @param verified their digest, of a caller who has hashed just these bytes
   * @returns their SHA-256
   */
  addBytes(bytes: Uint8Array, role: Role, verified?: Digest): Digest;
  /** Is it in the cache, or in this session? */
  has(digest: Digest): Promise<boolean>;
  /** Files of the work tree. @param how link: the file itself may become the cache's (hard link, read-only) where the cache's link kind is that */
  addFiles(files: readonly { readonly path: string }[], how: { readonly link: boolean }, options: BulkOptions): Promise<(StoredFile | null)[]>;
  /**
   * A large object that arrives in pieces: write it to `path`, then `done` verifies and keeps it.
   * @param verified of done: what the file has, of a caller who has hashed all of it. @throws DIGEST_MISMATCH from done
   */
  openFile(
    digest: Digest,
    bytes: number,
  ): Promise<{ readonly path: string; done(verified?: { digest: Digest; bytes: number }): Promise<void>; abandon(): Promise<void> }>;
  /**
   * Verifies objects, and writes those that are right: as files of their own, or into files of `openFile`.
   * @param bytes where they lie: they are lent, and come back as `bytes`, the same ones or moved
   * @param how isMuch: worth a thread
   */
  land(bytes: Uint8Array, objects: readonly Landing[], how: { readonly signal: AbortSignal; readonly isMuch: boolean }): Promise<LandResult>;
  /** Takes a finished pack in whole: every object in it was verified by the caller. @param path a temporary file of this file system */
  addPack(path: string, index: PackIndex): Promise<void>;
  close(): Promise<void>;
  /** Takes back what can be taken back. */
  abandon(): Promise<void>;
}
