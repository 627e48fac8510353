// The packs of the cache: which there are, and what is in them. Other processes add packs, merge them and take them away at any time; a look at the
// time of the folder says whether that has happened. Indexes are immutable and are kept; files and frames only as long as they are in use.
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, hexOf, type Digest } from '../../base/digest.ts';
import { errnoOf, isPlumbError, systemError } from '../../base/errors.ts';
import { decodeFrame } from '../pack/frame.ts';
import { forms, type FrameLocation, type PackIndex } from '../pack/pack.ts';
import { openPackFile } from '../pack/reader.ts';

export interface LocalPack {
  /** SHA-256 of the file, and its name */
  readonly hex: string;
  readonly path: string;
  readonly index: PackIndex;
}

/** Where an object is. */
export interface Packed {
  readonly pack: LocalPack;
  readonly entry: number;
  readonly bytes: number;
}

const packName = /^([0-9a-f]{64})\.pack$/;

/** Hex names of the packs in a folder. */
export function packsIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .flatMap((name) => packName.exec(name)?.[1] ?? [])
      .toSorted();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw systemError(error, 'read', folder);
  }
}

/** Times of folders tick: what happened within this time of a look may not be seen by the time alone. */
export const restMs = 100;
/** What was looked at within this time is not looked at again for each of many objects. */
export const momentMs = 20;
const keptFiles = 8;
/** Of 128 KiB each, as local packs have them. */
const keptFrames = 16;
const largestKept = 256 * 1024;

export class LocalPacks {
  readonly folder: string;
  /** bytes of the digest that is looked for: a buffer for each would be garbage by the million */
  readonly #wanted = Buffer.alloc(32);
  #packs: LocalPack[] = [];
  readonly #indexes = new Map<string, LocalPack>();
  /** files that cannot be read as packs: fsck tells about them */
  readonly #unreadable = new Set<string>();
  #looked = Number.NEGATIVE_INFINITY;
  #seen: { readonly mtimeMs: number; readonly isAtRest: boolean } | null = null;
  readonly #files = new Recent<number>(keptFiles, closeSync);
  readonly #frames = new Recent<Buffer>(keptFrames, () => undefined);

  constructor(root: string) {
    this.folder = join(root, 'packs');
  }

  /** All packs that can be read. */
  all(): readonly LocalPack[] {
    this.refresh();
    return this.#packs;
  }

  /** Has this process looked into packs yet? The first look reads all their indexes. */
  get isOpen(): boolean {
    return this.#seen !== null;
  }

  /** What was seen is old: whoever asks next looks. */
  expire(): void {
    this.#looked = Number.NEGATIVE_INFINITY;
  }

  /** Where an object is; null: in no pack. */
  find(digest: Digest): Packed | null {
    return this.seen(digest) ?? (this.refresh() ? this.#known(digest) : null);
  }

  /** Where an object was a moment ago; null: it was in no pack then. For many at once: a miss costs no look at the disk. */
  seen(digest: Digest): Packed | null {
    if (Date.now() - this.#looked > momentMs) this.refresh();
    return this.#known(digest);
  }

  #known(digest: Digest): Packed | null {
    const bytes = this.#wanted;
    if (bytes.write(hexOf(digest), 'hex') !== bytes.length) throw new Error(`${digest} is no digest`);
    for (const pack of this.#packs) {
      const entry = pack.index.findBytes(bytes);
      if (entry === -1) continue;
      const at = pack.index.locationAt(entry);
      // the cache has bytes, not recipes: a pack of a remote that was put here by hand may have them
      if (at.form === forms.bytes) return { pack, entry, bytes: at.bytes };
    }
    return null;
  }

  /**
   * Bytes of an object, verified. They are a part of a larger buffer: for keeping, copy them.
   * @returns 'gone': the pack is not there any more; 'bad': what is there is not the object
   */
  read({ pack, entry }: Packed): Buffer | 'gone' | 'bad' {
    const { frame, offset, length } = pack.index.locationAt(entry);
    const raw = this.#frameOf(pack, frame);
    if (!Buffer.isBuffer(raw)) return raw;
    const bytes = raw.subarray(offset, offset + length);
    if (digestOf(bytes) === pack.index.digestAt(entry)) return bytes;
    this.#frames.drop(`${pack.hex}:${frame}`);
    return 'bad';
  }

  #frameOf(pack: LocalPack, frame: number): Buffer | 'gone' | 'bad' {
    const name = `${pack.hex}:${frame}`;
    const kept = this.#frames.get(name);
    if (kept !== undefined) return kept;
    const place = pack.index.frameAt(frame);
    try {
      const fd = this.#files.get(pack.hex) ?? this.#files.keep(pack.hex, openSync(pack.path, 'r'));
      const raw = readFrame(fd, place);
      return raw.length <= largestKept ? this.#frames.keep(name, raw) : raw;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return 'gone';
      if (isPlumbError(error, 'PACK_INVALID')) return 'bad';
      throw systemError(error, 'read', pack.path);
    }
  }

