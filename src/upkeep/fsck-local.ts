// Reads and hashes all that the cache of this machine holds. What is not what its name says is set aside, and got again where somebody has it.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { digestOf, shortDigest, type Digest } from '../base/digest.ts';
import { errnoOf, isPlumbError, type ErrorCode } from '../base/errors.ts';
import type { ProgressBar } from '../base/progress.ts';
import type { Project } from '../project/open.ts';
import { packsIn } from '../store/cache/local-packs.ts';
import { rewritePacks } from '../store/cache/repack.ts';
import { makeFolder } from '../store/cache/sharing.ts';
import { objectPath, packPath } from '../store/layout.ts';
import { forms } from '../store/pack/pack.ts';
import { openPackFile, type PackFile } from '../store/pack/reader.ts';
import type { TransferOptions } from '../store/store.ts';
import { liveHere } from './gc-local.ts';
import type { Live } from './live.ts';
import { Marks } from './mark.ts';
import { listSetAside } from './set-aside.ts';

export interface LocalFault {
  /** of an object, or of a pack as a whole */
  readonly what: 'object' | 'pack';
  readonly digest: Digest;
  /** why it lives, for each that needs it; none: nobody needs it, and nothing is lost */
  readonly neededBy: readonly string[];
  /** set aside: there is no good copy here; repaired: there is one again */
  readonly state: 'set aside' | 'repaired';
  readonly mend: string;
}

export interface LocalReport {
  readonly objects: number;
  readonly bytes: number;
  readonly faults: readonly LocalFault[];
}

export interface LocalCheck extends TransferOptions {
  readonly repair: boolean;
  readonly now: Date;
}

/** @throws PlumbError FILE_UNREADABLE, DISK_FULL; what is wrong with objects is reported */
export async function checkCache(project: Project, options: LocalCheck): Promise<LocalReport> {
  return new CacheCheck(project, options).run();
}

class CacheCheck {
  readonly #project: Project;
  readonly #options: LocalCheck;
  readonly #bad = new Set<Digest>();
  readonly #badPacks = new Set<Digest>();
  /** a pack whose index is gone held nobody knows what */
  #isUnknown = false;

  constructor(project: Project, options: LocalCheck) {
    this.#project = project;
    this.#options = options;
  }

