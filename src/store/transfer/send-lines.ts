// A new version of a text of lines, sent as runs of lines of the version before, and what is new. It is done only where that is much less than the
// chunks that the remote lacks: for rows that were edited all over the file, or sorted otherwise.
import { randomBytes } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../base/digest.ts';
import type { Cache } from '../cache/cache.ts';
import { chunkSizes } from '../chunk/policy.ts';
import { decodeFrame } from '../pack/frame.ts';
import { buildLines, type BuiltLines } from '../pack/lines.ts';
import { forms } from '../pack/pack.ts';
import type { Catalog, OpenPack } from './catalog.ts';
import type { Digest } from '../../base/digest.ts';
import { readFrames, type Line } from './frames.ts';
import type { KnownObjects, KnownPlace, Slot } from './known.ts';
import type { CutFile } from './cut-file.ts';
import type { Packing } from './packing.ts';
import type { PlannedObject } from './push-plan.ts';

/** Below this the chunks are sent: there is little to win. */
const leastLacking = 128 * 1024;
/** What a recipe and its new lines may cost, of the chunks that would go else. */
const mostCost = 1 / 3;
/** Versions that went, and may be a base for others that go with them. */
const mostSent = 1000;
/** A recipe up to here lies where planners read it. */
const smallRecipe = 1024 * 1024;

interface Old {
  /** null: the remote has its bytes, or chunks of them */
  readonly recipe: Buffer | null;
  /** packs that hold it and all that it is made from */
  readonly slots: ReadonlySet<Slot>;
}

export interface LinesContext {
  readonly line: Line;
  readonly cache: Cache;
  readonly catalog: Catalog;
  readonly known: KnownObjects;
  readonly packing: Packing;
  /** for new lines, as long as they are not packed */
  readonly folder: string;
}

/** Sends texts of lines. It knows those that this push has sent, so that several versions that go at once are sent as rows of each other. */
export class LinesSender {
  readonly #context: LinesContext;
  readonly #sent = new Map<Digest, Old>();

  constructor(context: LinesContext) {
    this.#context = context;
  }

  /** @returns packs that hold the object and all that it is made from */
  async add(object: PlannedObject): Promise<readonly Slot[]> {
    const { packing } = this.#context;
    const sent = await this.#tryLines(object);
    const slots = sent?.slots ?? new Set(await packing.add(object));
    // a small one is no base for another
    if (object.bytes >= leastLacking) this.#remember(object.digest, { recipe: sent?.recipe ?? null, slots });
    return sent === null ? [...slots] : packing.remember(object.digest, [...slots]);
  }

  #remember(digest: Digest, sent: Old): void {
    if (this.#sent.size >= mostSent) this.#sent.clear();
    this.#sent.set(digest, sent);
  }

  /** @returns null where chunks are better, or the version before is not to be had */
  async #tryLines(object: PlannedObject): Promise<Old | null> {
    const { cache, packing, line, folder } = this.#context;
    const { like, digest, bytes } = object;
    const sizes = chunkSizes('bytes', bytes);
    if (like === null || sizes === null) return null;
    const old = this.#sent.get(like.digest) ?? (await this.#oldOf(like.digest, like.base));
    const oldPath = old === null ? null : await cache.path(like.digest);
    if (old === null || oldPath === null) return null;
    const path = await packing.pathOf(digest);
    const lacking = await this.#lackingChunks({ path, bytes, sizes });
    if (lacking < leastLacking) return null;
    const literals = join(folder, `${process.pid}-${randomBytes(6).toString('hex')}`);
    try {
      const built = await buildLines({
        old: { path: oldPath, digest: like.digest, bytes: (await stat(oldPath)).size, recipe: old.recipe },
        fresh: { path, digest, bytes },
        literals,
        signal: line.signal,
      });
      if (built === null || built.recipe.length + (built.literals?.bytes ?? 0) > lacking * mostCost) return null;
      return await this.#pack(object, built, literals, old.slots);
    } finally {
      await rm(literals, { force: true });
    }
  }

  async #pack({ digest, bytes }: PlannedObject, built: BuiltLines, literals: string, base: ReadonlySet<Slot>): Promise<Old> {
    const { packing } = this.#context;
    const slots = new Set(base);
    if (built.literals !== null) for (const slot of await this.#packLiterals(built.literals, literals)) slots.add(slot);
    const role = built.recipe.length <= smallRecipe ? 'meta' : 'data';
    slots.add(await packing.addStored({ digest, bytes, role, form: forms.lines }, built.recipe));
    return { recipe: built.recipe, slots };
  }

  async #packLiterals({ digest, bytes }: { readonly digest: Digest; readonly bytes: number }, path: string): Promise<readonly Slot[]> {
    const { packing } = this.#context;
    const sizes = chunkSizes('bytes', bytes);
    if (sizes !== null) return packing.addFile(digest, { path, bytes, sizes });
    const slot = await packing.addStored({ digest, bytes, role: 'data', form: forms.bytes }, await readFile(path));
    return [slot];
  }

  /** The version before, where the remote has it among the packs of the base: there, all that it needs is, too. */
  async #oldOf(like: Digest, base: ReadonlySet<Slot>): Promise<Old | null> {
    const place = this.#context.known.find(like, base);
    if (place === null || !base.has(place.slot)) return null;
    const { form } = place.index.locationAt(place.entry);
    return { recipe: form === forms.lines ? await this.#readStored(place) : null, slots: base };
  }

  async #readStored({ ref, index, entry }: KnownPlace): Promise<Buffer> {
    const { line, catalog } = this.#context;
    const { frame, offset, length } = index.locationAt(entry);
    const place = index.frameAt(frame);
    const held = (catalog.packs[await catalog.open(line, ref, { tail: false })] as OpenPack).held;
    if (held !== null && place.offset >= held.start) {
      const start = place.offset - held.start;
      return copyOf(decodeFrame(held.bytes.subarray(start, start + place.stored), place), offset, length);
    }
    let recipe: Buffer = Buffer.alloc(0);
    await readFrames(line, { ref, index }, { start: place.offset, end: place.offset + place.stored, frames: [frame] }, async (_, stored) => {
      recipe = copyOf(decodeFrame(stored, place), offset, length);
      return true;
    });
    return recipe;
  }

  async #lackingChunks(file: CutFile): Promise<number> {
    const { packing, line } = this.#context;
    let lacking = 0;
    await packing.cutter.cut(file, line.signal, (chunk) => {
      if (packing.slotOfChunk(digestOf(chunk)) === null) lacking += chunk.length;
    });
    return lacking;
  }
}

function copyOf(raw: Buffer, offset: number, length: number): Buffer {
  return Buffer.from(raw.subarray(offset, offset + length));
}
