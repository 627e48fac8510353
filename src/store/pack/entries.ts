// What a writer knows of the objects of a pack that grows: columns of typed arrays and a table of slots, about 65 bytes an object and no object of
// JavaScript each, so that a pack of 250,000 objects costs 16 MB.
import type { Digest } from '../../base/digest.ts';
import { columnsOf, frameRow, maxObjects, objectRow } from './index-file.ts';
import type { Form, FrameLocation } from './pack.ts';

const firstRoom = 1024;
/** Numbers of entries fit below the first four bytes of a digest in the 53 bits of a number. */
const entryRoom = 2 ** 21;

export class Entries {
  count = 0;
  #digests = Buffer.alloc(firstRoom * 32);
  /** four a row: frame, offset in it, length, form */
  #places = new Uint32Array(firstRoom * 4);
  #bytes = new Float64Array(firstRoom);
  /** entry + 1, by the first bytes of the digest; 0: free */
  #slots = new Uint32Array(firstRoom * 2);
  readonly #wanted = Buffer.alloc(32);

  has(digest: Digest): boolean {
    return this.#slots[this.#slotOf(digest)] !== 0;
  }

  /** The digest is not among them yet. */
  add(
    object: { readonly digest: Digest; readonly bytes: number; readonly form: Form },
    place: { readonly frame: number; readonly offset: number; readonly length: number },
  ): void {
    if (this.count >= maxObjects) throw new Error(`a pack holds at most ${maxObjects} objects`);
    if (this.count === this.#bytes.length) this.#grow();
    const slot = this.#slotOf(object.digest);
    this.#slots[slot] = this.count + 1;
    this.#wanted.copy(this.#digests, this.count * 32);
    this.#places.set([place.frame, place.offset, place.length, object.form], this.count * 4);
    this.#bytes[this.count] = object.bytes;
    this.count += 1;
  }

  /**
   * The raw index.
   * @param frames by the numbers that the entries name; they are renumbered in the order of the file
   */
  encode(frames: readonly FrameLocation[]): Buffer {
    const raw = Buffer.alloc(frames.length * frameRow + this.count * objectRow);
    const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
    const columns = columnsOf(frames.length, this.count);
    const ranks = new Uint32Array(frames.length);
    // an empty frame stands before the one that begins at the same place
    const inFile = frames.map((frame, number) => ({ ...frame, number })).toSorted((a, b) => a.offset - b.offset || a.stored - b.stored);
    for (const [rank, frame] of inFile.entries()) {
      ranks[frame.number] = rank;
      setU64(view, columns.frameOffset + rank * 8, frame.offset);
      view.setUint32(columns.stored + rank * 4, frame.stored, true);
      view.setUint32(columns.raw + rank * 4, frame.raw, true);
      raw[columns.codec + rank] = frame.codec;
    }
    const places = this.#places;
    for (const [rank, entry] of this.#sorted().entries()) {
      this.#digests.copy(raw, columns.digest + rank * 32, entry * 32, entry * 32 + 32);
      view.setUint32(columns.frame + rank * 4, ranks[places[entry * 4] as number] as number, true);
      view.setUint32(columns.offset + rank * 4, places[entry * 4 + 1] as number, true);
      view.setUint32(columns.length + rank * 4, places[entry * 4 + 2] as number, true);
      raw[columns.form + rank] = places[entry * 4 + 3] as number;
      setU64(view, columns.bytes + rank * 8, this.#bytes[entry] as number);
    }
    return raw;
  }

  /** Entries by digest: sorted as numbers by its first four bytes, and the few that share them set right after. */
  #sorted(): Uint32Array {
    const keys = new Float64Array(this.count);
    for (let entry = 0; entry < this.count; entry += 1) keys[entry] = this.#digests.readUInt32BE(entry * 32) * entryRoom + entry;
    keys.sort();
    const order = Uint32Array.from(keys, (key) => key % entryRoom);
    for (let at = 1; at < order.length; at += 1) {
      const entry = order[at] as number;
      let to = at;
      for (; to > 0 && this.#compare(order[to - 1] as number, entry) > 0; to -= 1) order[to] = order[to - 1] as number;
      order[to] = entry;
    }
    return order;
  }

  #compare(a: number, b: number): number {
    return this.#digests.compare(this.#digests, b * 32, b * 32 + 32, a * 32, a * 32 + 32);
  }

  /** The slot that holds this digest, or where it would go. Leaves the digest's bytes in `#wanted`. */
  #slotOf(digest: Digest): number {
    if (this.#wanted.write(digest.slice(7), 'hex') !== 32) throw new Error(`${digest} is no digest`);
    const mask = this.#slots.length - 1;
    for (let slot = this.#wanted.readUInt32LE(0) & mask; ; slot = (slot + 1) & mask) {
      const entry = (this.#slots[slot] as number) - 1;
      if (entry === -1 || this.#isWanted(entry)) return slot;
    }
  }

  #isWanted(entry: number): boolean {
    for (let byte = 0; byte < 32; byte += 1) if (this.#digests[entry * 32 + byte] !== this.#wanted[byte]) return false;
    return true;
  }

  #grow(): void {
    const room = this.#bytes.length * 2;
    this.#digests = Buffer.concat([this.#digests], room * 32);
    this.#places = enlarged(this.#places, room * 4);
    this.#bytes = enlarged(this.#bytes, room);
    this.#slots = new Uint32Array(room * 2);
    const mask = this.#slots.length - 1;
    for (let entry = 0; entry < this.count; entry += 1) {
      let slot = this.#digests.readUInt32LE(entry * 32) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = entry + 1;
    }
  }
}

/** The same numbers at the front of a longer array. */
export function enlarged<T extends Uint8Array | Uint32Array | Float64Array>(column: T, length: number): T {
  const larger = new (column.constructor as new (length: number) => T)(length);
  larger.set(column);
  return larger;
}

function setU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}