  async run(): Promise<LocalReport> {
    const { cache } = this.#project.store;
    const loose: { digest: Digest; bytes: number }[] = [];
    const counts = { objects: 0, bytes: 0 };
    for await (const { digest, bytes, pack } of cache.list()) {
      counts.objects += 1;
      counts.bytes += bytes;
      if (pack === null) loose.push({ digest, bytes });
    }
    const bar = this.#options.progress.start('check', counts.bytes, 'bytes');
    try {
      await this.#checkFiles(loose, bar);
      for (const hex of packsIn(join(cache.root, 'packs'))) await this.#checkPack(hex, bar);
    } finally {
      bar.end();
    }
    for (const digest of this.#bad) await cache.setAside(digest);
    // a copy elsewhere in the cache may be good
    const lost: Digest[] = [];
    for (const digest of this.#bad) if (!(await cache.verify(digest))) lost.push(digest);
    for (const digest of await this.#lostBefore()) lost.push(digest);
    return { ...counts, faults: await this.#describe(lost) };
  }

  /** What was set aside when it was used, or by an earlier check, and has not come again. */
  async #lostBefore(): Promise<Set<Digest>> {
    const { cache } = this.#project.store;
    const lost = new Set<Digest>();
    const note = async (digest: Digest): Promise<void> => {
      if (!this.#bad.has(digest) && !(await cache.has(digest))) lost.add(digest);
    };
    for (const { digests } of listSetAside(cache.root)) {
      if (digests === null) this.#isUnknown = true;
      for (const digest of digests ?? []) await note(digest);
    }
    return lost;
  }

  /** Many at a time: threads hash them. */
  async #checkFiles(files: readonly { readonly digest: Digest; readonly bytes: number }[], bar: ProgressBar): Promise<void> {
    for (let at = 0; at < files.length; at += batch) {
      const some = files.slice(at, at + batch);
      const found = await this.#hash(some, bar);
      // null: it is gone, a gc was faster
      for (const [number, { digest }] of some.entries()) if (found[number] !== null && found[number] !== digest) this.#bad.add(digest);
    }
  }

  /** @returns what the files are; '' for one that the disk cannot read any more */
  async #hash(files: readonly { readonly digest: Digest }[], bar: ProgressBar): Promise<(string | null)[]> {
    const { cache } = this.#project.store;
    const paths = files.map(({ digest }) => ({ path: objectPath(cache.root, digest) }));
    try {
      const { signal } = this.#options;
      const hashed = await cache.hashFiles(paths, { signal, onBytes: (bytes) => bar.advance(bytes) });
      return hashed.map((file) => file?.digest ?? null);
    } catch (error) {
      if (!isPlumbError(error, 'FILE_UNREADABLE') || errnoOf(error.cause) !== 'EIO') throw error;
      if (files.length === 1) return [''];
      const half = Math.ceil(files.length / 2);
      return [...(await this.#hash(files.slice(0, half), bar)), ...(await this.#hash(files.slice(half), bar))];
    }
  }

  /** The file as a whole, for its index has no digest of its own, and each object. */
  async #checkPack(hex: string, bar: ProgressBar): Promise<void> {
    const { cache } = this.#project.store;
    const path = packPath(cache.root, hex);
    let file: PackFile;
    let isWhole: boolean;
    try {
      isWhole = (await hashOfFile(path)) === hex;
      file = openPackFile(path);
    } catch (error) {
      if (isPlumbError(error, 'FILE_MISSING') || errnoOf(error) === 'ENOENT') return;
      if (!isPlumbError(error, 'PACK_INVALID')) throw error;
      this.#badPacks.add(`sha256:${hex}`);
      this.#isUnknown = true;
      moveToBad(cache.root, hex);
      return;
    }
    try {
      this.#checkObjects(file, bar);
    } finally {
      file.close();
    }
    if (isWhole) return;
    this.#badPacks.add(`sha256:${hex}`);
    const pack = { hex, path, index: file.index };
    await rewritePacks(cache.root, [pack], { keeps: () => true, old: () => badPath(cache.root, hex) });
  }

  #checkObjects(file: PackFile, bar: ProgressBar): void {
    const { index } = file;
    for (let frame = 0; frame < index.frames; frame += 1) {
      this.#options.signal.throwIfAborted();
      const raw = readable(file, frame);
      bar.advance(index.frameAt(frame).raw);
      for (const entry of index.entriesOf(frame)) {
        const { offset, length, form } = index.locationAt(entry);
        const digest = index.digestAt(entry);
        // the cache has bytes, not recipes: nobody uses one that was put here by hand
        if (form === forms.bytes && (raw === null || digestOf(raw.subarray(offset, offset + length)) !== digest)) this.#bad.add(digest);
      }
    }
  }

  async #describe(lost: readonly Digest[]): Promise<LocalFault[]> {
    if (lost.length === 0 && this.#bad.size === 0 && this.#badPacks.size === 0 && !this.#isUnknown) return [];
    const live = await liveHere(this.#project, { workspaceOnly: false, now: this.#options.now });
    const users = await this.#usersOf(lost, live);
    if (this.#options.repair) await this.#fetch([...lost, ...(await this.#missingOf(live))], live);
    const faults: LocalFault[] = [];
    for (const digest of new Set([...this.#bad, ...lost])) {
      const neededBy = users.get(digest) ?? [];
      if (neededBy.length === 0 && !this.#bad.has(digest)) continue;
      const isThere = await this.#project.store.cache.verify(digest);
      faults.push({ what: 'object', digest, neededBy, state: isThere ? 'repaired' : 'set aside', mend: isThere ? '' : this.#mend(neededBy) });
    }
    for (const digest of this.#badPacks) {
      const mend = 'what it held and was good was kept; what is missing is fetched when it is needed';
      faults.push({ what: 'pack', digest, neededBy: [], state: 'repaired', mend });
    }
    return faults;
  }

  /** Where it is not known what was lost: all that the work tree names and the cache lacks. */
  async #missingOf(live: Live): Promise<Digest[]> {
    const { store } = this.#project;
    const missing: Digest[] = [];
    if (!this.#isUnknown) return missing;
    const marks = new Marks(store, this.#options.signal);
    const roots = [...live].flatMap(([digest, why]) => (why === 'the work tree' ? [digest] : []));
    await store.openRoots(roots, this.#options).catch(unlessLost);
    for (const digest of roots) await marks.add(digest).catch(unlessLost);
    for (let at = 0; at < marks.objects.size; at += 1) {
      const digest = marks.objects.digestAt(at);
      if (!(await store.cache.has(digest))) missing.push(digest);
    }
    return missing;
  }

  /** Each that lives is gone through by itself: this is done when something is wrong, not before. */
  async #usersOf(lost: readonly Digest[], live: Live): Promise<Map<Digest, string[]>> {
    const users = new Map<Digest, string[]>();
    for (const [root, why] of lost.length === 0 ? [] : live) {
      const marks = new Marks(this.#project.store, this.#options.signal);
      await marks.add(root).catch(unlessLost);
      for (const digest of lost)
        if (marks.objects.find(digest) >= 0) users.set(digest, [...(users.get(digest) ?? []), `${shortDigest(root)} (${why})`]);
    }
    return users;
  }

  async #fetch(wanted: readonly Digest[], live: Live): Promise<void> {
    const { store } = this.#project;
    if (store.remoteUrl === null || wanted.length === 0) return;
    // all that can be had is there when this fails: who asks for the objects sees which
    await store.fetch(wanted, { ...this.#options, within: [...live.keys()] }).catch(unlessLost);
  }

  #mend(neededBy: readonly string[]): string {
    if (neededBy.length === 0) return 'nobody needs it: nothing is lost';
    if (this.#project.store.remoteUrl === null) return 'no remote is configured: add the data again where it is, or run again what made it';
    return this.#options.repair
      ? 'the remote does not have it: push it from a machine that does, add the data again, or run again what made it'
      : 'plumb fsck --repair';
  }
}

const batch = 2000;

const losses: ReadonlySet<ErrorCode> = new Set([
  'BYTES_MISSING',
  'DIGEST_MISMATCH',
  'MANIFEST_INVALID',
  'REMOTE_FAILED',
  'REMOTE_DENIED',
  'RECEIPT_INVALID',
  'PACK_INVALID',
]);

function unlessLost(error: unknown): void {
  if (!isPlumbError(error) || !losses.has(error.code)) throw error;
}

function readable(file: PackFile, frame: number): Buffer | null {
  try {
    return file.readFrame(frame);
  } catch (error) {
    if (isPlumbError(error, 'PACK_INVALID')) return null;
    throw error;
  }
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
}

async function hashOfFile(path: string): Promise<string> {
  const state = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), state);
  return state.digest('hex');
}

function badPath(root: string, hex: string): string {
  const folder = join(root, 'bad');
  return join(folder, `${hex}-${namesIn(folder).length}.pack`);
}

function moveToBad(root: string, hex: string): void {
  makeFolder(root, join(root, 'bad'));
  renameSync(packPath(root, hex), badPath(root, hex));
}
