// Packs on their way into the cache: written under temporary names, cut at a size, flushed by whoever writes them, then given their names.
import { renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { hexOf, type Digest } from '../../base/digest.ts';
import { errnoOf } from '../../base/errors.ts';
import { packPath } from '../layout.ts';
import { forms, type PackIndex, type PackWriter, type Role } from '../pack/pack.ts';
import { Prefixes, prefixOf } from '../pack/prefixes.ts';
import { openPackFile } from '../pack/reader.ts';
import { createPack } from '../pack/writer.ts';
import { makeFolder } from './sharing.ts';

/** A pack is cut when it has so many bytes, or so many objects: then it is still cheap to rewrite, and its index to write and to read. */
const fullBytes = 64 * 1024 * 1024;
const fullObjects = 1 << 17;

interface Finished {
  readonly path: string;
  readonly hex: string;
  has(digest: Digest): boolean;
}

/** A pack that is being written, and the beginnings of the digests that it has. */
class OpenPack {
  readonly path: string;
  readonly writer: PackWriter;
  readonly #prefixes = new Float64Array(fullObjects);

  constructor(path: string) {
    this.path = path;
    this.writer = createPack(path, { compress: false });
  }

  add(digest: Digest, role: Role, bytes: Uint8Array): void {
    this.#prefixes[this.writer.objects] = prefixOf(digest);
    this.writer.add({ digest, bytes: bytes.length, role, form: forms.bytes }, bytes);
  }

  /** What it has takes 8 bytes an object from now on: the rest is read again if something may be there already. */
  finish(): Finished {
    const { path, writer } = this;
    const count = writer.objects;
    const { digest } = writer.finish();
    const prefixes = new Prefixes(this.#prefixes.subarray(0, count));
    let index: PackIndex | null = null;
    return { path, hex: hexOf(digest), has: (object) => prefixes.has(prefixOf(object)) && (index ??= indexOf(path)).find(object) !== -1 };
  }
}

function indexOf(path: string): PackIndex {
  const pack = openPackFile(path);
  pack.close();
  return pack.index;
}

export class NewPacks {
  readonly #newPath: () => string;
  #open: OpenPack | null = null;
  readonly #finished: Finished[] = [];

  /** @param newPath a path where nothing is, in a folder that is there */
  constructor(newPath: () => string) {
    this.#newPath = newPath;
  }

  has(digest: Digest): boolean {
    return this.#open?.writer.has(digest) === true || this.#finished.some((pack) => pack.has(digest));
  }

  /** Takes an object in that is not in them yet. The bytes are copied. */
  add(digest: Digest, role: Role, bytes: Uint8Array): void {
    this.#open ??= new OpenPack(this.#newPath());
    this.#open.add(digest, role, bytes);
    if (this.#open.writer.bytes >= fullBytes || this.#open.writer.objects >= fullObjects) this.#finish();
  }

  /** Takes a whole pack in. */
  adopt(path: string, hex: string, index: PackIndex): void {
    this.#finished.push({ path, hex, has: (digest) => index.find(digest) !== -1 });
  }

  /** Ends what is open. @returns paths of all: they are to be flushed before they are published */
  finish(): string[] {
    this.#finish();
    return this.#finished.map((pack) => pack.path);
  }

  #finish(): void {
    if (this.#open === null) return;
    this.#finished.push(this.#open.finish());
    this.#open = null;
  }

  /** Gives the packs their names. @returns their hex names */
  publish(root: string): string[] {
    for (const { path, hex } of this.#finished) {
      const place = packPath(root, hex);
      try {
        renameSync(path, place);
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error;
        makeFolder(root, dirname(place));
        renameSync(path, place);
      }
    }
    return this.#finished.splice(0).map((pack) => pack.hex);
  }

  abandon(): void {
    this.#open?.writer.abandon();
    this.#open = null;
    for (const { path } of this.#finished.splice(0)) rmSync(path, { force: true });
  }
}
