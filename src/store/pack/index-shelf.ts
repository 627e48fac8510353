// Indexes of many packs in little memory. Of each the beginnings of its digests stay, 8 bytes an object, which say where to look; the index itself,
// 53 bytes an object, is let go when it was not needed for a while, and read again when it is. Who goes over a version goes over its packs one after
// the other, more or less: reading again is rare then, and where it is not, it is paid for by the many look-ups in between.
import type { PackIndex } from './pack.ts';
import { Prefixes } from './prefixes.ts';

/** Objects of indexes that are in memory: 14 MB. */
const mostObjects = 262_144;
/** An index that was not needed for so many look-ups may go. */
const restLooks = 16_384;

/** The index of a pack, wherever it is. */
export interface ShelvedIndex {
  readonly objects: number;
  /** Where not, the index has no digest that begins so. @param prefix as `prefixOf` has it */
  mayHave(prefix: number): boolean;
  /** The index: to be used at once and not to be kept. @throws what reading it again does */
  take(): PackIndex;
  /** It is not needed any more. */
  forget(): void;
}

class Place implements ShelvedIndex {
  readonly objects: number;
  /** null: it cannot be read again */
  readonly read: (() => PackIndex) | null;
  index: PackIndex | null = null;
  /** look-up that it was needed for last */
  used = Number.NEGATIVE_INFINITY;
  readonly #shelf: IndexShelf;
  readonly #prefixes: Prefixes;

  constructor(shelf: IndexShelf, index: PackIndex, read: (() => PackIndex) | null) {
    this.#shelf = shelf;
    this.objects = index.objects;
    this.read = read;
    const { digests } = index;
    this.#prefixes = new Prefixes(Float64Array.from({ length: index.objects }, (_, entry) => digests.readUIntBE(entry * 32, 6)));
  }

  mayHave(prefix: number): boolean {
    return this.#prefixes.has(prefix);
  }

  take(): PackIndex {
    return this.#shelf.take(this);
  }

  forget(): void {
    this.#shelf.letGo(this);
  }
}

export class IndexShelf {
  readonly #most: number;
  #looks = 0;
  #objects = 0;
  readonly #inMemory = new Set<Place>();

  /** @param most objects of indexes that are kept in memory, as long as they can be read again */
  constructor(most: number = mostObjects) {
    this.#most = most;
  }

  /** @param read the same index once more; null: it cannot be had again, and stays in memory */
  add(index: PackIndex, read: (() => PackIndex) | null): ShelvedIndex {
    const place = new Place(this, index, read);
    this.#keep(place, index);
    return place;
  }

  take(place: Place): PackIndex {
    this.#looks += 1;
    place.used = this.#looks;
    if (place.index !== null) return place.index;
    if (place.read === null) throw new Error('an index was let go that cannot be read again');
    return this.#keep(place, place.read());
  }

  #keep(place: Place, index: PackIndex): PackIndex {
    place.index = index;
    this.#objects += place.objects;
    this.#inMemory.add(place);
    if (this.#objects > this.#most) this.#makeRoom(place);
    return index;
  }

  #makeRoom(needed: Place): void {
    const atRest = [...this.#inMemory].filter((place) => place !== needed && place.read !== null && place.used <= this.#looks - restLooks);
    for (const place of atRest.toSorted((a, b) => a.used - b.used)) {
      if (this.#objects <= this.#most) return;
      this.letGo(place);
    }
  }

  letGo(place: Place): void {
    if (this.#inMemory.delete(place)) this.#objects -= place.objects;
    place.index = null;
  }
}
