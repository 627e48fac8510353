// Objects that are files of their own: coming in one at a time, verified when used, set aside when bad.
//
// One comes in under a temporary name, is hashed as it is written, is made to last (fsync), sealed, and renamed; it is read-only from then on.
import { chmodSync, closeSync, existsSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sweepTemporary } from '../../base/atomic.ts';
import { digestOf, digestOfFile, hexOf, type Digest } from '../../base/digest.ts';
import { errnoOf, systemError } from '../../base/errors.ts';
import { copyHashed } from '../copy.ts';
import { mismatch } from '../faults.ts';
import type { Cache } from './cache.ts';
import { moveIntoPlace, objectPath, temporaryIn } from '../layout.ts';
import { factsOf, hashLoose, type LooseState } from './loose.ts';
import { isSealed, seal } from './seal.ts';
import { isShared, makeFolder, objectMode } from './sharing.ts';
import type { Control } from './task.ts';

/** Small objects (records, manifests) are read at once: handing them to another thread and back costs several times the reading. */
const readAtOnce = 65_536;

const unhurried: Control = { throwIfAborted: () => undefined, told: () => undefined };

export class LooseObjects {
  readonly root: string;
  /** objects that this process has hashed and cannot seal -> stamp of the file then */
  readonly #verified = new Map<Digest, string>();
  #swept: Promise<unknown> | undefined;

  constructor(root: string) {
    this.root = root;
  }

  has(digest: Digest): boolean {
    return existsSync(objectPath(this.root, digest));
  }

  /** Bytes, hashed; null: it is not there. @param room where they may lie */
  async read(digest: Digest, room?: Buffer): Promise<Buffer | 'bad' | null> {
    const facts = factsOf(this.root, digest);
    if (facts === null) return null;
    const path = objectPath(this.root, digest);
    try {
      const fits = room !== undefined && facts.size < room.length;
      const bytes = fits ? readInto(path, room) : facts.size <= readAtOnce ? readFileSync(path) : await readFile(path);
      return digestOf(bytes) === digest ? bytes : 'bad';
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      throw systemError(error, 'read', path);
    }
  }

  /** Looks at the seal; where there is none, at what this process knows; else hashes. */
  async check(digest: Digest): Promise<LooseState> {
    const facts = factsOf(this.root, digest);
    if (facts === null) return 'missing';
    if (isSealed(facts.mtimeMs, digest)) return 'good';
    const stamp = `${facts.ino}:${facts.size}:${facts.mtimeMs}:${facts.ctimeMs}`;
    if (this.#verified.get(digest) === stamp) return 'good';
    const state = await this.hash(digest);
    if (state === 'good') this.#verified.set(digest, stamp);
    return state;
  }

  hash(digest: Digest): Promise<LooseState> {
    return hashLoose(this.root, digest, unhurried);
  }

  /** The object is not there, or what is there is bad. */
  async putBytes(digest: Digest, bytes: string | Uint8Array): Promise<void> {
    await this.#moveIn(digest, hexOf(digest).slice(0, 12), async (temporary) => writeFileSync(temporary, bytes, { flag: 'wx', mode: objectMode }));
  }

  /** @param isHere is that object in the cache? It is asked when the digest is known */
  async putFile(
    path: string,
    options: { signal?: AbortSignal; onBytes?: (bytes: number) => void },
    isHere: (digest: Digest) => Promise<boolean>,
  ): Promise<{ digest: Digest; bytes: number }> {
    const temporary = await this.#temporary('file');
    const copied = await copyHashed(path, temporary, { mode: objectMode, lasting: false, ...options });
    try {
      if (!(await isHere(copied.digest))) await this.#settle(temporary, copied.digest);
      return copied;
    } catch (error) {
      throw systemError(error, 'write', this.root);
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  /** @throws PlumbError DIGEST_MISMATCH, and nothing came in */
  async admit(digest: Digest, from: string, write: Parameters<Cache['admit']>[2]): Promise<number> {
    let bytes = 0;
    await this.#moveIn(digest, hexOf(digest).slice(0, 12), async (temporary) => {
      const actual = (await write(temporary)) ?? (await digestOfFile(temporary));
      if (actual.digest !== digest) throw mismatch(digest, actual.digest, `what ${from} gave`);
      bytes = actual.bytes;
    });
    return bytes;
  }

  /** @returns whether it was bad: another process may have put good bytes there since somebody looked, and they stay */
  async setAside(digest: Digest): Promise<boolean> {
    this.#verified.delete(digest);
    const path = objectPath(this.root, digest);
    const aside = join(this.root, 'bad', `${hexOf(digest)}-${Date.now().toString(36)}`);
    try {
      makeFolder(this.root, dirname(aside));
      await rename(path, aside);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      throw systemError(error, 'set aside', path);
    }
    if ((await digestOfFile(aside)).digest !== digest) return true;
    await rename(aside, path);
    return false;
  }

  async #moveIn(digest: Digest, label: string, write: (temporary: string) => Promise<void>): Promise<void> {
    const temporary = await this.#temporary(label);
    try {
      await write(temporary);
      await this.#settle(temporary, digest);
    } catch (error) {
      throw systemError(error, 'write', this.root);
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  /** Good bytes become an object, on the disk before they are seen. */
  async #settle(temporary: string, digest: Digest): Promise<void> {
    const facts = statSync(temporary);
    const mode = isShared(this.root) ? objectMode : facts.mode & objectMode;
    if ((facts.mode & 0o777) !== mode) chmodSync(temporary, mode);
    const file = await open(temporary, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    seal(temporary, digest, facts);
    await moveIntoPlace(this.root, temporary, objectPath(this.root, digest));
  }

  async #temporary(label: string): Promise<string> {
    try {
      await this.sweep();
      return await temporaryIn(this.root, label);
    } catch (error) {
      throw systemError(error, 'write', this.root);
    }
  }

  /** Removes what killed writers left an hour ago or before; once a process. */
  async sweep(): Promise<void> {
    await (this.#swept ??= sweepTemporary(join(this.root, 'tmp'), new Date()));
  }
}

/** What is in a small file; where it has grown, as much as there is room for. */
function readInto(path: string, room: Buffer): Buffer {
  const file = openSync(path, 'r');
  try {
    let have = 0;
    for (let got = -1; got !== 0 && have < room.length; have += got) got = readSync(file, room, have, room.length - have, have);
    return room.subarray(0, have);
  } finally {
    closeSync(file);
  }
}
