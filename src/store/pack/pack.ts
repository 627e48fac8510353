// A pack: many objects in one file, and at its end where each of them is. The cache keeps small objects in packs, a remote keeps everything in them.
//
//   "PLPACK1\n"                                  8 bytes
//   frames of data objects                       each the bytes of one or more objects, one behind the other; stored as they are, or as one zstd frame
//   frames of meta objects                       manifests, nodes of trees, records: what must be read before anything else. The tail begins here
//   index                                        one zstd frame, see below
//   footer                                       40 bytes: u64 offset of the tail, u64 offset of the index, u32 stored bytes of the index,
//                                                u32 raw bytes of the index, u32 frames, u32 objects, "PLPACK1\n"
//
// Numbers are little-endian. The raw index is columns, so that it compresses and can be searched as it lies in memory:
//   frames:  u64 offset[n], u32 stored[n], u32 raw[n], u8 codec[n] (0 as they are, 1 zstd)
//   objects, sorted by digest: 32-byte digest[m], u32 frame[m], u32 offset in the raw frame[m], u32 length of what is stored[m], u8 form[m], u64 length of the object[m]
//
// Frames lie one behind the other, in the order of the index, from byte 8 to the index; a frame is at most 16 MiB raw, and one of zstd is smaller than that.
// A pack has at most 1,048,576 objects, each digest once.
//
// An object has one of three forms: 0 its bytes; 1 a list of chunks: its bytes are those of other objects, one behind the other; 2 rows of others:
// its bytes are runs of lines of other objects (recipe.ts has both). Whatever the form, the digest is that of the object's own bytes.
import type { Digest } from '../../base/digest.ts';

export const forms = { bytes: 0, chunks: 1, lines: 2 } as const;
export type Form = (typeof forms)[keyof typeof forms];

/** meta: read to plan (manifests, nodes, records); data: what users put in */
export type Role = 'meta' | 'data';

/** Where an object is in its pack. */
export interface Location {
  readonly frame: number;
  /** in the raw frame */
  readonly offset: number;
  /** of what is stored: the bytes themselves, or a recipe */
  readonly length: number;
  readonly form: Form;
  /** of the object */
  readonly bytes: number;
}

export interface FrameLocation {
  readonly offset: number;
  readonly stored: number;
  readonly raw: number;
  readonly codec: 0 | 1;
}

/** The index of a pack, in memory as it lies in the file: about 53 bytes an object. */
export interface PackIndex {
  readonly frames: number;
  readonly objects: number;
  /** where the tail begins, in the file */
  readonly tail: number;
  /** @returns the entry, or -1 */
  find(digest: Digest): number;
  /** The same for 32 raw bytes. */
  findBytes(digest: Uint8Array): number;
  digestAt(entry: number): Digest;
  /** Digests of all entries, 32 bytes each, ascending: for whoever goes over all of them. Not to be written to. */
  readonly digests: Buffer;
  locationAt(entry: number): Location;
  frameAt(frame: number): FrameLocation;
  /** Entries that lie in a frame, by offset. */
  entriesOf(frame: number): readonly number[];
}

export interface PackWriter {
  /** bytes written so far, those that wait in open frames too */
  readonly bytes: number;
  readonly objects: number;
  /** Takes an object in. An object that this pack has already is passed over. The bytes are copied. @param stored bytes of the object, or its recipe */
  add(object: { readonly digest: Digest; readonly bytes: number; readonly role: Role; readonly form: Form }, stored: Uint8Array): void;
  has(digest: Digest): boolean;
  /** Writes what waits, the index and the footer. @returns what a receipt says of it. The file is not flushed to the disk: whoever needs that does it */
  finish(): PackSummary;
  /** Takes the file away. */
  abandon(): void;
}

export interface PackSummary {
  /** of the whole file */
  readonly digest: Digest;
  readonly bytes: number;
  readonly tail: number;
  readonly objects: number;
}
