// The bytes on this machine. Shared by all processes that are at work, and by several repositories where PLUMB_CACHE says so.
//
// Nothing of the cache is ever hard-linked into a work tree: an edited file cannot change an object. An object comes in under a temporary
// name, hashed as it is written, is made to last (fsync) and then renamed; it is read-only from then on. What is read is verified: bytes
// and checkouts are hashed as they are read; a path that is given out is hashed once by each process, and again whenever the file's stamp
// (inode, size, times) has changed. An object that differs from its name is set aside in bad/, never used.
import { constants, existsSync, readFileSync, statSync } from 'node:fs';
import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sweepTemporary } from '../base/atomic.ts';
import { digestOf, digestOfFile, hexOf, type Digest } from '../base/digest.ts';
import { errnoOf, isPlumbError, systemError } from '../base/errors.ts';
import { copyHashed } from './copy.ts';
import { mismatch } from './faults.ts';
import { moveIntoPlace, objectPath, temporaryIn } from './layout.ts';

export interface Cache {
  /** absolute */
  readonly root: string;
  has(digest: Digest): Promise<boolean>;
  /** Bytes, verified; null when the object is not there, or was bad and has been set aside. */
  read(digest: Digest): Promise<Buffer | null>;
  /** Path of a verified object, or null as above. */
  path(digest: Digest): Promise<string | null>;
  /** Copies an object to a path that is not there yet, verified; false as above. */
  copyTo(digest: Digest, target: string, mode: number): Promise<boolean>;
  putBytes(bytes: string | Uint8Array): Promise<Digest>;
  putFile(path: string, options: { signal?: AbortSignal; onBytes?: (bytes: number) => void }): Promise<{ digest: Digest; bytes: number }>;
  /** Takes in what `write` puts at a temporary path. @throws PlumbError DIGEST_MISMATCH, and nothing came in */
  admit(digest: Digest, from: string, write: (temporary: string) => Promise<void>): Promise<number>;
  /** Hashes an object again; a bad one is set aside. */
  verify(digest: Digest): Promise<boolean>;
  /** Takes an object that was found to be bad out of use, unless it is good after all. */
  setAside(digest: Digest): Promise<void>;
  /** Has this process set that object aside? Then its bytes are not merely missing. */
  wasBad(digest: Digest): boolean;
}

export function openCache(root: string): Cache {
  return new FolderCache(root);
}

/** Small objects (records, manifests) are read at once: handing them to another thread and back costs several times the reading. */
async function readObject(path: string): Promise<Buffer> {
  return statSync(path).size <= 65_536 ? readFileSync(path) : readFile(path);
}

class FolderCache implements Cache {
  readonly root: string;
  /** objects that this process has hashed -> stamp of the file then */
  readonly #verified = new Map<Digest, string>();
  readonly #bad = new Set<Digest>();
  #swept: Promise<unknown> | undefined;

  constructor(root: string) {
    this.root = root;
  }

  async has(digest: Digest): Promise<boolean> {
    return existsSync(objectPath(this.root, digest));
  }

  async read(digest: Digest): Promise<Buffer | null> {
    const path = objectPath(this.root, digest);
    const bytes = await unlessMissing(readObject(path), path);
    if (bytes === null || digestOf(bytes) === digest) return bytes;
    await this.setAside(digest);
    return null;
  }

  async path(digest: Digest): Promise<string | null> {
    return (await this.verify(digest)) ? objectPath(this.root, digest) : null;
  }

  async copyTo(digest: Digest, target: string, mode: number): Promise<boolean> {
    if (!(await this.has(digest))) return false;
    const copied = await copyHashed(objectPath(this.root, digest), target, { mode, lasting: false });
    if (copied.digest === digest) return true;
    await rm(target, { force: true });
    await this.setAside(digest);
    return false;
  }

  async verify(digest: Digest): Promise<boolean> {
    const path = objectPath(this.root, digest);
    const before = await stampOf(path);
    if (before === null) return false;
    if (this.#verified.get(digest) === before) return true;
    const actual = await unlessMissing(digestOfFile(path), path);
    if (actual === null) return false;
    if (actual.digest === digest) {
      this.#verified.set(digest, before);
      return true;
    }
    await this.setAside(digest);
    return false;
  }

  async putBytes(bytes: string | Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes);
    if (await this.verify(digest)) return digest;
    const temporary = await this.#temporary(hexOf(digest).slice(0, 12));
    try {
      const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o444);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await moveIntoPlace(this.root, temporary, objectPath(this.root, digest));
    } catch (error) {
      await rm(temporary, { force: true });
      throw systemError(error, 'write', this.root);
    }
    return digest;
  }

  async putFile(path: string, options: { signal?: AbortSignal; onBytes?: (bytes: number) => void }): Promise<{ digest: Digest; bytes: number }> {
    const temporary = await this.#temporary('file');
    const copied = await copyHashed(path, temporary, { mode: 0o444, lasting: false, ...options });
    try {
      if (await this.verify(copied.digest)) await rm(temporary, { force: true });
      else await this.#moveIn(temporary, copied.digest);
    } catch (error) {
      await rm(temporary, { force: true });
      throw systemError(error, 'write', this.root);
    }
    return copied;
  }

  async admit(digest: Digest, from: string, write: (temporary: string) => Promise<void>): Promise<number> {
    const temporary = await this.#temporary(hexOf(digest).slice(0, 12));
    try {
      await write(temporary);
      const actual = await digestOfFile(temporary);
      if (actual.digest !== digest) throw mismatch(digest, actual.digest, `what ${from} gave`);
      await chmod(temporary, 0o444);
      await this.#moveIn(temporary, digest);
      return actual.bytes;
    } catch (error) {
      await rm(temporary, { force: true });
      throw systemError(error, 'write', this.root);
    }
  }

  async setAside(digest: Digest): Promise<void> {
    this.#verified.delete(digest);
    const path = objectPath(this.root, digest);
    const aside = join(this.root, 'bad', `${hexOf(digest)}-${Date.now().toString(36)}`);
    await mkdir(join(this.root, 'bad'), { recursive: true });
    const moved = await unlessMissing(
      rename(path, aside).then(() => true),
      path,
    );
    // another process may have put good bytes there since we looked
    if (moved !== true) return;
    if ((await digestOfFile(aside)).digest === digest) await rename(aside, path);
    else this.#bad.add(digest);
  }

  wasBad(digest: Digest): boolean {
    return this.#bad.has(digest);
  }

  async #moveIn(temporary: string, digest: Digest): Promise<void> {
    const file = await open(temporary, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await moveIntoPlace(this.root, temporary, objectPath(this.root, digest));
  }

  async #temporary(label: string): Promise<string> {
    try {
      await (this.#swept ??= sweepTemporary(join(this.root, 'tmp'), new Date()));
      return await temporaryIn(this.root, label);
    } catch (error) {
      throw systemError(error, 'write', this.root);
    }
  }
}

async function stampOf(path: string): Promise<string | null> {
  const facts = await unlessMissing(stat(path, { bigint: true }), path);
  return facts === null ? null : `${facts.ino}:${facts.size}:${facts.mtimeNs}:${facts.ctimeNs}`;
}

async function unlessMissing<T>(reading: Promise<T>, path: string): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || isPlumbError(error, 'FILE_MISSING')) return null;
    throw systemError(error, 'read', path);
  }
}