  /** Looks which packs there are, unless nothing can have happened. @returns whether something has */
  refresh(): boolean {
    this.#looked = Date.now();
    const mtimeMs = this.#folderTime();
    if (this.#seen !== null && this.#seen.mtimeMs === mtimeMs && this.#seen.isAtRest) return false;
    this.#seen = { mtimeMs, isAtRest: Math.abs(this.#looked - mtimeMs) > restMs };
    const names = packsIn(this.folder);
    const before = this.#packs;
    this.#packs = names.flatMap((hex) => this.#open(hex) ?? []);
    for (const { hex } of before) if (!names.includes(hex)) this.#forget(hex);
    return before.length !== this.#packs.length || this.#packs.some((pack, at) => pack !== before[at]);
  }

  #folderTime(): number {
    try {
      return statSync(this.folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    } catch (error) {
      throw systemError(error, 'read', this.folder);
    }
  }

  #open(hex: string): LocalPack | null {
    const known = this.#indexes.get(hex);
    if (known !== undefined || this.#unreadable.has(hex)) return known ?? null;
    const path = join(this.folder, `${hex}.pack`);
    try {
      const file = openPackFile(path);
      file.close();
      const pack = { hex, path, index: file.index };
      this.#indexes.set(hex, pack);
      return pack;
    } catch (error) {
      if (isPlumbError(error, 'FILE_MISSING')) return null;
      if (!isPlumbError(error, 'PACK_INVALID')) throw error;
      // what it held is fetched or made again, as if it were not there
      this.#unreadable.add(hex);
      return null;
    }
  }

  #forget(hex: string): void {
    this.#indexes.delete(hex);
    this.#files.drop(hex);
    this.#frames.dropAll((name) => name.startsWith(hex));
  }
}

function readFrame(fd: number, place: FrameLocation): Buffer {
  const stored = Buffer.allocUnsafeSlow(place.stored);
  let have = 0;
  for (let got = -1; got !== 0 && have < stored.length; have += got) got = readSync(fd, stored, have, stored.length - have, place.offset + have);
  return decodeFrame(stored.subarray(0, have), place);
}

/** A few things, those that were used last. */
class Recent<T> {
  readonly #room: number;
  readonly #end: (thing: T) => void;
  readonly #things = new Map<string, T>();

  constructor(room: number, end: (thing: T) => void) {
    this.#room = room;
    this.#end = end;
  }

  get(name: string): T | undefined {
    const thing = this.#things.get(name);
    if (thing === undefined) return undefined;
    this.#things.delete(name);
    this.#things.set(name, thing);
    return thing;
  }

  keep(name: string, thing: T): T {
    this.#things.set(name, thing);
    if (this.#things.size > this.#room) this.drop(this.#things.keys().next().value as string);
    return thing;
  }

  drop(name: string): void {
    const thing = this.#things.get(name);
    if (thing === undefined) return;
    this.#things.delete(name);
    this.#end(thing);
  }

  dropAll(isMeant: (name: string) => boolean): void {
    for (const name of [...this.#things.keys()].filter(isMeant)) this.drop(name);
  }
}
