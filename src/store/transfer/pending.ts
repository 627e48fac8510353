import type { Digest } from '../../base/digest.ts';
import { DigestTable } from './digest-table.ts';
import type { Slot } from './known.ts';

/** Objects of packs that are being built: as many as a pack holds, and some more. */
export class PendingObjects {
  #table = new DigestTable();
  #slots: Slot[] = [];

  /** An object that comes again stays where it was first. */
  add(digest: Digest, slot: Slot): void {
    const number = this.#table.add(digest);
    this.#slots[number] ??= slot;
  }

  find(digest: Digest): Slot | null {
    return this.#slots[this.#table.find(digest)] ?? null;
  }

  /** The pack of these slots has an index now. */
  drop(slots: ReadonlySet<Slot>): void {
    const table = this.#table;
    const before = this.#slots;
    this.#table = new DigestTable();
    this.#slots = [];
    for (const [number, slot] of before.entries()) if (!slots.has(slot)) this.add(table.digestAt(number), slot);
  }
}
