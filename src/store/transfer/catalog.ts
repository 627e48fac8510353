// Where in the remote objects are, as far as this process has learnt: the receipts that were opened, and the indexes of their packs.
import { open } from 'node:fs/promises';
import type { Digest } from '../../base/digest.ts';
import { isPlumbError, PlumbError } from '../../base/errors.ts';
import { packInvalid } from '../pack/frame.ts';
import { footerBytes, parseFooter, parsePackIndex } from '../pack/index-file.ts';
import { IndexShelf, type ShelvedIndex } from '../pack/index-shelf.ts';
import { forms, type PackIndex } from '../pack/pack.ts';
import type { Receipt } from '../pack/receipt.ts';
import type { PackRef } from '../remote.ts';
import type { DigestTable } from './digest-table.ts';
import { Numbers } from './digest-table.ts';
import { readRange, ShortAnswer, type Line } from './frames.ts';
import type { RemoteNotes } from './notes.ts';
import { smallGap } from './ranges.ts';
import { readVersionReceipt } from './receipts.ts';

/** Memory for tails, and for small packs as a whole, that may be wanted again. */
const mostKept = 8 * 1024 * 1024;
/** What a tail may have: meta objects of a whole pack of ours, and the index of a million objects. */
const mostTail = 192 * 1024 * 1024;
const tries = 3;
/** A tail up to here is read in one request, even where only the index behind it is wanted. */
const smallTail = 8 * 1024 * 1024;

interface HeldBytes {
  readonly start: number;
  readonly bytes: Buffer;
}

export class OpenPack {
  readonly ref: PackRef;
  readonly shelved: ShelvedIndex;
  /** the pack's bytes from `start` to its end, where they are still in memory */
  held: HeldBytes | null;
  isKept = false;

  constructor(ref: PackRef, shelved: ShelvedIndex, held: HeldBytes | null) {
    this.ref = ref;
    this.shelved = shelved;
    this.held = held;
  }

  /** To be used at once and not to be kept. @throws PlumbError FILE_MISSING when what this machine keeps about the remote was taken away meanwhile */
  get index(): PackIndex {
    return this.shelved.take();
  }
}

/** A place of an object: number of the pack, entry of its index. */
export interface Place {
  readonly pack: number;
  readonly entry: number;
}

export class Catalog {
  readonly packs: OpenPack[] = [];
  readonly #notes: RemoteNotes;
  readonly #shelf = new IndexShelf();
  readonly #numbers = new Map<Digest, Promise<number>>();
  readonly #receipts = new Map<Digest, Promise<Receipt | null>>();
  #kept = 0;

  constructor(notes: RemoteNotes) {
    this.#notes = notes;
  }

  /** The receipt of a root, asked for once; null where the remote has none. What failed is asked again. */
  receipt(line: Line, root: Digest): Promise<Receipt | null> {
    const ask = (): Promise<Receipt | null> => line.lanes.run(() => readVersionReceipt(line.remote, root, { signal: line.signal }));
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
      const kept = this.#keptIndex(ref);
      const opened = kept === null ? await this.#read(line, ref, how) : new OpenPack(ref, this.#shelve(ref, kept, true), null);
      return this.packs.push(opened) - 1;
    });
    const known = this.packs[number]?.ref;
    // what was opened was looked at: then it is this one that a receipt tells wrongly
    if (known?.bytes !== ref.bytes || known.tail !== ref.tail)
      throw packInvalid(`a receipt tells another size of the pack ${ref.digest} than it has`);
    return number;
  }

  /** The index of a pack that was built here: it is kept, as those that were read are. */
  async shelveBuilt(ref: PackRef, path: string): Promise<ShelvedIndex> {
    const end = await readIndexBytes(path, ref.bytes);
    return this.#shelve(ref, parsePackIndex(end, ref.bytes), await this.#notes.keepIndex(ref.digest, end));
  }

  /** @param isKept this machine keeps it */
  #shelve(ref: PackRef, index: PackIndex, isKept: boolean): ShelvedIndex {
    return this.#shelf.add(index, isKept ? () => this.#keptIndex(ref) ?? raise(ref) : null);
  }

  #keptIndex(ref: PackRef): PackIndex | null {
    const kept = this.#notes.readIndex(ref.digest);
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
      const isKept = await this.#notes.keepIndex(ref.digest, bytes.subarray(parseFooter(bytes, ref.bytes).index - start));
      return new OpenPack(ref, this.#shelve(ref, index, isKept), { start, bytes });
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

function raise({ digest }: PackRef): never {
  throw new PlumbError('FILE_MISSING', {
    what: `what this machine had kept about the pack ${digest} was taken away while it was needed`,
    mend: 'run the command again: it asks the remote again',
    details: { pack: digest },
  });
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
  readonly table: DigestTable;
  readonly #catalog: Catalog;
  /** how many digests were looked for, in how many packs */
  #located = 0;
  #packs = 0;
  /** number of the pack + 1, 0: not found */
  readonly #pack = new Numbers();
  readonly #entry = new Numbers();

  constructor(table: DigestTable, catalog: Catalog) {
    this.table = table;
    this.#catalog = catalog;
  }

  get(id: number): Place | null {
    const pack = this.#pack.get(id);
    return pack === 0 ? null : { pack: pack - 1, entry: this.#entry.get(id) };
  }

  /**
   * Looks for what was not looked for yet: new digests, and all of them in new packs. An object that stands in several packs is taken from the first
   * where it stands as bytes or chunks: rows of others need those others, too. A pack that tells another size of an object than the version that
   * names it does not have it: a recipe of a few bytes can make terabytes that are found to be wrong at their end.
   */
  locate(): void {
    const { packs } = this.#catalog;
    for (const [number, pack] of packs.entries()) {
      const from = number < this.#packs ? this.#located : 0;
      const fresh = this.table.size - from;
      // whatever is the shorter way round
      if (pack.shelved.objects < fresh) this.#walk(number, pack.index, from);
      else this.#search(number, pack, from);
    }
    this.#located = this.table.size;
    this.#packs = packs.length;
  }

  /** Digests that were found nowhere. */
  get lacking(): Digest[] {
    const lacking: Digest[] = [];
    for (let id = 0; id < this.table.size; id += 1) if (this.#pack.get(id) === 0) lacking.push(this.table.digestAt(id));
    return lacking;
  }

  #search(number: number, { shelved }: OpenPack, from: number): void {
    for (let id = from; id < this.table.size; id += 1) {
      if (!shelved.mayHave(this.table.prefixAt(id))) continue;
      const entry = shelved.take().find(this.table.digestAt(id));
      if (entry !== -1) this.#note(id, number, entry);
    }
  }

  #walk(number: number, index: PackIndex, from: number): void {
    for (let entry = 0; entry < index.objects; entry += 1) {
      const id = this.table.findBytes(index.digests, entry * 32);
      if (id >= from) this.#note(id, number, entry);
    }
  }

  #note(id: number, pack: number, entry: number): void {
    const expected = this.table.expected(id);
    if (expected !== null && this.#catalog.packs[pack]?.index.locationAt(entry).bytes !== expected) return;
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

/** The end of a pack file, from its index on. */
async function readIndexBytes(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const footer = Buffer.alloc(footerBytes);
    await file.read(footer, 0, footerBytes, bytes - footerBytes);
    const start = parseFooter(footer, bytes).index;
    const end = Buffer.allocUnsafeSlow(bytes - start);
    await file.read(end, 0, end.length, start);
    return end;
  } finally {
    await file.close();
  }
}
