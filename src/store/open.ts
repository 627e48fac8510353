import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { temporaryBeside } from '../base/atomic.ts';
import type { Digest } from '../base/digest.ts';
import { isPlumbError, systemError, type PlumbError } from '../base/errors.ts';
import { silentProgress } from '../base/progress.ts';
import { openCache, type Cache } from './cache.ts';
import { bytesMissing, damaged, remoteMissing } from './faults.ts';
import { moveNameFile, namePath, readNameFile, writeNameFile } from './layout.ts';
import { mapInParallel } from './parallel.ts';
import type { NameSpace, Remote, Store, TransferOptions, TransferResult } from './store.ts';
import { fetchFrom, pushTo } from './transfer.ts';

/**
 * Opens the store of a project. Nothing is made or asked before the first use.
 * @param where cacheDir: absolute; remote: absolute path of a folder, where one is configured
 */
export async function openStore(where: { readonly cacheDir: string; readonly remote?: string }): Promise<Store> {
  const remote = where.remote === undefined ? null : (await import('./remotes/folder.ts')).openFolderRemote(where.remote);
  return new CacheAndRemote(openCache(where.cacheDir), remote);
}

class CacheAndRemote implements Store {
  readonly remote: Remote | null;
  unreachable: PlumbError | null = null;
  readonly #cache: Cache;
  /** objects on their way in: two who want one object wait for one transfer */
  readonly #underWay = new Map<Digest, Promise<void>>();

  constructor(cache: Cache, remote: Remote | null) {
    this.#cache = cache;
    this.remote = remote;
  }

  get cacheDir(): string {
    return this.#cache.root;
  }

  has(digest: Digest): Promise<boolean> {
    return this.#cache.has(digest);
  }

  readBytes(digest: Digest): Promise<Buffer> {
    return this.#orFetched(digest, () => this.#cache.read(digest));
  }

  pathOf(digest: Digest): Promise<string> {
    return this.#orFetched(digest, () => this.#cache.path(digest));
  }

  putBytes(bytes: string | Uint8Array): Promise<Digest> {
    return this.#cache.putBytes(bytes);
  }

  putFile(path: string, options: { signal?: AbortSignal; onBytes?: (bytes: number) => void } = {}): Promise<{ digest: Digest; bytes: number }> {
    return this.#cache.putFile(path, options);
  }

  async checkoutFile(digest: Digest, target: string, options: { executable?: boolean } = {}): Promise<void> {
    const temporary = temporaryBeside(target);
    const mode = options.executable === true ? 0o777 : 0o666;
    try {
      await mkdir(dirname(target), { recursive: true });
      await this.#orFetched(digest, async () => ((await this.#cache.copyTo(digest, temporary, mode)) ? true : null));
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true });
      throw systemError(error, 'write', target);
    }
  }

  verify(digest: Digest): Promise<boolean> {
    return this.#cache.verify(digest);
  }

  async readName(name: NameSpace): Promise<Digest | null> {
    const path = namePath(this.cacheDir, name);
    const known = await readNameFile(path).catch(async (error: unknown) => {
      if (!isPlumbError(error, 'DIGEST_INVALID')) throw error;
      // spoiled on this machine: it is only a cache
      await rm(path, { force: true });
      return null;
    });
    const { remote } = this;
    if (known !== null || remote === null) return known;
    const found = await this.#unlessUnreachable(() => remote.readName(name), null);
    return found === null ? null : this.writeName(name, found);
  }

  async lookInRemote(digests: readonly Digest[]): Promise<ReadonlySet<Digest>> {
    const { remote } = this;
    return remote === null ? new Set() : this.#unlessUnreachable(() => remote.has(digests), new Set());
  }

  async #unlessUnreachable<T>(ask: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!isPlumbError(error, 'REMOTE_FAILED')) throw error;
      this.unreachable = error;
      return otherwise;
    }
  }

  async writeName(name: NameSpace, digest: Digest): Promise<Digest> {
    try {
      return await writeNameFile(this.cacheDir, name, digest);
    } catch (error) {
      throw systemError(error, 'write', this.cacheDir);
    }
  }

  async moveName(name: NameSpace, digest: Digest): Promise<void> {
    try {
      await moveNameFile(this.cacheDir, name, digest);
    } catch (error) {
      throw systemError(error, 'write', this.cacheDir);
    }
  }

  async push(objects: readonly Digest[], names: readonly NameSpace[], options: TransferOptions): Promise<TransferResult> {
    if (this.remote === null) throw remoteMissing();
    return pushTo(this.remote, this.#cache, { objects, names }, options);
  }

  async fetch(objects: readonly Digest[], options: TransferOptions): Promise<TransferResult> {
    const wanted = [...new Set(objects)];
    const there = await mapInParallel(wanted, { width: 16, signal: options.signal }, (digest) => this.#cache.has(digest));
    const missing = wanted.filter((_, at) => there[at] !== true);
    if (missing.length === 0) return { objects: 0, bytes: 0 };
    if (this.remote === null) throw bytesMissing(missing, null);
    return fetchFrom(this.remote, this.#cache, missing, options);
  }

  /** What the cache answers; after one transfer from the remote where it has nothing good. */
  async #orFetched<T>(digest: Digest, ask: () => Promise<T | null>): Promise<T> {
    const known = await ask();
    if (known !== null) return known;
    await this.#fetchOne(digest).catch((error: unknown) => {
      const lost = isPlumbError(error, 'BYTES_MISSING') && this.#cache.wasBad(digest);
      throw lost ? damaged(digest, this.cacheDir, this.remote?.url ?? null) : error;
    });
    const fetched = await ask();
    if (fetched === null) throw bytesMissing([digest], this.remote?.url ?? null);
    return fetched;
  }

  #fetchOne(digest: Digest): Promise<void> {
    const remote = this.remote;
    if (remote === null) return Promise.reject(bytesMissing([digest], null));
    const running = this.#underWay.get(digest);
    if (running !== undefined) return running;
    const options = { progress: silentProgress, signal: new AbortController().signal };
    const transfer = fetchFrom(remote, this.#cache, [digest], options)
      .then(() => undefined)
      .finally(() => this.#underWay.delete(digest));
    this.#underWay.set(digest, transfer);
    return transfer;
  }
}
