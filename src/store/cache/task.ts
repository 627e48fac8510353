// What worker threads do for the cache. A task is a batch of files, a result is a value: threads know nothing of packs, sessions or each other, so one
// that ends leaves nothing open, and the same functions run without threads where few files are at stake.
import type { Digest } from '../../base/digest.ts';
import type { FileStamp, Landing, LandResult, LinkKind } from './cache.ts';

export interface Control {
  /** @throws AbortError */
  throwIfAborted(): void;
  /** bytes that were read or written */
  told(bytes: number): void;
}

export interface HashTask {
  readonly kind: 'hash';
  readonly paths: readonly string[];
}

export interface HashedFile {
  readonly digest: Digest;
  readonly stamp: FileStamp;
}

/** What came of each file, in order; null: it is not there. */
export interface HashResult {
  readonly files: readonly (HashedFile | null)[];
}

export interface AddTask {
  readonly kind: 'add';
  readonly paths: readonly string[];
  /** of the cache */
  readonly root: string;
  /** folder below tmp/ for what is not visible yet */
  readonly session: string;
  /** how large files may come in */
  readonly link: LinkKind;
}

export interface AddResult extends HashResult {
  /** bytes of the small files, one behind the other: the session keeps them in its pack */
  readonly small: Uint8Array;
  /** which files those are: their place in `files` */
  readonly smallAt: readonly number[];
}

/** Where the bytes of a small object lie in a pack: in the file, or in a compressed frame of it. */
export interface PackPlace {
  /** number of the pack in the task */
  readonly pack: number;
  readonly frame: { readonly offset: number; readonly stored: number; readonly raw: number; readonly codec: 0 | 1 };
  /** in the raw frame */
  readonly offset: number;
}

export interface PlaceItem {
  readonly digest: Digest;
  readonly bytes: number;
  readonly target: string;
  readonly executable: boolean;
  /** null: it is a file of objects/ */
  readonly at: PackPlace | null;
}

export interface PlaceTask {
  readonly kind: 'place';
  readonly root: string;
  readonly packs: readonly string[];
  readonly files: readonly PlaceItem[];
  /** hardlink: the working copy is the object itself */
  readonly link: LinkKind;
  /** nothing stands at the targets, and nobody sees them yet */
  readonly fresh: boolean;
}

export interface PlaceResult {
  /** in order; null: see `missing` and `bad` */
  readonly stamps: readonly (FileStamp | null)[];
  /** files (by place) whose objects are not where they were said to be */
  readonly missing: readonly number[];
  /** files whose objects differ from their digests */
  readonly bad: readonly number[];
}

/** Objects that came by a transfer. */
export interface LandTask {
  readonly kind: 'land';
  /** of the cache */
  readonly root: string;
  /** folder below tmp/ for what is not visible yet */
  readonly session: string;
  /** they are the thread's as long as it is at work */
  readonly bytes: Uint8Array;
  readonly objects: readonly Landing[];
}

export type Task = HashTask | AddTask | PlaceTask | LandTask;
export type ResultOf<T extends Task> = T extends AddTask
  ? AddResult
  : T extends PlaceTask
    ? PlaceResult
    : T extends LandTask
      ? LandResult
      : HashResult;

/** What goes with a task, or with what came of it, from one thread to the other, and is there then and not here. */
export function partsOf(what: Task | ResultOf<Task>): ArrayBuffer[] {
  if ('bytes' in what) return [what.bytes.buffer as ArrayBuffer];
  return 'small' in what ? [what.small.buffer as ArrayBuffer] : [];
}
