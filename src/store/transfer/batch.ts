// Objects on their way into a pack, some at once: as columns of bytes, so that they go from one thread to another without being copied or taken apart.
import type { Digest } from '../../base/digest.ts';
import type { Form, Role } from '../pack/pack.ts';

const batchBytes = 1024 * 1024;
const batchObjects = 4096;

export interface StoredObject {
  readonly digest: Digest;
  /** of the object */
  readonly bytes: number;
  readonly role: Role;
  readonly form: Form;
}

/** What is said of a batch to whoever packs it. */
export interface Batch {
  readonly number: number;
  readonly count: number;
  readonly digests: Buffer;
  /** of the object, then of what is stored */
  readonly sizes: Float64Array;
  /** form, and 128 for meta */
  readonly kinds: Uint8Array;
  /** what is stored, one behind the other */
  readonly stored: Buffer;
}

/** What a batch lies in. It is used again: memory that comes and goes by the megabyte, through several threads, is never all given back. */
export type BatchRoom = Pick<Batch, 'digests' | 'sizes' | 'kinds' | 'stored'>;

export class GrowingBatch {
  readonly number: number;
  count = 0;
  length = 0;
  #digests: Buffer;
  #sizes: Float64Array;
  #kinds: Uint8Array;
  #stored: Buffer;

  /** @param room of a batch that is done with, if there is one */
  constructor(number: number, room: BatchRoom = newRoom()) {
    this.number = number;
    this.#digests = room.digests;
    this.#sizes = room.sizes;
    this.#kinds = room.kinds;
    this.#stored = room.stored;
  }

  get isFull(): boolean {
    return this.length >= batchBytes || this.count >= batchObjects;
  }

  add(object: StoredObject, stored: Uint8Array): void {
    if (this.count === this.#kinds.length) this.#grow();
    const needed = this.length + stored.length;
    if (needed > this.#stored.length) this.#stored = enlarged(this.#stored.subarray(0, this.length), needed);
    this.#digests.write(object.digest.slice(7), this.count * 32, 32, 'hex');
    this.#sizes[this.count * 2] = object.bytes;
    this.#sizes[this.count * 2 + 1] = stored.length;
    this.#kinds[this.count] = object.form + (object.role === 'meta' ? 128 : 0);
    this.#stored.set(stored, this.length);
    this.length = needed;
    this.count += 1;
  }

  /** The batch as it is: nothing may be added any more. */
  end(): Batch {
    const { number, count } = this;
    return { number, count, digests: this.#digests, sizes: this.#sizes, kinds: this.#kinds, stored: this.#stored };
  }

  #grow(): void {
    const room = this.#kinds.length * 4;
    this.#digests = enlarged(this.#digests, room * 32);
    const sizes = new Float64Array(room * 2);
    sizes.set(this.#sizes);
    this.#sizes = sizes;
    const kinds = new Uint8Array(room);
    kinds.set(this.#kinds);
    this.#kinds = kinds;
  }
}

function newRoom(): BatchRoom {
  return {
    digests: Buffer.allocUnsafeSlow(64 * 32),
    sizes: new Float64Array(64 * 2),
    kinds: new Uint8Array(64),
    stored: Buffer.allocUnsafeSlow(batchBytes + batchBytes / 4),
  };
}

/** A Buffer comes from another thread as the plain array that it is. */
export function restored(batch: Batch): Batch {
  return { ...batch, digests: bufferOf(batch.digests), stored: bufferOf(batch.stored) };
}

/** What goes to the other thread with a batch, and is there then and not here. */
export function partsOf({ digests, sizes, kinds, stored }: Batch): ArrayBuffer[] {
  return [digests, sizes, kinds, stored].map((part) => part.buffer as ArrayBuffer);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A buffer of its own: one from the pool of Node cannot go to another thread. */
function enlarged(bytes: Buffer, length: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(length);
  bytes.copy(larger);
  return larger;
}

/** The objects of a batch; what is stored is a part of the batch's own buffer. */
export function* objectsOf({ count, digests, sizes, kinds, stored }: Batch): Generator<{ readonly object: StoredObject; readonly stored: Buffer }> {
  let at = 0;
  for (let number = 0; number < count; number += 1) {
    const kind = kinds[number] as number;
    const length = sizes[number * 2 + 1] as number;
    yield {
      object: {
        digest: `sha256:${digests.toString('hex', number * 32, number * 32 + 32)}`,
        bytes: sizes[number * 2] as number,
        role: kind >= 128 ? 'meta' : 'data',
        form: (kind & 127) as Form,
      },
      stored: stored.subarray(at, at + length),
    };
    at += length;
  }
}
