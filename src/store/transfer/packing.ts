// Objects of the cache -> packs. Each object is verified as it is read: what differs from its digest is set aside and does not leave this machine.
import { digestOf, type Digest } from '../../base/digest.ts';
import type { Cache } from '../cache/cache.ts';
import { chunkSizes } from '../chunk/policy.ts';
import { bytesMissing, damaged } from '../faults.ts';
import { forms, type Role } from '../pack/pack.ts';
import { encodeChunks, type ChunkRef } from '../pack/recipe.ts';
import { GrowingBatch, type Batch, type BatchRoom, type StoredObject } from './batch.ts';
import { blockBytes, FileCutter, type CutFile } from './cut-file.ts';
import { DigestTable } from './digest-table.ts';
import { Slot, type KnownObjects } from './known.ts';
import type { BuiltPack } from './pack-builder.ts';
import type { Packer } from './packer.ts';
import type { Uploads } from './uploads.ts';

/** Batches that are being packed while the next is gathered. */
const mostBatches = 4;
/** Objects up to here are read into one place, again and again. */
const roomBytes = 64 * 1024;
const none: ReadonlySet<Slot> = new Set();

export interface PackingContext {
  readonly cache: Cache;
  readonly known: KnownObjects;
  readonly uploads: Uploads;
  readonly packer: Packer;
  readonly remoteUrl: string;
  readonly signal: AbortSignal;
}

/** Objects that share a slot: a pack takes a batch whole. */
interface OpenBatch {
  readonly batch: GrowingBatch;
  readonly slot: Slot;
  /** bytes of its objects */
  raw: number;
}

export class Packing {
  readonly cutter: FileCutter = new FileCutter();
  readonly #context: PackingContext;
  readonly #room = Buffer.allocUnsafeSlow(roomBytes);
  #open: OpenBatch | null = null;
  #batches = 0;
  /** batches whose pack is not finished, by number */
  readonly #unfinished = new Map<number, OpenBatch>();
  /** of batches that are packed */
  readonly #rooms: BatchRoom[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;
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
    const bytes = await this.#context.cache.read(digest, this.#room);
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
    const { cache, signal } = this.#context;
    // a long file is read twice at once: hashing it whole takes as long as all that is done with its chunks
    const hash = async (): Promise<Digest | undefined> => (await cache.hashFiles([file], { signal }))[0]?.digest;
    const hashing = file.bytes > blockBytes ? hash() : null;
    const cutting = this.cutter.cut(file, signal, async (bytes) => {
      const chunk = { digest: digestOf(bytes), bytes: bytes.length };
      chunks.push(chunk);
      slots.add(this.slotOfChunk(chunk.digest) ?? (await this.#addChunk(chunk, bytes)));
    });
    const [{ bytes, whole }, hashed] = await Promise.all([cutting, hashing]);
    const actual = chunks.length === 1 ? chunks[0]?.digest : whole === null ? (hashed ?? (await hash())) : digestOf(whole);
    if (actual !== digest) {
      await cache.setAside(digest);
      throw this.#lost(digest);
    }
    // one chunk is the object itself
    if (chunks.length !== 1) slots.add(await this.addStored({ digest, bytes, role: 'meta', form: forms.chunks }, encodeChunks(chunks)));
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

  /** Puts what is stored of an object into the pack that is open. The bytes are copied. */
  async addStored(object: StoredObject, stored: Uint8Array): Promise<Slot> {
    this.#open ??= this.#begin();
    const { batch, slot } = this.#open;
    batch.add(object, stored);
    this.#open.raw += object.form === forms.bytes ? object.bytes : 0;
    if (batch.isFull) await this.#pack();
    return slot;
  }

  /** All is packed, and on its way. */
  async end(): Promise<void> {
    await this.#pack();
    await Promise.all(this.#underWay);
    this.#check();
    await this.#send((await this.#context.packer.end()).built);
  }

  #begin(): OpenBatch {
    this.#batches += 1;
    const begun = { batch: new GrowingBatch(this.#batches, this.#rooms.pop()), slot: new Slot(), raw: 0 };
    this.#unfinished.set(begun.batch.number, begun);
    return begun;
  }

  /** Hands the open batch on, and waits while too many are being packed. */
  async #pack(): Promise<void> {
    if (this.#open !== null) {
      const batch = this.#open.batch.end();
      this.#open = null;
      const packing = this.#packBatch(batch)
        .catch((error: unknown) => {
          this.#failure ??= { error };
        })
        .finally(() => this.#underWay.delete(packing));
      this.#underWay.add(packing);
    }
    while (this.#underWay.size >= mostBatches) await Promise.race(this.#underWay);
    this.#check();
  }

  async #packBatch(batch: Batch): Promise<void> {
    const packed = await this.#context.packer.take(batch);
    if (packed.batch !== null) this.#rooms.push(packed.batch);
    await this.#send(packed.built);
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  async #send(built: BuiltPack | null): Promise<void> {
    if (built === null) return;
    const batches = built.batches.flatMap((number) => this.#unfinished.get(number) ?? []);
    for (const number of built.batches) this.#unfinished.delete(number);
    const raw = batches.reduce((sum, batch) => sum + batch.raw, 0);
    await this.#context.uploads.send(
      { ...built, raw },
      batches.map(({ slot }) => slot),
    );
  }

  #lost(digest: Digest): Error {
    const { cache, remoteUrl } = this.#context;
    return cache.wasBad(digest) ? damaged(digest, cache.root, remoteUrl) : bytesMissing([digest], remoteUrl);
  }
}
