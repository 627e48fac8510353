// A session of writing. All that it takes in waits in a folder of its own below tmp/, large objects as files that are sealed already, small ones in packs.
// At the end the file system is flushed once, and then everything gets its place by renames, which a second flush makes last. So whatever is seen is on
// the disk, and a process that is killed, or a machine that loses its power, leaves temporary files only.
import { chmodSync, existsSync, lstatSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { digestOf, digestOfFile, hexOf, type Digest } from '../../base/digest.ts';
import { errnoOf, isPlumbError, systemError } from '../../base/errors.ts';
import { mismatch } from '../faults.ts';
import { objectPath, temporaryIn } from '../layout.ts';
import type { PackIndex, Role } from '../pack/pack.ts';
import { smallBytes, waitingPath } from './add-task.ts';
import type { Bulk } from './bulk.ts';
import type { BulkOptions, CacheWriter, Landing, LandResult, LinkKind, StoredFile } from './cache.ts';
import type { LocalPacks } from './local-packs.ts';
import { isTrusted } from './loose.ts';
import { NewPacks } from './new-packs.ts';
import { mergeSmallPacks } from './repack.ts';
import { seal } from './seal.ts';
import { isShared, makeFolder, objectMode } from './sharing.ts';
import { flush } from './sync.ts';
import type { AddTask, LandTask } from './task.ts';

/** Meta objects are gathered whatever their size, within reason: whoever plans reads them together. */
const smallMetaBytes = 64 * 1024;
/** tmp/ is swept of what was not touched for an hour. */
const touchMs = 10 * 60 * 1000;
const objectName = /^[0-9a-f]{62}$/;

/** What a session needs of its cache. */
export interface Surroundings {
  readonly root: string;
  readonly packs: LocalPacks;
  readonly bulk: Bulk;
  has(digest: Digest): Promise<boolean>;
  /** @param folder a folder of the work tree */
  linkKind(folder: string): Promise<{ readonly kind: LinkKind }>;
  isMuch(paths: readonly string[]): boolean;
}

/** @throws PlumbError DISK_FULL, FILE_UNREADABLE */
export async function openSession(cache: Surroundings): Promise<CacheWriter> {
  const folder = await temporaryIn(cache.root, 'session').catch((error: unknown) => Promise.reject(systemError(error, 'write', cache.root)));
  return new Session(cache, folder);
}

class Session implements CacheWriter {
  readonly #cache: Surroundings;
  readonly #folder: string;
  readonly #packs: NewPacks;
  readonly #touching: NodeJS.Timeout;
  #count = 0;
  #isMade = false;
  #isShared = false;
  /** folders of large objects that were made */
  readonly #starts = new Set<string>();
  #failure: unknown = null;
  #isOver = false;

  constructor(cache: Surroundings, folder: string) {
    this.#cache = cache;
    this.#folder = folder;
    this.#packs = new NewPacks(() => this.#newPath('pack'));
    this.#touching = setInterval(() => this.#touch(), touchMs).unref();
  }

  addBytes(bytes: Uint8Array, role: Role, verified?: Digest): Digest {
    const digest = verified ?? digestOf(bytes);
    try {
      if (bytes.length <= (role === 'meta' ? smallMetaBytes : smallBytes)) this.#addSmall(digest, role, bytes);
      else if (!this.#isLarge(digest)) this.#keep(this.#write(bytes), digest);
      return digest;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #addSmall(digest: Digest, role: Role, bytes: Uint8Array): void {
    if (!this.#packs.has(digest) && this.#cache.packs.seen(digest) === null) this.#packs.add(digest, role, bytes);
  }

  #isLarge(digest: Digest): boolean {
    return isTrusted(this.#cache.root, digest) || existsSync(waitingPath(this.#folder, digest));
  }

  async has(digest: Digest): Promise<boolean> {
    return this.#packs.has(digest) || existsSync(waitingPath(this.#folder, digest)) || this.#cache.has(digest);
  }

  async addFiles(files: readonly { readonly path: string }[], how: { readonly link: boolean }, options: BulkOptions): Promise<(StoredFile | null)[]> {
    const [first] = files;
    if (first === undefined) return [];
    const stored: (StoredFile | null)[] = [];
    try {
      const { kind } = await this.#cache.linkKind(dirname(first.path));
      const paths = files.map((file) => file.path);
      const tasks = this.#tasks(paths, kind === 'hardlink' && !how.link ? 'copy' : kind);
      await this.#cache.bulk.run(tasks, { ...options, isMuch: this.#cache.isMuch(paths) }, (result) => {
        let at = 0;
        for (const place of result.smallAt) {
          const file = result.files[place];
          if (!file) throw new Error(`a thread gave bytes of file ${place} and no digest`);
          this.#addSmall(file.digest, 'data', result.small.subarray(at, at + file.stamp.bytes));
          at += file.stamp.bytes;
        }
        for (const file of result.files) stored.push(file === null ? null : { digest: file.digest, bytes: file.stamp.bytes, stamp: file.stamp });
      });
      return stored;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  *#tasks(paths: readonly string[], link: LinkKind): Generator<AddTask> {
    const share = this.#cache.bulk.shareOf(paths.length);
    for (let at = 0; at < paths.length; at += share)
      yield { kind: 'add', paths: paths.slice(at, at + share), root: this.#cache.root, session: this.#folder, link };
  }

  async openFile(digest: Digest, bytes: number): ReturnType<CacheWriter['openFile']> {
    const path = this.#newPath('file');
    return {
      path,
      done: async (verified) => {
        try {
          const actual = verified ?? (await digestOfFile(path));
          if (actual.digest !== digest || actual.bytes !== bytes) throw mismatch(digest, actual.digest, `what came as ${hexOf(digest).slice(0, 12)}`);
          this.#keep(path, digest);
        } catch (error) {
          rmSync(path, { force: true });
          // wrong bytes of one object are no fault of the session
          throw isPlumbError(error, 'DIGEST_MISMATCH') ? error : this.#failed(error);
        }
      },
      abandon: async () => rmSync(path, { force: true }),
    };
  }

  async land(bytes: Uint8Array, objects: readonly Landing[], how: { readonly signal: AbortSignal; readonly isMuch: boolean }): Promise<LandResult> {
    try {
      this.#makeReady();
      const results: LandResult[] = [];
      const task: LandTask = { kind: 'land', root: this.#cache.root, session: this.#folder, bytes, objects };
      await this.#cache.bulk.run([task], how, (result) => results.push(result));
      return results[0] as LandResult;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async addPack(path: string, index: PackIndex): Promise<void> {
    try {
      const { digest } = await digestOfFile(path);
      const here = this.#newPath('pack');
      renameSync(path, here);
      chmodSync(here, objectMode);
      this.#packs.adopt(here, hexOf(digest), index);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async close(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    try {
      const packs = this.#packs.finish();
      const large = this.#largeFolders();
      if (packs.length > 0 || large.length > 0) await this.#publish(packs, large);
    } catch (error) {
      throw this.#failed(error);
    }
    this.#end();
  }

  async #publish(packs: readonly string[], large: readonly string[]): Promise<void> {
    const { root } = this.#cache;
    if (isShared(root)) for (const path of packs) chmodSync(path, objectMode);
    await flush(root, [...packs, ...large.flatMap((folder) => filesIn(folder))]);
    const touched = new Set(large.length > 0 ? [join(root, 'objects')] : []);
    for (const folder of large) touched.add(this.#publishFolder(folder));
    if (this.#packs.publish(root).length > 0) touched.add(join(root, 'packs'));
    await flush(root, [...touched]);
    await mergeSmallPacks(root, this.#cache.packs);
    // what this process brought in it sees at once
    this.#cache.packs.expire();
  }

  /** Moves the objects of one folder: all at once where the cache has none that begin so. @returns the folder where they are */
  #publishFolder(folder: string): string {
    const place = join(this.#cache.root, 'objects', folder.slice(-2));
    makeFolder(this.#cache.root, dirname(place));
    try {
      renameSync(folder, place);
      return place;
    } catch (error) {
      if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
    }
    for (const path of filesIn(folder)) {
      const digest: Digest = `sha256:${path.slice(-65, -63)}${path.slice(-62)}`;
      // another session may have been first: its file may have links already
      if (isTrusted(this.#cache.root, digest)) rmSync(path, { force: true });
      else renameSync(path, objectPath(this.#cache.root, digest));
    }
    return place;
  }

  async abandon(): Promise<void> {
    if (this.#isOver) return;
    this.#packs.abandon();
    // files of the work tree that were to be the cache's, too, may be written to again
    for (const path of this.#largeFolders().flatMap((folder) => filesIn(folder))) {
      const facts = lstatSync(path);
      if (facts.nlink > 1) chmodSync(path, (facts.mode & 0o777) | 0o200);
    }
    this.#end();
  }

  /** Folders of large objects that wait: named by the first two digits of what is in them. */
  #largeFolders(): string[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder)
      .filter((name) => name.length === 2)
      .map((name) => join(this.#folder, name));
  }

  #write(bytes: Uint8Array): string {
    const path = this.#newPath('object');
    writeFileSync(path, bytes, { flag: 'wx', mode: objectMode });
    return path;
  }

  /** A finished file, with good bytes, waits under its digest from now on. */
  #keep(path: string, digest: Digest): void {
    if (this.#isLarge(digest)) {
      rmSync(path, { force: true });
      return;
    }
    const facts = lstatSync(path);
    const mode = this.#isShared ? objectMode : facts.mode & objectMode;
    if ((facts.mode & 0o777) !== mode) chmodSync(path, mode);
    seal(path, digest, facts);
    const waiting = waitingPath(this.#folder, digest);
    const start = dirname(waiting);
    if (!this.#starts.has(start)) makeFolder(this.#cache.root, start);
    this.#starts.add(start);
    renameSync(path, waiting);
  }

  #makeReady(): void {
    if (this.#isMade) return;
    makeFolder(this.#cache.root, this.#folder);
    this.#isShared = isShared(this.#cache.root);
    this.#isMade = true;
  }

  #newPath(label: string): string {
    this.#makeReady();
    this.#count += 1;
    return join(this.#folder, `${label}-${this.#count}`);
  }

  #touch(): void {
    if (existsSync(this.#folder)) utimesSync(this.#folder, new Date(), new Date());
  }

  /** What failed once stays failed: nobody may close a session of which a part is missing. */
  #failed(error: unknown): unknown {
    return (this.#failure ??= systemError(error, 'write', this.#cache.root));
  }

  #end(): void {
    this.#isOver = true;
    clearInterval(this.#touching);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function filesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => objectName.test(name))
    .map((name) => join(folder, name));
}
