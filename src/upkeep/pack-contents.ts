// What versions need of the packs of a remote: their objects, and the chunks and sources that these are made from there.
import { hexOf, type Digest } from '../base/digest.ts';
import { isPlumbError, type ErrorCode } from '../base/errors.ts';
import { decodeFrame } from '../store/pack/frame.ts';
import { forms, type Form, type Role } from '../store/pack/pack.ts';
import type { Receipt } from '../store/pack/receipt.ts';
import { decodeChunks, sourcesOfLines } from '../store/pack/recipe.ts';
import { eachInParallel } from '../store/parallel.ts';
import type { PackRef } from '../store/remote.ts';
import type { Store, TransferOptions } from '../store/store.ts';
import { Catalog, type OpenPack } from '../store/transfer/catalog.ts';
import type { DigestTable } from '../store/transfer/digest-table.ts';
import { readFrames, type Line } from '../store/transfer/frames.ts';
import { planRanges } from '../store/transfer/ranges.ts';
import { RemoteStore } from '../store/transfer/remote-store.ts';
import { Marks } from './mark.ts';

const width = 8;

/** An object as a pack stores it. */
export interface StoredEntry {
  readonly entry: number;
  readonly digest: Digest;
  readonly bytes: number;
  readonly role: Role;
  readonly form: Form;
  /** good until the next one is asked for */
  readonly stored: Buffer;
}

/** Packs of a remote, opened: their indexes are in memory, what is in them is read as it is asked for. */
export class PackContents {
  readonly remote: RemoteStore;
  readonly line: Line;
  readonly #catalog: Catalog;
  readonly #packs = new Map<string, OpenPack>();

  constructor(store: Store, remote: NonNullable<Store['remote']>, options: Pick<TransferOptions, 'signal' | 'limit'>) {
    this.remote = new RemoteStore(remote, store.cache);
    this.line = this.remote.line(options);
    this.#catalog = new Catalog(this.remote.notes);
  }

  /** @throws PlumbError BYTES_MISSING, PACK_INVALID, REMOTE_FAILED */
  async open(refs: Iterable<PackRef>): Promise<void> {
    await eachInParallel(refs, { width, signal: this.line.signal }, async (ref) => {
      const number = await this.#catalog.open(this.line, ref, { tail: false });
      this.#packs.set(hexOf(ref.digest), this.#catalog.packs[number] as OpenPack);
    });
  }

  pack(hex: string): OpenPack {
    const found = this.#packs.get(hex);
    if (found === undefined) throw new Error(`the pack ${hex} was not opened`);
    return found;
  }

  /** Entries of a pack, in the order of the file. @throws PlumbError PACK_INVALID, REMOTE_FAILED, BYTES_MISSING */
  async read(hex: string, entries: readonly number[], use: (entry: StoredEntry) => Promise<void> | void): Promise<void> {
    const pack = this.pack(hex);
    const { index } = pack;
    const wanted = new Set(entries);
    const frames = [...new Set(entries.map((entry) => index.locationAt(entry).frame))];
    const useFrame = async (frame: number, raw: Buffer): Promise<void> => {
      const role = index.frameAt(frame).offset >= index.tail ? 'meta' : 'data';
      for (const entry of index.entriesOf(frame)) {
        if (!wanted.has(entry)) continue;
        const { offset, length, form, bytes } = index.locationAt(entry);
        await use({ entry, digest: index.digestAt(entry), bytes, role, form, stored: raw.subarray(offset, offset + length) });
      }
    };
    // a frame of nothing (an empty file's) is not there to be read
    for (const frame of frames.filter((number) => index.frameAt(number).stored === 0)) await useFrame(frame, Buffer.alloc(0));
    const real = frames.filter((frame) => index.frameAt(frame).stored > 0);
    for (const range of planRanges(real, (frame) => index.frameAt(frame), { bytes: pack.ref.bytes })) {
      await readFrames(this.line, pack, range, async (frame, stored, isLastTry) => {
        let raw: Buffer;
        try {
          raw = Buffer.from(decodeFrame(stored, index.frameAt(frame)));
        } catch (error) {
          if (isLastTry || !isPlumbError(error, 'PACK_INVALID')) throw error;
          return false;
        }
        await useFrame(frame, raw);
        return true;
      });
    }
  }

  /** Adds what objects of a table are made from in these packs, and what that is made from. @throws as read */
  async addParts(needed: DigestTable, hexes: readonly string[]): Promise<void> {
    const read = new Set<string>();
    for (let found = true; found;) {
      found = false;
      for (const hex of hexes) {
        const { index } = this.pack(hex);
        const recipes: number[] = [];
        for (let entry = 0; entry < index.objects; entry += 1) {
          if (index.locationAt(entry).form === forms.bytes || read.has(`${hex} ${entry}`) || needed.find(index.digestAt(entry)) === -1) continue;
          read.add(`${hex} ${entry}`);
          recipes.push(entry);
        }
        await this.read(hex, recipes, ({ form, bytes, stored }) => {
          found = true;
          for (const { digest } of form === forms.chunks ? decodeChunks(stored, bytes) : sourcesOfLines(stored)) needed.add(digest);
        });
      }
    }
  }
}

/** What a version that cannot be walked meets. */
const gaps: ReadonlySet<ErrorCode> = new Set(['BYTES_MISSING', 'DIGEST_MISMATCH', 'MANIFEST_INVALID', 'PACK_INVALID', 'RECEIPT_INVALID']);

function unlessGap(error: unknown): void {
  if (!isPlumbError(error) || !gaps.has(error.code)) throw error;
}

/**
 * The objects of versions, chunks and sources not among them. Their manifests and nodes come into the cache.
 * @returns unknown: roots of which not all could be walked
 */
export async function objectsOfReceipts(
  store: Store,
  receipts: readonly Receipt[],
  options: TransferOptions,
): Promise<{ readonly needed: DigestTable; readonly unknown: ReadonlySet<Digest> }> {
  const marks = new Marks(store, options.signal);
  const unknown = new Set<Digest>();
  const roots = receipts.map(({ root }) => root);
  await store.openRoots(roots, options).catch(unlessGap);
  for (const { root } of receipts) {
    try {
      if ((await marks.add(root)) === 'absent') unknown.add(root);
    } catch (error) {
      unlessGap(error);
      unknown.add(root);
    }
  }
  return { needed: marks.objects, unknown };
}
