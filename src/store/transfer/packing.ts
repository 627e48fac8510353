// Objects of the cache -> packs. Each object is verified as it is read: what differs from its digest is set aside and does not leave this machine.
import { digestOf, type Digest } from '../../base/digest.ts';
import type { Cache } from '../cache/cache.ts';
import { chunkSizes } from '../chunk/policy.ts';
import { bytesMissing, damaged } from '../faults.ts';
import { forms, type Role } from '../pack/pack.ts';
import { encodeChunks, type ChunkRef } from '../pack/recipe.ts';
import { GrowingBatch, type Batch, type BatchRoom, type StoredObject } from './batch.ts';
import { blockBytes, FileCutter, type CutFile } from './cut-file.ts';
import type { Catalog } from './catalog.ts';
import { Slot, type KnownObjects } from './known.ts';
import { PendingObjects } from './pending.ts';
import type { BuiltPack } from './pack-builder.ts';
import type { Packer } from './packer.ts';
import type { Uploads } from './uploads.ts';

/** Batches that are being packed while the next is gathered. */
const mostBatches = 4;
/** Objects up to here are read into one place, again and again. */
const roomBytes = 64 * 1024;
const none: ReadonlySet<Slot> = new Set();
/** Objects that went as chunks or lines, of which it is remembered where they are. */
const mostLarge = 50_000;

export interface PackingContext {
  readonly cache: Cache;
  readonly catalog: Catalog;
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
  readonly #pending = new PendingObjects();
  /** objects that went as chunks or lines: the packs that hold one and all that it is made from */
  readonly #large = new Map<Digest, readonly Slot[]>();

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
    return [await this.addStored({ digest, bytes: bytes.length, role, form: forms.bytes }, bytes)];
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
      slots.add(this.slotOfChunk(chunk.digest) ?? (await this.addStored({ ...chunk, role: 'data', form: forms.bytes }, bytes)));
    });
    const [{ bytes, whole }, hashed] = await Promise.all([cutting, hashing]);
    const actual = chunks.length === 1 ? chunks[0]?.digest : whole === null ? (hashed ?? (await hash())) : digestOf(whole);
    if (actual !== digest) {
      await cache.setAside(digest);
      throw this.#lost(digest);
    }
    // one chunk is the object itself
    if (chunks.length !== 1) slots.add(await this.addStored({ digest, bytes, role: 'meta', form: forms.chunks }, encodeChunks(chunks)));
    return this.remember(digest, [...slots]);
  }

  /**
   * Packs that hold an object, in the remote or on their way; null: it has to be sent.
   * @param whole as `KnownObjects.find` has it
   */
  slotsOf(digest: Digest, whole: ReadonlySet<Slot>): readonly Slot[] | null {
    const sent = this.#large.get(digest);
    if (sent !== undefined) return sent;
    const slot = this.#pending.find(digest) ?? this.#context.known.find(digest, whole)?.slot;
    return slot === undefined ? null : [slot];
  }

  /** Where a chunk is; null: it would have to be sent. */
  slotOfChunk(chunk: Digest): Slot | null {
    return this.#pending.find(chunk) ?? this.#context.known.find(chunk, none)?.slot ?? null;
  }

  /** An object that is not found by its digest alone: it is made from others, which are in these packs, too. */
  remember(digest: Digest, slots: readonly Slot[]): readonly Slot[] {
    // who asks for one that was forgotten finds its chunks
    if (this.#large.size >= mostLarge) this.#large.clear();
    this.#large.set(digest, slots);
    return slots;
  }

  /** Puts what is stored of an object into the pack that is open. The bytes are copied. */
  async addStored(object: StoredObject, stored: Uint8Array): Promise<Slot> {
    this.#open ??= this.#begin();
    const { batch, slot } = this.#open;
    batch.add(object, stored);
    if (object.form === forms.bytes) this.#pending.add(object.digest, slot);
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
    const slots = batches.map(({ slot }) => slot);
    const { catalog, known, uploads } = this.#context;
    // from now on its objects are looked for in its index
    known.add(built, await catalog.shelveBuilt(built, built.path), slots[0] as Slot);
    this.#pending.drop(new Set(slots));
    await uploads.send({ ...built, raw }, slots);
  }

  #lost(digest: Digest): Error {
    const { cache, remoteUrl } = this.#context;
    return cache.wasBad(digest) ? damaged(digest, cache.root, remoteUrl) : bytesMissing([digest], remoteUrl);
  }
}
