// Where in the remote objects are, as far as this process has learnt: the receipts that were opened, and the indexes of their packs.
import type { Digest } from '../../base/digest.ts';
import { isPlumbError, PlumbError } from '../../base/errors.ts';
import { packInvalid } from '../pack/frame.ts';
import { footerBytes, parseFooter, parsePackIndex } from '../pack/index-file.ts';
import { forms, type PackIndex } from '../pack/pack.ts';
import type { Receipt } from '../pack/receipt.ts';
import type { PackRef } from '../remote.ts';
import type { DigestTable } from './digest-table.ts';
import { Numbers } from './digest-table.ts';
import { readRange, ShortAnswer, type Line } from './frames.ts';
import type { RemoteNotes } from './notes.ts';
import { smallGap } from './ranges.ts';
import { readReceipt } from './receipts.ts';

/** Memory for tails, and for small packs as a whole, that may be wanted again. */
const mostKept = 16 * 1024 * 1024;
/** What a tail may have: meta objects of a whole pack of ours, and the index of a million objects. */
const mostTail = 192 * 1024 * 1024;
const tries = 3;
/** A tail up to here is read in one request, even where only the index behind it is wanted. */
const smallTail = 8 * 1024 * 1024;

export interface OpenPack {
  readonly ref: PackRef;
  readonly index: PackIndex;
  /** the pack's bytes from `start` to its end, where they are still in memory */
  held: { readonly start: number; readonly bytes: Buffer } | null;
  isKept: boolean;
}

/** A place of an object: number of the pack, entry of its index. */
export interface Place {
  readonly pack: number;
  readonly entry: number;
}

export class Catalog {
  readonly packs: OpenPack[] = [];
  readonly #notes: RemoteNotes;
  readonly #numbers = new Map<Digest, Promise<number>>();
  readonly #receipts = new Map<Digest, Promise<Receipt | null>>();
  #kept = 0;

  constructor(notes: RemoteNotes) {
    this.#notes = notes;
  }

  /** The receipt of a root, asked for once; null where the remote has none. What failed is asked again. */
  receipt(line: Line, root: Digest): Promise<Receipt | null> {
    const ask = (): Promise<Receipt | null> => line.lanes.run(() => readReceipt(line.remote, root, { signal: line.signal }));
    return once(this.#receipts, root, () =>
      ask().catch((error: unknown) => (isPlumbError(error, 'RECEIPT_INVALID') ? ask() : Promise.reject(error))),
    );
  }

  /** Forgets that the remote had no receipt of a root, or which. */
  forgetReceipt(root: Digest): void {
    this.#receipts.delete(root);
  }

  /**
   * Opens a pack: its index is then in memory.
   * @param how tail: whoever opens it will read meta objects too, so that one request shall bring all
   * @returns its number. @throws PlumbError BYTES_MISSING, REMOTE_FAILED, PACK_INVALID
   */
  async open(line: Line, ref: PackRef, how: { readonly tail: boolean }): Promise<number> {
    const number = await once(this.#numbers, ref.digest, async () => {
      const kept = await this.#keptIndex(ref);
      const opened = kept === null ? await this.#read(line, ref, how) : { ref, index: kept, held: null, isKept: false };
      return this.packs.push(opened) - 1;
    });
    const known = this.packs[number]?.ref;
    // what was opened was looked at: then it is this one that a receipt tells wrongly
    if (known?.bytes !== ref.bytes || known.tail !== ref.tail)
      throw packInvalid(`a receipt tells another size of the pack ${ref.digest} than it has`);
    return number;
  }

  async #keptIndex(ref: PackRef): Promise<PackIndex | null> {
    const kept = await this.#notes.readIndex(ref.digest);
    if (kept === null) return null;
    try {
      return checkedIndex(kept, ref);
    } catch (error) {
      // it was kept from a receipt that told another size: the pack itself decides
      if (isPlumbError(error, 'PACK_INVALID')) return null;
      throw error;
    }
  }

  /** Bytes that came wrong may come right the next time: an index has no digest of its own. */
  async #read(line: Line, ref: PackRef, how: { readonly tail: boolean }): Promise<OpenPack> {
    for (let left = tries - 1; ; left -= 1) {
      try {
        return await this.#readOnce(line, ref, how);
      } catch (error) {
        const mayPass = isPlumbError(error, 'PACK_INVALID') || (isPlumbError(error, 'REMOTE_FAILED') && !line.lanes.isHopeless);
        if (left === 0 || !mayPass) throw badPack(error, ref, line.remote.url);
      }
    }
  }

  async #readOnce(line: Line, ref: PackRef, how: { readonly tail: boolean }): Promise<OpenPack> {
    // a small pack is read whole: its objects then come with its index
    const start = ref.bytes <= smallGap ? 0 : how.tail || ref.bytes - ref.tail <= smallTail ? ref.tail : await this.#indexStart(line, ref);
    if (ref.bytes - start > mostTail) throw packInvalid(`the tail of a pack has ${ref.bytes - start} bytes, more than may be`);
    const release = await line.budget.take(ref.bytes - start);
    try {
      const bytes = await line.lanes.run(() => readRange(line, ref.digest, { start, end: ref.bytes }));
      const index = checkedIndex(bytes, ref);
      await this.#notes.keepIndex(ref.digest, bytes.subarray(parseFooter(bytes, ref.bytes).index - start));
      return { ref, index, held: { start, bytes }, isKept: false };
    } finally {
      release();
    }
  }

  async #indexStart(line: Line, ref: PackRef): Promise<number> {
    const footer = await line.lanes.run(() => readRange(line, ref.digest, { start: ref.bytes - footerBytes, end: ref.bytes }));
    return parseFooter(footer, ref.bytes).index;
  }

  /** Lets go of what is held of a pack, unless it is little: its recipes, or all of it, may be wanted next. */
  release(number: number): void {
    const pack = this.packs[number];
    if (pack === undefined || pack.held === null || pack.isKept) return;
    pack.isKept = this.#kept + pack.held.bytes.length <= mostKept;
    if (pack.isKept) this.#kept += pack.held.bytes.length;
    else pack.held = null;
  }
}

