import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { temporaryBeside } from '../base/atomic.ts';
import type { Digest } from '../base/digest.ts';
import { isPlumbError, systemError, type PlumbError } from '../base/errors.ts';
import { silentProgress } from '../base/progress.ts';
import type { Cache, CacheWriter, LinkKind } from './cache/cache.ts';
import { openCache } from './cache/open.ts';
import { bytesMissing, damaged, remoteMissing } from './faults.ts';
import type { Remote } from './remote.ts';
import type { FetchOptions, Named, NameSpace, ObjectRef, PushResult, PushRoot, Store, TransferOptions, TransferResult } from './store.ts';
import { forgetLocalName, moveLocalName, readLocalNamed, readRemoteName, writeLocalName, writeRemoteName } from './transfer/names.ts';
import type { RemoteStore } from './transfer/remote-store.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface StorePlace {
  /** absolute */
  readonly cacheDir: string;
  /** how working copies come out of the cache; default: found out by trying */
  readonly link?: LinkKind;
  /** default: that of no process, so that no variable decides */
  readonly env?: Environment;
  /** a path, s3://..., oci://..., https://... */
  readonly remote?: string;
  /** nobody may ask the remote, and this is why */
  readonly refused?: PlumbError;
  /** an address: what is written goes there, and `remote` is only read */
  readonly apart?: string;
  /** absolute: what a remote that is a path is relative to; default '/' */
  readonly root?: string;
  /** the name of this repository in a remote that several share */
  readonly repository?: string;
}

/**
 * Opens the store of a project. Nothing is made or asked before the first use, and what speaks to the remote is loaded by then.
 * @throws PlumbError CONFIG_INVALID for an address that is none
 */
export async function openStore(where: StorePlace): Promise<Store> {
  const env = where.env ?? {};
  const cache = openCache(where.cacheDir, { env, ...(where.link === undefined ? {} : { link: where.link }) });
  if (where.remote === undefined) return new CacheAndRemote(cache, null, null);
  if (where.refused !== undefined) {
    const { refusedRemote } = await import('./remotes/refused.ts');
    return new CacheAndRemote(cache, lazy(refusedRemote(where.remote, where.refused), cache), where.repository ?? null);
  }
  const { openRemote } = await import('./remotes/open.ts');
  const world = { root: where.root ?? '/', env };
  const below = openRemote(where.remote, world);
  const remote = where.apart === undefined ? below : (await import('./remotes/overlay.ts')).openOverlay(openRemote(where.apart, world), below);
  return new CacheAndRemote(cache, lazy(remote, cache), where.repository ?? null);
}

function lazy(remote: Remote, cache: Cache): LazyRemote {
  let opened: Promise<RemoteStore> | undefined;
  return { remote, open: () => (opened ??= import('./transfer/remote-store.ts').then((module) => new module.RemoteStore(remote, cache))) };
}

interface LazyRemote {
  readonly remote: Remote;
  readonly open: () => Promise<RemoteStore>;
}

/** Requests that no command waits for by name: they end with the process. */
const unhurried = { progress: silentProgress, signal: new AbortController().signal };

class CacheAndRemote implements Store {
  readonly cache: Cache;
  unreachable: PlumbError | null = null;
  readonly #remote: LazyRemote | null;
  readonly #repository: string | null;
  /** said before the remote was needed */
  #remembered: Digest[] = [];
  /** objects on their way in: all who want one object wait for one transfer */
  readonly #underWay = new Map<Digest, Promise<void>>();

  constructor(cache: Cache, remote: LazyRemote | null, repository: string | null) {
    this.cache = cache;
    this.#remote = remote;
    this.#repository = repository;
  }

  get cacheDir(): string {
    return this.cache.root;
  }

  get remoteUrl(): string | null {
    return this.remote?.url ?? null;
  }

  get remote(): Remote | null {
    return this.#remote?.remote ?? null;
  }

  has(digest: Digest): Promise<boolean> {
    return this.cache.has(digest);
  }

  readBytes(digest: Digest): Promise<Buffer> {
    return this.#orFetched(digest, () => this.cache.read(digest));
  }

  pathOf(digest: Digest): Promise<string> {
    return this.#orFetched(digest, () => this.cache.path(digest));
  }

  putBytes(bytes: string | Uint8Array): Promise<Digest> {
    return this.cache.putBytes(bytes);
  }

  putFile(path: string, options: { signal?: AbortSignal; onBytes?: (bytes: number) => void } = {}): Promise<{ digest: Digest; bytes: number }> {
    return this.cache.putFile(path, options);
  }

  openWriter(): Promise<CacheWriter> {
    return this.cache.openWriter();
  }

