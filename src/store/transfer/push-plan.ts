// What a push has to send: the objects of its roots that the remote does not have. Each root is gone over before the first is sent, so that nothing is
// sent for one that cannot be sent whole, and so that progress can say what is left. What is to be sent is remembered where it is little, and gone over
// once more where it is much: memory stays the same whatever the size.
import type { Digest } from '../../base/digest.ts';
import { isPlumbError } from '../../base/errors.ts';
import type { Cache } from '../cache/cache.ts';
import type { Role } from '../pack/pack.ts';
import type { Receipt } from '../pack/receipt.ts';
import type { ObjectRef, PushRoot } from '../store.ts';
import { DigestTable } from './digest-table.ts';
import type { KnownObjects, Slot } from './known.ts';

/** So many objects are remembered, of all roots together. */
const mostRemembered = 131_072;

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
  /** packs of the base: they are named in any case */
  readonly whole: ReadonlySet<Slot>;
  /** packs that hold something of it */
  readonly slots: Set<Slot>;
  objects: number;
  bytes: number;
  /** what is to be sent of it; what other roots have, too, is in each */
  readonly toSend: { objects: number; bytes: number };
  /** objects that are neither here nor known to be there */
  readonly missing: Digest[];
  /** what is to be sent; null: too much to be remembered */
  list: ObjectRef[] | null;
}

export class PushPlan {
  readonly roots: PlannedRoot[] = [];
  readonly #known: KnownObjects;
  readonly #cache: Cache;
  #remembered = 0;

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
    // of what the base has only some is gone over: it counts as part of this version
    const counted = { objects: base?.objects ?? 0, bytes: base?.bytes ?? 0 };
    const planned: PlannedRoot = {
      root,
      base,
      whole,
      slots: new Set(whole),
      ...counted,
      toSend: { objects: 0, bytes: 0 },
      missing: [],
      list: [],
    };
    this.roots.push(planned);
    // what stands in several places counts once, unless these are far apart
    let met = new DigestTable();
    try {
      for await (const object of root.objects(base?.root ?? null)) {
        const place = this.#known.find(object.digest, whole);
        if (place !== null) {
          planned.slots.add(place.slot);
          if (base !== null) continue;
        } else {
          const count = met.size;
          if (met.add(object.digest) < count) continue;
          if (met.size === mostRemembered) met = new DigestTable();
          if (!(await this.#take(planned, object))) planned.missing.push(object.digest);
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
    const sum = (of: (planned: PlannedRoot) => number): number => this.whole.reduce((total, planned) => total + of(planned), 0);
    return { objects: sum(({ toSend }) => toSend.objects), bytes: sum(({ toSend }) => toSend.bytes) };
  }

  /** What is to be sent of a root; some of it may be there already, or be on its way. */
  async *objects({ root, base, whole, list }: PlannedRoot): AsyncGenerator<PlannedObject> {
    for await (const { digest, bytes, role, lines = false, like } of list ?? root.objects(base?.root ?? null)) {
      const isLike = lines && like !== undefined && like !== digest;
      yield { digest, bytes, role, isLines: lines, like: isLike ? { digest: like, base: whole } : null };
    }
  }

  /** @returns false: it is not here */
  async #take(planned: PlannedRoot, object: ObjectRef): Promise<boolean> {
    if (!this.#cache.seen(object.digest) && !(await this.#cache.has(object.digest))) return false;
    planned.toSend.objects += 1;
    planned.toSend.bytes += object.bytes;
    if (planned.list === null) return true;
    if (this.#remembered < mostRemembered) {
      planned.list.push(object);
      this.#remembered += 1;
    } else {
      this.#remembered -= planned.list.length;
      planned.list = null;
    }
    return true;
  }
}
