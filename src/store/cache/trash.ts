// What a gc takes out is not deleted: it is moved to trash/<time>/, laid out as the cache is, and stays for the grace time. Whoever misses an object in
// that time takes it back by a rename: so a gc that runs while others add, or whose plan was a second too old, loses nothing.
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Digest } from '../../base/digest.ts';
import { errnoOf, isPlumbError, systemError } from '../../base/errors.ts';
import { objectPath, packPath } from '../layout.ts';
import type { PackIndex } from '../pack/pack.ts';
import { openPackFile } from '../pack/reader.ts';
import { LocalPacks, momentMs, packsIn, type LocalPack } from './local-packs.ts';
import { factsOf } from './loose.ts';
import { makeFolder } from './sharing.ts';

/** One gc's trash. */
export interface TrashHeap {
  readonly time: Date;
  /** absolute */
  readonly folder: string;
}

/** A number of digests, in whatever form: a Set has it. */
export interface Digests {
  has(digest: Digest): boolean;
}

export interface Trashed {
  /** loose objects that were moved, and those of packs that are not in use any more */
  readonly objects: number;
  readonly bytes: number;
}

/** Trash that is there, oldest first. */
export function listTrash(root: string): TrashHeap[] {
  const folder = join(root, 'trash');
  // asked for every object that is missed: that there is none must cost next to nothing
  if (!existsSync(folder)) return [];
  try {
    return readdirSync(folder)
      .toSorted()
      .flatMap((name) => {
        const time = timeOf(name);
        return time === null ? [] : [{ time, folder: join(folder, name) }];
      });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw systemError(error, 'read', folder);
  }
}

/** 2026-11-21T10:55:33.123Z as the name of a folder, on every file system. */
function nameOf(time: Date): string {
  return time.toISOString().replaceAll(/[:.]/g, '-');
}

function timeOf(name: string): Date | null {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d)-(\d{3}Z)$/.exec(name);
  const time = parts === null ? Number.NaN : Date.parse(`${parts[1]}:${parts[2]}:${parts[3]}.${parts[4]}`);
  return Number.isNaN(time) ? null : new Date(time);
}

/**
 * Moves objects to the trash: those that are files at once; a pack as a whole, when nothing in it is needed, or when most of it is not: then
 * what is needed is written anew first.
 * @param what dead: objects that go; mostlyDead: share of a pack's bytes from which on it is written anew, 0 to 1: below, it stays as it is
 * @throws PlumbError DISK_FULL, FILE_UNREADABLE; what was moved until then stays moved
 */
export async function moveToTrash(
  root: string,
  dead: Iterable<Digest> & Digests,
  what: { readonly now: Date; readonly mostlyDead: number },
): Promise<Trashed> {
  const heap = join(root, 'trash', nameOf(what.now));
  let objects = 0;
  let bytes = 0;
  for (const digest of dead) {
    const facts = factsOf(root, digest);
    if (facts === null || !moved(root, objectPath(root, digest), objectPath(heap, digest))) continue;
    objects += 1;
    bytes += facts.size;
  }
  for (const pack of new LocalPacks(root).all()) {
    const { deadObjects, deadBytes, allBytes } = weigh(pack, dead);
    if (deadObjects === 0) continue;
    if (deadObjects < pack.index.objects) {
      if (deadBytes < allBytes * what.mostlyDead) continue;
      const { rewritePacks } = await import('./repack.ts');
      await rewritePacks(root, [pack], { keeps: (digest) => !dead.has(digest), old: ({ hex }) => packPath(heap, hex) });
    } else if (!moved(root, pack.path, packPath(heap, pack.hex))) {
      continue;
    }
    objects += deadObjects;
    bytes += deadBytes;
  }
  return { objects, bytes };
}

function weigh({ index }: LocalPack, dead: Digests): { deadObjects: number; deadBytes: number; allBytes: number } {
  let deadObjects = 0;
  let deadBytes = 0;
  let allBytes = 0;
  for (let entry = 0; entry < index.objects; entry += 1) {
    const { bytes } = index.locationAt(entry);
    allBytes += bytes;
    if (!dead.has(index.digestAt(entry))) continue;
    deadObjects += 1;
    deadBytes += bytes;
  }
  return { deadObjects, deadBytes, allBytes };
}

/** False: it is not there any more. */
function moved(root: string, from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw systemError(error, 'move', from);
    if (!existsSync(from)) return false;
    makeFolder(root, dirname(to));
    return moved(root, from, to);
  }
}

/** Deletes trash of a gc that ran before a time. @returns bytes that it took */
export function emptyTrash(root: string, before: Date): number {
  let freed = 0;
  for (const heap of listTrash(root)) {
    if (heap.time >= before) continue;
    for (const entry of readdirSync(heap.folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const facts = statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false });
      // a work tree may still have it, by hard link
      if (facts?.nlink === 1) freed += facts.size;
    }
    rmSync(heap.folder, { recursive: true, force: true });
  }
  return freed;
}

/** The trash as those see it who miss something. */
export class Trash {
  readonly #root: string;
  /** path of a pack -> its index */
  readonly #indexes = new Map<string, PackIndex | null>();
  #looked = Number.NEGATIVE_INFINITY;
  #isThere = false;

  constructor(root: string) {
    this.#root = root;
  }

  /** Is there any? What was looked at a moment ago is not looked at again. */
  isThere(): boolean {
    const now = Date.now();
    if (now - this.#looked > momentMs) {
      this.#looked = now;
      this.#isThere = listTrash(this.#root).length > 0;
    }
    return this.#isThere;
  }

  /** Brings an object back to its place, from the newest trash that has it. @returns whether it is there now */
  takeBack(digest: Digest): boolean {
    return listTrash(this.#root)
      .toReversed()
      .some(({ folder }) => this.#takenFrom(folder, digest));
  }

  #takenFrom(folder: string, digest: Digest): boolean {
    try {
      if (moved(this.#root, objectPath(folder, digest), objectPath(this.#root, digest))) return true;
      const holders = packsIn(join(folder, 'packs')).filter((hex) => (this.#indexOf(packPath(folder, hex))?.find(digest) ?? -1) !== -1);
      return holders.some((hex) => moved(this.#root, packPath(folder, hex), packPath(this.#root, hex)));
    } catch (error) {
      // a cache that can only be read cannot be put in order
      if (isPlumbError(error, 'FILE_UNREADABLE')) return false;
      throw error;
    }
  }

  #indexOf(path: string): PackIndex | null {
    const known = this.#indexes.get(path);
    if (known !== undefined) return known;
    let index: PackIndex | null = null;
    try {
      const file = openPackFile(path);
      index = file.index;
      file.close();
    } catch (error) {
      if (!isPlumbError(error, 'PACK_INVALID') && !isPlumbError(error, 'FILE_MISSING')) throw error;
    }
    this.#indexes.set(path, index);
    return index;
  }
}
