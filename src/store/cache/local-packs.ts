// The packs of the cache: which there are, and what is in them. Other processes add packs, merge them and take them away at any time; a look at the
// time of the folder says whether that has happened. Indexes are immutable; they, files and frames are kept as long as they are in use.
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, hexOf, type Digest } from '../../base/digest.ts';
import { errnoOf, isPlumbError, systemError } from '../../base/errors.ts';
import { decodeFrame } from '../pack/frame.ts';
import { IndexShelf, type ShelvedIndex } from '../pack/index-shelf.ts';
import { forms, type FrameLocation, type PackIndex } from '../pack/pack.ts';
import { peekObject } from '../pack/peek.ts';
import { openPackFile } from '../pack/reader.ts';

export interface LocalPack {
  /** SHA-256 of the file, and its name */
  readonly hex: string;
  readonly path: string;
  /** to be used at once and not to be kept. @throws PlumbError FILE_MISSING when the pack is gone */
  readonly index: PackIndex;
}

class ShelvedPack implements LocalPack {
  readonly hex: string;
  readonly path: string;
  readonly shelved: ShelvedIndex;

  constructor(hex: string, path: string, shelf: IndexShelf) {
    this.hex = hex;
    this.path = path;
    this.shelved = shelf.add(indexIn(path), () => indexIn(path));
  }

  get index(): PackIndex {
    return this.shelved.take();
  }
}

/** @throws PlumbError FILE_MISSING, PACK_INVALID */
function indexIn(path: string): PackIndex {
  const file = openPackFile(path);
  file.close();
  return file.index;
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
/** A process that asks for more than this is better off with the indexes. */
const mostPeeks = 8;
const keptFiles = 8;
/** Of 128 KiB each, as local packs have them. */
const keptFrames = 16;
const largestKept = 256 * 1024;

export class LocalPacks {
  readonly folder: string;
  /** bytes of the digest that is looked for: a buffer for each would be garbage by the million */
  readonly #wanted = Buffer.alloc(32);
  readonly #shelf = new IndexShelf();
  #packs: ShelvedPack[] = [];
  /** the pack in which something was found last: its neighbours are probably there, too */
  #last: ShelvedPack | null = null;
  readonly #known = new Map<string, ShelvedPack>();
  /** files that cannot be read as packs: fsck tells about them */
  readonly #unreadable = new Set<string>();
  #peeks = 0;
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

  /** One of the first few objects that this process asks for, verified, without reading indexes; null: not to be had in that way. */
  peek(digest: Digest): Buffer | null {
    if (this.isOpen || this.#peeks >= mostPeeks) return null;
    this.#peeks += 1;
    for (const hex of packsIn(this.folder)) {
      const bytes = peekedAt(join(this.folder, `${hex}.pack`), digest);
      if (bytes !== null) return bytes;
    }
    return null;
  }

  /** Where an object is; null: in no pack. */
  find(digest: Digest): Packed | null {
    return this.seen(digest) ?? (this.refresh() ? this.#foundIn(digest) : null);
  }

  /** Where an object was a moment ago; null: it was in no pack then. For many at once: a miss costs no look at the disk. */
  seen(digest: Digest): Packed | null {
    if (Date.now() - this.#looked > momentMs) this.refresh();
    return this.#foundIn(digest);
  }

  #foundIn(digest: Digest): Packed | null {
    const bytes = this.#wanted;
    if (bytes.write(hexOf(digest), 'hex') !== bytes.length) throw new Error(`${digest} is no digest`);
    const prefix = bytes.readUIntBE(0, 6);
    const near = this.#last === null ? null : this.#search(this.#last, prefix, bytes);
    if (near !== null) return near;
    for (const pack of this.#packs) {
      const found = pack === this.#last ? null : this.#search(pack, prefix, bytes);
      if (found === null) continue;
      this.#last = pack;
      return found;
    }
    return null;
  }

  #search(pack: ShelvedPack, prefix: number, digest: Buffer): Packed | null {
    const index = pack.shelved.mayHave(prefix) ? indexOf(pack) : null;
    const entry = index === null ? -1 : index.findBytes(digest);
    if (index === null || entry === -1) return null;
    const { form, bytes } = index.locationAt(entry);
    // the cache has bytes, not recipes: a pack of a remote that was put here by hand may have them
    return form === forms.bytes ? { pack, entry, bytes } : null;
  }

  /**
   * Bytes of an object, verified. They are a part of a larger buffer: for keeping, copy them.
   * @returns 'gone': the pack is not there any more; 'bad': what is there is not the object
   */
  read({ pack, entry }: Packed): Buffer | 'gone' | 'bad' {
    const index = indexOf(pack);
    if (index === null) return 'gone';
    const { frame, offset, length } = index.locationAt(entry);
    const raw = this.#frameOf(pack, frame, index.frameAt(frame));
    if (!Buffer.isBuffer(raw)) return raw;
    const bytes = raw.subarray(offset, offset + length);
    if (digestOf(bytes) === index.digestAt(entry)) return bytes;
    this.#frames.drop(`${pack.hex}:${frame}`);
    return 'bad';
  }

  #frameOf(pack: LocalPack, frame: number, place: FrameLocation): Buffer | 'gone' | 'bad' {
    const name = `${pack.hex}:${frame}`;
    const kept = this.#frames.get(name);
    if (kept !== undefined) return kept;
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

  #open(hex: string): ShelvedPack | null {
    const known = this.#known.get(hex);
    if (known !== undefined || this.#unreadable.has(hex)) return known ?? null;
    const path = join(this.folder, `${hex}.pack`);
    try {
      const pack = new ShelvedPack(hex, path, this.#shelf);
      this.#known.set(hex, pack);
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
    const pack = this.#known.get(hex);
    this.#known.delete(hex);
    if (pack === this.#last) this.#last = null;
    pack?.shelved.forget();
    this.#files.drop(hex);
    this.#frames.dropAll((name) => name.startsWith(hex));
  }
}

/** Null: it is not there; what is wrong with a pack is told by whoever reads its index. */
function peekedAt(path: string, digest: Digest): Buffer | null {
  try {
    return peekObject(path, digest);
  } catch (error) {
    if (isPlumbError(error, 'PACK_INVALID') || errnoOf(error) === 'ENOENT') return null;
    throw systemError(error, 'read', path);
  }
}

/** Null: the pack is gone, or spoiled. */
function indexOf(pack: LocalPack): PackIndex | null {
  try {
    return pack.index;
  } catch (error) {
    if (isPlumbError(error, 'FILE_MISSING') || isPlumbError(error, 'PACK_INVALID')) return null;
    throw error;
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