  async checkoutFile(digest: Digest, target: string, options: { executable?: boolean } = {}): Promise<void> {
    const temporary = temporaryBeside(target);
    const mode = options.executable === true ? 0o777 : 0o666;
    try {
      await mkdir(dirname(target), { recursive: true });
      await this.#orFetched(digest, async () => ((await this.cache.copyTo(digest, temporary, mode)) ? true : null));
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true });
      throw systemError(error, 'write', target);
    }
  }

  verify(digest: Digest): Promise<boolean> {
    return this.cache.verify(digest);
  }

  async readName(name: NameSpace): Promise<Digest | null> {
    const known = await this.nameHere(name);
    if (known !== null) return known.digest;
    const found = await this.nameInRemote(name);
    return found === null ? null : this.writeName(name, found.digest);
  }

  async nameHere(name: NameSpace): Promise<Named | null> {
    try {
      return readLocalNamed(this.cacheDir, name);
    } catch (error) {
      if (!isPlumbError(error, 'DIGEST_INVALID')) throw error;
      await forgetLocalName(this.cacheDir, name);
      return null;
    }
  }

  async nameInRemote(name: NameSpace): Promise<Named | null> {
    return this.#unlessUnreachable(async (store) => readRemoteName(store.remote, name, unhurried), null);
  }

  async writeName(name: NameSpace, digest: Digest): Promise<Digest> {
    try {
      return await writeLocalName(this.cacheDir, name, digest);
    } catch (error) {
      throw systemError(error, 'write', this.cacheDir);
    }
  }

  moveName(name: NameSpace, digest: Digest): Promise<void> {
    return this.setNameHere(name, { digest, note: null });
  }

  async setNameHere(name: NameSpace, named: Named): Promise<void> {
    try {
      await moveLocalName(this.cacheDir, name, named);
    } catch (error) {
      throw systemError(error, 'write', this.cacheDir);
    }
  }

  async setNameInRemote(name: NameSpace, named: Named, { signal }: TransferOptions): Promise<void> {
    if (this.remote === null) throw remoteMissing();
    await writeRemoteName(this.remote, name, named, { signal, ifAbsent: false });
  }

  async remoteHas(roots: readonly Digest[]): Promise<ReadonlySet<Digest>> {
    return this.#remote === null ? new Set() : (await this.#opened(this.#remote)).has(roots, unhurried.signal);
  }

  async lookInRemote(roots: readonly Digest[]): Promise<ReadonlySet<Digest>> {
    return this.#unlessUnreachable((store) => store.has(roots, unhurried.signal), new Set<Digest>());
  }

  async push(roots: readonly PushRoot[], names: readonly NameSpace[], options: TransferOptions): Promise<PushResult> {
    if (this.#remote === null) throw remoteMissing();
    return (await this.#opened(this.#remote)).push({ roots, names, repository: this.#repository }, options);
  }

  remember(roots: readonly Digest[]): void {
    if (this.#remote !== null) this.#remembered.push(...roots);
  }

  async openRoots(roots: readonly Digest[], options: TransferOptions): Promise<ReadonlySet<Digest>> {
    if (this.#remote !== null) return (await this.#opened(this.#remote)).openRoots(roots, options);
    const there = new Set<Digest>();
    for (const root of roots) if (await this.cache.has(root)) there.add(root);
    return there;
  }

  async fetch(objects: Iterable<Digest | ObjectRef> | AsyncIterable<Digest | ObjectRef>, options: FetchOptions): Promise<TransferResult> {
    const from = this.#remote === null ? null : await this.#opened(this.#remote);
    return (from === null ? this.#lookHere(objects) : from.fetch(objects, options)).catch((error: unknown) => {
      if (!isPlumbError(error, 'BYTES_MISSING')) throw error;
      const missing = (error.details?.['missing'] ?? []) as readonly Digest[];
      const bad = missing.find((digest) => this.cache.wasBad(digest));
      throw bad === undefined ? error : damaged(bad, this.cacheDir, this.remoteUrl, missing);
    });
  }

  /** A fetch where there is no remote. */
  async #lookHere(objects: Parameters<Store['fetch']>[0]): Promise<TransferResult> {
    const missing: Digest[] = [];
    for await (const object of objects) {
      const digest = typeof object === 'string' ? object : object.digest;
      if (!(await this.cache.has(digest))) missing.push(digest);
    }
    if (missing.length > 0) throw bytesMissing(missing, null);
    return { objects: 0, bytes: 0 };
  }

  async #opened(remote: LazyRemote): Promise<RemoteStore> {
    const store = await remote.open();
    if (this.#remembered.length > 0) store.remember(this.#remembered.splice(0));
    return store;
  }

  async #unlessUnreachable<T>(ask: (store: RemoteStore) => Promise<T>, otherwise: T): Promise<T> {
    if (this.#remote === null) return otherwise;
    try {
      return await ask(await this.#opened(this.#remote));
    } catch (error) {
      if (!isPlumbError(error, 'REMOTE_FAILED')) throw error;
      this.unreachable = error;
      return otherwise;
    }
  }

  /** What the cache answers; after one transfer from the remote where it has nothing good. */
  async #orFetched<T>(digest: Digest, ask: () => Promise<T | null>): Promise<T> {
    const known = await ask();
    if (known !== null) return known;
    await this.#fetchOne(digest);
    const fetched = await ask();
    if (fetched === null) throw bytesMissing([digest], this.remoteUrl);
    return fetched;
  }

  #fetchOne(digest: Digest): Promise<void> {
    const running = this.#underWay.get(digest);
    if (running !== undefined) return running;
    const transfer = this.fetch([digest], unhurried)
      .then(() => undefined)
      .finally(() => this.#underWay.delete(digest));
    this.#underWay.set(digest, transfer);
    return transfer;
  }
}
