// The cache of this machine, as others see it. An object is a file of its own or lies in a pack; whoever asks does not know which. What is read is verified:
// small things are hashed each time, files are trusted as long as their seal holds (seal.ts), and what differs from its name is set aside, never used.
import { constants, lstatSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { chmod, copyFile, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { digestOf, hexOf, type Digest } from '../../base/digest.ts';
import { errnoOf, isPlumbError, systemError } from '../../base/errors.ts';
import { objectPath } from '../layout.ts';
import { forms } from '../pack/pack.ts';
import { Bulk } from './bulk.ts';
import type { BulkOptions, Cache, CacheWriter, FileStamp, LinkKind, StoredFile } from './cache.ts';
import { preferredLink, tryLinks, type ChosenLink } from './link-kind.ts';
import { LocalPacks, type Packed } from './local-packs.ts';
import { LooseNames } from './loose-names.ts';
import { LooseObjects } from './loose-objects.ts';
import { factsOf } from './loose.ts';
import type { FileToPlace } from './place.ts';
import type { HashTask } from './task.ts';
import { Trash } from './trash.ts';

export interface CacheOptions {
  /** how working copies shall come, as plumbline.yaml has it; default: found out by trying */
  readonly link?: LinkKind;
  /** PLUMB_LINK goes before all else */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** @param root absolute; nothing is made before the first write @throws PlumbError CONFIG_INVALID for PLUMB_LINK */
export function openCache(root: string, options: CacheOptions): Cache {
  return new FolderCache(root, preferredLink(options));
}

/** More is given to threads: they take 50 ms to start, and more beside whoever else wants the processor. */
const manyFiles = 200;
const manyBytes = 8 * 1024 * 1024;
/** The same for files that are placed: a small one is a few calls of the kernel, a link too, whatever its size. */
const manyPlaced = 1000;
const manyPlacedBytes = 32 * 1024 * 1024;
/** How often a pack is looked for again that another process has merged, or that was bad. */
const tries = 3;

class FolderCache implements Cache {
  readonly root: string;
  readonly packs: LocalPacks;
  readonly bulk: Bulk = new Bulk();
  readonly #loose: LooseObjects;
  readonly #names: LooseNames;
  readonly #trash: Trash;
  readonly #preferred: ChosenLink | null;
  /** by the devices of cache and work tree */
  readonly #links = new Map<string, ChosenLink>();
  readonly #bad = new Set<Digest>();
  /** bad ones that could not be moved away: the cache can only be read */
  readonly #unusable = new Set<Digest>();
  #private: string | null = null;

  constructor(root: string, preferred: ChosenLink | null) {
    this.root = root;
    this.#preferred = preferred;
    this.packs = new LocalPacks(root);
    this.#loose = new LooseObjects(root);
    this.#names = new LooseNames(root);
    this.#trash = new Trash(root);
  }

  async has(digest: Digest): Promise<boolean> {
    if (this.#unusable.has(digest)) return false;
    const isNear = this.#isPacked(digest) || this.#loose.has(digest) || this.packs.peek(digest) !== null;
    return isNear || this.packs.find(digest) !== null || this.takeBack(digest);
  }

  seen(digest: Digest): boolean {
    if (this.#unusable.has(digest)) return false;
    return this.packs.seen(digest) !== null || this.#names.has(digest) || (this.#trash.isThere() && this.takeBack(digest));
  }

  /** Where packs were looked into, that is a look at memory; where not, a file of its own is the nearer guess. */
  #isPacked(digest: Digest): boolean {
    return this.packs.isOpen && this.packs.seen(digest) !== null;
  }

  read(digest: Digest, room?: Buffer): Promise<Buffer | null> {
    return this.#withTrash(digest, async () => {
      const near = this.#isPacked(digest) ? await this.#readPacked(digest) : null;
      if (near !== null) return copyOf(near, room);
      const loose = await this.#loose.read(digest, room);
      if (Buffer.isBuffer(loose)) return loose;
      if (loose === 'bad') await this.setAside(digest);
      const peeked = this.packs.peek(digest);
      if (peeked !== null) return peeked;
      const packed = await this.#readPacked(digest);
      return packed === null ? null : copyOf(packed, room);
    });
  }

  path(digest: Digest): Promise<string | null> {
    return this.#withTrash(digest, async () => {
      if (await this.#isGoodFile(digest)) return objectPath(this.root, digest);
      const packed = await this.#readPacked(digest);
      return packed === null ? null : this.#unpacked(digest, packed);
    });
  }

  async sizeOf(digest: Digest): Promise<number | null> {
    const known = (): number | null => factsOf(this.root, digest)?.size ?? this.packs.find(digest)?.bytes ?? null;
    return known() ?? (this.takeBack(digest) ? known() : null);
  }

  async copyTo(digest: Digest, target: string, mode: number): Promise<boolean> {
    const copied = await this.#withTrash(digest, async () => {
      const isFile = await this.#isGoodFile(digest);
      const packed = isFile ? null : await this.#readPacked(digest);
      if (!isFile && packed === null) return null;
      try {
        if (packed === null) await copyObject(objectPath(this.root, digest), target, mode);
        else writeFileSync(target, packed, { flag: 'wx', mode });
        return true;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') rmSync(target, { force: true });
        throw systemError(error, 'write', target);
      }
    });
    return copied ?? false;
  }

  async putBytes(bytes: string | Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes);
    if (!(await this.#isGood(digest))) await this.#loose.putBytes(digest, bytes);
    return digest;
  }

  putFile(path: string, options: { signal?: AbortSignal; onBytes?: (bytes: number) => void }): Promise<{ digest: Digest; bytes: number }> {
    return this.#loose.putFile(path, options, (digest) => this.#isGood(digest));
  }

  admit(digest: Digest, from: string, write: Parameters<Cache['admit']>[2]): Promise<number> {
    return this.#loose.admit(digest, from, write);
  }

  async verify(digest: Digest): Promise<boolean> {
    const loose = await this.#loose.hash(digest);
    if (loose === 'bad') await this.setAside(digest);
    return (await this.#readPacked(digest)) !== null || loose === 'good';
  }

  async setAside(digest: Digest): Promise<void> {
    try {
      if (await this.#loose.setAside(digest)) this.#bad.add(digest);
      const packed = this.packs.find(digest);
      if (packed !== null && this.packs.read(packed) === 'bad') await this.#withoutBad(digest, packed);
    } catch (error) {
      if (!isPlumbError(error, 'FILE_UNREADABLE')) throw error;
      this.#bad.add(digest);
      this.#unusable.add(digest);
    }
  }

  wasBad(digest: Digest): boolean {
    return this.#bad.has(digest);
  }

  takeBack(digest: Digest): boolean {
    return this.#trash.takeBack(digest);
  }

  async linkKind(target: string): Promise<ChosenLink> {
    if (this.#preferred !== null) return this.#preferred;
    const pair = `${deviceOf(this.root)}:${deviceOf(target)}`;
    const known = this.#links.get(pair);
    if (known !== undefined) return known;
    const chosen = tryLinks(this.root, target);
    this.#links.set(pair, chosen);
    return chosen;
  }

  async openWriter(): Promise<CacheWriter> {
    await this.#loose.sweep();
    const { openSession } = await import('./writer.ts');
    return openSession(this);
  }

  async hashFiles(files: readonly { readonly path: string }[], options: BulkOptions): Promise<(StoredFile | null)[]> {
    const paths = files.map((file) => file.path);
    const hashed: (StoredFile | null)[] = [];
    const share = this.bulk.shareOf(paths.length);
    const tasks = Array.from({ length: Math.ceil(paths.length / share) }, (_, at): HashTask => ({
      kind: 'hash',
      paths: paths.slice(at * share, (at + 1) * share),
    }));
    await this.bulk.run(tasks, { ...options, isMuch: this.isMuch(paths) }, (result) => {
      for (const file of result.files) hashed.push(file === null ? null : { digest: file.digest, bytes: file.stamp.bytes, stamp: file.stamp });
    });
    return hashed;
  }

  async placeFiles(
    files: readonly FileToPlace[],
    how: { readonly link: boolean; readonly fresh?: boolean },
    options: BulkOptions,
  ): Promise<FileStamp[]> {
    const [first] = files;
    if (first === undefined) return [];
    const { kind } = await this.linkKind(dirname(first.target));
    const link = kind === 'hardlink' && !how.link ? 'copy' : kind;
    const copied = link === 'hardlink' ? 0 : files.reduce((sum, file) => sum + file.bytes, 0);
    const isMuch = files.length > manyPlaced || copied > manyPlacedBytes;
    const { placeAll } = await import('./place.ts');
    return placeAll(this, files, { link, fresh: how.fresh ?? false, isMuch }, options);
  }

  isMuch(paths: readonly string[]): boolean {
    if (paths.length > manyFiles) return true;
    let bytes = 0;
    for (const path of paths) bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    return bytes > manyBytes;
  }

  async *list(): AsyncGenerator<{ readonly digest: Digest; readonly bytes: number; readonly pack: string | null }> {
    yield* looseIn(this.root);
    for (const { hex, index } of this.packs.all()) {
      for (let entry = 0; entry < index.objects; entry += 1) {
        const { form, bytes } = index.locationAt(entry);
        if (form === forms.bytes) yield { digest: index.digestAt(entry), bytes, pack: hex };
      }
    }
  }

  /** What is missed may be in the trash. */
  async #withTrash<T>(digest: Digest, ask: () => Promise<T | null>): Promise<T | null> {
    const known = await ask();
    return known !== null || !this.takeBack(digest) ? known : ask();
  }

  async #isGoodFile(digest: Digest): Promise<boolean> {
    const state = await this.#loose.check(digest);
    if (state === 'bad') await this.setAside(digest);
    return state === 'good';
  }

  async #isGood(digest: Digest): Promise<boolean> {
    return (await this.#isGoodFile(digest)) || (await this.#readPacked(digest)) !== null;
  }

  /** Verified bytes of an object in a pack: part of a larger buffer. */
  async #readPacked(digest: Digest): Promise<Buffer | null> {
    for (let trial = 0; trial < tries; trial += 1) {
      const packed = this.packs.find(digest);
      if (packed === null || this.#unusable.has(digest)) return null;
      const bytes = this.packs.read(packed);
      if (Buffer.isBuffer(bytes)) return bytes;
      if (bytes === 'bad') await this.setAside(digest);
      else this.packs.refresh();
    }
    return null;
  }

  /** A pack with a bad object is written anew without it. */
  async #withoutBad(digest: Digest, { pack }: Packed): Promise<void> {
    this.#bad.add(digest);
    const { rewritePacks } = await import('./repack.ts');
    await rewritePacks(this.root, [pack], { keeps: () => true, old: () => null });
    this.packs.refresh();
  }

  /** An object of a pack as a file of its own: among the objects, or where the cache can only be read, in a folder of this process. */
  async #unpacked(digest: Digest, bytes: Buffer): Promise<string> {
    try {
      await this.#loose.putBytes(digest, bytes);
      return objectPath(this.root, digest);
    } catch (error) {
      if (!isPlumbError(error, 'FILE_UNREADABLE')) throw error;
    }
    const folder = (this.#private ??= ownFolder());
    const path = join(folder, hexOf(digest));
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) writeFileSync(path, bytes, { flag: 'wx', mode: 0o400 });
    return path;
  }
}