/** Which pack it is; and one that ends too early, each time, is none: a push does without it. */
function badPack(error: unknown, { digest }: PackRef, remote: string): unknown {
  if (!isPlumbError(error, 'PACK_INVALID') && !(error instanceof ShortAnswer)) return error;
  return new PlumbError('PACK_INVALID', {
    what: `the pack ${digest} of the remote ${remote} is not what it should be: ${error.message}`,
    mend: 'run `plumb fsck --remote --repair` on a machine that has what it held',
    details: { pack: digest, remote },
    cause: error,
  });
}

/** The index of a pack, of which a receipt says the truth. @throws PlumbError PACK_INVALID */
function checkedIndex(end: Uint8Array, ref: PackRef): PackIndex {
  const index = parsePackIndex(end, ref.bytes);
  // a push hands on what a receipt says to the next one
  if (index.tail !== ref.tail) throw packInvalid(`the tail of a pack begins at ${index.tail}, a receipt says ${ref.tail}`);
  return index;
}

/** Does it once for a key; all who ask meanwhile wait for that one. A failure is not kept. */
function once<K, V>(made: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const known = made.get(key);
  if (known !== undefined) return known;
  const making = make();
  made.set(key, making);
  making.catch(() => made.delete(key));
  return making;
}

/** Where the digests of a table are: looked for among the open packs. */
export class Places {
  readonly #table: DigestTable;
  readonly #catalog: Catalog;
  /** number of the pack + 1, 0: not found */
  readonly #pack = new Numbers();
  readonly #entry = new Numbers();

  constructor(table: DigestTable, catalog: Catalog) {
    this.#table = table;
    this.#catalog = catalog;
  }

  get(id: number): Place | null {
    const pack = this.#pack.get(id);
    return pack === 0 ? null : { pack: pack - 1, entry: this.#entry.get(id) };
  }

  /**
   * Looks for the digests from a number on. An object that stands in several packs is taken from the first where it stands as bytes or chunks:
   * rows of others need those others, too.
   */
  locate(from: number): void {
    const { packs } = this.#catalog;
    const objects = packs.reduce((sum, pack) => sum + pack.index.objects, 0);
    const fresh = this.#table.size - from;
    // few digests are looked up in every index; many cost less by walking over all indexes once
    if (fresh * packs.length * 4 < objects) for (let id = from; id < this.#table.size; id += 1) this.#search(id);
    else for (const [number, { index }] of packs.entries()) this.#walk(number, index, from);
  }

  #search(id: number): void {
    const digest = this.#table.digestAt(id);
    for (const [number, { index }] of this.#catalog.packs.entries()) {
      const entry = index.find(digest);
      if (entry !== -1) this.#note(id, number, entry);
    }
  }

  #walk(number: number, index: PackIndex, from: number): void {
    for (let entry = 0; entry < index.objects; entry += 1) {
      const id = this.#table.findBytes(index.digests, entry * 32);
      if (id >= from) this.#note(id, number, entry);
    }
  }

  #note(id: number, pack: number, entry: number): void {
    const known = this.get(id);
    if (known !== null && this.#formAt(known) !== forms.lines) return;
    if (known !== null && this.#formAt({ pack, entry }) === forms.lines) return;
    this.#pack.set(id, pack + 1);
    this.#entry.set(id, entry);
  }

  #formAt({ pack, entry }: Place): number {
    return this.#catalog.packs[pack]?.index.locationAt(entry).form ?? forms.bytes;
  }
}
