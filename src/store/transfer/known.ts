// What the remote has already, as a push sees it.
import type { Digest } from '../../base/digest.ts';
import type { ShelvedIndex } from '../pack/index-shelf.ts';
import { forms, type PackIndex } from '../pack/pack.ts';
import { prefixOf } from '../pack/prefixes.ts';
import type { PackRef } from '../remote.ts';

/** A pack, or several that were made from others, as a receipt of this push will name it. */
export class Slot {
  #refs: () => readonly PackRef[];

  /** @param refs none as long as it is in the making */
  constructor(refs: () => readonly PackRef[] = () => []) {
    this.#refs = refs;
  }

  get refs(): readonly PackRef[] {
    return this.#refs();
  }

  /** It is in the remote now. */
  is(ref: PackRef): void {
    this.#refs = () => [ref];
  }

  /** What was in its packs is in others now. */
  becomes(slots: ReadonlySet<Slot>): void {
    this.#refs = () => [...slots].flatMap((slot) => slot.refs);
  }
}

interface KnownPack {
  readonly ref: PackRef;
  readonly shelved: ShelvedIndex;
  readonly slot: Slot;
}

export interface KnownPlace {
  readonly ref: PackRef;
  readonly slot: Slot;
  /** of its pack: to be used at once */
  readonly index: PackIndex;
  readonly entry: number;
}

/** Looks into many indexes; neighbours in a version are mostly neighbours in a pack, so the last one that had something is asked first. */
export class KnownObjects {
  readonly #packs: KnownPack[] = [];
  #last = 0;

  add(ref: PackRef, shelved: ShelvedIndex, slot: Slot): void {
    this.#packs.push({ ref, shelved, slot });
  }

  /**
   * Where an object is, so that naming that slot is enough.
   * @param whole slots that are named together in any case: there, an object may be a recipe, for all that it needs is in them, too
   */
  find(digest: Digest, whole: ReadonlySet<Slot>): KnownPlace | null {
    const count = this.#packs.length;
    if (count === 0) return null;
    const prefix = prefixOf(digest);
    for (let step = 0; step < count; step += 1) {
      const at = (this.#last + step) % count;
      const { ref, shelved, slot } = this.#packs[at] as KnownPack;
      if (!shelved.mayHave(prefix)) continue;
      const index = shelved.take();
      const entry = index.find(digest);
      if (entry === -1) continue;
      if (!whole.has(slot) && index.locationAt(entry).form !== forms.bytes) continue;
      this.#last = at;
      return { ref, slot, index, entry };
    }
    return null;
  }
}