/** What is handed out must not hold the whole frame in memory. */
function copyOf(bytes: Buffer, room: Buffer | undefined): Buffer {
  if (room === undefined || bytes.length > room.length) return Buffer.from(bytes);
  return room.subarray(0, bytes.copy(room));
}

/** A folder that goes when the process does. */
function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'plumb-objects-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function deviceOf(folder: string): string {
  const facts = statSync(folder, { throwIfNoEntry: false });
  if (facts !== undefined) return String(facts.dev);
  return dirname(folder) === folder ? '' : deviceOf(dirname(folder));
}

/** @param mode of the copy, before the umask */
async function copyObject(source: string, target: string, mode: number): Promise<void> {
  const file = await open(target, 'wx', mode);
  let permissions: number;
  try {
    permissions = (await file.stat()).mode & 0o777;
  } finally {
    await file.close();
  }
  await copyFile(source, target, constants.COPYFILE_FICLONE);
  await chmod(target, permissions);
}

const digitsOf = { folder: /^[0-9a-f]{2}$/, file: /^[0-9a-f]{62}$/ };

function* looseIn(root: string): Generator<{ digest: Digest; bytes: number; pack: null }> {
  const top = join(root, 'objects');
  for (const start of namesIn(top)) {
    if (!digitsOf.folder.test(start)) continue;
    for (const rest of namesIn(join(top, start))) {
      const facts = digitsOf.file.test(rest) ? statSync(join(top, start, rest), { throwIfNoEntry: false }) : undefined;
      if (facts?.isFile() === true) yield { digest: `sha256:${start}${rest}`, bytes: facts.size, pack: null };
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw systemError(error, 'read', folder);
  }
}
