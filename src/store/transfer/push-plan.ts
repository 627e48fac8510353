// What a push has to send: the objects of its roots that the remote does not have, each once. They are all known before the first is sent, so that
// nothing is sent for a root that cannot be sent whole, and so that progress can say what is left.
import type { Digest } from '../../base/digest.ts';
import { isPlumbError } from '../../base/errors.ts';
import type { Cache } from '../cache/cache.ts';
import type { Role } from '../pack/pack.ts';
import type { Receipt } from '../pack/receipt.ts';
import type { ObjectRef, PushRoot } from '../store.ts';
import { DigestTable, NumberSet } from './digest-table.ts';
import type { KnownObjects, Slot } from './known.ts';

export interface PlannedObject {
  readonly digest: Digest;
  readonly bytes: number;
  readonly role: Role;
  /** text of lines: later versions may be sent as rows of it */
  readonly isLines: boolean;
  /** what stood in its place in a version that the remote has, or that goes before it; base: the packs of that version */
  readonly like: { readonly digest: Digest; readonly base: ReadonlySet<Slot> } | null;
}

/** What a push knows of a root that the remote does not have. */
export interface PlannedRoot {
  readonly root: PushRoot;
  readonly base: Receipt | null;
  /** packs of the remote that hold something of it */
  readonly slots: Set<Slot>;
  /** what is to be sent of it, by number */
  readonly own: NumberSet;
  objects: number;
  bytes: number;
  /** objects that are neither here nor known to be there */
  readonly missing: Digest[];
}

export class PushPlan {
  readonly roots: PlannedRoot[] = [];
  readonly #table = new DigestTable();
  readonly #bytes: number[] = [];
  readonly #meta = new NumberSet();
  readonly #lines = new NumberSet();
  readonly #like = new Map<number, { digest: Digest; base: ReadonlySet<Slot> }>();
  readonly #known: KnownObjects;
  readonly #cache: Cache;

  constructor(known: KnownObjects, cache: Cache) {
    this.#known = known;
    this.#cache = cache;
  }

  /**
   * Goes over a root's objects.
   * @param base receipt of a version that the remote has, and its packs
   */
  async add(root: PushRoot, base: Receipt | null, baseSlots: readonly Slot[]): Promise<void> {
    const whole = new Set(baseSlots);
    const planned: PlannedRoot = { root, base, slots: new Set(whole), own: new NumberSet(), objects: 0, bytes: 0, missing: [] };
    this.roots.push(planned);
    // of what the base has only some is gone over: it counts as part of this version
    planned.objects = base?.objects ?? 0;
    planned.bytes = base?.bytes ?? 0;
    try {
      for await (const object of root.objects(base?.root ?? null)) {
        const place = this.#known.find(object.digest, whole);
        if (place !== null) {
          planned.slots.add(place.slot);
          if (base !== null) continue;
        } else {
          const number = await this.#take(object, whole);
          if (number === null) planned.missing.push(object.digest);
          else if (planned.own.has(number)) continue;
          else planned.own.add(number);
        }
        planned.objects += 1;
        planned.bytes += object.bytes;
      }
    } catch (error) {
      // a manifest, or a node of it, is gone: nobody knows what else is
      if (!isPlumbError(error, 'BYTES_MISSING')) throw error;
      planned.missing.push(...((error.details?.['missing'] ?? [root.digest]) as readonly Digest[]));
    }
  }

  /** Roots that can be sent whole. */
  get whole(): readonly PlannedRoot[] {
    return this.roots.filter(({ missing }) => missing.length === 0);
  }

  /** What is to be sent, for roots that can be sent whole. */
  get total(): { readonly objects: number; readonly bytes: number } {
    const total = { objects: 0, bytes: 0 };
    for (const number of this.#wanted()) {
      total.objects += 1;
      total.bytes += this.#bytes[number] ?? 0;
    }
    return total;
  }

  *objects(): Generator<PlannedObject & { readonly number: number }> {
    for (const number of this.#wanted()) {
      yield {
        number,
        digest: this.#table.digestAt(number),
        bytes: this.#bytes[number] ?? 0,
        role: this.#meta.has(number) ? 'meta' : 'data',
        isLines: this.#lines.has(number),
        like: this.#like.get(number) ?? null,
      };
    }
  }

  *#wanted(): Generator<number> {
    const roots = this.whole;
    for (let number = 0; number < this.#table.size; number += 1) if (roots.some(({ own }) => own.has(number))) yield number;
  }

  /** @returns the object's number; null: it is not here */
  async #take(object: ObjectRef, base: ReadonlySet<Slot>): Promise<number | null> {
    const known = this.#table.find(object.digest);
    if (known !== -1) return known;
    if (!this.#cache.seen(object.digest) && !(await this.#cache.has(object.digest))) return null;
    const number = this.#table.add(object.digest);
    this.#bytes[number] = object.bytes;
    if (object.role === 'meta') this.#meta.add(number);
    if (object.lines !== true) return number;
    this.#lines.add(number);
    if (object.like !== undefined && object.like !== object.digest) this.#like.set(number, { digest: object.like, base });
    return number;
  }
}
