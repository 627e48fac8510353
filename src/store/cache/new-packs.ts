// Packs on their way into the cache: written under temporary names, cut at a size, flushed by whoever writes them, then given their names.
import { renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { hexOf, type Digest } from '../../base/digest.ts';
import { errnoOf } from '../../base/errors.ts';
import { packPath } from '../layout.ts';
import { forms, type PackIndex, type PackWriter, type Role } from '../pack/pack.ts';
import { createPack } from '../pack/writer.ts';
import { makeFolder } from './sharing.ts';

/** A pack is cut when it has so many bytes, or so many objects: then it is still cheap to rewrite, and its index to read. */
const fullBytes = 64 * 1024 * 1024;
const fullObjects = 250_000;

interface Finished {
  readonly path: string;
  readonly hex: string;
  has(digest: Digest): boolean;
}

export class NewPacks {
  readonly #newPath: () => string;
  #open: { readonly path: string; readonly writer: PackWriter } | null = null;
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
    if (this.#open === null) {
      const path = this.#newPath();
      this.#open = { path, writer: createPack(path, { compress: false }) };
    }
    const { writer } = this.#open;
    writer.add({ digest, bytes: bytes.length, role, form: forms.bytes }, bytes);
    if (writer.bytes >= fullBytes || writer.objects >= fullObjects) this.#finish();
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
    const { path, writer } = this.#open;
    const { digest } = writer.finish();
    this.#open = null;
    this.#finished.push({ path, hex: hexOf(digest), has: (object) => writer.has(object) });
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
