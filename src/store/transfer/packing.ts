// Objects of the cache -> packs. Each object is verified as it is read: what differs from its digest is set aside and does not leave this machine.
import { createHash, randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, type Digest } from '../../base/digest.ts';
import { systemError } from '../../base/errors.ts';
import type { Cache } from '../cache/cache.ts';
import { createChunker } from '../chunk/chunker.ts';
import { chunkSizes, type ChunkSizes } from '../chunk/policy.ts';
import { bytesMissing, damaged } from '../faults.ts';
import { forms, type Form, type PackWriter, type Role } from '../pack/pack.ts';
import { encodeChunks, type ChunkRef } from '../pack/recipe.ts';
import { createPack } from '../pack/writer.ts';
import { DigestTable } from './digest-table.ts';
import { Slot, type KnownObjects } from './known.ts';
import type { Uploads } from './uploads.ts';

const packBytes = 64 * 1024 * 1024;
/** What a writer and a reader keep in memory of a pack grows with its objects: 65 bytes each. */
const packObjects = 262_144;
const readBytes = 1024 * 1024;
const none: ReadonlySet<Slot> = new Set();

export interface PackingContext {
  readonly cache: Cache;
  readonly known: KnownObjects;
  readonly uploads: Uploads;
  /** for packs in the making; of the cache's file system */
  readonly folder: string;
  readonly remoteUrl: string;
  readonly signal: AbortSignal;
}

interface OpenPack {
  readonly path: string;
  readonly writer: PackWriter;
  readonly slot: Slot;
  /** of objects, of those that need nothing new, too */
  raw: number;
}

/** A file that is cut into chunks. */
export interface CutFile {
  readonly path: string;
  readonly bytes: number;
  readonly sizes: ChunkSizes;
}

export class Packing {
  readonly #context: PackingContext;
  #open: OpenPack | null = null;
  /** chunks that this push sends */
  readonly #chunks = new DigestTable();
  readonly #chunkSlots: Slot[] = [];

  constructor(context: PackingContext) {
    this.#context = context;
  }

  /**
   * Packs an object as its bytes, or as chunks of which only new ones go.
   * @returns the packs that it is in then
   * @throws PlumbError DIGEST_MISMATCH when it was damaged (it is set aside), BYTES_MISSING when it is gone
   */
  async add(object: { readonly digest: Digest; readonly bytes: number; readonly role: Role }): Promise<readonly Slot[]> {
    const { digest, role } = object;
    const sizes = role === 'data' ? chunkSizes('bytes', object.bytes) : null;
    if (sizes !== null) return this.addFile(digest, { path: await this.pathOf(digest), bytes: object.bytes, sizes });
    const bytes = await this.#context.cache.read(digest);
    if (bytes === null) throw this.#lost(digest);
    return (await this.addStored({ digest, bytes: bytes.length, role, form: forms.bytes }, bytes)).alone;
  }

  /** Path of an object of the cache. @throws PlumbError as `add` */
  async pathOf(digest: Digest): Promise<string> {
    const path = await this.#context.cache.path(digest);
    if (path === null) throw this.#lost(digest);
    return path;
  }

  /** Packs a file as its chunks. @param digest that the file should have */
  async addFile(digest: Digest, file: CutFile): Promise<readonly Slot[]> {
    const slots = new Set<Slot>();
    const chunks: ChunkRef[] = [];
    const actual = await cutFile(file, this.#context.signal, async (bytes) => {
      const chunk = { digest: digestOf(bytes), bytes: bytes.length };
      chunks.push(chunk);
      slots.add(this.slotOfChunk(chunk.digest) ?? (await this.#addChunk(chunk, bytes)));
    });
    if (actual.digest !== digest) {
      await this.#context.cache.setAside(digest);
      throw this.#lost(digest);
    }
    // one chunk is the object itself
    if (chunks.length !== 1) slots.add(await this.addStored({ digest, bytes: actual.bytes, role: 'meta', form: forms.chunks }, encodeChunks(chunks)));
    return slots.size === 1 ? ([...slots][0] as Slot).alone : [...slots];
  }

  /** Where a chunk is, in the remote or in this push; null: it would have to be sent. */
  slotOfChunk(chunk: Digest): Slot | null {
    const sent = this.#chunks.find(chunk);
    return sent === -1 ? (this.#context.known.find(chunk, none)?.slot ?? null) : (this.#chunkSlots[sent] ?? null);
  }

  async #addChunk(chunk: ChunkRef, bytes: Buffer): Promise<Slot> {
    const slot = await this.addStored({ ...chunk, role: 'data', form: forms.bytes }, bytes);
    this.#chunkSlots[this.#chunks.add(chunk.digest)] = slot;
    return slot;
  }

  /** Puts what is stored of an object into the pack that is open. */
  async addStored(
    object: { readonly digest: Digest; readonly bytes: number; readonly role: Role; readonly form: Form },
    stored: Uint8Array,
  ): Promise<Slot> {
    this.#open ??= this.#begin();
    const { writer, slot } = this.#open;
    writer.add(object, stored);
    this.#open.raw += object.form === forms.bytes ? object.bytes : 0;
    if (writer.bytes >= packBytes || writer.objects >= packObjects) await this.#finish(this.#open);
    return slot;
  }

  /** The last pack is on its way, too. */
  async end(): Promise<void> {
    if (this.#open !== null) await this.#finish(this.#open);
  }

  /** Takes away what was not sent. */
  abandon(): void {
    this.#open?.writer.abandon();
    this.#open = null;
  }

  #begin(): OpenPack {
    const path = join(this.#context.folder, `${process.pid}-${randomBytes(6).toString('hex')}`);
    return { path, writer: createPack(path, { compress: true }), slot: new Slot(), raw: 0 };
  }

  async #finish({ path, writer, slot, raw }: OpenPack): Promise<void> {
    const summary = writer.finish();
    this.#open = null;
    await this.#context.uploads.send({ ...summary, path, raw }, slot);
  }

  #lost(digest: Digest): Error {
    const { cache, remoteUrl } = this.#context;
    return cache.wasBad(digest) ? damaged(digest, cache.root, remoteUrl) : bytesMissing([digest], remoteUrl);
  }
}

/**
 * Cuts a file into chunks.
 * @param use gets each chunk; its bytes are good until it is done
 * @returns digest and size of the whole
 */
export async function cutFile(
  { path, sizes }: CutFile,
  signal: AbortSignal,
  use: (bytes: Buffer, offset: number) => Promise<void> | void,
): Promise<{ digest: Digest; bytes: number }> {
  const state = createHash('sha256');
  const chunker = createChunker(sizes);
  const file = await open(path).catch((error: unknown) => Promise.reject(systemError(error, 'read', path)));
  const chunk = Buffer.allocUnsafeSlow(sizes.max);
  const block = Buffer.allocUnsafeSlow(readBytes);
  let held = 0;
  let offset = 0;
  try {
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(block, 0, readBytes);
      if (bytesRead === 0) break;
      const bytes = block.subarray(0, bytesRead);
      state.update(bytes);
      let start = 0;
      for (const end of chunker.push(bytes)) {
        held += bytes.copy(chunk, held, start, end);
        await use(chunk.subarray(0, held), offset);
        offset += held;
        held = 0;
        start = end;
      }
      held += bytes.copy(chunk, held, start);
    }
    if (held > 0) await use(chunk.subarray(0, held), offset);
    return { digest: `sha256:${state.digest('hex')}`, bytes: offset + held };
  } catch (error) {
    throw systemError(error, 'read', path);
  } finally {
    await file.close();
  }
}
